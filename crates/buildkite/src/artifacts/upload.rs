//! `PUT /v3/artifacts/:id`: the bytes of one artifact as the body of a request.

use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use countersign_control::artifacts::Upload;
use countersign_control::{Control, Error};
use http::StatusCode;
use http::header::{CONTENT_LENGTH, ETAG};

use super::progress::Pieces;
use crate::{Done, Failure};

pub(crate) async fn upload(State(control): State<Control>, request: Request) -> Result<Response, Response> {
    let (parts, body) = request.into_parts();
    let (id, query) = super::addressed(&parts).ok_or_else(|| refuse(Error::NotFound("artifact")))?;
    let declared: Option<u64> =
        parts.headers.get(CONTENT_LENGTH).and_then(|it| it.to_str().ok()).and_then(|it| it.parse().ok());
    let upload = control.begin_upload(id, query).await.map_err(refuse)?;
    if let Some(declared) = declared.filter(|declared| *declared > upload.size()) {
        // A length that cannot be right is refused before a byte is read.
        let text = format!("The body has {declared} bytes, but {} were announced.", upload.size());
        return Ok(countersign_http::message(StatusCode::PAYLOAD_TOO_LARGE, &text));
    }
    let tag = upload.tag();
    let source = Source::Body(Pieces::new(body, control.clock().clone()));
    receive(upload, source).await.map_err(refuse)?;
    Ok(([(ETAG, tag)], Done {}).into_response())
}

/// Where the bytes come from.
pub(super) enum Source {
    /// The body of a request.
    Body(Pieces),
    /// The last field of a form.
    Field(Box<multer::Field<'static>>),
}

impl Source {
    async fn next(&mut self) -> Result<Option<bytes::Bytes>, Error> {
        match self {
            Self::Body(pieces) => pieces.next().await,
            Self::Field(field) => field.chunk().await.map_err(super::form::fault),
        }
    }
}

/// Takes pieces in until there are no more.
pub(super) async fn receive(mut upload: Upload, mut source: Source) -> Result<(), Error> {
    loop {
        let taken = match source.next().await {
            Ok(Some(piece)) => upload.push(piece).await,
            Ok(None) => return upload.finish().await,
            Err(error) => Err(error),
        };
        if let Err(error) = taken {
            upload.abandon().await;
            return Err(error);
        }
    }
}

pub(super) fn refuse(error: Error) -> Response {
    Failure::from(error).into_response()
}
