//! How a PostgreSQL server is reached: its URL, TLS, session settings and the pool.

use std::{str::FromStr, sync::Arc, time::Duration};

use deadpool_postgres::{Hook, HookError, Manager, ManagerConfig, Pool, RecyclingMethod, Runtime, Timeouts};
use futures_util::{
    FutureExt,
    future::{BoxFuture, Shared},
};
use rustls::{ClientConfig, crypto::aws_lc_rs};
use rustls_platform_verifier::BuilderVerifierExt;
use tokio_postgres::{
    Client, Config, NoTls,
    config::{Host, SslMode},
};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::engine::error::StoreError;

use super::errors;

/// How many connections the pool holds at the most.
pub(super) const CONNECTIONS_MAX: usize = 16;
/// How many more are kept for what is urgent, so that a revoke never waits behind a crowd of other writes.
pub(super) const URGENT_CONNECTIONS: usize = 4;
/// How many more are kept for reads that are urgent: who calls is found out however many others read.
pub(super) const FIRST_CONNECTIONS: usize = 8;
/// How long an operation waits for a connection.
const WAIT_TIME: Duration = Duration::from_secs(5);
/// How long making or checking a connection may take.
const CONNECT_TIME: Duration = Duration::from_secs(5);
/// After how long without an answer the operating system gives a connection up.
const SILENCE_TIME: Duration = Duration::from_secs(15);

/// How long one statement may take.
const STATEMENT_TIME: Duration = Duration::from_secs(10);
/// How long one wait for a lock may take.
const LOCK_TIME: Duration = Duration::from_secs(5);
/// How long one pause inside a transaction may take.
const PAUSE_TIME: Duration = Duration::from_secs(20);

/// What every session is given. A database set to answer commits before they are on its disk is told not to: a power cut would bring
/// revoked tokens back.
fn session_settings(patience: u32) -> String {
    let millis = |time: Duration| (time * patience).as_millis();
    format!(
        "SET statement_timeout = {};
         SET lock_timeout = {};
         SET idle_in_transaction_session_timeout = {};
         SET default_transaction_isolation = 'read committed';
         SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off';",
        millis(STATEMENT_TIME),
        millis(LOCK_TIME),
        millis(PAUSE_TIME),
    )
}

/// A server and database, and how to reach it. Holds the password: no `Debug`.
pub(in crate::engine) struct Server {
    config: Config,
    tls: Option<MakeRustlsConnect>,
    place: String,
    /// By how much its limits of time are multiplied.
    patience: u32,
}

/// A connection outside the pool.
pub(in crate::engine) struct Session {
    /// The driver's client.
    pub(in crate::engine) client: Client,
    /// Moves its bytes; ends with the connection.
    driver: Shared<BoxFuture<'static, ()>>,
}

impl Session {
    /// Ends when the connection has.
    pub(in crate::engine) fn ended(&self) -> Shared<BoxFuture<'static, ()>> {
        self.driver.clone()
    }
}

impl Server {
    /// Reads the URL; see [`Database::Postgres`](crate::Database::Postgres). Limits of time are `patience` times as long.
    pub(super) fn parse(url: &str, patience: u32) -> Result<Self, StoreError> {
        // A certificate is always verified here, by name too, so `require` means what libpq calls `verify-full`.
        let readable =
            url.replace("sslmode=verify-full", "sslmode=require").replace("sslmode=verify-ca", "sslmode=require");
        // The driver's message names the parameter, not its value.
        let mut config = Config::from_str(&readable).map_err(|error| {
            let cause = std::error::Error::source(&error).map(ToString::to_string).unwrap_or_default();
            StoreError::Internal(format!(
                "the database URL cannot be read: {cause}; write postgres://user:password@host:5432/database"
            ))
        })?;
        if !url.contains("sslmode=") {
            config.ssl_mode(if is_this_machine(&config) { SslMode::Disable } else { SslMode::Require });
        }
        config.connect_timeout(CONNECT_TIME * patience).keepalives_idle(SILENCE_TIME).tcp_user_timeout(SILENCE_TIME);
        if config.get_application_name().is_none() {
            config.application_name("countersign");
        }
        let tls = if config.get_ssl_mode() == SslMode::Disable { None } else { Some(tls()?) };
        let place = place(&config);
        Ok(Self { config, tls, place, patience })
    }

    /// What people call it: `the PostgreSQL database D at H:P`, without user and password.
    pub(in crate::engine) fn place(&self) -> &str {
        &self.place
    }

    /// A connection outside the pool.
    pub(in crate::engine) async fn connect(&self) -> Result<Session, StoreError> {
        let failed = |error: tokio_postgres::Error| errors::connecting(&error, &self.place);
        let (client, driver) = match &self.tls {
            Some(tls) => {
                let (client, connection) = self.config.connect(tls.clone()).await.map_err(failed)?;
                (client, tokio::spawn(connection.map(drop)))
            }
            None => {
                let (client, connection) = self.config.connect(NoTls).await.map_err(failed)?;
                (client, tokio::spawn(connection.map(drop)))
            }
        };
        let session = Session { client, driver: driver.map(drop).boxed().shared() };
        session.client.batch_execute(&session_settings(self.patience)).await.map_err(failed)?;
        Ok(session)
    }

