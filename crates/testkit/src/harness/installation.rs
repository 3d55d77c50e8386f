//! An instance of the real program on a folder of its own, and its server as a child that can be stopped and killed.

use std::ffi::OsString;
use std::fs::{File, OpenOptions};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::Duration;

use countersign_store::Database;
use rustix::process::{Pid, Signal};
use serde_json::Value;
use tokio::process::Child;

use super::http::{Call, Connection};
use super::moment;
use super::program::Program;

/// How long a server may take until it is ready.
const START: Duration = Duration::from_secs(60);
/// More than any test spends, so that no limit of the API ends it.
const PLENTY: [&str; 4] = ["--api-points-per-user", "1000000000", "--api-points-per-organization", "1000000000"];
/// How often a server that starts is asked.
const ASK_EVERY: Duration = Duration::from_millis(2);

/// An instance that `init` has set up.
#[derive(Debug, Clone)]
pub struct Installation {
    /// What is started.
    pub program: Program,
    /// The rows.
    pub database: Database,
    /// The data folder; it holds the key ring, unless that has a place of its own.
    pub data: PathBuf,
    /// The key ring's own place.
    pub key_ring: Option<PathBuf>,
    /// Where the logs of its processes go, outside the data folder.
    pub logs: PathBuf,
    /// Where its server listens.
    pub listen: SocketAddr,
    /// How long pings are held: not at all unless a test says otherwise, for these ask and count.
    pub ping_hold: String,
    /// More arguments for the server.
    pub server_arguments: Vec<OsString>,
    /// What `init` printed.
    pub made: Made,
}

/// What `init` printed.
#[derive(Debug, Clone, Default)]
pub struct Made {
    /// The global id of the organization.
    pub organization: String,
    /// The value of the admin's user token.
    pub user_token: String,
    /// The value of the default agent token.
    pub agent_token: String,
}

impl Installation {
    /// Sets up an instance whose logs go to `logs`.
    ///
    /// # Panics
    /// When `init` fails.
    pub async fn init(program: Program, database: Database, data: &Path, logs: &Path) -> Self {
        let mut installation = Self::to_be(program, database, data, logs);
        installation.set_up().await;
        installation
    }

    /// An instance that is not set up yet.
    ///
    /// # Panics
    /// When there can be no folder for logs.
    #[must_use]
    pub fn to_be(program: Program, database: Database, data: &Path, logs: &Path) -> Self {
        std::fs::create_dir_all(logs).expect("a folder for logs");
        Self {
            program,
            database,
            data: data.to_owned(),
            key_ring: None,
            logs: logs.to_owned(),
            listen: free_address(),
            ping_hold: "0s".to_owned(),
            server_arguments: Vec::new(),
            made: Made::default(),
        }
    }

    /// Runs `init`.
    ///
    /// # Panics
    /// When it fails.
    pub async fn set_up(&mut self) {
        let wanted = ["init", "--organization", "acme", "--admin", "ada@acme.example", "--output", "json"];
        let output = self.run(&wanted, true).await;
        assert!(output.status.success(), "init failed: {}", String::from_utf8_lossy(&output.stderr));
        let text = String::from_utf8_lossy(&output.stdout);
        let printed: Value = serde_json::from_str(&text).expect("init prints one object");
        let value = |pointer: &str| {
            let found = printed.pointer(pointer).and_then(Value::as_str);
            found.unwrap_or_else(|| panic!("init printed no {pointer}")).to_owned()
        };
        self.made = Made {
            organization: value("/organization/id"),
            user_token: value("/user_token"),
            agent_token: value("/agent_token/value"),
        };
    }

    /// The arguments that name this instance.
    #[must_use]
    pub fn place(&self) -> Vec<OsString> {
        let mut arguments = vec![OsString::from("--data-dir"), self.data.clone().into()];
        if let Database::Postgres { url } = &self.database {
            arguments.extend([OsString::from("--database-url"), url.into()]);
        }
        if let Some(path) = &self.key_ring {
            arguments.extend([OsString::from("--key-ring-file"), path.into()]);
        }
        arguments
    }

    /// Runs a command to its end; `on_data` for one that works on the data folder.
    ///
    /// # Panics
    /// When it cannot be started.
    pub async fn run(&self, words: &[&str], on_data: bool) -> Output {
        let mut arguments: Vec<OsString> = words.iter().map(OsString::from).collect();
        if on_data {
            arguments.extend(self.place());
        }
        self.program.command(&arguments).env("HOME", &self.logs).output().await.expect("the program runs")
    }

    /// Starts the server and waits until it is ready.
    ///
    /// # Panics
    /// When it ends, or is not ready after a minute; with the end of what it logged.
    pub async fn start(&self) -> Server {
        self.try_start().await.unwrap_or_else(|why| panic!("{why}"))
    }

