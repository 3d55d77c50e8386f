//! The agent's configuration.
//!
//! A flag wins over a variable, a variable over the configuration file, and that over the default.

mod file;
mod foreign;
mod layer;
mod setting;

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use rustix::process::Signal;
use url::Url;

pub use file::{ConfigFile, config_file_candidates};
pub use foreign::{passed_over, refuse_lost_restrictions};
pub use layer::{Layer, Layers};
pub use setting::Setting;

use crate::{AgentError, Environment, TokenSource, job::signal_named};

/// Where a Countersign server listens when nothing else was said.
pub const DEFAULT_ENDPOINT: &str = "http://127.0.0.1:8420/v3";
/// The variable that names the server to every other command, and to an agent that is told nothing else.
const SERVER: &str = "COUNTERSIGN_SERVER";
/// Where agents call, below the server's own address.
const BELOW: &str = "/v3";

/// The name that the server expands when no other was given.
const DEFAULT_NAME: &str = "%hostname-%spawn";

/// Most workers of one process.
const MAX_SPAWN: u32 = 1000;

/// How long a cancelled job has between its first signal and SIGKILL when nothing else was said.
const DEFAULT_CANCEL_GRACE: Duration = Duration::from_secs(10);

/// Names of variables whose values are taken out of logs, annotations and meta-data when nothing else was said.
pub(crate) const DEFAULT_REDACTED_VARS: &str =
    "*_PASSWORD,*_SECRET,*_TOKEN,*_PRIVATE_KEY,*_SSH_KEY,*_ACCESS_KEY,*_SECRET_KEY,*_CONNECTION_STRING,*_API_KEY";

/// Everything that can be set about an agent.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where the agent token comes from; read it once with [`TokenSource::read`].
    pub token: TokenSource,
    /// The base address, without a slash at its end. Includes `/v3`.
    pub endpoint: String,
    /// The name's template. `%spawn` is replaced here, `%hostname`, `%pid` and `%random` by the server.
    pub name: String,
    /// An integer; higher is preferred.
    pub priority: Option<String>,
    /// Tags, `key=value` or a bare `key`.
    pub tags: Vec<String>,
    /// Workers in this process: 1 to 1000.
    pub spawn: u32,
    /// The folder that holds one working folder per agent name, organization and pipeline.
    pub build_path: PathBuf,
    /// Program and arguments that a command is appended to. `None` means `/bin/bash -e -c`, or `/bin/sh -e -c` without bash.
    pub shell: Option<Vec<String>>,
    /// Leave after one job.
    pub disconnect_after_job: bool,
    /// Leave when no worker had a job for this long.
    pub disconnect_after_idle: Option<Duration>,
    /// Run this one job, by its id, and leave.
    pub acquire_job: Option<String>,
    /// Answer with the exit status of the acquired job.
    pub reflect_exit_status: bool,
    /// What a cancelled job is sent first.
    pub cancel_signal: Signal,
    /// Between that signal and SIGKILL.
    pub cancel_grace: Duration,
    /// The folder for unix sockets; `None` means one inside the build path.
    pub sockets_path: Option<PathBuf>,
    /// Where questions about the agent's health are answered.
    pub health_check: Option<SocketAddr>,
    /// Names of variables whose values are taken out of the log; `*` stands for any characters.
    pub redacted_vars: Vec<String>,
    /// Write no colours.
    pub no_color: bool,
}

