//! Starting, stopping and refusing to start.

use std::{
    fs,
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    os::unix::fs::PermissionsExt,
    time::Duration,
};

use countersign_testkit::Engine;
use serde_json::{Value, json};

use crate::stand::{Stand, http};

#[test]
fn it_answers_until_it_is_told_to_stop() {
    for engine in Engine::all() {
        let stand = Stand::new(engine);
        let server = stand.server(&[]);
        crate::stand::wait_until("the server is ready", || {
            http("GET", &format!("{}/readyz", stand.address()), "", &json!({})).0 == 200
        });
        assert_eq!(http("GET", &format!("{}/healthz", stand.address()), "", &json!({})).0, 200);
        let (status, metrics) = http("GET", &format!("{}/metrics", stand.address()), "", &json!({}));
        assert!(status == 200 && metrics.contains("countersign_database_up 1"), "{metrics}");
        // Another server on the same rows is refused, and says why; this one goes on.
        let port = crate::stand::free_port();
        let second = stand.run(&["server", "--listen", &format!("127.0.0.1:{port}")]);
        second.must(6, &[if engine == Engine::Sqlite { "in use by process" } else { "another server" }]);
        assert_eq!(http("GET", &format!("{}/healthz", stand.address()), "", &json!({})).0, 200);
        assert_eq!(server.stop(), 0, "{}", server.log());
        assert!(server.log().contains("stopped"));
        // And at once again.
        assert_eq!(stand.server(&[]).stop(), 0);
    }
}

#[test]
fn a_port_in_use_is_named_with_what_to_do() {
    let stand = Stand::new(Engine::Sqlite);
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("it has one").to_string();
    let said = stand.run(&["server", "--listen", &address]);
    said.must(8, &[&taken.local_addr().expect("it has one").port().to_string(), "in use", "--listen"]);
}

#[test]
fn without_init_it_does_not_start() {
    for engine in Engine::all() {
        let stand = Stand::bare(engine);
        stand.run(&["server"]).must(5, &["countersign init"]);
    }
}

#[test]
fn a_missing_key_is_named_and_nothing_starts() {
    for engine in Engine::all() {
        let stand = Stand::new(engine);
        let other = Stand::new(Engine::Sqlite);
        let ring = stand.data().join("key-ring");
        let kept = fs::read(&ring).expect("there");
        let key: Value = serde_json::from_slice(&kept).expect("JSON");
        let key = key["keys"][0]["id"].as_str().expect("an id").to_owned();
        fs::copy(other.data().join("key-ring"), &ring).expect("copied");
        stand.run(&["server"]).must(6, &[&key, "rows", "Put back"]);
        stand.run(&["doctor"]).must(8, &[&key, "FAIL"]);
        fs::remove_file(&ring).expect("removed");
        stand.run(&["server"]).must(5, &["key ring", "does not exist"]);
        fs::write(&ring, &kept).expect("put back");
        fs::set_permissions(&ring, fs::Permissions::from_mode(0o640)).expect("set");
        stand.run(&["server"]).must(2, &["chmod 600"]);
        fs::set_permissions(&ring, fs::Permissions::from_mode(0o600)).expect("set");
        assert_eq!(stand.server(&[]).stop(), 0);
    }
}

#[test]
fn a_configuration_file_sets_what_flags_do_not() {
    let stand = Stand::new(Engine::Sqlite);
    let file = stand.path("countersign.toml");
    let text =
        format!("[server]\nlisten = \"127.0.0.1:{}\"\ntoken_prefix = \"abc\"\n[log]\nformat = \"json\"\n", stand.port);
    fs::write(&file, text).expect("written");
    let config = file.to_str().expect("UTF-8");
    let mut command = stand.command(&["server", "--config", config]);
    let mut server = command.stderr(std::process::Stdio::piped()).spawn().expect("starts");
    crate::stand::wait_until("the server", || TcpStream::connect(("127.0.0.1", stand.port)).is_ok());
    let made = stand.ada(&["token", "create", "--description", "prefixed", "--output", "json"]).json();
    assert!(made["value"].as_str().expect("a value").starts_with("abcat_"), "{made}");
    server.kill().expect("it is our child");
    let mut log = String::new();
    server.stderr.take().expect("piped").read_to_string(&mut log).expect("text");
    server.wait().expect("it ends");
    let first: Value = serde_json::from_str(log.lines().next().expect("a line")).expect("JSON lines");
    assert_eq!(first["message"], "listening");

    fs::write(&file, "[server]\nlisten = \"127.0.0.1:1\"\nlissten = 3\n").expect("written");
    stand.run(&["server", "--config", config]).must(2, &["line 3", "lissten"]);
}

#[test]
fn a_silent_connection_is_closed_in_time() {
    let stand = Stand::new(Engine::Sqlite);
    let _server = stand.server(&[]);
    let connect = || {
        let stream = TcpStream::connect(("127.0.0.1", stand.port)).expect("connects");
        stream.set_read_timeout(Some(Duration::from_secs(30))).expect("set");
        stream
    };
    // Nothing at all; half of what could be HTTP/2; half a head.
    let mut streams = [connect(), connect(), connect()];
    streams[1].write_all(b"PRI * HT").expect("sent");
    streams[2].write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\n").expect("sent");
    for stream in &mut streams {
        let mut rest = Vec::new();
        // A read that runs into its own limit would be an error here.
        let closed = stream.read_to_end(&mut rest);
        let is_reset = closed.as_ref().is_err_and(|error| error.kind() == std::io::ErrorKind::ConnectionReset);
        assert!(closed.is_ok() || is_reset, "{closed:?}");
    }
}

#[test]
fn one_address_has_its_share_of_the_connections() {
    let stand = Stand::new(Engine::Sqlite);
    let _server = stand.server(&["--max-connections-per-address", "3"]);
    let connect = || {
        let stream = TcpStream::connect(("127.0.0.1", stand.port)).expect("connects");
        stream.set_read_timeout(Some(Duration::from_millis(500))).expect("set");
        stream
    };
    // One that is turned away is closed at once; in the others nothing comes for a while.
    let is_open = |stream: &mut TcpStream| {
        let came = stream.read(&mut [0; 1]);
        came.is_err_and(|error| matches!(error.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut))
    };
    let mut held = [connect(), connect(), connect()];
    assert!(held.iter_mut().all(is_open));
    let mut fourth = connect();
    // It ends as soon as it is closed; one that says nothing is closed after ten seconds anyhow.
    fourth.set_read_timeout(Some(Duration::from_secs(8))).expect("set");
    assert!(!is_open(&mut fourth), "a fourth");
    let [first, ..] = held;
    drop(first);
    crate::stand::wait_until("a place", || {
        let mut stream = connect();
        let sent = stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n");
        let mut came = [0; 12];
        sent.is_ok() && stream.read_exact(&mut came).is_ok() && came == *b"HTTP/1.1 200"
    });
}
