//! Fetching what jobs left behind.

use std::{
    fs::File,
    io::{self, Seek, Write},
    time::Duration,
};

use countersign_wire::buildkite::Artifact;
use futures_util::{FutureExt, StreamExt, future::BoxFuture, stream};

use super::{
    Line, Progress,
    digest::Sums,
    place::{Destination, Place},
};
use crate::{
    AgentError, ErrorKind,
    api::{CallError, Retry},
};

/// How many files are fetched at once.
const AT_ONCE: usize = 8;
/// How long the next bytes may take.
const STALL: Duration = Duration::from_secs(60);

/// How files are fetched.
#[derive(Debug, Clone)]
pub(crate) struct Fetching<'a> {
    pub destination: &'a str,
    pub progress: Progress,
}

/// Fetches files. All are tried; the first failure is the answer.
pub(crate) async fn fetch(line: &Line<'_>, found: &[Artifact], how: &Fetching<'_>) -> Result<(), AgentError> {
    let destination = Destination::new(how.destination, found.len());
    how.progress.expect(found.len() as u64, found.iter().map(|it| it.file_size.unsigned_abs()).sum());
    let fetching: Vec<BoxFuture<'_, Result<(), AgentError>>> =
        found.iter().map(|artifact| told(line, artifact, &destination, &how.progress).boxed()).collect();
    let outcomes: Vec<Result<(), AgentError>> = stream::iter(fetching).buffer_unordered(AT_ONCE).collect().await;
    outcomes.into_iter().collect()
}

async fn told(line: &Line<'_>, artifact: &Artifact, to: &Destination, progress: &Progress) -> Result<(), AgentError> {
    let fetched = one(line, artifact, to, progress).await;
    fetched.inspect_err(|error| tracing::error!(path = artifact.path, %error, "an artifact could not be fetched"))
}

async fn one(line: &Line<'_>, artifact: &Artifact, to: &Destination, progress: &Progress) -> Result<(), AgentError> {
    if artifact.url.is_empty() {
        let what = format!(
            "the artifact {:?} has no address; it lies at a place that this agent does not fetch from",
            artifact.path
        );
        return Err(AgentError::new(ErrorKind::NotFound, what));
    }
    let place = Place::make(to, &artifact.path, &artifact.id)?;
    let failed =
        |error: io::Error| AgentError::new(ErrorKind::Internal, format!("{}: {error}", place.shown().display()));
    let part = place.open_part().map_err(failed)?;
    // The part is shared by the attempts, each of which goes on where the one before was cut off.
    let shared = std::sync::Arc::new(tokio::sync::Mutex::new(part));
    let call = || {
        let shared = shared.clone();
        async move {
            let mut part = shared.lock().await;
            let mut counted = 0;
            let outcome = attempt(line, artifact, &mut part, progress, &mut counted).await;
            if outcome.is_err() {
                progress.take_back(counted);
            }
            outcome
        }
    };
    line.call(Retry::ARTIFACT_DOWNLOAD, call).await.inspect_err(|error| {
        if matches!(error, CallError::Undecodable(_)) {
            place.remove_part();
        }
    })?;
    place.finish().map_err(failed)?;
    progress.through();
    Ok(())
}

/// Goes on with a part until it is whole, and checks it. A part that turns out wrong is begun anew by the next attempt.
async fn attempt(
    line: &Line<'_>,
    artifact: &Artifact,
    part: &mut File,
    progress: &Progress,
    counted: &mut u64,
) -> Result<(), CallError> {
    let local = |error: io::Error| CallError::Local(format!("{:?}: {error}", artifact.path));
    let size = artifact.file_size.unsigned_abs();
    let mut have = part.metadata().map_err(local)?.len();
    if have > size {
        part.set_len(0).map_err(local)?;
        have = 0;
    }
    if have < size {
        let mut answer = line.api.fetch(&artifact.url, have, size).await?;
        if answer.status().as_u16() != 206 {
            // The server begins at the beginning, whatever was asked for.
            part.set_len(0).map_err(local)?;
            have = 0;
        }
        part.seek(io::SeekFrom::Start(have)).map_err(local)?;
        *counted += have;
        progress.moved(have);
        loop {
            let bytes = tokio::select! {
                bytes = line.api.next_bytes(&mut answer) => bytes?,
                () = line.ambient.clock.sleep(STALL) => {
                    return Err(CallError::Unreachable("fetching an artifact: no bytes came for a minute".to_owned()));
                }
            };
            let Some(bytes) = bytes else { break };
            have += bytes.len() as u64;
            if have > size {
                part.set_len(0).map_err(local)?;
                return Err(CallError::Undecodable(format!("{:?}: more bytes came than it has", artifact.path)));
            }
            part.write_all(&bytes).map_err(local)?;
            *counted += bytes.len() as u64;
            progress.moved(bytes.len() as u64);
        }
    }
    if have < size {
        return Err(CallError::Unreachable(format!("{:?}: cut off after {have} of {size} bytes", artifact.path)));
    }
    part.rewind().map_err(local)?;
    let mut sums = Sums::new();
    sums.read(&*part).map_err(local)?;
    let (sha1, sha256, _) = sums.end();
    let differs = |announced: &str, found: &str| !announced.is_empty() && announced != found;
    if differs(&artifact.sha256sum, &sha256) || differs(&artifact.sha1sum, &sha1) {
        part.set_len(0).map_err(local)?;
        return Err(CallError::Undecodable(format!("{:?}: its bytes are not those that were uploaded", artifact.path)));
    }
    part.sync_all().map_err(local)
}
