//! The agents that take part, and their processes.

use std::ffi::OsString;
use std::fs::{self, File};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use countersign_testkit::harness::setting;
use rustix::process::{Pid, Signal, kill_process};
use tokio::process::{Child, Command};

/// How long an agent may take to leave.
const LEAVE: Duration = Duration::from_secs(40);
/// The search path besides the agent's own folder.
const PATH: &str = "/usr/local/bin:/usr/bin:/bin";

/// An agent, before it is started.
#[derive(Debug, Clone)]
pub enum Kind {
    /// The one in the binary of this workspace.
    Native,
    /// Another one, by the path of its binary.
    Real(PathBuf),
}

impl Kind {
    /// All that take part.
    pub fn all() -> Vec<Self> {
        let real = setting::buildkite_agents().into_iter().map(Self::Real);
        std::iter::once(Self::Native).chain(real).collect()
    }

    pub const fn is_native(&self) -> bool {
        matches!(self, Self::Native)
    }

    /// For people.
    pub fn name(&self) -> String {
        match self {
            Self::Native => "native".to_owned(),
            Self::Real(path) => path.file_name().unwrap_or_default().to_string_lossy().into_owned(),
        }
    }

    fn binary(&self) -> &Path {
        match self {
            Self::Native => Path::new(env!("CARGO_BIN_EXE_countersign")),
            Self::Real(path) => path,
        }
    }

    /// Starts one as `buildkite-agent` in a folder of its own. Jobs find it under that name too.
    pub fn start(&self, folder: &Path, name: &str, endpoint: &str, token: &str, more: &[&str]) -> Agent {
        let (bin, log) = (folder.join("bin"), folder.join("log"));
        fs::create_dir_all(&bin).expect("a folder for the agent");
        let link = bin.join("buildkite-agent");
        symlink(self.binary(), &link).expect("a link to the agent");
        let mut path = OsString::from(bin);
        path.push(":");
        path.push(PATH);
        let out = File::create(&log).expect("a log");
        let err = out.try_clone().expect("a log");
        let child = Command::new(link)
            .args(["start", "--name", name])
            .args(more)
            .env_clear()
            .env("PATH", path)
            .env("LC_ALL", "C")
            .env("HOME", folder)
            .env("BUILDKITE_AGENT_TOKEN", token)
            .env("BUILDKITE_AGENT_ENDPOINT", endpoint)
            .env("BUILDKITE_BUILD_PATH", folder.join("builds"))
            .env("BUILDKITE_AGENT_NO_COLOR", "true")
            .stdin(Stdio::null())
            .stdout(out)
            .stderr(err)
            .kill_on_drop(true)
            .spawn()
            .expect("the agent starts");
        Agent { child, log }
    }
}

/// A running agent. It is killed when this is dropped.
pub struct Agent {
    child: Child,
    log: PathBuf,
}

impl Agent {
    /// What it has said so far.
    pub fn log(&self) -> String {
        String::from_utf8_lossy(&fs::read(&self.log).unwrap_or_default()).into_owned()
    }

    /// Asks it to leave when its job has ended.
    pub fn ask_to_leave(&self) {
        let pid = self.child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
        kill_process(pid.expect("it runs"), Signal::TERM).expect("it is our child");
    }

    /// Waits until it has left; answers its exit status.
    pub async fn left(&mut self) -> i32 {
        let status = tokio::time::timeout(LEAVE, self.child.wait()).await;
        let status = status.unwrap_or_else(|_| panic!("the agent does not leave:\n{}", self.log()));
        status.expect("it can be waited for").code().unwrap_or(-1)
    }

    /// Asks it to leave, and holds it to leaving well.
    pub async fn leaves_well(&mut self) {
        self.ask_to_leave();
        assert_eq!(self.left().await, 0, "{}", self.log());
    }
}
