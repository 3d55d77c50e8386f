//! Leaving files behind.

use std::{io, num::NonZeroU64, path::PathBuf};

use bytes::Bytes;
use countersign_domain::Id;
use countersign_wire::buildkite::{
    ArtifactBatch, ArtifactState, ArtifactStates, NewArtifact, PATH_PLACEHOLDER, PartTag, UploadInstructions,
};
use futures_util::{FutureExt, StreamExt, TryStreamExt, future::BoxFuture, stream};
use reqwest::Body;
use tokio::io::{AsyncReadExt, AsyncSeekExt};

use super::{File, Line, Progress, content_type, digest};
use crate::{
    AgentError, ErrorKind,
    api::{CallError, Outgoing, Retry},
};

/// The most files that are announced together.
const BATCH: usize = 30;
/// How much of a file is read at once.
const PIECE: usize = 64 * 1024;
/// The most bytes of one artifact, as Buildkite's agent has it.
const MAX_SIZE: u64 = 5 << 30;

/// How files are sent.
#[derive(Debug, Clone)]
pub(crate) struct Sending<'a> {
    pub job: &'a str,
    /// For every file, whatever its name says.
    pub content_type: Option<&'a str>,
    /// Whether files may be sent by themselves; else as forms.
    pub by_parts: bool,
    /// How many at once, from 1.
    pub at_once: usize,
    pub progress: Progress,
}

/// A file with what is announced of it.
struct Ready {
    place: PathBuf,
    new: NewArtifact,
}

/// Sends files. All are tried; the first failure is the answer.
pub(crate) async fn send(line: &Line<'_>, files: Vec<File>, how: &Sending<'_>) -> Result<(), AgentError> {
    let at_once = how.at_once.max(1);
    let preparing: Vec<BoxFuture<'_, Result<Ready, AgentError>>> =
        files.into_iter().map(|file| prepare(file, how).boxed()).collect();
    let ready: Vec<Ready> = stream::iter(preparing).buffered(at_once).try_collect().await?;
    let bytes = ready.iter().map(|it| it.new.file_size.unsigned_abs()).sum();
    how.progress.expect(ready.len() as u64, bytes);
    let mut failed = None;
    for batch in ready.chunks(BATCH) {
        if let Err(error) = send_batch(line, batch, how, at_once).await {
            failed.get_or_insert(error);
        }
    }
    failed.map_or(Ok(()), Err)
}

/// Hashes a file.
async fn prepare(file: File, how: &Sending<'_>) -> Result<Ready, AgentError> {
    let place = file.place.clone();
    let unreadable = |error: &dyn std::fmt::Display| {
        AgentError::new(ErrorKind::Internal, format!("{} cannot be read: {error}", file.place.display()))
    };
    let summed = tokio::task::spawn_blocking(move || digest::sums(&place)).await.map_err(|error| unreadable(&error))?;
    let (sha1sum, sha256sum, size) = summed.map_err(|error| unreadable(&error))?;
    if size > MAX_SIZE {
        return Err(AgentError::bad_input(format!(
            "{} has {size} bytes; an artifact has at most {MAX_SIZE}",
            file.path
        )));
    }
    let content_type = how.content_type.map_or_else(|| content_type::of(&file.path), str::to_owned);
    let new = NewArtifact {
        path: file.path,
        absolute_path: file.place.to_string_lossy().into_owned(),
        file_size: i64::try_from(size).unwrap_or(i64::MAX),
        sha1sum,
        sha256sum,
        url: None,
        content_type,
    };
    Ok(Ready { place: file.place, new })
}

