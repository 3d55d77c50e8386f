//! `--acquire-job`: one job, named beforehand, and then the end.

use std::sync::atomic::{AtomicU32, Ordering};

use super::{
    Worker,
    session::{RefusedWatch, Session},
};
use crate::{
    AgentError, ErrorKind, Event, Stop,
    api::{CallError, Halt, Retry, printable},
    job, stop,
};

impl Worker {
    /// Registers, takes the job, runs it, and leaves. Answers its exit status; `None` when the agent was told to stop before.
    pub(super) async fn acquire(&self, job: &str) -> Result<Option<i32>, AgentError> {
        let Some(session) = self.register(false).await? else { return Ok(None) };
        let Some((heartbeats, refusal)) = session.open().await else {
            if stop::has_reached(self.stop(), Stop::AfterJob) {
                return Ok(None);
            }
            return Err(AgentError::new(
                ErrorKind::TokenRefused,
                "the session was refused before the job was acquired",
            ));
        };
        let ended = self.acquire_in(&session, &refusal, job).await;
        if let Err(error) = &ended {
            self.report(&Event::JobRefused { id: printable(job), reason: error.to_string() });
        }
        drop(heartbeats);
        session.close(&refusal).await;
        ended
    }

    async fn acquire_in(
        &self,
        session: &Session<'_>,
        refusal: &RefusedWatch,
        job: &str,
    ) -> Result<Option<i32>, AgentError> {
        let halt = Halt::at(Stop::AfterJob, self.stop());
        let attempts = AtomicU32::new(0);
        let call = Retry::ACQUIRE.run(
            self.ambient(),
            &halt,
            |error| self.waiting(error),
            || session.api().acquire(job, attempts.fetch_add(1, Ordering::Relaxed)),
        );
        match call.await {
            Ok(job) => Ok(Some(Box::pin(job::run(&session.around(refusal), job)).await)),
            Err(_) if stop::has_reached(self.stop(), Stop::AfterJob) => Ok(None),
            Err(error) => Err(not_acquired(job, &error)),
        }
    }
}

fn not_acquired(job: &str, error: &CallError) -> AgentError {
    let kind = match error.status() {
        Some(423) => ErrorKind::AcquireLocked,
        Some(status) if status < 500 && status != 429 => ErrorKind::AcquireRejected,
        _ => AgentError::from(error.clone()).kind(),
    };
    AgentError::new(kind, format!("the job {} cannot be acquired: {error}", printable(job)))
}
