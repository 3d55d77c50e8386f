//! `POST /v3/artifact-form`: the bytes of one artifact as the last field of a form, as every agent can send it.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use countersign_control::artifacts::FormField;
use countersign_control::{Control, Error};
use futures_util::Stream;
use http::header::CONTENT_TYPE;
use multer::{Constraints, Multipart, SizeLimit};

use super::progress::Pieces;
use super::upload::{Source, receive, refuse};
use super::{FILE_FIELD, FORM_PATH};
use crate::Done;

/// The most bytes of a field other than the file: a path, written as it is.
const MAX_FIELD: u64 = 8 * 1024;
/// The most bytes that may have come when the file begins: the fields with their heads, and the piece in which they end. The reader of forms
/// keeps what it looks through for the next part, and nobody has shown a signature until then.
const MAX_BEFORE_FILE: usize = 128 * 1024;

pub(crate) async fn form(State(control): State<Control>, request: Request) -> Result<Response, Response> {
    let (parts, body) = request.into_parts();
    let kind = parts.headers.get(CONTENT_TYPE).and_then(|it| it.to_str().ok()).unwrap_or_default();
    let boundary = multer::parse_boundary(kind)
        .map_err(|_| refuse(Error::invalid("Content-Type", "must be multipart/form-data with a boundary")))?;
    let pieces = Pieces::new(body, control.clock().clone());
    let mut limits = SizeLimit::new().for_field(FILE_FIELD, u64::MAX);
    for field in FormField::ALL {
        limits = limits.for_field(field.name(), MAX_FIELD);
    }
    let mut allowed: Vec<&str> = FormField::ALL.iter().map(|field| field.name()).collect();
    allowed.push(FILE_FIELD);
    let constraints = Constraints::new().allowed_fields(allowed).size_limit(limits);
    let pieces = Fair::new(pieces);
    let is_file = pieces.is_file.clone();
    let mut form = Multipart::with_constraints(pieces, boundary, constraints);
    let mut fields: BTreeMap<FormField, String> = BTreeMap::new();
    while let Some(field) = form.next_field().await.map_err(broken)? {
        let name = field.name().unwrap_or_default();
        if name == FILE_FIELD {
            let given = std::mem::take(&mut fields);
            let upload = control.begin_form_upload(&given).await.map_err(refuse)?;
            is_file.store(true, Ordering::Relaxed);
            receive(upload, Source::Field(Box::new(field))).await.map_err(refuse)?;
            return Ok(Done {}.into_response());
        }
        let known = FormField::ALL.into_iter().find(|known| known.name() == name);
        let known = known.ok_or_else(|| refuse(Error::invalid("form", "has a field that was not asked for")))?;
        let value = field.text().await.map_err(broken)?;
        if fields.insert(known, value).is_some() {
            return Err(refuse(Error::invalid(known.name(), "stands in the form twice")));
        }
    }
    Err(refuse(Error::invalid(FILE_FIELD, "is missing: it must be the last field of the form")))
}

fn broken(error: multer::Error) -> Response {
    refuse(fault(error))
}

/// What our own stream said comes back as it was; the rest is about the form.
pub(super) fn fault(error: multer::Error) -> Error {
    match error {
        multer::Error::StreamReadFailed(inner) => match inner.downcast::<Error>() {
            Ok(own) => *own,
            Err(_) => Error::Conflict("The upload was cut off; send it again.".to_owned()),
        },
        multer::Error::FieldSizeExceeded { .. } => Error::invalid("form", "has a field that is too long"),
        multer::Error::UnknownField { .. } => Error::invalid("form", "has a field that was not asked for"),
        _ => Error::invalid("form", format!("of {FORM_PATH} is not whole multipart/form-data")),
    }
}

/// Hands over one piece at a time: the reader of forms takes in all that is ready, and would hold a whole upload in memory when its sender
/// is faster than the store.
struct Fair {
    pieces: Option<Pieces>,
    #[expect(clippy::type_complexity, reason = "the one place that names it")]
    next: Option<Pin<Box<dyn Future<Output = (Pieces, Result<Option<Bytes>, Error>)> + Send>>>,
    rest: bool,
    /// Bytes so far.
    taken: usize,
    /// Whether the file has begun, and its signature was good.
    is_file: Arc<AtomicBool>,
}

impl Fair {
    fn new(pieces: Pieces) -> Self {
        Self { pieces: Some(pieces), next: None, rest: false, taken: 0, is_file: Arc::default() }
    }
}

impl Stream for Fair {
    type Item = Result<Bytes, Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if std::mem::take(&mut self.rest) {
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        if self.taken > MAX_BEFORE_FILE && !self.is_file.load(Ordering::Relaxed) {
            let why = format!("has more than {MAX_BEFORE_FILE} bytes before its file");
            return Poll::Ready(Some(Err(Error::invalid("form", why))));
        }
        if self.next.is_none() {
            let Some(mut pieces) = self.pieces.take() else { return Poll::Ready(None) };
            self.next = Some(Box::pin(async move {
                let piece = pieces.next().await;
                (pieces, piece)
            }));
        }
        let Some(next) = &mut self.next else { return Poll::Ready(None) };
        let Poll::Ready((pieces, piece)) = next.as_mut().poll(context) else { return Poll::Pending };
        self.next = None;
        match piece {
            Ok(Some(bytes)) => {
                self.pieces = Some(pieces);
                self.rest = true;
                self.taken = self.taken.saturating_add(bytes.len());
                Poll::Ready(Some(Ok(bytes)))
            }
            Ok(None) => Poll::Ready(None),
            Err(error) => Poll::Ready(Some(Err(error))),
        }
    }
}
