//! One's own user tokens, and the saved profile.

use std::{fs, os::unix::fs::PermissionsExt};

use countersign_testkit::Engine;

use crate::stand::{Said, Stand, command, run};

#[test]
fn a_revoked_user_token_is_refused_at_once() {
    for engine in Engine::all() {
        let stand = Stand::new(engine);
        let _server = stand.server(&[]);
        let made = stand.ada(&["user", "token", "create", "--description", "script", "--output", "json"]).json();
        let (id, value) =
            (made["token"]["publicId"].as_str().expect("an id"), made["value"].as_str().expect("a value"));
        stand.with_token(value, &["token", "list"]).must(0, &[]);
        assert_eq!(stand.ada(&["user", "token", "reveal", id]).out.trim(), value);
        let edited = stand.ada(&["user", "token", "edit", id, "--description", "nightly", "--output", "json"]).json();
        assert_eq!(edited["description"], "nightly");
        stand.ada(&["user", "token", "list"]).must(0, &["nightly", "First user token"]);
        stand.ada(&["user", "token", "revoke", id, "--reason", "done"]).must(0, &[id]);
        stand.with_token(value, &["token", "list"]).must(3, &["revoked"]);
        stand.ada(&["user", "token", "reveal", id]).must(6, &[]);
    }
}

#[test]
fn a_profile_is_saved_used_and_forgotten() {
    let stand = Stand::new(Engine::Sqlite);
    let server = stand.server(&[]);
    let home = stand.path("home");
    fs::create_dir(&home).expect("made");
    let at_home = |arguments: &[&str]| -> Said {
        let mut command = command(arguments);
        command.env("HOME", &home);
        run(command)
    };
    let token = stand.path("ada.token");
    fs::write(&token, stand.user_token()).expect("written");
    let from = format!("file://{}", token.display());
    at_home(&["login", "--server", &stand.address(), "--user-token", "csnut_wrong"]).must(3, &[]);
    at_home(&["token", "list"]).must(3, &[]);
    let said = at_home(&["login", "--server", &stand.address(), "--user-token", &from]);
    said.must(0, &["ada@example.com"]);
    assert!(!format!("{said:?}").contains(stand.user_token()), "the value is not printed");
    let profile = home.join(".config/countersign/profile.json");
    assert_eq!(fs::metadata(&profile).expect("there").permissions().mode() & 0o777, 0o600);
    at_home(&["token", "list"]).must(0, &["Default agent registration token"]);
    fs::set_permissions(&profile, fs::Permissions::from_mode(0o644)).expect("set");
    at_home(&["token", "list"]).must(2, &["chmod 600"]);
    at_home(&["logout"]).must(0, &[]);
    assert!(!profile.exists());
    at_home(&["token", "list"]).must(3, &[]);
    assert_eq!(server.stop(), 0);
}
