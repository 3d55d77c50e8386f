//! Every kind of token, more than a thousand values, through everything that the program offers, with the log at its finest; then
//! a search for them, in every encoding, wherever anything is kept or said. On each engine.

#![expect(clippy::expect_used, reason = "a test that cannot go on must say where")]

mod abuse;
mod agents;
mod commands;
mod front;
mod hunt;
mod native;
mod places;
mod tokens;

use countersign_testkit::harness::api;
use countersign_testkit::harness::figures::tell;
use countersign_testkit::harness::http::Connection;
use countersign_testkit::harness::installation::Installation;
use countersign_testkit::harness::program::{self, Fault, Program};
use countersign_testkit::harness::secrets::{Form, Search, Secret};
use countersign_testkit::{Engine, TestDatabase};

use hunt::{Client, Hunt};

/// How many values there must be.
const VALUES: usize = 1_000;

/// An instance whose key ring lies outside its data folder, and whose server logs everything.
async fn install(database: &TestDatabase) -> Installation {
    let folder = database.folder.path();
    let program = Program::sound(env!("CARGO_BIN_EXE_countersign"));
    let mut installation =
        Installation::to_be(program, database.database.clone(), &folder.join("data"), &folder.join("logs"));
    installation.key_ring = Some(folder.join("key-ring"));
    installation.set_up().await;
    installation
}

fn log_everything(installation: &mut Installation, format: &str) {
    installation.server_arguments = ["--log", "trace", "--log-format", format].map(Into::into).to_vec();
}

async fn nothing_leaks(engine: Engine) {
    let database = TestDatabase::new(engine).await;
    let mut installation = install(&database).await;
    let mut hunt = Hunt::default();
    hunt.canary("ut", &installation.made.user_token);
    hunt.canary("at", &installation.made.agent_token);
    commands::before_the_server(&installation, &mut hunt).await;

    log_everything(&mut installation, "text");
    let server = installation.start().await;
    tokens::drive(&installation, &mut hunt).await;
    abuse::drive(&installation, &mut hunt).await;
    places::said_by_the_process(&mut hunt, server.id());
    server.end().await;

    log_everything(&mut installation, "json");
    let server = installation.start().await;
    agents::drive(&installation, &mut hunt).await;
    commands::drive(&installation, &mut hunt).await;
    native::drive(&installation, &mut hunt, &database.folder.path().join("agents")).await;
    abuse::drive(&installation, &mut hunt).await;
    places::said_by_the_server(&mut hunt, installation.listen).await;
    places::said_by_the_process(&mut hunt, server.id());
    commands::on_the_folder(&installation, &mut hunt).await;

    // First as it is while the server runs, with the write-ahead log; then as it is left.
    let mut search = hunt.search();
    let mut keys = Search::new(&hunt::key_ring_secrets(&database.folder.path().join("key-ring")));
    hunt.listen(&mut keys);
    places::search_database(&mut search, &database.database).await;
    server.end().await;
    for search in [&mut search, &mut keys] {
        for place in ["data", "logs", "agents"] {
            search.path(&database.folder.path().join(place));
        }
        places::search_database(search, &database.database).await;
    }

    let count: usize = hunt.counts().iter().map(|(_, count)| count).sum();
    let (places, bytes) = search.searched();
    tell(format_args!(
        "leaks on {}: {count} values {:?}; {places} places with {bytes} bytes searched for each in {} forms: {} found; \
         secrets of the key ring: {} found",
        engine.name(),
        hunt.counts(),
        Form::ALL.len(),
        search.findings().len(),
        keys.findings().len(),
    ));
    search.must_be_empty();
    keys.must_be_empty();
    assert!(count >= VALUES, "only {count} values");
    assert_eq!(hunt.counts().len(), 7, "values of every kind that a command or a call hands out");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_secret_is_kept_or_said() {
    Engine::side_by_side(nothing_leaks).await;
}

#[test]
fn a_secret_is_found_in_every_form() {
    let value = "csnat_4f9Kd0aZ81b_7hQ2mN8xR4tVw1Zc6LpB3sKd9YfG0jEaU5iOq";
    let secret = Secret { name: "planted".to_owned(), bytes: api::secret_part(value).into() };
    for before in 0..3 {
        let text = format!("{}{value} and more", "x".repeat(before));
        for (form, written) in written_down(&text, value) {
            let mut search = Search::new(std::slice::from_ref(&secret));
            search.bytes("a log", format!("line 1\n{written}\nline 3").as_bytes());
            let forms: Vec<_> = search.findings().iter().map(|finding| finding.form).collect();
            assert_eq!(forms, [form], "{written}");
        }
    }
    let mut search = Search::new(&[secret]);
    search.bytes("a log", b"csnat_4f9Kd0aZ81b was refused; 7hQ2mN8xR4 is too short to betray it");
    search.must_be_empty();
}

/// The text in each form that is searched for, and the first 12 characters of the secret alone.
fn written_down(text: &str, value: &str) -> Vec<(Form, String)> {
    use base64::Engine as _;
    use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

    let each = |write: fn(u8) -> String| text.bytes().map(write).collect::<String>();
    vec![
        (Form::Raw, text.to_owned()),
        (Form::Raw, api::secret_part(value)[..12].to_owned()),
        (Form::Base64, STANDARD.encode(text)),
        (Form::Base64, URL_SAFE_NO_PAD.encode(text)),
        (Form::Hex, each(|byte| format!("{byte:02x}"))),
        (Form::Hex, each(|byte| format!("{byte:02X}"))),
        (Form::Percent, each(|byte| format!("%{byte:02x}"))),
        (Form::Percent, each(|byte| format!("%{byte:02X}"))),
        (Form::Reversed, text.chars().rev().collect()),
    ]
}

#[test]
fn one_header_in_the_log_is_caught() {
    if let Some(arguments) = program::planted() {
        return front::serve(arguments);
    }
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let findings = runtime.block_on(async {
        let database = TestDatabase::new(Engine::Sqlite).await;
        let mut installation = install(&database).await;
        log_everything(&mut installation, "json");
        installation.program = Program::faulty(Fault::None, "one_header_in_the_log_is_caught");
        let server = installation.start().await;
        let mut hunt = Hunt::default();
        let mut client = Client { connection: Connection::new(installation.listen), hunt: &mut hunt };
        let call = api::register(&installation.made.agent_token, "canary");
        client.hunt.canary("at", &installation.made.agent_token);
        client.obtain("st", "register", &call, "/access_token").await;
        drop(client);
        server.kill().await;
        let mut search = hunt.search();
        search.path(&installation.logs);
        search.findings().to_vec()
    });
    assert!(findings.iter().any(|finding| finding.place.ends_with("server.err")), "the planted line went unnoticed");
}