async fn send_batch(line: &Line<'_>, batch: &[Ready], how: &Sending<'_>, at_once: usize) -> Result<(), AgentError> {
    let request = ArtifactBatch {
        id: Id::<()>::new(line.ambient.clock.now(), &*line.ambient.entropy).to_string(),
        artifacts: batch.iter().map(|it| it.new.clone()).collect(),
        upload_destination: String::new(),
        multipart_supported: how.by_parts,
    };
    let answer = line.call(Retry::ARTIFACT_CREATE, || line.api.create_artifacts(how.job, &request)).await?;
    if answer.artifact_ids.len() != batch.len() {
        return Err(AgentError::new(ErrorKind::Unavailable, "the server answered with another number of artifacts"));
    }
    let shared = answer.upload_instructions.unwrap_or_default();
    let sending: Vec<BoxFuture<'_, _>> = batch
        .iter()
        .zip(&answer.artifact_ids)
        .map(|(file, id)| {
            let instructions = answer.per_artifact_instructions.get(id).unwrap_or(&shared);
            send_one(line, file, id, instructions, &how.progress).boxed()
        })
        .collect();
    let outcomes: Vec<_> = stream::iter(sending).buffer_unordered(at_once).collect().await;
    let mut failed = None;
    let mut states = Vec::with_capacity(outcomes.len());
    for (file, id, outcome) in outcomes {
        let (state, tags) = match outcome {
            Ok(tags) => {
                how.progress.through();
                ("finished", tags)
            }
            Err(error) => {
                tracing::error!(path = file.new.path, %error, "an artifact could not be sent");
                failed.get_or_insert(AgentError::from(error));
                ("error", Vec::new())
            }
        };
        states.push(ArtifactState { id, state: state.to_owned(), multipart: tags.len() > 1, multipart_etags: tags });
    }
    let states = ArtifactStates { artifacts: states };
    line.call(Retry::ARTIFACT_STATE, || line.api.end_artifacts(how.job, &states)).await?;
    failed.map_or(Ok(()), Err)
}

async fn send_one<'a>(
    line: &Line<'_>,
    file: &'a Ready,
    id: &str,
    instructions: &UploadInstructions,
    progress: &Progress,
) -> (&'a Ready, String, Result<Vec<PartTag>, CallError>) {
    let outcome = line.call(Retry::ARTIFACT_BYTES, || once(line, file, instructions, progress)).await;
    (file, id.to_owned(), outcome)
}

/// Sends one file once, as the instructions say.
async fn once(
    line: &Line<'_>,
    file: &Ready,
    instructions: &UploadInstructions,
    progress: &Progress,
) -> Result<Vec<PartTag>, CallError> {
    let size = file.new.file_size.unsigned_abs();
    let outgoing = |from: u64, size: u64| Outgoing {
        path: &file.new.path,
        content_type: &file.new.content_type,
        size,
        body: body(file.place.clone(), from, size, progress.clone()),
    };
    if let Some(parts) = NonZeroU64::new(instructions.actions.len() as u64) {
        let mut tags = Vec::new();
        let mut from = 0;
        for (number, action) in (0..).zip(&instructions.actions) {
            let length = size / parts + u64::from(number < size % parts);
            let etag =
                line.api.send_part(action, outgoing(from, length)).await.inspect_err(|_| progress.take_back(from))?;
            from += length;
            tags.push(PartTag { part_number: action.part_number, etag });
        }
        return Ok(tags);
    }
    let Some(action) = &instructions.action else {
        return Err(CallError::Undecodable("the server does not say where an artifact's bytes go".to_owned()));
    };
    let fields =
        instructions.data.iter().map(|(name, value)| (name.clone(), value.replace(PATH_PLACEHOLDER, &file.new.path)));
    line.api.send_form(action, fields, outgoing(0, size)).await?;
    Ok(Vec::new())
}

/// A part of a file, read as it is sent. What an attempt had sent is taken back when it did not come to its end.
fn body(place: PathBuf, from: u64, size: u64, progress: Progress) -> Body {
    struct Attempt {
        progress: Progress,
        moved: u64,
        size: u64,
    }
    impl Drop for Attempt {
        fn drop(&mut self) {
            if self.moved < self.size {
                self.progress.take_back(self.moved);
            }
        }
    }
    let attempt = Attempt { progress, moved: 0, size };
    let start = async move {
        let mut file = tokio::fs::File::open(&place).await?;
        file.seek(io::SeekFrom::Start(from)).await?;
        Ok::<_, io::Error>(stream::try_unfold((file, attempt), |(mut file, mut attempt)| async move {
            let left = attempt.size - attempt.moved;
            if left == 0 {
                return Ok(None);
            }
            let mut piece = vec![0; usize::try_from(left).map_or(PIECE, |left| left.min(PIECE))];
            let count = file.read(&mut piece).await?;
            if count == 0 {
                return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the file has become shorter"));
            }
            piece.truncate(count);
            attempt.moved += count as u64;
            attempt.progress.moved(count as u64);
            Ok(Some((Bytes::from(piece), (file, attempt))))
        }))
    };
    Body::wrap_stream(stream::once(start).try_flatten())
}
