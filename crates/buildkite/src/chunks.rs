//! `POST /jobs/:id/chunks`: a piece of a job's log.
//!
//! Any 4xx makes the agent drop the piece for good, so only what can never be taken gets one.

use std::io::Read;

use axum::extract::{FromRequest, FromRequestParts, Query, Request, State};
use axum::response::{IntoResponse, Response};
use countersign_control::access::actions::AppendLog;
use countersign_control::jobs::{MAX_CHUNK, NewChunk};
use countersign_control::{Control, Error};
use countersign_http::read_body;
use countersign_wire::buildkite::ChunkQuery;
use flate2::read::MultiGzDecoder;
use http::HeaderMap;
use http::header::CONTENT_ENCODING;

use crate::{Done, Failure, OnJob};

/// The most bytes of a piece as it is sent: packing makes what cannot be packed a little longer.
const MAX_SENT: usize = MAX_CHUNK + 16 * 1024;

pub(crate) async fn append(
    State(control): State<Control>,
    OnJob(grant): OnJob<AppendLog>,
    Chunk(chunk): Chunk,
) -> Result<Done, Failure> {
    control.append_log(&grant, chunk).await?;
    Ok(Done {})
}

/// A piece of a log, unpacked and measured.
pub(crate) struct Chunk(NewChunk);

impl<S: Send + Sync> FromRequest<S> for Chunk {
    type Rejection = Response;

    async fn from_request(request: Request, _: &S) -> Result<Self, Response> {
        let (mut parts, body) = request.into_parts();
        let place = place(&mut parts).await.map_err(IntoResponse::into_response)?;
        let is_packed = is_packed(&parts.headers).map_err(IntoResponse::into_response)?;
        let sent = read_body(Request::from_parts(parts, body), MAX_SENT).await.map_err(IntoResponse::into_response)?;
        let content = if is_packed { unpack(&sent) } else { Ok(sent.to_vec()) };
        measured(&place, content.map_err(IntoResponse::into_response)?).map(Self).map_err(IntoResponse::into_response)
    }
}

async fn place(parts: &mut http::request::Parts) -> Result<ChunkQuery, Failure> {
    let query = Query::<ChunkQuery>::from_request_parts(parts, &()).await;
    let Query(place) =
        query.map_err(|_| Error::invalid("query", "must have sequence, offset and size, whole numbers from 0 on"))?;
    Ok(place)
}

fn is_packed(headers: &HeaderMap) -> Result<bool, Failure> {
    match headers.get(CONTENT_ENCODING).map(|it| it.as_bytes().trim_ascii()) {
        None | Some(b"" | b"identity") => Ok(false),
        Some(encoding) if encoding.eq_ignore_ascii_case(b"gzip") => Ok(true),
        Some(_) => Err(Error::invalid("Content-Encoding", "must be gzip, or left out").into()),
    }
}

/// Unpacks at most one byte more than a piece may have: a few bytes that stand for gigabytes cost no more than that.
fn unpack(sent: &[u8]) -> Result<Vec<u8>, Failure> {
    let mut content = Vec::new();
    let most = u64::try_from(MAX_CHUNK).unwrap_or(u64::MAX);
    let read = MultiGzDecoder::new(sent).take(most + 1).read_to_end(&mut content);
    read.map_err(|_| Error::invalid("body", "is not whole gzip data"))?;
    Ok(content)
}

fn measured(place: &ChunkQuery, content: Vec<u8>) -> Result<NewChunk, Failure> {
    if content.len() > MAX_CHUNK {
        return Err(Error::invalid("size", format!("is above {MAX_CHUNK} bytes, the most of one chunk")).into());
    }
    if u64::try_from(content.len()) != Ok(place.size) {
        let message = format!("says {}, but the body has {} bytes", place.size, content.len());
        return Err(Error::invalid("size", message).into());
    }
    let number = |field, value| i64::try_from(value).map_err(|_| Error::invalid(field, "is too large"));
    Ok(NewChunk { sequence: number("sequence", place.sequence)?, offset: number("offset", place.offset)?, content })
}
