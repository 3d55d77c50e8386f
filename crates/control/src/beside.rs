//! Work that keeps a processor busy, or needs much memory: beside the runtime, whose threads answer everybody, and a few pieces at a time.

use std::sync::Arc;

use tokio::sync::Semaphore;

use crate::{Control, Error, Result};

/// How many pieces of such work are done at one time. Each may need some 60 MB, for an uploaded pipeline of very many small values.
const AT_ONCE: usize = 4;

/// The places for it.
#[derive(Debug)]
pub(crate) struct Beside {
    places: Arc<Semaphore>,
}

impl Default for Beside {
    fn default() -> Self {
        Self { places: Arc::new(Semaphore::new(AT_ONCE)) }
    }
}

impl Control {
    /// Does the work once there is a place for it. It is done to its end, also when nobody waits for it any more.
    ///
    /// # Errors
    /// [`Error::Internal`] when it panics.
    pub(crate) async fn beside<T, F>(&self, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce() -> T + Send + 'static,
    {
        let place = self.places_beside().clone().acquire_owned().await.map_err(Error::internal)?;
        let done = tokio::task::spawn_blocking(move || {
            let _place = place;
            work()
        });
        done.await.map_err(Error::internal)
    }

    fn places_beside(&self) -> &Arc<Semaphore> {
        &self.inner.beside.places
    }
}
