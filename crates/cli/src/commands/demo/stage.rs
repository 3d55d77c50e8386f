//! Where the demonstration happens: its folder, its port, its server and agent.

use std::{
    fs,
    net::{Ipv4Addr, TcpListener},
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
    time::Duration,
};

use tokio::process::Child;

use super::children;
use crate::{
    Ambient,
    failure::{Failure, Outcome},
    output::{Printer, harmless},
    private_file,
};

/// The port that is tried first.
const PORT: u16 = 8420;
/// How long a server or an agent may take to be there.
const PATIENCE: Duration = Duration::from_secs(60);
/// How often it is looked at.
const LOOK: Duration = Duration::from_millis(50);
/// How many lines of a log are shown after a failure.
const TAIL: usize = 20;

/// Everything that the story happens on.
pub(super) struct Stage {
    pub ambient: Ambient,
    pub printer: Printer,
    folder: PathBuf,
    is_temporary: bool,
    port: u16,
    server: Option<Child>,
    agent: Option<Child>,
}

impl Stage {
    /// Makes the folder and finds a port.
    pub fn set(wanted: Option<PathBuf>, ambient: &Ambient, printer: Printer) -> Outcome<Self> {
        let is_temporary = wanted.is_none();
        let folder = match wanted {
            Some(folder) => folder,
            None => {
                let all = ambient.environment.get("TMPDIR").unwrap_or("/tmp");
                Path::new(all).join(format!("countersign-demo-{}", ambient.entropy.base62(8)))
            }
        };
        fs::DirBuilder::new().mode(0o700).create(&folder).map_err(|error| match error.kind() {
            std::io::ErrorKind::AlreadyExists => {
                Failure::conflict(format!("{} is there already; name a folder that is not", folder.display()))
            }
            _ => Failure::unavailable(format!("{}: {error}", folder.display())),
        })?;
        let folder = folder.canonicalize().map_err(Failure::internal)?;
        let port = free_port()?;
        Ok(Self { ambient: ambient.clone(), printer, folder, is_temporary, port, server: None, agent: None })
    }

    /// A place in the folder.
    pub fn path(&self, name: &str) -> String {
        self.folder.join(name).display().to_string()
    }

    /// The server's address.
    pub fn address(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Where it listens.
    pub fn listen(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Keeps a secret in a file of its own.
    pub fn keep(&self, name: &str, secret: &str) -> Outcome<()> {
        private_file::create(&self.folder.join(name), secret).map_err(Failure::unavailable)
    }

    /// Tells a part of the story.
    pub fn tell(&self, text: &str) -> Outcome<()> {
        self.printer.write(format!("{text}\n").as_bytes())
    }

    /// Starts the server, and waits until it is ready.
    pub async fn start_server(&mut self) -> Outcome<()> {
        let (data, listen) = (self.path("data"), self.listen());
        let command = children::command(&self.ambient, &["server", "--data-dir", &data, "--listen", &listen], &[]);
        self.server = Some(children::start(command, &self.folder.join("server.log"))?);
        self.wait_for("server.log", "listening", "the server").await
    }

    /// Starts the agent, and waits until it is connected.
    pub async fn start_agent(&mut self, name: &str) -> Outcome<()> {
        let command = self.agent_command(name);
        self.agent = Some(children::start(command, &self.folder.join("agent.log"))?);
        self.wait_for("agent.log", "Connected", "the agent").await
    }

    /// The command of an agent with the default token.
    pub fn agent_command(&self, name: &str) -> tokio::process::Command {
        let token = format!("file://{}", self.path("agent-token"));
        let (endpoint, builds) = (format!("{}/v3", self.address()), self.path("builds"));
        let arguments =
            ["agent", "start", "--token", &token, "--endpoint", &endpoint, "--name", name, "--build-path", &builds];
        children::command(&self.ambient, &arguments, &[])
    }

    /// What a log holds by now.
    pub fn log(&self, name: &str) -> String {
        fs::read_to_string(self.folder.join(name)).unwrap_or_default()
    }

    async fn wait_for(&mut self, log: &str, word: &str, who: &str) -> Outcome<()> {
        let until = self.ambient.clock.now().plus(PATIENCE);
        while !self.log(log).contains(word) {
            let child = if log == "server.log" { &mut self.server } else { &mut self.agent };
            if let Some(Ok(Some(status))) = child.as_mut().map(Child::try_wait) {
                return Err(Failure::unavailable(format!("{who} has ended: {status}")));
            }
            if self.ambient.clock.now() > until {
                return Err(Failure::unavailable(format!("{who} was not there in time")));
            }
            self.ambient.clock.sleep(LOOK).await;
        }
        Ok(())
    }

    /// Ends when the server does.
    pub async fn server_ended(&mut self) {
        match &mut self.server {
            Some(server) => {
                server.wait().await.ok();
            }
            None => std::future::pending().await,
        }
    }

    /// Shows the ends of the logs, for whoever looks for what went wrong.
    pub fn show_logs(&self) {
        for name in ["server.log", "agent.log"] {
            let log = self.log(name);
            let lines: Vec<&str> = log.lines().collect();
            if !lines.is_empty() {
                self.printer.say(format_args!(
                    "the end of {name}:\n{}",
                    harmless(&lines[lines.len().saturating_sub(TAIL)..].join("\n"))
                ));
            }
        }
    }

    /// Ends the agent, then the server, and takes the folder away when it is a temporary one.
    pub async fn strike(self) {
        for child in [self.agent, self.server].into_iter().flatten() {
            children::stop(child).await;
        }
        if self.is_temporary
            && let Err(error) = fs::remove_dir_all(&self.folder)
        {
            self.printer.say(format_args!("{} could not be removed: {error}", self.folder.display()));
        }
    }
}

/// The usual port, if nobody has it; else any.
fn free_port() -> Outcome<u16> {
    let found = TcpListener::bind((Ipv4Addr::LOCALHOST, PORT)).or_else(|_| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)));
    let port = found.and_then(|listener| listener.local_addr()).map(|address| address.port());
    port.map_err(|error| Failure::unavailable(format!("there is no free port on 127.0.0.1: {error}")))
}
