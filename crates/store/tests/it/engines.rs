//! A store per test and engine: SQLite in a folder of its own, PostgreSQL in a database of its own.

use std::{
    future::Future,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use countersign_domain::{Clock, Timestamp, clock::Sleep};
use countersign_store::{Database, Options, Sql, Store, StoreError, Tx, params, statements};
use tempfile::TempDir;
use tokio_postgres::NoTls;

/// The tables of these tests.
pub const MIGRATIONS: &[(&str, &str)] = &[(
    "V1__tables",
    "CREATE TABLE things (
        id    BIGINT PRIMARY KEY,
        name  TEXT UNIQUE,
        flag  BOOLEAN,
        blob  BYTEA
     );
     CREATE TABLE parts (thing_id BIGINT NOT NULL REFERENCES things (id));
     CREATE TABLE server_lease (
        name TEXT PRIMARY KEY, holder BYTEA NOT NULL, expires_at BIGINT NOT NULL, note TEXT NOT NULL
     );",
)];

statements! {
    /// A thing with a name.
    ADD = "INSERT INTO things (id, name) VALUES ($1, $2)";
    /// How many there are.
    COUNT = "SELECT COUNT(*) AS n FROM things";
    /// Every number, in order.
    IDS = "SELECT id FROM things ORDER BY id";
}

/// A store, and what it was opened with.
pub struct Bench {
    pub store: Store,
    pub options: Options,
    database: Option<EmptyDatabase>,
    folder: Option<TempDir>,
}

impl Bench {
    /// On SQLite.
    pub async fn sqlite() -> Self {
        Self::sqlite_by(Arc::new(RealClock)).await
    }

    /// On SQLite, with a clock of its own.
    pub async fn sqlite_by(clock: Arc<dyn Clock>) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let options = options_by(clock, Database::Sqlite { folder: folder.path().join("data") });
        let store = Store::create(options.clone()).await.expect("a SQLite store");
        Self { store, options, database: None, folder: Some(folder) }
    }

    /// On PostgreSQL.
    pub async fn postgres() -> Self {
        let database = new_database().await;
        let options = options(Database::Postgres { url: database.url.clone() });
        let store = Store::create(options.clone()).await.expect("a PostgreSQL store");
        Self { store, options, database: Some(database), folder: None }
    }

    /// The data folder.
    pub fn folder(&self) -> PathBuf {
        self.folder.as_ref().expect("this is SQLite").path().join("data")
    }

    /// Where PostgreSQL is.
    pub fn url(&self) -> &str {
        &self.database.as_ref().expect("this is PostgreSQL").url
    }

    /// The numbers of all things, in order.
    pub async fn ids(&self) -> Vec<i64> {
        ids(&self.store).await
    }

    /// How many things there are.
    pub async fn count(&self) -> i64 {
        let counted: Result<i64, StoreError> =
            self.store.read((), |tx, ()| Box::pin(async { tx.one(COUNT, &[]).await?.get("n") })).await;
        counted.expect("the count")
    }
}

/// The numbers of all things, in order.
pub async fn ids(store: &Store) -> Vec<i64> {
    let read = store.read((), |tx, ()| {
        Box::pin(async {
            tx.all(IDS, &[]).await?.iter().map(|row| row.get("id")).collect::<Result<Vec<i64>, StoreError>>()
        })
    });
    read.await.expect("the numbers")
}

/// Adds a thing, as part of an operation.
pub async fn add(tx: &mut Tx, id: i64) -> Result<(), StoreError> {
    tx.execute(ADD, &params![id, format!("thing {id}")]).await.map(drop)
}

/// Runs a case on each engine.
pub async fn on_each<F: Future<Output = ()>>(case: impl Fn(Bench) -> F) {
    case(Bench::sqlite().await).await;
    if wants_postgres() {
        case(Bench::postgres().await).await;
    }
}