    /// Starts the server and waits until it is ready.
    ///
    /// # Errors
    /// It ends, or is not ready after a minute; with the end of what it logged.
    ///
    /// # Panics
    /// When there is no process to be had.
    pub async fn try_start(&self) -> Result<Server, String> {
        let began = moment::now();
        let mut arguments = vec![OsString::from("server"), OsString::from("--listen"), self.listen.to_string().into()];
        arguments.extend(self.place());
        arguments.extend(PLENTY.map(OsString::from));
        arguments.extend(["--ping-hold".into(), self.ping_hold.clone().into()]);
        arguments.extend(self.server_arguments.iter().cloned());
        let mut command = self.program.command(&arguments);
        command.env("HOME", &self.logs).stdin(Stdio::null());
        command.stdout(self.log("server.out")).stderr(self.log("server.err"));
        let mut child = command.spawn().expect("the server starts");
        loop {
            if let Some(status) = child.try_wait().expect("the child can be asked") {
                return Err(format!("the server ended with {status} instead of serving:\n{}", self.end_of_log()));
            }
            if is_ready(self.listen).await {
                break;
            }
            if moment::since(began) > START {
                return Err(format!("the server is not ready:\n{}", self.end_of_log()));
            }
            moment::sleep(ASK_EVERY).await;
        }
        Ok(Server { child, address: self.listen, started_in: moment::since(began) })
    }

    /// Whether the audit log is whole.
    ///
    /// # Errors
    /// What `audit verify` said.
    pub async fn verify_audit(&self) -> Result<(), String> {
        let output = self.run(&["audit", "verify"], true).await;
        let said = || [output.stdout.as_slice(), &output.stderr].map(String::from_utf8_lossy).concat();
        if output.status.success() { Ok(()) } else { Err(said()) }
    }

    fn log(&self, name: &str) -> File {
        OpenOptions::new().create(true).append(true).open(self.logs.join(name)).expect("a log file")
    }

    fn end_of_log(&self) -> String {
        let text = std::fs::read(self.logs.join("server.err")).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let lines: Vec<_> = text.lines().rev().take(20).collect();
        lines.into_iter().rev().collect::<Vec<_>>().join("\n")
    }
}

async fn is_ready(address: SocketAddr) -> bool {
    let answer = Connection::new(address).call(&Call::get("/readyz")).await;
    answer.is_ok_and(|answer| answer.is_success())
}

/// The first port that [`free_address`] may find. Below those that the system hands out by itself: a server that was killed must find its
/// port free when it starts again.
const FIRST_PORT: u16 = 10_000;
/// How many ports one process of tests has for itself.
const PORTS_AT_ONCE: u16 = 300;
/// How many processes of tests can have ports at one time.
const PROCESSES: u16 = 30;

/// The ports that are this process's as long as it runs: the lock on their file, and the first of them.
static OWN_PORTS: LazyLock<(File, u16)> = LazyLock::new(|| {
    let mut free = (0..PROCESSES).filter_map(|number| {
        let path = std::env::temp_dir().join(format!("countersign-test-ports-{number}"));
        // One of another user counts as taken.
        let file = OpenOptions::new().create(true).append(true).mode(0o600).open(path).ok()?;
        file.try_lock().is_ok().then_some((file, FIRST_PORT + number * PORTS_AT_ONCE))
    });
    free.next().expect("some ports are no other process's")
});

/// An address of this machine that nobody listens on now, and that no other process of tests is given while this one runs.
///
/// # Panics
/// When there is none.
#[must_use]
pub fn free_address() -> SocketAddr {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let first = OWN_PORTS.1;
    // None is given twice: a server that was killed finds its port free when it starts again.
    let mut ports = std::iter::repeat_with(|| NEXT.fetch_add(1, Ordering::Relaxed))
        .take_while(|at| *at < PORTS_AT_ONCE)
        .map(|at| SocketAddr::from((Ipv4Addr::LOCALHOST, first + at)));
    ports.find(|address| TcpListener::bind(address).is_ok()).expect("a free port")
}

/// A running server. It is killed when this is dropped.
#[derive(Debug)]
pub struct Server {
    child: Child,
    /// Where it listens.
    pub address: SocketAddr,
    /// How long it took until it was ready.
    pub started_in: Duration,
}

impl Server {
    /// Its process id.
    ///
    /// # Panics
    /// When it has ended.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id().expect("it has not been waited for")
    }

    /// Stops it where it is: from now on it answers nothing.
    ///
    /// # Panics
    /// When it has ended.
    pub fn freeze(&self) {
        self.signal(Signal::STOP);
    }

    /// Kills it (SIGKILL) and waits until it is gone.
    ///
    /// # Panics
    /// When it had ended by itself.
    pub async fn kill(mut self) {
        let ended = self.child.try_wait().expect("the child can be asked");
        assert!(ended.is_none(), "the server ended by itself: {ended:?}");
        self.child.kill().await.expect("it can be killed");
    }

    /// Asks it to end (SIGTERM) and waits until it has.
    ///
    /// # Panics
    /// When it does not end well.
    pub async fn end(mut self) {
        self.signal(Signal::TERM);
        let status = self.child.wait().await.expect("it can be waited for");
        assert!(status.success(), "the server ended with {status}");
    }

    fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.id()).ok().and_then(Pid::from_raw).expect("a process id");
        rustix::process::kill_process(pid, signal).expect("the server is there");
    }
}
