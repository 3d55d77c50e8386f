//! Flags of the commands that a job calls. They read the variables that an agent sets for its job, as `buildkite-agent` does.

use clap::Args;
use countersign_agent::{
    TokenSource,
    commands::{Given, JobAccess},
};

use crate::{
    Ambient,
    failure::{Exit, Failure, Outcome},
};

/// What every such command may be given.
#[derive(Debug, Clone, Default, Args)]
pub(super) struct JobFlags {
    /// The job token [env: BUILDKITE_AGENT_ACCESS_TOKEN]
    #[arg(long, value_name = "TOKEN")]
    agent_access_token: Option<String>,
    /// The server's agent address [env: BUILDKITE_AGENT_ENDPOINT]
    #[arg(long, value_name = "URL")]
    endpoint: Option<String>,
    /// The job's id [env: BUILDKITE_JOB_ID]
    #[arg(long, value_name = "UUID")]
    job: Option<String>,
    /// Names of variables whose values are taken out of what is sent, separated by commas [env: BUILDKITE_REDACTED_VARS]
    #[arg(long, value_name = "PATTERNS")]
    redacted_vars: Option<String>,
    #[command(flatten)]
    accepted: AcceptedFlags,
}

/// Flags of `buildkite-agent` that scripts give and that change nothing here.
#[derive(Debug, Clone, Default, Args)]
pub(super) struct AcceptedFlags {
    #[arg(long, hide = true)]
    no_color: bool,
    #[arg(long, hide = true)]
    debug: bool,
    #[arg(long, hide = true, value_name = "LEVEL")]
    log_level: Option<String>,
    #[arg(long, hide = true, value_name = "NAME")]
    experiment: Vec<String>,
    #[arg(long, hide = true, value_name = "NAME")]
    profile: Option<String>,
    #[arg(long, hide = true)]
    no_http2: bool,
    #[arg(long, hide = true)]
    debug_http: bool,
    #[arg(long, hide = true)]
    trace_http: bool,
}

impl JobFlags {
    /// What the command calls the server with. `build` is another build to read meta-data of.
    pub fn access(self, build: Option<String>, ambient: &Ambient) -> Outcome<JobAccess> {
        let token = self.agent_access_token.map(|text| TokenSource::parse(&text)?.read()).transpose().map_err(plain)?;
        let given = Given { token, endpoint: self.endpoint, job: self.job, build, redacted_vars: self.redacted_vars };
        let access = JobAccess::new(given, &ambient.environment, ambient.clock.clone(), ambient.entropy.clone());
        access.map_err(plain)
    }
}

/// Commands of a job end with 1 after any error, as scripts expect of them.
pub(super) fn plain(error: impl std::fmt::Display) -> Failure {
    Failure::new(Exit::Internal, error)
}

/// Standard input as text, unless a person sits at it or it is closed.
pub(super) async fn standard_input(limit: usize) -> Outcome<Option<String>> {
    use std::io::{IsTerminal, Read};
    if std::io::stdin().is_terminal() {
        return Ok(None);
    }
    let reading = tokio::task::spawn_blocking(move || {
        let mut bytes = Vec::new();
        std::io::stdin().lock().take(limit as u64 + 1).read_to_end(&mut bytes).map(|_| bytes)
    });
    let bytes =
        reading.await.map_err(plain)?.map_err(|error| plain(format!("standard input cannot be read: {error}")))?;
    if bytes.len() > limit {
        return Err(plain(format!("standard input holds more than {limit} bytes")));
    }
    let text = String::from_utf8(bytes).map_err(|_| plain("standard input is not UTF-8 text"))?;
    Ok((!text.is_empty()).then_some(text))
}
