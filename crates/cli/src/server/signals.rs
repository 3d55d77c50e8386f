//! The signals that end a server or reload its key ring.

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::failure::{Failure, Outcome};

/// SIGTERM and SIGINT, heard from the moment that this is made.
#[derive(Debug)]
pub struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    /// Begins to listen.
    ///
    /// # Errors
    /// The system refuses.
    pub fn listen() -> Outcome<Self> {
        Ok(Self { terminate: of(SignalKind::terminate())?, interrupt: of(SignalKind::interrupt())? })
    }

    /// Ends at the next of them, and names it.
    pub async fn stop(&mut self) -> &'static str {
        tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
        }
    }
}

/// Listens to one kind of signal.
///
/// # Errors
/// The system refuses.
pub fn of(kind: SignalKind) -> Outcome<Signal> {
    signal(kind).map_err(|error| Failure::internal(format!("signals cannot be heard: {error}")))
}
