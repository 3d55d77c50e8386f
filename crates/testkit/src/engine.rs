//! Databases for tests: a folder for SQLite, a database of its own on a real PostgreSQL server.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use countersign_domain::Clock;
use countersign_store::blobs::Blobs;
use countersign_store::{Database, Options};
use tempfile::TempDir;
use tokio_postgres::NoTls;

/// Names the PostgreSQL server that tests make their databases on: any database of it, as a user who may create databases.
pub const POSTGRES_URL: &str = "COUNTERSIGN_TEST_POSTGRES_URL";
/// `sqlite` leaves PostgreSQL out, on purpose; anything else is a mistake.
pub const ENGINES: &str = "COUNTERSIGN_TEST_ENGINES";

/// One of the two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    /// Embedded.
    Sqlite,
    /// A server.
    Postgres,
}

#[expect(
    clippy::disallowed_methods,
    reason = "tests are told of their server by the environment, here and nowhere else"
)]
pub(crate) fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// The address of the PostgreSQL server for tests.
///
/// # Panics
/// When there is none: a missing component is an error, never a silent skip.
#[must_use]
pub fn postgres_url() -> String {
    variable(POSTGRES_URL).unwrap_or_else(|| {
        panic!("{POSTGRES_URL} names no PostgreSQL server. `make test` starts one; {ENGINES}=sqlite leaves it out.")
    })
}

impl Engine {
    /// The engines that the tests are to run on: both, unless `COUNTERSIGN_TEST_ENGINES=sqlite` says otherwise.
    ///
    /// # Panics
    /// For any other value of that variable.
    #[must_use]
    pub fn all() -> Vec<Self> {
        match variable(ENGINES).as_deref() {
            None => vec![Self::Sqlite, Self::Postgres],
            Some("sqlite") => vec![Self::Sqlite],
            Some(other) => panic!("{ENGINES} is {other}; it can only be `sqlite`"),
        }
    }

    /// Runs the same on each engine, side by side: they share nothing but the machine, and each waits most of its time.
    ///
    /// # Panics
    /// As [`Self::all`], and when one of them does.
    pub async fn side_by_side(run: impl AsyncFn(Self)) {
        match Self::all()[..] {
            [first, second] => {
                tokio::join!(Box::pin(run(first)), Box::pin(run(second)));
            }
            ref engines => {
                for engine in engines {
                    Box::pin(run(*engine)).await;
                }
            }
        }
    }

    /// For people.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sqlite => "sqlite",
            Self::Postgres => "postgresql",
        }
    }
}

/// How many times as long the limits of time on PostgreSQL are in tests: a machine that stalls for some seconds is not what they try.
const PATIENCE: u32 = 12;

/// A database of its own, gone when this is dropped.
#[derive(Debug)]
pub struct TestDatabase {
    /// How a store is opened on it.
    pub database: Database,
    /// A folder for what else the test keeps: the data folder itself with SQLite.
    pub folder: TempDir,
    name: Option<String>,
}

static NEXT: AtomicU64 = AtomicU64::new(0);

impl TestDatabase {
    /// What a store is opened on it with.
    #[must_use]
    pub fn options(&self, clock: Arc<dyn Clock>) -> Options {
        Options::new(self.database.clone(), clock).with_patience(PATIENCE)
    }

    /// An empty database.
    ///
    /// # Panics
    /// When it cannot be made.
    pub async fn new(engine: Engine) -> Self {
        let folder = tempfile::Builder::new().prefix("countersign-test-").tempdir().expect("a folder for the test");
        match engine {
            Engine::Sqlite => {
                let database = Database::Sqlite { folder: folder.path().join("data") };
                Self { database, folder, name: None }
            }
            Engine::Postgres => {
                let number = NEXT.fetch_add(1, Ordering::Relaxed);
                let name = format!("countersign_test_{}_{number}", std::process::id());
                let url = postgres_url();
                run(&url, &format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)")).await;
                run(
                    &url,
                    &format!("CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C'"),
                )
                .await;
                let (server, _) = url.rsplit_once('/').expect("the URL names a database");
                let database = Database::Postgres { url: format!("{server}/{name}") };
                Self { database, folder, name: Some(name) }
            }
        }
    }
}

impl TestDatabase {
    /// The folder of the test's artifacts, opened.
    ///
    /// # Panics
    /// When it cannot be made.
    #[must_use]
    pub fn blobs(&self) -> Blobs {
        Blobs::folder(&self.folder.path().join("blobs")).expect("a folder for the test's artifacts")
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        let Some(name) = self.name.take() else { return };
        // A thread of its own: the test's runtime may be ending, and waiting inside it is not allowed.
        let dropping = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(run(&postgres_url(), &format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)")));
        });
        // A database that stays behind goes with the server; it is no reason to fail.
        let _ = dropping.join();
    }
}

async fn run(url: &str, sql: &str) {
    let (client, connection) =
        tokio_postgres::connect(url, NoTls).await.expect("the PostgreSQL server for tests answers");
    let driver = tokio::spawn(connection);
    client.batch_execute(sql).await.expect("the statement runs");
    drop(client);
    let _ = driver.await;
}