/// Longer than anything is waited for that comes: a machine may stall.
pub const PATIENCE: Duration = Duration::from_secs(60);
/// How many times as long the limits of time on PostgreSQL are, for the same reason.
const PATIENCE_TIMES: u32 = 12;

/// Options with the real clock and these tests' tables.
pub fn options(database: Database) -> Options {
    options_by(Arc::new(RealClock), database)
}

fn options_by(clock: Arc<dyn Clock>, database: Database) -> Options {
    Options::new(database, clock).with_patience(PATIENCE_TIMES).with_migrations(MIGRATIONS).expect("migrations")
}

/// The time of this machine.
pub struct RealClock;

impl Clock for RealClock {
    #[expect(clippy::disallowed_methods, reason = "a test's own clock")]
    fn now(&self) -> Timestamp {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970");
        Timestamp::EPOCH.plus(since)
    }

    #[expect(clippy::disallowed_methods, reason = "a test's own clock")]
    fn sleep_until(&self, at: Timestamp) -> Sleep {
        Box::pin(tokio::time::sleep(at.since(self.now())))
    }
}

/// A clock that is ahead of this machine's.
pub struct Ahead(pub Duration);

impl Clock for Ahead {
    fn now(&self) -> Timestamp {
        RealClock.now().plus(self.0)
    }

    fn sleep_until(&self, at: Timestamp) -> Sleep {
        RealClock.sleep_until(at.minus(self.0))
    }
}

/// A clock that stands still: nothing that has a bound in time comes to it.
pub struct Still;

impl Clock for Still {
    fn now(&self) -> Timestamp {
        Timestamp::EPOCH
    }

    fn sleep_until(&self, _: Timestamp) -> Sleep {
        Box::pin(std::future::pending())
    }
}

/// Whether PostgreSQL takes part. It does unless the caller has said in so many words that it shall not.
pub fn wants_postgres() -> bool {
    setting("COUNTERSIGN_TEST_ENGINES").as_deref() != Some("sqlite")
}

/// Whether checks that mount file systems run; `make test` says.
pub fn may_mount() -> bool {
    match setting("COUNTERSIGN_TEST_MOUNTS").as_deref() {
        Some("1") => true,
        Some("0") => false,
        _ => panic!("set COUNTERSIGN_TEST_MOUNTS to 1 (as root) or 0, as `make test` and `make test-unprivileged` do"),
    }
}

#[expect(clippy::disallowed_methods, reason = "how `make test` tells the tests where PostgreSQL is")]
fn setting(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// Where the tests' PostgreSQL server is.
fn server_url() -> String {
    setting("COUNTERSIGN_TEST_POSTGRES_URL").expect(
        "COUNTERSIGN_TEST_POSTGRES_URL names no PostgreSQL server: run `make test`, or set COUNTERSIGN_TEST_ENGINES=sqlite",
    )
}

/// An empty PostgreSQL database, dropped with this.
pub struct EmptyDatabase {
    pub url: String,
    name: String,
}

impl Drop for EmptyDatabase {
    fn drop(&mut self) {
        let (server, drop) = (server_url(), format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name));
        // A thread of its own, because a destructor cannot wait inside the test's runtime.
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(async { connect(&server).await.batch_execute(&drop).await }).ok();
        });
        thread.join().ok();
    }
}

/// Makes an empty database.
pub async fn new_database() -> EmptyDatabase {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let name = format!("countersign_store_{}_{number}", std::process::id());
    let server = server_url();
    let client = connect(&server).await;
    let create = format!("CREATE DATABASE {name} ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0");
    client.batch_execute(&create).await.expect("a database");
    let (server, _) = server.rsplit_once('/').expect("the URL ends in a database name");
    EmptyDatabase { url: format!("{server}/{name}"), name }
}

/// A client beside the store.
pub async fn connect(url: &str) -> tokio_postgres::Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.expect("the tests' PostgreSQL server");
    tokio::spawn(connection);
    client
}

/// A statement of one test.
pub const fn sql(text: &'static str) -> Sql {
    Sql { name: "a test's statement", text }
}
