//! Changing keys under a running server.

use std::time::Duration;

use countersign_testkit::Engine;
use reqwest::redirect::Policy;
use rustix::process::Signal;

use crate::stand::{Stand, block_on, pause, wait_until};

/// A little more than the age that the newest key must have before another is removed.
const SETTLED: Duration = Duration::from_secs(11);

/// Opens the link that `init` has printed, as its page does; answers the status.
fn open_link(stand: &Stand) -> u16 {
    let link = stand.made["sign_in_url"].as_str().expect("a link");
    let (_, value) = link.split_once('#').expect("its value stands behind it");
    let body = format!("link={value}&password=correct+horse+battery+staple");
    block_on(async {
        let client = reqwest::Client::builder().no_proxy().redirect(Policy::none()).tls_certs_only(std::iter::empty());
        let request = client.build().expect("a client").post(format!("{}/sign-in/link", stand.address()));
        let request = request.header("Sec-Fetch-Site", "same-origin");
        let request = request.header("Content-Type", "application/x-www-form-urlencoded").body(body);
        request.send().await.expect("the server answers").status().as_u16()
    })
}

#[test]
fn a_key_is_added_and_the_old_one_removed_without_a_restart() {
    for engine in Engine::all() {
        let stand = Stand::new(engine);
        let server = stand.server(&["--flush-interval", "200ms", "--sweep-interval", "200ms"]);
        let old = keys(&stand)[0].0.clone();
        let added = stand.run(&["key-ring", "add", "--output", "json"]).json();
        let new = added["id"].as_str().expect("an id").to_owned();
        server.says("the key ring was read again");
        // Sealed copies move by themselves: the value can still be revealed, and the digest still needs the old key.
        let id = stand.made["agent_token"]["id"].as_str().expect("an id");
        let revealed = stand.ada(&["token", "reveal", id, "--output", "json"]).json();
        assert_eq!(revealed["value"], stand.made["agent_token"]["value"]);
        stand.run(&["key-ring", "remove", &old]).must(6, &[]);
        stand.run(&["key-ring", "remove", &new]).must(6, &[]);

        // A use moves a digest: Ada's by the call above, the agent token's by an agent.
        let agent = stand.agent("one", stand.agent_token(), &["--disconnect-after-idle-timeout", "1"]);
        assert_eq!(agent.end(), 0, "{}", agent.log());
        // The link that `init` has printed is used up, and what is kept of the password is of the new key.
        assert_eq!(open_link(&stand), 303);
        wait_until("no row needs the old key", || keys(&stand).iter().any(|(key, rows)| *key == old && *rows == 0));
        pause(SETTLED);
        stand.run(&["key-ring", "remove", &old]).must(0, &[&old]);
        assert_eq!(keys(&stand).into_iter().map(|(key, _)| key).collect::<Vec<_>>(), [new]);
        pause(Duration::from_secs(3));
        stand.ada(&["token", "list"]).must(0, &[]);
        assert_eq!(server.stop(), 0);
        assert_eq!(stand.server(&[]).stop(), 0);
    }
}

#[test]
fn a_ring_that_lacks_a_key_is_not_taken_up() {
    let stand = Stand::new(Engine::Sqlite);
    let server = stand.server(&[]);
    let ring = stand.data().join("key-ring");
    let kept = std::fs::read(&ring).expect("there");
    let other = Stand::new(Engine::Sqlite);
    std::fs::copy(other.data().join("key-ring"), &ring).expect("copied");
    server.signal(Signal::HUP);
    server.says("lacks keys that rows need");
    stand.ada(&["token", "list"]).must(0, &[]);
    std::fs::write(&ring, "{}").expect("written");
    server.signal(Signal::HUP);
    server.says("cannot be used");
    stand.ada(&["token", "list"]).must(0, &[]);
    std::fs::write(&ring, kept).expect("put back");
    server.signal(Signal::HUP);
    server.says("the key ring was read again");
    assert_eq!(server.stop(), 0);
}

#[test]
fn with_the_server_down_rows_move_at_once() {
    let stand = Stand::new(Engine::Sqlite);
    let added = stand.run(&["key-ring", "add", "--output", "json"]).json();
    assert!(added["rows_moved"].as_i64().expect("a number") >= 2, "{added}");
    stand.run(&["key-ring", "remove", "AAAAAAAA"]).must(6, &["a moment ago"]);
    stand.run(&["key-ring", "remove", "short"]).must(2, &["8 letters and digits"]);
    let mode = std::os::unix::fs::PermissionsExt::mode(
        &std::fs::metadata(stand.data().join("key-ring")).expect("there").permissions(),
    );
    assert_eq!(mode & 0o777, 0o600);
}

fn keys(stand: &Stand) -> Vec<(String, i64)> {
    let list = stand.run(&["key-ring", "list", "--output", "json"]).json();
    let list = list.as_array().expect("a list").clone();
    list.iter()
        .map(|key| (key["id"].as_str().expect("an id").to_owned(), key["rows"].as_i64().expect("a number")))
        .collect()
}
