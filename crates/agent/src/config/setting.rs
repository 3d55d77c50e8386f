//! Every setting of an agent: its flag, its variables, its key in the configuration file.

/// One thing that can be set, in three places.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Setting {
    /// The agent token: a value, `file://PATH` or `fd://N`.
    Token,
    /// The base address, including `/v3`.
    Endpoint,
    /// The name's template.
    Name,
    /// An integer; higher is preferred.
    Priority,
    /// Adds the tag `queue=…`.
    Queue,
    /// Comma-separated tags.
    Tags,
    /// Workers.
    Spawn,
    /// The folder for builds.
    BuildPath,
    /// The command line that a command is appended to.
    Shell,
    /// Leave after one job.
    DisconnectAfterJob,
    /// Seconds without a job after which to leave; 0 means never.
    DisconnectAfterIdleTimeout,
    /// Run this one job and leave.
    AcquireJob,
    /// End with the exit status of the acquired job.
    ReflectExitStatus,
    /// The signal that a cancelled job is sent first.
    CancelSignal,
    /// Seconds between that signal and SIGKILL.
    CancelGracePeriod,
    /// The folder for unix sockets.
    SocketsPath,
    /// The address to answer questions about the agent's health on.
    HealthCheckAddr,
    /// Names of variables whose values are taken out of the log.
    RedactedVars,
    /// Write no colours.
    NoColor,
}

impl Setting {
    /// Every setting, in the order of declaration.
    pub const ALL: [Self; 19] = [
        Self::Token,
        Self::Endpoint,
        Self::Name,
        Self::Priority,
        Self::Queue,
        Self::Tags,
        Self::Spawn,
        Self::BuildPath,
        Self::Shell,
        Self::DisconnectAfterJob,
        Self::DisconnectAfterIdleTimeout,
        Self::AcquireJob,
        Self::ReflectExitStatus,
        Self::CancelSignal,
        Self::CancelGracePeriod,
        Self::SocketsPath,
        Self::HealthCheckAddr,
        Self::RedactedVars,
        Self::NoColor,
    ];

    /// The flag without its dashes, which is also the key in the configuration file.
    #[must_use]
    pub const fn key(self) -> &'static str {
        match self {
            Self::Token => "token",
            Self::Endpoint => "endpoint",
            Self::Name => "name",
            Self::Priority => "priority",
            Self::Queue => "queue",
            Self::Tags => "tags",
            Self::Spawn => "spawn",
            Self::BuildPath => "build-path",
            Self::Shell => "shell",
            Self::DisconnectAfterJob => "disconnect-after-job",
            Self::DisconnectAfterIdleTimeout => "disconnect-after-idle-timeout",
            Self::AcquireJob => "acquire-job",
            Self::ReflectExitStatus => "reflect-exit-status",
            Self::CancelSignal => "cancel-signal",
            Self::CancelGracePeriod => "cancel-grace-period",
            Self::SocketsPath => "sockets-path",
            Self::HealthCheckAddr => "health-check-addr",
            Self::RedactedVars => "redacted-vars",
            Self::NoColor => "no-color",
        }
    }

    /// The variables, the winning one first: ours, then the one that Buildkite's agent reads.
    #[must_use]
    pub const fn variables(self) -> [&'static str; 2] {
        match self {
            Self::Token => ["COUNTERSIGN_AGENT_TOKEN", "BUILDKITE_AGENT_TOKEN"],
            Self::Endpoint => ["COUNTERSIGN_AGENT_ENDPOINT", "BUILDKITE_AGENT_ENDPOINT"],
            Self::Name => ["COUNTERSIGN_AGENT_NAME", "BUILDKITE_AGENT_NAME"],
            Self::Priority => ["COUNTERSIGN_AGENT_PRIORITY", "BUILDKITE_AGENT_PRIORITY"],
            Self::Queue => ["COUNTERSIGN_AGENT_QUEUE", "BUILDKITE_AGENT_QUEUE"],
            Self::Tags => ["COUNTERSIGN_AGENT_TAGS", "BUILDKITE_AGENT_TAGS"],
            Self::Spawn => ["COUNTERSIGN_AGENT_SPAWN", "BUILDKITE_AGENT_SPAWN"],
            Self::BuildPath => ["COUNTERSIGN_AGENT_BUILD_PATH", "BUILDKITE_BUILD_PATH"],
            Self::Shell => ["COUNTERSIGN_AGENT_SHELL", "BUILDKITE_SHELL"],
            Self::DisconnectAfterJob => {
                ["COUNTERSIGN_AGENT_DISCONNECT_AFTER_JOB", "BUILDKITE_AGENT_DISCONNECT_AFTER_JOB"]
            }
            Self::DisconnectAfterIdleTimeout => {
                ["COUNTERSIGN_AGENT_DISCONNECT_AFTER_IDLE_TIMEOUT", "BUILDKITE_AGENT_DISCONNECT_AFTER_IDLE_TIMEOUT"]
            }
            Self::AcquireJob => ["COUNTERSIGN_AGENT_ACQUIRE_JOB", "BUILDKITE_AGENT_ACQUIRE_JOB"],
            Self::ReflectExitStatus => ["COUNTERSIGN_AGENT_REFLECT_EXIT_STATUS", "BUILDKITE_AGENT_REFLECT_EXIT_STATUS"],
            Self::CancelSignal => ["COUNTERSIGN_AGENT_CANCEL_SIGNAL", "BUILDKITE_CANCEL_SIGNAL"],
            Self::CancelGracePeriod => ["COUNTERSIGN_AGENT_CANCEL_GRACE_PERIOD", "BUILDKITE_CANCEL_GRACE_PERIOD"],
            Self::SocketsPath => ["COUNTERSIGN_AGENT_SOCKETS_PATH", "BUILDKITE_SOCKETS_PATH"],
            Self::HealthCheckAddr => ["COUNTERSIGN_AGENT_HEALTH_CHECK_ADDR", "BUILDKITE_AGENT_HEALTH_CHECK_ADDR"],
            Self::RedactedVars => ["COUNTERSIGN_AGENT_REDACTED_VARS", "BUILDKITE_REDACTED_VARS"],
            Self::NoColor => ["COUNTERSIGN_AGENT_NO_COLOR", "BUILDKITE_AGENT_NO_COLOR"],
        }
    }

    /// The setting of a key in the configuration file.
    #[must_use]
    pub fn from_key(key: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|setting| setting.key() == key)
    }
}
