//! How an agent is asked to end.

use tokio::sync::watch;

/// What the agent was asked to do; it only ever rises. The command line sets it from signals.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stop {
    /// Go on.
    #[default]
    No,
    /// First SIGTERM or Ctrl-C: finish the running job, then disconnect.
    AfterJob,
    /// Second one: cancel the running job, then disconnect.
    Now,
}

/// Ends when `stop` has reached `stage`; never, when whoever could ask has gone.
pub(crate) async fn reached(stop: &watch::Receiver<Stop>, stage: Stop) {
    let mut stop = stop.clone();
    if stop.wait_for(|asked| *asked >= stage).await.is_err() {
        std::future::pending::<()>().await;
    }
}

/// Whether `stop` has reached `stage`.
pub(crate) fn has_reached(stop: &watch::Receiver<Stop>, stage: Stop) -> bool {
    *stop.borrow() >= stage
}
