//! What the stories stand on: an instance of the real program with a database of its own, and its processes.

use std::{
    ffi::OsStr,
    fs::{self, File},
    io::Read,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    sync::Mutex,
    time::Duration,
};

use countersign_store::Database;
use countersign_testkit::harness::installation::free_address;
use countersign_testkit::{Engine, TestDatabase};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

/// The program.
pub const PROGRAM: &str = env!("CARGO_BIN_EXE_countersign");
/// How long anything may take that ought to be quick, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(180);
/// How often it is looked at.
const LOOK: Duration = Duration::from_millis(25);

/// Waits a little.
#[expect(clippy::disallowed_methods, reason = "real processes are waited for in real time")]
pub fn pause(duration: Duration) {
    std::thread::sleep(duration);
}

/// Waits until something holds.
pub fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    let mut waited = Duration::ZERO;
    while !holds() {
        assert!(waited < PATIENCE, "{what}: not within {PATIENCE:?}");
        pause(LOOK);
        waited += LOOK;
    }
}

/// Runs a future to its end.
pub fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime").block_on(future)
}

/// What a command said, and how it ended.
#[derive(Debug)]
pub struct Said {
    pub out: String,
    pub talk: String,
    pub exit: i32,
}

impl Said {
    fn of(output: &std::process::Output) -> Self {
        Self {
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            talk: String::from_utf8_lossy(&output.stderr).into_owned(),
            exit: code(output.status),
        }
    }

    /// Must have ended with this, and said these words on either way.
    #[track_caller]
    pub fn must(&self, exit: i32, words: &[&str]) -> &Self {
        assert_eq!(self.exit, exit, "{self:#?}");
        for word in words {
            assert!(self.out.contains(word) || self.talk.contains(word), "{word} is missing: {self:#?}");
        }
        self
    }

    /// What it printed for programs; must have ended well.
    #[track_caller]
    pub fn json(&self) -> Value {
        self.must(0, &[]);
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {self:#?}"))
    }
}

/// The exit code; -1 after a signal.
pub fn code(status: ExitStatus) -> i32 {
    status.code().unwrap_or(-1)
}

/// A bare command, with nothing of this process's environment but the search path.
pub fn command<S: AsRef<OsStr>>(arguments: &[S]) -> Command {
    let mut command = Command::new(PROGRAM);
    command
        .args(arguments)
        .env_clear()
        .env("PATH", "/usr/bin:/bin:/usr/sbin:/sbin")
        .env("LC_ALL", "C")
        .stdin(Stdio::null());
    command
}

/// Runs one to its end.
pub fn run(mut command: Command) -> Said {
    Said::of(&command.output().expect("the program starts"))
}

/// A process that stays, with what it says. Ended when this is dropped.
pub struct Process {
    child: Mutex<Child>,
    log: PathBuf,
}

impl Process {
    /// Starts one, with all that it says in a file.
    pub fn start(mut command: Command, log: PathBuf) -> Self {
        let file = File::create(&log).expect("a log");
        let again = file.try_clone().expect("a log");
        let child = command.stdout(file).stderr(again).spawn().expect("the program starts");
        Self { child: Mutex::new(child), log }
    }

    pub fn log(&self) -> String {
        let mut text = Vec::new();
        File::open(&self.log).and_then(|mut file| file.read_to_end(&mut text)).expect("the log reads");
        String::from_utf8_lossy(&text).into_owned()
    }

    pub fn id(&self) -> u32 {
        self.child.lock().expect("nobody panicked").id()
    }

    /// Waits for words in its log.
    #[track_caller]
    pub fn says(&self, words: &str) {
        wait_until(words, || {
            // In this order: it may say so and end in between.
            let has_ended = self.ended().is_some();
            let said = self.log().contains(words);
            assert!(said || !has_ended, "ended without saying {words}:\n{}", self.log());
            said
        });
    }

    pub fn ended(&self) -> Option<i32> {
        self.child.lock().expect("nobody panicked").try_wait().expect("it is our child").map(code)
    }

    pub fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.id()).ok().and_then(Pid::from_raw).expect("a process has a number");
        kill_process(pid, signal).expect("it is our child");
    }

    /// Waits for its end.
    #[track_caller]
    pub fn end(&self) -> i32 {
        wait_until("the end of a process", || self.ended().is_some());
        self.ended().expect("it has ended")
    }

    /// Asks it to end, and waits.
    #[track_caller]
    pub fn stop(&self) -> i32 {
        self.signal(Signal::TERM);
        self.end()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let mut child = self.child.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        child.kill().ok();
        child.wait().ok();
    }
}

/// An instance.
pub struct Stand {
    pub database: TestDatabase,
    pub port: u16,
    /// What `init` printed.
    pub made: Value,
}

