//! Calls to a server of this machine, over its unix socket.

use std::{path::Path, time::Duration};

use countersign_wire::SecretText;
use reqwest::{Client, Method, redirect};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::{AgentError, ErrorKind, api::printable};

/// Longest time of one call: the other side answers at once.
const CALL_TIMEOUT: Duration = Duration::from_secs(30);

/// Largest answer that is read, in bytes.
const MAX_ANSWER: usize = 8 * 1024 * 1024;

/// A server behind a socket.
pub(crate) struct Local {
    http: Client,
    /// What stands before the calls, such as `/api/leader/v0`.
    base: &'static str,
    token: Option<SecretText>,
    /// For messages: what this is.
    what: &'static str,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Problem {
    error: String,
}

impl Local {
    /// A server behind `socket`.
    pub fn new(
        socket: &Path,
        base: &'static str,
        token: Option<SecretText>,
        what: &'static str,
    ) -> Result<Self, AgentError> {
        let http = Client::builder()
            .unix_socket(socket)
            .timeout(CALL_TIMEOUT)
            .connect_timeout(CALL_TIMEOUT)
            .redirect(redirect::Policy::none())
            .no_proxy()
            .tls_certs_only(std::iter::empty())
            .build()
            .map_err(|error| AgentError::new(ErrorKind::Internal, format!("cannot set up connections: {error}")))?;
        Ok(Self { http, base, token, what })
    }

    /// Makes a call.
    pub async fn call<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Option<&impl Serialize>,
    ) -> Result<T, AgentError> {
        let away = |error: &reqwest::Error| {
            let problem = if error.is_connect() { "nobody answers on its socket" } else { "the connection broke" };
            AgentError::new(ErrorKind::Unavailable, format!("{}: {problem}", self.what))
        };
        let mut request = self.http.request(method, format!("http://localhost{}{path}", self.base));
        if let Some(token) = &self.token {
            request = request.bearer_auth(token.reveal());
        }
        if let Some(body) = body {
            request = request.json(body);
        }
        let mut answer = request.send().await.map_err(|error| away(&error))?;
        let status = answer.status();
        let mut bytes = Vec::new();
        while let Some(part) = answer.chunk().await.map_err(|error| away(&error))? {
            if bytes.len() + part.len() > MAX_ANSWER {
                return Err(AgentError::new(ErrorKind::Internal, format!("{}: the answer is too large", self.what)));
            }
            bytes.extend_from_slice(&part);
        }
        if status.is_success() {
            return serde_json::from_slice(&bytes).map_err(|_| {
                AgentError::new(ErrorKind::Internal, format!("{}: the answer is not what it should be", self.what))
            });
        }
        let problem: Problem = serde_json::from_slice(&bytes).unwrap_or_default();
        let kind = match status.as_u16() {
            401 => ErrorKind::TokenRefused,
            404 => ErrorKind::NotFound,
            400..500 => ErrorKind::BadInput,
            _ => ErrorKind::Unavailable,
        };
        let problem =
            if problem.error.is_empty() { format!("status {}", status.as_u16()) } else { printable(&problem.error) };
        Err(AgentError::new(kind, format!("{}: {problem}", self.what)))
    }
}
