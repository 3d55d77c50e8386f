//! Setting up.

use std::{fs, os::unix::fs::PermissionsExt, thread};

use countersign_testkit::Engine;

use crate::stand::{Stand, command, run};

#[test]
fn it_prints_one_object_and_a_second_run_changes_nothing() {
    for engine in Engine::all() {
        let stand = Stand::new(engine);
        let made = &stand.made;
        let fields: Vec<&String> = made.as_object().expect("an object").keys().collect();
        assert_eq!(fields, ["admin", "agent_token", "organization", "sign_in_url", "user_token"], "{}", engine.name());
        assert_eq!(made["organization"]["slug"], "acme");
        assert_eq!(made["admin"]["email"], "ada@example.com");
        assert!(stand.user_token().starts_with("csnut_") && stand.agent_token().starts_with("csnat_"));
        let link = made["sign_in_url"].as_str().expect("an address");
        assert!(link.starts_with("http://localhost:8420/sign-in#csnsl_"), "{link}");
        let ring = fs::read(stand.data().join("key-ring")).expect("there");
        let mode = fs::metadata(stand.data().join("key-ring")).expect("there").permissions().mode() & 0o777;
        assert_eq!(mode, 0o600);
        assert_eq!(fs::metadata(stand.data()).expect("there").permissions().mode() & 0o777, 0o700);

        let again = stand.init();
        again.must(6, &["set up already", "nothing was changed"]);
        assert_eq!(again.out, "", "nothing on standard output");
        assert_eq!(fs::read(stand.data().join("key-ring")).expect("there"), ring);
        stand.run(&["audit", "verify"]).must(0, &["acme", "holds"]);
    }
}

#[test]
fn a_way_in_is_made_for_whoever_is_a_member() {
    for engine in Engine::all() {
        let stand = Stand::new(engine);
        let made =
            &["sign-in-link", "--user", "Ada@example.com", "--public-url", "https://c.example/", "--output", "json"];
        let said = stand.run(made);
        said.must(0, &[]);
        let answer = said.json();
        assert_eq!(answer["email"], "ada@example.com", "{}", engine.name());
        let link = answer["sign_in_url"].as_str().expect("an address");
        assert!(link.starts_with("https://c.example/sign-in#csnsl_"), "{link}");
        assert!(link.contains(answer["id"].as_str().expect("a public id")));
        let again = stand.run(made).json();
        assert_ne!(again["sign_in_url"], answer["sign_in_url"], "each has a value of its own");
        stand.run(&["sign-in-link", "--user", "nobody@example.com"]).must(5, &["No member with this address found"]);
        stand.run(&["sign-in-link", "--user", "ada"]).must(2, &["--user"]);
    }
}

#[test]
fn of_two_at_once_one_wins() {
    for engine in Engine::all() {
        let stand = Stand::bare(engine);
        let said: Vec<_> = thread::scope(|scope| {
            let both: Vec<_> = (0..4).map(|_| scope.spawn(|| stand.init())).collect();
            both.into_iter().map(|one| one.join().expect("it ends")).collect()
        });
        let mut exits: Vec<i32> = said.iter().map(|one| one.exit).collect();
        exits.sort_unstable();
        assert_eq!(exits, [0, 6, 6, 6], "{}: {said:#?}", engine.name());
        // The winner's tokens are checked with the key ring that is there.
        let winner = said.iter().find(|one| one.exit == 0).expect("one won").json();
        let server = stand.server(&[]);
        let token = winner["user_token"].as_str().expect("a value");
        stand.with_token(token, &["token", "list"]).must(0, &["Default agent registration token"]);
        assert_eq!(server.stop(), 0);
    }
}

#[test]
fn one_that_was_interrupted_can_be_run_again() {
    // All that an `init` leaves that ends between its two steps.
    let stand = Stand::new(Engine::Sqlite);
    let ring = fs::read(stand.data().join("key-ring")).expect("there");
    for entry in fs::read_dir(stand.data()).expect("lists").flatten() {
        if entry.file_name() != "key-ring" {
            fs::remove_file(entry.path()).expect("removed");
        }
    }
    stand.init().must(0, &[]);
    assert_eq!(fs::read(stand.data().join("key-ring")).expect("there"), ring, "the key ring that was there is used");
    assert_eq!(stand.server(&[]).stop(), 0);
}

#[test]
fn bad_input_leaves_nothing_behind() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    let at = data.to_str().expect("UTF-8");
    for (arguments, word) in [
        (["--organization", "Not A Slug", "--admin", "ada@example.com"], "organization"),
        (["--organization", "acme", "--admin", "ada"], "admin"),
    ] {
        let mut words = vec!["init", "--data-dir", at];
        words.extend(arguments);
        run(command(&words)).must(2, &[word]);
        assert!(!data.exists(), "{word}");
    }
    run(command(&["init", "--data-dir", at, "--organization", "acme", "--admin", "a@b.c", "--token-prefix", "X"]))
        .must(2, &["token-prefix"]);
    assert!(!data.exists());
}

#[test]
fn a_folder_that_cannot_be_written_to_is_named() {
    // Nobody can make a folder there, root neither.
    let said = run(command(&["init", "--data-dir", "/sys/countersign", "--organization", "acme", "--admin", "a@b.c"]));
    said.must(8, &["/sys/countersign"]);
}

#[test]
fn a_database_that_cannot_be_reached_is_no_denial() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    let words = ["init", "--data-dir", data.to_str().expect("UTF-8"), "--organization", "acme", "--admin", "a@b.c"];
    let mut command = command(&words);
    command.env("COUNTERSIGN_DATABASE_URL", "postgres://ada:hunter2@127.0.0.1:1/none");
    let said = run(command);
    said.must(8, &["database"]);
    assert!(!format!("{said:?}").contains("hunter2"));
    assert!(!data.join("key-ring").exists());
}
