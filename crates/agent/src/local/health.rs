//! What the agent says of itself to whoever asks on `--health-check-addr`.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use serde::Serialize;
use serde_json::json;
use tokio::net::TcpListener;

use super::server::{Answer, Connections, Request, Service};
use crate::{AgentError, Event, ambient::Ambient, host};

/// Wait after a connection that could not be accepted, for example because no more files may be opened.
const ACCEPT_AGAIN: Duration = Duration::from_secs(1);

/// What one worker does.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
struct WorkerState {
    /// From 1.
    worker: u32,
    /// The agent's id and name, once it is registered.
    id: Option<String>,
    name: Option<String>,
    /// `starting`, `registered`, `connected`, `waiting` (for a server that is away), `paused`, `running`, `left` or `failed`.
    state: &'static str,
    /// The running job.
    job: Option<String>,
}

/// What the workers do, as they told it.
pub(crate) struct Health(Mutex<Vec<WorkerState>>);

impl Health {
    pub fn new(workers: u32) -> Self {
        let starting = |worker| WorkerState { worker, state: "starting", ..WorkerState::default() };
        Self(Mutex::new((1..=workers).map(starting).collect()))
    }

    /// Takes note of what a worker tells.
    pub fn note(&self, worker: u32, event: &Event) {
        let index = usize::try_from(worker.saturating_sub(1)).unwrap_or(usize::MAX);
        let mut workers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(worker) = workers.get_mut(index) else { return };
        worker.state = match event {
            Event::Registered { id, name, .. } => {
                worker.id = Some(id.clone());
                worker.name = Some(name.clone());
                "registered"
            }
            Event::JobStarted { id, .. } => {
                worker.job = Some(id.clone());
                "running"
            }
            Event::JobFinished { .. } | Event::JobRefused { .. } | Event::JobUnreported { .. } => {
                worker.job = None;
                "connected"
            }
            Event::Connected | Event::Resumed => "connected",
            Event::Paused => "paused",
            // A running job goes on while the server is away.
            Event::Waiting { .. } if worker.job.is_none() => "waiting",
            Event::SessionRefused { .. } => "waiting",
            Event::Disconnected => "left",
            Event::Failed(_) => "failed",
            Event::Waiting { .. } | Event::Message(_) | Event::Disconnecting { .. } => worker.state,
        };
    }
}

impl Service for Health {
    fn answer(&self, request: &Request) -> Answer {
        let workers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match (request.method.as_str(), request.path.as_str()) {
            ("GET" | "HEAD", "/") => Answer::ok(json!({ "status": "ok" })),
            ("GET" | "HEAD", "/status.json") => {
                Answer::ok(json!({ "status": "ok", "version": host::VERSION, "workers": *workers }))
            }
            _ => Answer::not_found(),
        }
    }
}

/// Listens, and answers what serves until it is dropped.
///
/// # Errors
/// The address cannot be listened on.
pub(crate) async fn serve(
    address: SocketAddr,
    health: Arc<Health>,
    ambient: Ambient,
) -> Result<impl Future<Output = ()> + Send + 'static, AgentError> {
    let listener = TcpListener::bind(address).await.map_err(|error| {
        AgentError::bad_input(format!("--health-check-addr {address}: it cannot be listened on ({error})"))
    })?;
    let mut connections = Connections::new(health);
    Ok(async move {
        loop {
            match listener.accept().await {
                Ok((stream, _)) => connections.take(stream).await,
                Err(error) => {
                    tracing::warn!(%error, "a question about the agent's health cannot be taken");
                    ambient.clock.sleep(ACCEPT_AGAIN).await;
                }
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use http::Method;

    use super::*;

    fn ask(health: &Health, path: &str) -> (u16, String) {
        let request =
            Request { method: Method::GET, path: path.to_owned(), key: None, bearer: None, body: Default::default() };
        let answer = health.answer(&request);
        (answer.status.as_u16(), answer.body.to_string())
    }

    #[test]
    fn it_says_what_each_worker_does() {
        let health = Health::new(2);
        let registered =
            Event::Registered { id: "i".to_owned(), name: "n".to_owned(), agent_token: None, session_token: None };
        health.note(1, &registered);
        health.note(1, &Event::JobStarted { id: "j".to_owned(), job_token: None });
        health.note(1, &Event::Waiting { problem: "away".to_owned() });
        health.note(2, &Event::Waiting { problem: "away".to_owned() });
        health.note(3, &Event::Paused);
        assert_eq!(ask(&health, "/").0, 200);
        let (status, body) = ask(&health, "/status.json");
        assert_eq!(status, 200);
        assert!(body.contains(r#""job":"j","name":"n","state":"running","worker":1"#), "{body}");
        assert!(body.contains(r#""state":"waiting","worker":2"#), "{body}");
        assert_eq!(ask(&health, "/agent/1").0, 404);
    }
}
