//! Where things are kept and said besides the program's answers.

use std::fs;
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use countersign_store::Database;
use countersign_testkit::harness::http::{Call, Connection};
use countersign_testkit::harness::secrets::Search;
use countersign_testkit::harness::setting;
use tokio_postgres::NoTls;

use crate::hunt::{Client, Hunt};

/// What anybody who may look at the process sees of it.
pub fn said_by_the_process(hunt: &mut Hunt, process: u32) {
    for name in ["cmdline", "environ"] {
        match fs::read(format!("/proc/{process}/{name}")) {
            Ok(bytes) => hunt.said(&format!("{name} of the server"), &bytes, &[]),
            // The server forbids it: only root may look at the variables of such a process.
            Err(error) => assert_eq!(error.kind(), ErrorKind::PermissionDenied, "{name} of the server: {error}"),
        }
    }
}

/// What the server says of itself.
pub async fn said_by_the_server(hunt: &mut Hunt, address: SocketAddr) {
    let mut client = Client { connection: Connection::new(address), hunt };
    for path in ["/metrics", "/healthz", "/readyz"] {
        let answer = client.ask(path, &Call::get(path)).await;
        assert!(answer.is_success(), "{path}: {} {}", answer.status, answer.text());
    }
}

/// Searches the database: SQLite's files, or a dump and what the PostgreSQL server itself keeps.
pub async fn search_database(search: &mut Search, database: &Database) {
    match database {
        Database::Sqlite { folder } => search.path(folder),
        Database::Postgres { url } => {
            let dump = tokio::process::Command::new(setting::postgres_tool("pg_dump")).arg(url).output().await;
            let dump = dump.expect("pg_dump runs");
            assert!(dump.status.success(), "pg_dump: {}", String::from_utf8_lossy(&dump.stderr));
            assert!(dump.stdout.len() > 100_000, "the dump holds the rows");
            search.bytes("pg_dump", &dump.stdout);
            let (folder, number) = data_folder(url).await;
            let is_readable = fs::read_dir(folder.join("base")).is_ok();
            assert!(is_readable, "{} cannot be read: run the tests beside a server of their own", folder.display());
            search.path(&folder.join("base").join(number.to_string()));
            search.path(&folder.join("pg_wal"));
            search_server_log(search, &folder);
        }
    }
}

/// Where the PostgreSQL server keeps this database. Its files are written out first.
async fn data_folder(url: &str) -> (PathBuf, u32) {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.expect("PostgreSQL answers");
    let driver = tokio::spawn(connection);
    client.batch_execute("CHECKPOINT").await.expect("a checkpoint");
    let row = client.query_one(
        "SELECT current_setting('data_directory'), oid FROM pg_database WHERE datname = current_database()",
        &[],
    );
    let row = row.await.expect("the server knows its folder");
    drop(client);
    let _ = driver.await;
    (PathBuf::from(row.get::<_, String>(0)), row.get(1))
}

fn search_server_log(search: &mut Search, data: &Path) {
    let log = data.parent().map(|folder| folder.join("server.log"));
    if let Some(log) = log.filter(|log| log.is_file()) {
        search.path(&log);
    }
}
