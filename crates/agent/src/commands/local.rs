//! How a command in a job reaches its agent, on the same machine.

use std::{collections::BTreeMap, path::PathBuf};

use countersign_wire::SecretText;
use reqwest::Method;
use serde_json::Value;

use crate::{
    AgentError, Environment,
    local::{
        client::Local,
        job_api::{
            self, EnvDelete, EnvDeleted, EnvUpdate, EnvUpdated, Redact, SOCKET_VARIABLE, TOKEN_VARIABLE, Workdir,
        },
    },
};

/// The Job API of the job that this command runs in.
pub struct JobApi(Local);

/// Which variables were set.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
pub struct Changed {
    /// Those that were not set before.
    pub added: Vec<String>,
    /// Those that had a value.
    pub updated: Vec<String>,
}

impl JobApi {
    /// Finds it by the variables that the agent has set.
    ///
    /// # Errors
    /// The variables are not there: this is no job, or its agent has no Job API.
    pub fn new(environment: &Environment) -> Result<Self, AgentError> {
        let given = |name: &str| {
            environment.get(name).ok_or_else(|| {
                AgentError::bad_input(format!(
                    "{name} is not set; this command works inside a job, whose agent sets it"
                ))
            })
        };
        let socket = PathBuf::from(given(SOCKET_VARIABLE)?);
        let token = SecretText::new(given(TOKEN_VARIABLE)?);
        Local::new(&socket, job_api::BASE, Some(token), "the Job API").map(Self)
    }

    /// Every variable of the job.
    ///
    /// # Errors
    /// The agent refuses or does not answer.
    pub async fn env(&self) -> Result<BTreeMap<String, String>, AgentError> {
        let none: Option<&()> = None;
        Ok(self.0.call::<job_api::Env>(Method::GET, "/env", none).await?.env)
    }

    /// Sets variables.
    ///
    /// # Errors
    /// One of them is the agent's own, or the agent refuses or does not answer.
    pub async fn set_env(&self, variables: BTreeMap<String, String>) -> Result<Changed, AgentError> {
        let env = variables.into_iter().map(|(name, value)| (name, Some(value))).collect();
        let EnvUpdated { added, updated } = self.0.call(Method::PATCH, "/env", Some(&EnvUpdate { env })).await?;
        Ok(Changed { added, updated })
    }

    /// Takes variables away. Answers which were set.
    ///
    /// # Errors
    /// One of them is the agent's own, or the agent refuses or does not answer.
    pub async fn unset_env(&self, names: Vec<String>) -> Result<Vec<String>, AgentError> {
        Ok(self.0.call::<EnvDeleted>(Method::DELETE, "/env", Some(&EnvDelete { keys: names })).await?.deleted)
    }

    /// Sets the job's folder. Answers its whole path.
    ///
    /// # Errors
    /// It is no folder, or the agent refuses or does not answer.
    pub async fn set_workdir(&self, folder: &str) -> Result<String, AgentError> {
        let request = Workdir { workdir: folder.to_owned() };
        Ok(self.0.call::<Workdir>(Method::PUT, "/workdir", Some(&request)).await?.workdir)
    }

    /// Takes a secret out of the job's log from now on.
    ///
    /// # Errors
    /// The agent refuses or does not answer.
    pub async fn redact(&self, secret: SecretText) -> Result<(), AgentError> {
        self.0.call::<Value>(Method::POST, "/redactions", Some(&Redact { redact: secret })).await.map(drop)
    }
}
