//! What the doctor finds.

use std::{fs, net::TcpListener, os::unix::fs::PermissionsExt};

use countersign_testkit::Engine;
use serde_json::Value;

use crate::stand::{Said, Stand};

fn status(said: &Said, check: &str) -> String {
    let findings: Value = serde_json::from_str(&said.out).expect("JSON");
    let found = findings.as_array().expect("a list").iter().find(|finding| finding["check"] == check);
    found.unwrap_or_else(|| panic!("nothing about {check}: {said:#?}"))["status"].as_str().expect("a word").to_owned()
}

#[test]
fn a_sound_instance_with_and_without_its_server() {
    for engine in Engine::all() {
        let stand = Stand::new(engine);
        let listen = format!("127.0.0.1:{}", stand.port);
        let look = || stand.run(&["doctor", "--listen", &listen, "--output", "json"]);
        let said = look();
        said.must(0, &[]);
        for check in ["database", "collation", "clock", "key ring", "keys", "port"] {
            assert_eq!(status(&said, check), "ok", "{check}: {said:#?}");
        }
        let _server = stand.server(&[]);
        let said = look();
        said.must(0, &[]);
        if engine == Engine::Sqlite {
            assert_eq!(status(&said, "port"), "ok", "its own server has it");
        }
    }
}

#[test]
fn each_fault_is_found_with_a_way_to_mend_it() {
    let stand = Stand::new(Engine::Sqlite);
    let look = |more: &[&str]| {
        let mut arguments = vec!["doctor", "--output", "json"];
        arguments.extend(more);
        stand.run(&arguments)
    };
    fs::set_permissions(stand.data(), fs::Permissions::from_mode(0o755)).expect("set");
    let said = look(&[]);
    said.must(8, &["chmod 700"]);
    assert_eq!(status(&said, "data folder"), "fail");
    fs::set_permissions(stand.data(), fs::Permissions::from_mode(0o700)).expect("set");

    let ring = stand.data().join("key-ring");
    fs::set_permissions(&ring, fs::Permissions::from_mode(0o604)).expect("set");
    let said = look(&[]);
    said.must(8, &["chmod 600"]);
    assert_eq!(status(&said, "key ring"), "fail");
    fs::set_permissions(&ring, fs::Permissions::from_mode(0o600)).expect("set");

    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let said = look(&["--listen", &taken.local_addr().expect("it has one").to_string()]);
    assert_eq!(status(&said, "port"), "warn");

    let empty = stand.path("empty");
    let said = look(&["--data-dir", empty.to_str().expect("UTF-8")]);
    said.must(8, &["countersign init"]);
    assert_eq!((status(&said, "data folder").as_str(), status(&said, "database").as_str()), ("fail", "fail"));
    assert!(!empty.exists(), "looking makes nothing");
}
