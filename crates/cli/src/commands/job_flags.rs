//! Flags of the commands that a job calls. They read the variables that an agent sets for its job, as `buildkite-agent` does.

use std::time::Duration;

use clap::Args;
use countersign_agent::{
    TokenSource,
    commands::{Given, JobAccess, JobApi, is_secret_name},
};

use crate::{
    Ambient,
    failure::{Exit, Failure, Outcome},
};

/// The most bytes of a value that are read from standard input or a file; the server's own limits are lower.
pub(super) const MAX_VALUE: usize = 1024 * 1024;

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
    /// Whether the value of a variable of this name is a secret.
    pub fn is_secret_name(&self, name: &str, ambient: &Ambient) -> bool {
        is_secret_name(name, self.redacted_vars.as_deref(), &ambient.environment)
    }

    /// What the command calls the server with. `build` is another build to read meta-data of.
    pub fn access(self, build: Option<String>, ambient: &Ambient) -> Outcome<JobAccess> {
        let token = self.agent_access_token.map(|text| TokenSource::parse(&text)?.read()).transpose().map_err(plain)?;
        let given = Given { token, endpoint: self.endpoint, job: self.job, build, redacted_vars: self.redacted_vars };
        let access = JobAccess::new(given, &ambient.environment, ambient.clock.clone(), ambient.entropy.clone());
        access.map_err(plain)
    }
}

/// The Job API, which takes values out of the job's log, unless that is not wanted.
pub(super) fn job_api_unless(skip_redaction: bool, ambient: &Ambient) -> Outcome<Option<JobApi>> {
    if skip_redaction {
        return Ok(None);
    }
    JobApi::new(&ambient.environment).map(Some).map_err(|error| {
        plain(format!(
            "{error}; what is printed could not be kept out of the log (--skip-redaction prints it all the same)"
        ))
    })
}

/// A length of time as Go writes it: `1h30m`, `90s`, `1.5s`, `500ms`, or `0`.
pub(super) fn go_duration(text: &str) -> Result<Duration, String> {
    let wrong = || "write a number and a unit, for example 30s, 5m or 1h30m".to_owned();
    if text == "0" {
        return Ok(Duration::ZERO);
    }
    let mut rest = text;
    let mut seconds = 0.0;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.').ok_or_else(wrong)?;
        let (number, behind) = rest.split_at(digits);
        let number: f64 = number.parse().map_err(|_| wrong())?;
        let units = [("ms", 0.001), ("h", 3600.0), ("m", 60.0), ("s", 1.0)];
        let (unit, factor) = units.into_iter().find(|(unit, _)| behind.starts_with(unit)).ok_or_else(wrong)?;
        seconds += number * factor;
        rest = &behind[unit.len()..];
    }
    if text.is_empty() {
        return Err(wrong());
    }
    Duration::try_from_secs_f64(seconds).map_err(|_| "that is too long".to_owned())
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_of_time_are_those_of_go() {
        let millis = |text| go_duration(text).map(|it| it.as_millis());
        for (text, expected) in [("0", 0), ("30s", 30_000), ("1h30m", 5_400_000), ("1.5s", 1_500), ("500ms", 500)] {
            assert_eq!(millis(text), Ok(expected), "{text}");
        }
        for wrong in ["", "5", "s", "-1s", "1x", "1s2", "1..2s", "9999999999999999999999h"] {
            assert!(go_duration(wrong).is_err(), "{wrong}");
        }
    }
}
