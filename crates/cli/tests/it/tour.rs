//! The tour of the README, as it is printed there.

use std::{fs, path::Path, process::Command};

use crate::stand::{PROGRAM, Said, free_port, run};

/// The tour's pieces of shell.
fn pieces() -> Vec<String> {
    let readme = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../README.md");
    let text = fs::read_to_string(readme).expect("the README is there");
    let tour =
        text.split("## Five minutes").nth(1).and_then(|rest| rest.split("\n## ").next()).expect("there is a tour");
    tour.split("```sh\n")
        .skip(1)
        .filter_map(|piece| piece.split_once("```"))
        .map(|(piece, _)| piece.to_owned())
        .collect()
}

#[test]
fn it_works_as_printed() {
    let pieces = pieces();
    assert!(pieces.len() >= 6, "only {} pieces were found", pieces.len());
    let folder = tempfile::tempdir().expect("a folder");
    let port = free_port();
    // What cannot be as printed beside other tests: the build, and the port.
    let script = pieces
        .join("\n")
        .replace("cargo build --locked --package countersign\n", "")
        .replace("export PATH=\"$PWD/target/debug:$PATH\"", &format!("export PATH=\"{}:$PATH\"", parent(PROGRAM)))
        .replace("127.0.0.1:8420", &format!("127.0.0.1:{port}"))
        .replace("countersign server --data-dir", &format!("countersign server --listen 127.0.0.1:{port} --data-dir"))
        .replace("countersign agent start", &format!("countersign agent start --endpoint http://127.0.0.1:{port}/v3"));
    assert!(script.contains(&format!("COUNTERSIGN_SERVER=http://127.0.0.1:{port}")));
    let file = folder.path().join("tour.sh");
    fs::write(&file, &script).expect("written");
    let mut shell = Command::new("/bin/bash");
    shell
        .arg(&file)
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("../.."))
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .env("TMPDIR", folder.path())
        .env("HOME", folder.path());
    let said: Said = run(shell);
    said.must(
        0,
        &[
            "Choose a version",
            "lighthouse",
            "\"tokenValue\"",
            "Default agent registration token",
            "\"revokedReason\"",
            "A reason",
            "(revoked)",
            "Build machines in Oslo",
            "holds",
            "key ring",
        ],
    );
    assert!(!said.out.contains("FAIL") && !said.out.contains("BROKEN"), "{said:#?}");
}

fn parent(path: &str) -> String {
    Path::new(path).parent().expect("a program lies in a folder").display().to_string()
}
