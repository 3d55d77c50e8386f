//! Sends the chunks of one log.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use tokio::{
    sync::{Semaphore, mpsc},
    task::JoinSet,
};

use crate::{
    ambient::Ambient,
    api::{Api, Chunk, Halt, Retry},
};

/// Uploads at a time. Chunks carry their place, so their order of arrival does not matter.
const IN_FLIGHT: usize = 3;

/// Sends chunks until their queue ends.
pub(super) struct Uploader {
    ambient: Ambient,
    api: Api,
    job: String,
    halt: Halt,
    lost: AtomicU64,
}

impl Uploader {
    pub const fn new(ambient: Ambient, api: Api, job: String, halt: Halt) -> Self {
        Self { ambient, api, job, halt, lost: AtomicU64::new(0) }
    }

    /// Answers how many chunks could not be sent.
    pub async fn run(self, mut chunks: mpsc::Receiver<Chunk>) -> u64 {
        let uploader = Arc::new(self);
        let free = Arc::new(Semaphore::new(IN_FLIGHT));
        let mut uploads = JoinSet::new();
        while let Some(chunk) = chunks.recv().await {
            let Ok(place) = free.clone().acquire_owned().await else { break };
            let uploader = uploader.clone();
            uploads.spawn(async move {
                uploader.send(&chunk).await;
                drop(place);
            });
            while uploads.try_join_next().is_some() {}
        }
        uploads.join_all().await;
        uploader.lost.load(Ordering::Relaxed)
    }

    async fn send(&self, chunk: &Chunk) {
        let failed =
            |error: &_| tracing::debug!(%error, sequence = chunk.place.sequence, "a chunk of the log is sent again");
        let sent =
            Retry::CHUNK.run(&self.ambient, &self.halt, failed, || self.api.upload_chunk(&self.job, chunk)).await;
        if let Err(error) = sent {
            tracing::warn!(%error, job = self.job, sequence = chunk.place.sequence, "a chunk of the log is lost");
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
    }
}
