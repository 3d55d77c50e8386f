//! What the agent says about the machine that it runs on.

use std::path::PathBuf;

/// The machine and the program, as the command line found them.
#[derive(Debug, Clone)]
pub struct Host {
    /// The machine's name.
    pub hostname: String,
    /// Free text about the operating system, for people.
    pub os: String,
    /// The agent's process id.
    pub pid: u32,
    /// The running binary. Jobs find it on their `PATH`, also under the name `buildkite-agent`.
    pub executable: PathBuf,
}

/// What servers are told as the agent's version. It does not parse as a plain version number on purpose: servers compare those
/// with Buildkite's own, and a small number would count as an agent that knows no job tokens.
pub(crate) const VERSION: &str = concat!("countersign-", env!("CARGO_PKG_VERSION"));

/// What servers are told as the agent's build.
pub(crate) const BUILD: &str = "countersign";

/// `User-Agent` of the agent and of the commands.
pub(crate) fn user_agent() -> String {
    format!("countersign-agent/{} ({}; {})", env!("CARGO_PKG_VERSION"), std::env::consts::OS, arch())
}

/// The processor, by Go's name for it, as the protocol has it.
pub(crate) fn arch() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        "x86" => "386",
        other => other,
    }
}