    pub(super) fn pool(&self, most: usize) -> Result<Pool, StoreError> {
        // A closed connection is noticed without a round trip; one that dies later is met by a second attempt.
        let settings = ManagerConfig { recycling_method: RecyclingMethod::Fast };
        let manager = match &self.tls {
            Some(tls) => Manager::from_config(self.config.clone(), tls.clone(), settings),
            None => Manager::from_config(self.config.clone(), NoTls, settings),
        };
        let settings_of_session: Arc<str> = session_settings(self.patience).into();
        let [wait, connect] = [WAIT_TIME, CONNECT_TIME].map(|time| Some(time * self.patience));
        Pool::builder(manager)
            .max_size(most)
            .runtime(Runtime::Tokio1)
            .timeouts(Timeouts { wait, create: connect, recycle: connect })
            .post_create(Hook::async_fn(move |client, _| {
                let settings = Arc::clone(&settings_of_session);
                Box::pin(async move { client.batch_execute(&settings).await.map_err(HookError::Backend) })
            }))
            .build()
            .map_err(|error| StoreError::Internal(format!("the connection pool cannot be built: {error}")))
    }
}

/// Refuses a database that cannot hold our text, and warns of one that does not keep what it acknowledges.
pub(super) async fn check_settings(client: &Client) -> Result<(), StoreError> {
    let settings = "SELECT current_setting('server_encoding'), current_setting('fsync')";
    let row = client.query_one(settings, &[]).await.map_err(|error| errors::connecting(&error, "the server"))?;
    let (encoding, fsync): (String, String) = (row.get(0), row.get(1));
    if encoding != "UTF8" {
        return Err(StoreError::Internal(format!(
            "the database's encoding is {encoding}; make it with: CREATE DATABASE … ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0"
        )));
    }
    if fsync != "on" {
        tracing::warn!("the PostgreSQL server runs with fsync off: a power cut loses acknowledged writes");
    }
    Ok(())
}

/// Whether nothing that is sent leaves this machine.
fn is_this_machine(config: &Config) -> bool {
    !config.get_hosts().is_empty()
        && config.get_hosts().iter().all(|host| match host {
            Host::Tcp(name) => name == "localhost" || name.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback()),
            Host::Unix(_) => true,
        })
}

fn place(config: &Config) -> String {
    let ports = config.get_ports();
    let hosts: Vec<String> = config
        .get_hosts()
        .iter()
        .enumerate()
        .map(|(index, host)| {
            let port = ports.get(index).or(ports.first()).copied().unwrap_or(5432);
            match host {
                Host::Tcp(name) => format!("{name}:{port}"),
                Host::Unix(path) => path.display().to_string(),
            }
        })
        .collect();
    let database = config.get_dbname().or(config.get_user()).unwrap_or("postgres");
    format!("the PostgreSQL database {database} at {}", hosts.join(", "))
}

/// Certificates are checked against the system's authorities.
fn tls() -> Result<MakeRustlsConnect, StoreError> {
    let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .and_then(BuilderVerifierExt::with_platform_verifier)
        .map_err(|error| StoreError::Internal(format!("TLS cannot be set up: {error}")))?;
    Ok(MakeRustlsConnect::new(config.with_no_client_auth()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tls_is_asked_for_unless_the_server_is_here() {
        for (url, wanted) in [
            ("postgres://ada:pw@127.0.0.1:54329/c", SslMode::Disable),
            ("postgres://ada:pw@localhost/c", SslMode::Disable),
            ("postgres:///c?host=/run/postgresql", SslMode::Disable),
            ("postgres://ada:pw@db.example.com/c", SslMode::Require),
            ("postgres://ada:pw@localhost,db.example.com/c", SslMode::Require),
            ("postgres://ada:pw@db.example.com/c?sslmode=disable", SslMode::Disable),
            ("postgres://ada:pw@localhost/c?sslmode=prefer", SslMode::Prefer),
            ("postgres://ada:pw@localhost/c?sslmode=verify-full", SslMode::Require),
        ] {
            let server = Server::parse(url, 1).map_err(|error| error.to_string()).expect(url);
            assert_eq!(server.config.get_ssl_mode(), wanted, "{url}");
            assert!(!server.place().contains("pw"), "{}", server.place());
        }
    }

    #[test]
    fn a_session_has_its_limits_and_keeps_what_it_acknowledges() {
        let of = |patience| session_settings(patience);
        for wanted in
            ["statement_timeout = 10000;", "lock_timeout = 5000;", "idle_in_transaction_session_timeout = 20000;"]
        {
            assert!(of(1).contains(wanted), "{wanted} is not in {}", of(1));
        }
        assert!(of(12).contains("lock_timeout = 60000;"), "{}", of(12));
        assert!(of(12).contains("set_config('synchronous_commit', 'on', false)"));
    }

    #[test]
    fn a_url_that_cannot_be_read_is_not_repeated() {
        for url in ["postgres://ada:hunter2@db:notaport/c", "postgres://ada:hunter2@db/c?sslmode=hunter2", "hunter2"] {
            let error = Server::parse(url, 1).err().expect("is refused").to_string();
            assert!(!error.contains("hunter2"), "{error}");
        }
    }
}