impl Stand {
    /// One that has been set up.
    pub fn new(engine: Engine) -> Self {
        let mut stand = Self::bare(engine);
        stand.made = stand.init().json();
        stand
    }

    /// One that has not.
    pub fn bare(engine: Engine) -> Self {
        let database = block_on(TestDatabase::new(engine));
        let port = free_port();
        Self { database, port, made: Value::Null }
    }

    pub fn init(&self) -> Said {
        self.run(&["init", "--organization", "acme", "--admin", "ada@example.com", "--output", "json"])
    }

    /// A place beside the data folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.database.folder.path().join(name)
    }

    pub fn data(&self) -> PathBuf {
        self.path("data")
    }

    pub fn address(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    pub fn user_token(&self) -> &str {
        self.made["user_token"].as_str().expect("init printed it")
    }

    pub fn agent_token(&self) -> &str {
        self.made["agent_token"]["value"].as_str().expect("init printed it")
    }

    /// A command of the operator.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = command(arguments);
        command.env("COUNTERSIGN_DATA_DIR", self.data()).env("HOME", self.database.folder.path());
        if let Database::Postgres { url } = &self.database.database {
            command.env("COUNTERSIGN_DATABASE_URL", url);
        }
        command
    }

    pub fn run(&self, arguments: &[&str]) -> Said {
        run(self.command(arguments))
    }

    /// A command of Ada, the first admin.
    pub fn ada(&self, arguments: &[&str]) -> Said {
        self.with_token(self.user_token(), arguments)
    }

    pub fn with_token(&self, token: &str, arguments: &[&str]) -> Said {
        let mut command = command(arguments);
        command.env("COUNTERSIGN_SERVER", self.address()).env("COUNTERSIGN_USER_TOKEN", token);
        run(command)
    }

    /// A command of Ada's that stays.
    pub fn ada_stays(&self, name: &str, arguments: &[&str]) -> Process {
        let mut command = command(arguments);
        command.env("COUNTERSIGN_SERVER", self.address()).env("COUNTERSIGN_USER_TOKEN", self.user_token());
        Process::start(command, self.path(&format!("{name}.log")))
    }

    /// Starts the server and waits until it is ready.
    pub fn server(&self, more: &[&str]) -> Process {
        let listen = format!("127.0.0.1:{}", self.port);
        let mut arguments = vec!["server", "--listen", &listen, "--ping-interval", "1s", "--job-status-interval", "1s"];
        arguments.extend(more);
        let number = fs::read_dir(self.database.folder.path()).map_or(0, Iterator::count);
        let server = Process::start(self.command(&arguments), self.path(&format!("server-{number}.log")));
        server.says("listening");
        server
    }

    /// Starts an agent that reads its token from a file.
    pub fn agent(&self, name: &str, token: &str, more: &[&str]) -> Process {
        let file = self.path(&format!("{name}.token"));
        fs::write(&file, format!("{token}\n")).expect("written");
        let source = format!("file://{}", file.display());
        let mut arguments = vec!["--token", &source];
        arguments.extend(more);
        self.agent_given(name, &arguments, &[])
    }

    /// Starts an agent with these flags and variables.
    pub fn agent_given(&self, name: &str, arguments: &[&str], variables: &[(&str, &str)]) -> Process {
        let (endpoint, builds) = (format!("{}/v3", self.address()), self.path("builds"));
        let mut command = command(&["agent", "start", "--name", name, "--endpoint", &endpoint]);
        command.arg("--build-path").arg(builds).args(arguments).env("HOME", self.database.folder.path());
        command.envs(variables.iter().copied());
        Process::start(command, self.path(&format!("{name}.log")))
    }

    /// Writes a pipeline, and answers its path.
    pub fn pipeline(&self, name: &str, text: &str) -> String {
        let path = self.path(name);
        fs::write(&path, text).expect("written");
        path.display().to_string()
    }
}

/// A port that nobody has now, and that no connection gets by chance: see [`free_address`].
pub fn free_port() -> u16 {
    free_address().port()
}

/// A call over HTTP: status and body.
pub fn http(method: &str, url: &str, authorization: &str, body: &Value) -> (u16, String) {
    block_on(async {
        let client = reqwest::Client::builder().timeout(PATIENCE).no_proxy().tls_certs_only(std::iter::empty()).build();
        let method = method.parse().expect("a method");
        let request = client.expect("a client").request(method, url).header("Authorization", authorization).json(body);
        let answer = request.send().await.expect("the server answers");
        (answer.status().as_u16(), answer.text().await.expect("the body comes"))
    })
}

/// Reads a whole file as bytes; empty when it is gone.
pub fn bytes(path: &Path) -> Vec<u8> {
    fs::read(path).unwrap_or_default()
}