impl Config {
    /// Puts the layers together. `environment` only serves to find the home folder for the default build path, and
    /// `COUNTERSIGN_SERVER` where no endpoint is given.
    ///
    /// # Errors
    /// A value is missing or cannot be read; the message names the flag, the variable or the file that it came from.
    pub fn resolve(layers: &Layers, environment: &Environment) -> Result<Self, AgentError> {
        let token = layers.get(Setting::Token).ok_or_else(|| {
            AgentError::bad_input(
                "no agent token was given; use --token, COUNTERSIGN_AGENT_TOKEN, or token=\"…\" in the configuration file",
            )
        })?;
        let token = TokenSource::parse(token.text).map_err(|error| token.wrong(&error.to_string()))?;
        let endpoint = match layers.get(Setting::Endpoint) {
            Some(given) => parse_endpoint(given.text).map_err(|problem| given.wrong(&problem))?,
            None => match environment.get(SERVER) {
                Some(server) => parse_endpoint(server)
                    .map(|server| format!("{server}{BELOW}"))
                    .map_err(|problem| AgentError::bad_input(format!("{SERVER} {problem}")))?,
                None => DEFAULT_ENDPOINT.to_owned(),
            },
        };
        let spawn = match layers.get(Setting::Spawn) {
            Some(given) => given.number(1, u64::from(MAX_SPAWN))?.try_into().unwrap_or(MAX_SPAWN),
            None => 1,
        };
        let build_path = match layers.get(Setting::BuildPath) {
            Some(given) => PathBuf::from(given.text),
            None => match environment.get("HOME") {
                Some(home) => PathBuf::from(home).join(".countersign").join("builds"),
                None => {
                    return Err(AgentError::bad_input(
                        "no folder for builds was given and HOME is not set; use --build-path",
                    ));
                }
            },
        };
        Ok(Self {
            token,
            endpoint,
            name: named_apart(layers.text(Setting::Name).unwrap_or(DEFAULT_NAME), spawn),
            priority: match layers.get(Setting::Priority) {
                Some(given) => Some(given.integer()?.to_string()),
                None => None,
            },
            tags: tags(layers),
            spawn,
            build_path,
            shell: match layers.get(Setting::Shell) {
                Some(given) => Some(words(given.text).map_err(|problem| given.wrong(problem))?),
                None => None,
            },
            disconnect_after_job: layers.flag(Setting::DisconnectAfterJob)?,
            disconnect_after_idle: layers.seconds(Setting::DisconnectAfterIdleTimeout)?.filter(|idle| !idle.is_zero()),
            acquire_job: acquire_job(layers, spawn)?,
            reflect_exit_status: layers.flag(Setting::ReflectExitStatus)?,
            cancel_signal: match layers.get(Setting::CancelSignal) {
                Some(given) => signal_named(given.text.trim())
                    .ok_or_else(|| given.wrong("must be the name of a signal, for example SIGTERM or SIGINT"))?,
                None => Signal::TERM,
            },
            sockets_path: layers.text(Setting::SocketsPath).map(PathBuf::from),
            health_check: match layers.get(Setting::HealthCheckAddr) {
                Some(given) => Some(health_address(given.text.trim()).map_err(|problem| given.wrong(problem))?),
                None => None,
            },
            cancel_grace: layers.seconds(Setting::CancelGracePeriod)?.unwrap_or(DEFAULT_CANCEL_GRACE),
            redacted_vars: list(layers.text(Setting::RedactedVars).unwrap_or(DEFAULT_REDACTED_VARS)),
            no_color: layers.flag(Setting::NoColor)?,
        })
    }
}

/// Checks a base address and takes the slash off its end.
pub(crate) fn parse_endpoint(text: &str) -> Result<String, String> {
    let url = Url::parse(text)
        .map_err(|error| format!("is not an address ({error}); write for example {DEFAULT_ENDPOINT}"))?;
    if !matches!(url.scheme(), "http" | "https") || url.host().is_none() {
        return Err(format!(
            "must begin with http:// or https:// and name a host; write for example {DEFAULT_ENDPOINT}"
        ));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("must not hold a user or a password; the agent token is all that is sent".to_owned());
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err("must not hold a question mark or a hash".to_owned());
    }
    Ok(url.as_str().trim_end_matches('/').to_owned())
}

/// Comma-separated parts, trimmed, without empty ones.
pub(crate) fn list(text: &str) -> Vec<String> {
    text.split(',').map(str::trim).filter(|part| !part.is_empty()).map(str::to_owned).collect()
}

/// The tags, and the queue as the tag that it is.
fn tags(layers: &Layers) -> Vec<String> {
    let mut tags = layers.text(Setting::Tags).map(list).unwrap_or_default();
    if let Some(queue) = layers.text(Setting::Queue) {
        tags.retain(|tag| !tag.starts_with("queue="));
        tags.push(format!("queue={queue}"));
    }
    tags
}

/// The job to acquire. One job is run by one worker.
fn acquire_job(layers: &Layers, spawn: u32) -> Result<Option<String>, AgentError> {
    let Some(given) = layers.get(Setting::AcquireJob) else { return Ok(None) };
    if spawn > 1 {
        return Err(given.wrong("runs one job, so it goes with one worker only; leave --spawn away"));
    }
    Ok(Some(given.text.trim().to_owned()))
}

/// An address and a port. Without an address, as in `:8080`, only this machine may ask.
fn health_address(text: &str) -> Result<SocketAddr, &'static str> {
    let with_address = match text.strip_prefix(':').or_else(|| text.strip_prefix("localhost:")) {
        Some(port) => format!("127.0.0.1:{port}"),
        None => text.to_owned(),
    };
    with_address.parse().map_err(|_| "must be an address and a port, for example 127.0.0.1:3901 or :3901")
}

/// Workers of one name would share their working folders; so several get their number into the name.
fn named_apart(name: &str, spawn: u32) -> String {
    if spawn > 1 && !name.contains("%spawn") { format!("{name}-%spawn") } else { name.to_owned() }
}

/// Splits a command line at spaces; single and double quotes keep a part together.
fn words(text: &str) -> Result<Vec<String>, &'static str> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote: Option<char> = None;
    for c in text.chars() {
        match quote {
            Some(open) if c == open => quote = None,
            Some(_) => word.get_or_insert_default().push(c),
            None if c == '"' || c == '\'' => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            None if c.is_whitespace() => words.extend(word.take()),
            None => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    match (quote, words.is_empty()) {
        (Some(_), _) => Err("has a quote that is never closed"),
        (None, true) => Err("is empty; write for example /bin/bash -e -c"),
        (None, false) => Ok(words),
    }
}

#[cfg(test)]
mod tests;
