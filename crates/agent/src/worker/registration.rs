//! Trading the agent token for a session token.

use countersign_wire::buildkite::RegisterRequest;

use super::{Worker, public_id, session::Session};
use crate::{
    AgentError, ErrorKind, Event, Stop,
    api::{CallError, Halt, Retry},
    config::parse_endpoint,
    host, stop,
};

impl Worker {
    /// Registers. `None` when the agent was told to stop meanwhile. `again` says that there was a session before: then no server
    /// that is away is waited for in vain.
    pub(super) async fn register(&self, again: bool) -> Result<Option<Session<'_>>, AgentError> {
        let request = self.register_request();
        let halt = Halt::at(Stop::AfterJob, self.stop());
        loop {
            let call =
                Retry::REGISTER.run(&self.ambient, &halt, |error| self.waiting(error), || self.api.register(&request));
            match call.await {
                Ok(registered) => {
                    let base = match registered.endpoint.as_deref().filter(|endpoint| !endpoint.is_empty()) {
                        Some(endpoint) => parse_endpoint(endpoint).map_err(|problem| {
                            AgentError::new(ErrorKind::Unavailable, format!("the server's own endpoint {problem}"))
                        })?,
                        None => self.api.base().to_owned(),
                    };
                    self.report(&Event::Registered {
                        id: registered.id.clone(),
                        name: registered.name.clone(),
                        agent_token: public_id(&self.agent.token),
                        session_token: public_id(&registered.access_token),
                    });
                    let api = self.api.with_token(registered.access_token.clone()).with_base(&base);
                    api.ask_headers(registered.request_headers.as_ref());
                    return Ok(Some(Session::new(self, api, registered)));
                }
                Err(_) if stop::has_reached(self.stop(), Stop::AfterJob) => return Ok(None),
                Err(error) if error.is_temporary() && again => self.waiting(&error),
                Err(error) => return Err(self.refusal(&error)),
            }
        }
    }

    fn register_request(&self) -> RegisterRequest {
        let agent = &*self.agent;
        let mut features = vec!["no-plugins".to_owned()];
        if agent.config.acquire_job.is_some() {
            features.push("acquire-job".to_owned());
        }
        if agent.config.disconnect_after_job {
            features.push("disconnect-after-job".to_owned());
        }
        if agent.config.disconnect_after_idle.is_some() {
            features.push("disconnect-after-idle".to_owned());
        }
        RegisterRequest {
            name: agent.config.name.replace("%spawn", &self.number.to_string()),
            hostname: agent.host.hostname.clone(),
            os: agent.host.os.clone(),
            arch: host::arch().to_owned(),
            script_eval_enabled: true,
            ignore_in_dispatches: agent.config.acquire_job.is_some(),
            priority: agent.config.priority.clone(),
            version: host::VERSION.to_owned(),
            build: host::BUILD.to_owned(),
            tags: agent.config.tags.clone(),
            pid: Some(agent.host.pid.into()),
            machine_id: None,
            features,
        }
    }

    /// Says why the agent cannot register, with the token's public id and the server's reason.
    fn refusal(&self, error: &CallError) -> AgentError {
        let CallError::Refused(refused) = error else {
            return AgentError::new(AgentError::from(error.clone()).kind(), format!("cannot register: {error}"));
        };
        let id = refused.token.clone().or_else(|| public_id(&self.agent.token));
        let token = id.map_or_else(|| "the agent token".to_owned(), |id| format!("the agent token {id}"));
        let message =
            if refused.message.is_empty() { format!("status {}", refused.status) } else { refused.message.clone() };
        let text = match (refused.status, &refused.reason) {
            (401 | 403, Some(reason)) => format!("the server refused {token} ({reason}): {message}"),
            (401 | 403, None) => format!("the server refused {token}: {message}"),
            (status, _) => {
                format!("the server takes no registration of this agent (status {status}, {token}): {message}")
            }
        };
        AgentError::new(AgentError::from(error.clone()).kind(), text)
    }
}
