//! A job uploads files and a pipeline; its steps run on two agents, one after the other, and the second has what the others left. What a
//! command prints is compared with what the machine's own tools say of the same files.

use countersign_domain::Timestamp;
use countersign_testkit::harness::moment;
use serde_json::{Value, json};

use crate::stage::{Stage, text};

/// Makes files in nested folders, uploads them, and then the steps that use them. The step that comes second stands first.
const PLAN: &str = r#"
mkdir -p out/deep/er "out/with space" auto
echo top > out/top.txt
echo spaced > "out/with space/a b.txt"
echo from the plan > out/note.txt
: > out/empty.txt
head -c 300000 /dev/urandom > out/deep/er/noise.bin
for i in $(seq 10); do echo $i > out/deep/$i.num; done
echo by itself > auto/of-the-step.log
buildkite-agent artifact upload "out/**/*"
buildkite-agent artifact upload "nothing/**/*.here" && echo "nothing is no error"
echo "sha1 $(sha1sum < out/deep/er/noise.bin | cut -d' ' -f1)"
echo "sha256 $(sha256sum < out/deep/er/noise.bin | cut -d' ' -f1)"
cat > pipeline.yml <<'END'
env:
  UPLOADED_BY: "${BUILDKITE_STEP_KEY}"
steps:
  - key: second
    depends_on: first
    agents: { side: right }
    command: |
      echo "uploaded by $$UPLOADED_BY, runs on $$BUILDKITE_AGENT_NAME"
      test ! -e out && echo "nothing is here yet"
      mkdir got
      buildkite-agent artifact download "out/*" got/
      buildkite-agent artifact download auto/of-the-step.log .
      buildkite-agent artifact download made.txt got/ --step first
      echo "got [$$(cat got/out/top.txt)] [$$(cat 'got/out/with space/a b.txt')] [$$(cat auto/of-the-step.log)] [$$(cat got/made.txt)]"
      echo "newest [$$(cat got/out/note.txt)]"
      echo "empty $$(wc -c < got/out/empty.txt), numbers $$(ls got/out/deep/*.num | wc -l)"
      echo "seen sha1 $$(sha1sum < got/out/deep/er/noise.bin | cut -d' ' -f1)"
      echo "seen sha256 $$(sha256sum < got/out/deep/er/noise.bin | cut -d' ' -f1)"
      echo "told sha1 $$(buildkite-agent artifact shasum out/deep/er/noise.bin)"
      echo "told sha256 $$(buildkite-agent artifact shasum out/deep/er/noise.bin --sha256)"
      buildkite-agent artifact search "out/*.txt" --format "found %p %s\n"
      buildkite-agent artifact search "*" --step first --format "of first %p\n"
      buildkite-agent artifact search "none/*" --allow-empty-results && echo "an empty search may be"
      buildkite-agent annotate "goes away" --context going.away/soon --style warning
      buildkite-agent annotate "stays" --context staying
      buildkite-agent annotation remove --context going.away/soon
      buildkite-agent annotation remove --context never-there || echo "removing nothing answered $$?"
  - key: first
    agents: { side: left }
    command: |
      echo "runs on $$BUILDKITE_AGENT_NAME"
      echo made by the first > made.txt
      mkdir -p again/out && echo from the first > again/out/note.txt
      buildkite-agent artifact upload made.txt
      cd again && buildkite-agent artifact upload out/note.txt
END
buildkite-agent pipeline upload pipeline.yml
echo "the plan is done"
"#;

pub async fn story(stage: Stage) {
    let mut left = stage.agent_with("left", &["--tags", "queue=default,side=left"]);
    let mut right = stage.agent_with("right", &["--tags", "queue=default,side=right"]);
    let definition = json!({ "steps": [
        { "key": "plan", "command": PLAN, "agents": { "side": "left" }, "artifact_paths": "auto/**/*.log" },
    ] });
    let build = stage.build_of(&definition).await;
    let seen = stage.until(&build, "PASSED", &right).await;

    let job = |key: &str| {
        let edges = seen["jobs"]["edges"].as_array().cloned().unwrap_or_default();
        let found: Vec<Value> =
            edges.into_iter().map(|it| it["node"].clone()).filter(|it| it["stepKey"] == key).collect();
        let [found] = found.as_slice() else { panic!("one job of {key}: {seen}") };
        found.clone()
    };
    let (first, second) = (job("first"), job("second"));
    assert_eq!((&first["agent"]["name"], &second["agent"]["name"]), (&json!("left"), &json!("right")), "{seen}");
    let at = |time: &Value| text(time).parse::<Timestamp>().expect("a time");
    assert!(at(&first["finishedAt"]) <= at(&second["startedAt"]), "{seen}");

    let of_plan = stage.log(&build).await;
    for line in ["nothing is no error", "the plan is done"] {
        assert!(of_plan.lines().any(|it| it == line), "no {line:?} in:\n{of_plan}");
    }
    let of_first = stage.log_of(&text(&first["uuid"])).await;
    assert!(of_first.lines().any(|line| line == "runs on left"), "{of_first}");
    let log = stage.log_of(&text(&second["uuid"])).await;
    for line in [
        "uploaded by plan, runs on right",
        "nothing is here yet",
        "got [top] [spaced] [by itself] [made by the first]",
        "newest [from the first]",
        "empty 0, numbers 10",
        "found out/top.txt 4",
        "found out/empty.txt 0",
        "found out/with space/a b.txt 7",
        "of first made.txt",
        "of first out/note.txt",
        "an empty search may be",
        "removing nothing answered 1",
    ] {
        assert!(log.lines().any(|it| it == line), "no {line:?} in:\n{log}");
    }
    assert!(!log.lines().any(|line| line == "of first out/top.txt"), "{log}");
    // A search lists every upload of a path, also the older one.
    let notes = log.lines().filter(|line| line.starts_with("found out/note.txt ")).count();
    assert_eq!(notes, 2, "{log}");
    for sum in ["sha1", "sha256"] {
        let made = of_plan.lines().find_map(|line| line.strip_prefix(&format!("{sum} "))).expect("it was printed");
        for who in ["seen", "told"] {
            assert!(log.lines().any(|line| line == format!("{who} {sum} {made}")), "{who} {sum} {made}:\n{log}");
        }
    }
    let contexts: Vec<&Value> =
        seen["annotations"].as_array().expect("a list").iter().map(|it| &it["context"]).collect();
    assert_eq!(contexts, [&json!("staying")]);

    left.ask_to_leave();
    right.ask_to_leave();
    let began = moment::now();
    assert_eq!((left.left().await, right.left().await), (0, 0), "{}\n{}", left.log(), right.log());
    assert!(moment::since(began).as_secs() < 40, "they leave soon");
}
