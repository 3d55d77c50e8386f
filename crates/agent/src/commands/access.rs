//! How a command in a job reaches the server.

use std::{collections::BTreeMap, sync::Arc};

use countersign_domain::{Clock, Entropy};
use countersign_wire::SecretText;

use crate::{
    AgentError, DEFAULT_ENDPOINT, Environment, Transport,
    ambient::Ambient,
    api::{Api, CallError, Halt, Owner, Retry},
    config::{DEFAULT_REDACTED_VARS, list, parse_endpoint},
    job::REQUEST_HEADER_VARIABLE,
    redaction::{self, secret_values},
};

/// The job token.
const TOKEN_VARIABLE: &str = "BUILDKITE_AGENT_ACCESS_TOKEN";
/// The base address, including `/v3`.
const ENDPOINT_VARIABLE: &str = "BUILDKITE_AGENT_ENDPOINT";
/// The job's id.
const JOB_VARIABLE: &str = "BUILDKITE_JOB_ID";
/// Another build to read meta-data of.
const BUILD_VARIABLE: &str = "BUILDKITE_METADATA_BUILD_ID";
/// Names of variables whose values never leave the machine.
const REDACTED_VARIABLE: &str = "BUILDKITE_REDACTED_VARS";

/// What the flags of a command said; what is `None` comes from the variables.
#[derive(Debug, Clone, Default)]
pub struct Given {
    /// `--agent-access-token`, else `BUILDKITE_AGENT_ACCESS_TOKEN`.
    pub token: Option<SecretText>,
    /// `--endpoint`, else `BUILDKITE_AGENT_ENDPOINT`.
    pub endpoint: Option<String>,
    /// `--job`, else `BUILDKITE_JOB_ID`.
    pub job: Option<String>,
    /// `--build`, else `BUILDKITE_METADATA_BUILD_ID`; only for reading meta-data.
    pub build: Option<String>,
    /// `--redacted-vars`, comma-separated, else `BUILDKITE_REDACTED_VARS`.
    pub redacted_vars: Option<String>,
}

/// Everything that a command needs to call the server.
pub struct JobAccess {
    pub(super) api: Api,
    pub(super) ambient: Ambient,
    job: Option<String>,
    build: Option<String>,
    secrets: Vec<SecretText>,
}

impl JobAccess {
    /// Puts flags and variables together. Reads no configuration file and never uses an agent token.
    ///
    /// # Errors
    /// There is no job token, the endpoint is no address, or connections cannot be set up.
    pub fn new(
        given: Given,
        environment: &Environment,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
    ) -> Result<Self, AgentError> {
        let text = |flag: Option<String>, variable: &str| flag.or_else(|| environment.get(variable).map(str::to_owned));
        let token = given.token.or_else(|| environment.get(TOKEN_VARIABLE).map(SecretText::new)).ok_or_else(|| {
            AgentError::bad_input(format!(
                "{TOKEN_VARIABLE} is not set; this command works inside a job, or with --agent-access-token"
            ))
        })?;
        let endpoint = text(given.endpoint, ENDPOINT_VARIABLE);
        let endpoint = parse_endpoint(endpoint.as_deref().unwrap_or(DEFAULT_ENDPOINT)).map_err(|problem| {
            AgentError::bad_input(format!("the endpoint (--endpoint, {ENDPOINT_VARIABLE}) {problem}"))
        })?;
        let patterns = patterns(given.redacted_vars.as_deref(), environment);
        let variables = environment.iter().filter_map(|(name, value)| Some((name.to_str()?, value.to_str()?)));
        let mut secrets = secret_values(variables, &patterns);
        secrets.push(token.clone());
        let api = Api::new(Transport::new(&endpoint, environment)?, &endpoint, token);
        api.ask_headers(Some(&asked_headers(environment)));
        Ok(Self {
            api,
            ambient: Ambient { clock, entropy },
            job: text(given.job, JOB_VARIABLE),
            build: text(given.build, BUILD_VARIABLE),
            secrets,
        })
    }

    /// The job's id.
    pub(super) fn job(&self) -> Result<&str, AgentError> {
        self.job
            .as_deref()
            .ok_or_else(|| AgentError::bad_input(format!("{JOB_VARIABLE} is not set; give the job with --job")))
    }

    /// Whose meta-data are read: the named build's, else the job's own.
    pub(super) fn owner(&self) -> Result<Owner, AgentError> {
        match &self.build {
            Some(build) => Ok(Owner::Build(build.clone())),
            None => self.job().map(|job| Owner::Job(job.to_owned())),
        }
    }

    /// The build whose artifacts are looked for.
    pub(super) fn build(&self) -> Result<&str, AgentError> {
        self.build
            .as_deref()
            .ok_or_else(|| AgentError::bad_input("BUILDKITE_BUILD_ID is not set; give the build with --build"))
    }

    /// Takes the values of secret variables out of a text.
    pub(super) fn redact(&self, text: &str) -> String {
        redaction::redact(text, &self.secrets)
    }

    /// Whether a text holds the value of a secret variable.
    pub(super) fn holds_secret(&self, text: &str) -> bool {
        self.secrets.iter().any(|secret| text.contains(secret.reveal()))
    }

    /// Names a change, so that a repeated call is applied once.
    pub(super) fn fresh_uuid(&self) -> String {
        countersign_domain::Id::<()>::new(self.ambient.clock.now(), &*self.ambient.entropy).uuid().to_string()
    }

    /// Makes a call by its schedule.
    pub(super) async fn call<T, F>(&self, retry: Retry, call: impl FnMut() -> F) -> Result<T, CallError>
    where
        F: Future<Output = Result<T, CallError>>,
    {
        let failed = |error: &CallError| tracing::warn!(%error, "trying again");
        retry.run(&self.ambient, &Halt::never(), failed, call).await
    }
}

/// The headers that the server asked for, as the agent passes them on: `BUILDKITE_REQUEST_HEADER_BUILDKITE_X` is `Buildkite-X`.
fn asked_headers(environment: &Environment) -> BTreeMap<String, String> {
    let header = |name: &str| {
        let words = name.strip_prefix(REQUEST_HEADER_VARIABLE)?.split('_').map(|word| {
            let (first, rest) = word.split_at_checked(1).unwrap_or((word, ""));
            format!("{first}{}", rest.to_ascii_lowercase())
        });
        Some(words.collect::<Vec<_>>().join("-"))
    };
    let variables = environment.iter().filter_map(|(name, value)| Some((name.to_str()?, value.to_str()?)));
    variables.filter_map(|(name, value)| Some((header(name)?, value.to_owned()))).collect()
}

/// The patterns of names of secret variables: `given`, else the variable, else the default.
fn patterns(given: Option<&str>, environment: &Environment) -> Vec<String> {
    list(given.or_else(|| environment.get(REDACTED_VARIABLE)).unwrap_or(DEFAULT_REDACTED_VARS))
}

/// Whether the value of a variable of this name is a secret. `redacted_vars` is what `--redacted-vars` says.
#[must_use]
pub fn is_secret_name(name: &str, redacted_vars: Option<&str>, environment: &Environment) -> bool {
    redaction::is_secret_name(name, &patterns(redacted_vars, environment))
}
