//! Artifacts from end to end: the real server, the native agent, the commands that a job calls.

use countersign_testkit::Engine;

use crate::stand::Stand;

/// Uploads both ways, looks for what it left, and fetches it back.
const MAKE: &str = r#"
set -e
mkdir -p pkg left
printf hello > pkg/a.txt
head -c 9000000 /dev/urandom > pkg/big.bin
echo behind > left/file.txt
countersign artifact upload 'pkg/*.txt;pkg/*.bin'
countersign artifact upload --no-multipart-artifact-upload pkg/a.txt
countersign artifact upload 'nothing/**' 2>&1
countersign artifact search '*' --format 'found %p %s\n' | sort
countersign artifact search nowhere && exit 3
countersign artifact search nowhere --allow-empty-results
echo sha1 $(countersign artifact shasum pkg/a.txt)
echo sha256 $(countersign artifact shasum --sha256 pkg/a.txt)
countersign artifact shasum 'pkg/*' && exit 4
countersign artifact download 'pkg/*' out/
cmp pkg/big.bin out/pkg/big.bin && echo same
ln -s /tmp out2 && mkdir real && ln -s /tmp real/pkg
countersign artifact download pkg/a.txt real/ && exit 5
countersign artifact upload ../../../../../etc/hostname 2>&1 && echo outside
test -z "$(ls -A out/pkg | grep part)" && echo no parts
"#;

#[test]
fn a_job_leaves_files_and_another_fetches_them() {
    for engine in Engine::all() {
        let stand = Stand::new(engine);
        let _server = stand.server(&["--public-url", &stand.address()]);
        let agent = stand.agent("one", stand.agent_token(), &[]);
        agent.says("Connected");
        let indented = MAKE.replace('\n', "\n      ");
        let text = format!(
            "steps:\n  - key: make\n    artifact_paths: 'left/*.txt'\n    command: |\n      {indented}\n  \
             - command: countersign artifact download --step make left/file.txt got.txt && cat got.txt\n"
        );
        let pipeline = stand.pipeline("artifacts.yml", &text);
        let said = stand.ada(&["build", "create", "--pipeline", &pipeline, "--wait"]);
        said.must(0, &["found pkg/a.txt 5", "found pkg/big.bin 9000000", "same", "no parts", "Uploaded 1 artifact"]);
        said.must(0, &["No files matched the paths: nothing/**", "no artifact matches", "finds 2 artifacts", "behind"]);
        said.must(0, &["sha1 aaf4c61ddcc5e8a2dabede0f3b482cd9aea9434d"]);
        said.must(0, &["sha256 2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"]);
        assert_eq!(
            said.out.matches("found pkg/a.txt").count(),
            2,
            "a search lists every artifact of a path: {said:#?}"
        );

        let failing = "steps:\n  - artifact_paths: 'a*b'\n    command: touch 'a\\b'\n";
        let pipeline = stand.pipeline("failing.yml", failing);
        let said = stand.ada(&["build", "create", "--pipeline", &pipeline, "--wait"]);
        said.must(10, &["could not be uploaded", "backslash"]);
    }
}
