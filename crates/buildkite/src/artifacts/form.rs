//! `POST /v3/artifact-form`: the bytes of one artifact as the last field of a form, as every agent can send it.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use countersign_control::artifacts::FormField;
use countersign_control::{Control, Error};
use futures_util::Stream;
use http::header::CONTENT_TYPE;
use multer::{Constraints, Field, Multipart, SizeLimit};

use super::progress::Pieces;
use super::upload::{Source, receive, refuse};
use super::{FILE_FIELD, FORM_PATH};
use crate::Done;

/// The most bytes of a field other than the file: a path, written as it is.
const MAX_FIELD: u64 = 8 * 1024;

/// The most bytes that are read before the file begins: the form's other fields with their heads. Until the signature among them was seen, nobody
/// knows who sends.
const MAX_HEAD: usize = 64 * 1024;
/// How long they may take to come: they are sent in one go.
const HEAD_TIME: Duration = Duration::from_secs(10);
/// The most bytes that the reader of forms is handed at one time before the file begins: so little of the file comes with the fields that it does
/// not count against [`MAX_HEAD`].
const HEAD_PIECE: usize = 2 * 1024;

pub(crate) async fn form(State(control): State<Control>, request: Request) -> Result<Response, Response> {
    let (parts, body) = request.into_parts();
    let kind = parts.headers.get(CONTENT_TYPE).and_then(|it| it.to_str().ok()).unwrap_or_default();
    let boundary = multer::parse_boundary(kind)
        .map_err(|_| refuse(Error::invalid("Content-Type", "must be multipart/form-data with a boundary")))?;
    let mut limits = SizeLimit::new().for_field(FILE_FIELD, u64::MAX);
    for field in FormField::ALL {
        limits = limits.for_field(field.name(), MAX_FIELD);
    }
    let mut allowed: Vec<&str> = FormField::ALL.iter().map(|field| field.name()).collect();
    allowed.push(FILE_FIELD);
    let constraints = Constraints::new().allowed_fields(allowed).size_limit(limits);
    let file_begins = Arc::new(AtomicBool::new(false));
    let fair = Fair::new(Pieces::new(body, control.clock().clone()), file_begins.clone());
    let mut form = Multipart::with_constraints(fair, boundary, constraints);
    let (fields, file) = tokio::select! {
        biased;
        head = head(&mut form) => head.map_err(refuse)?,
        () = control.clock().sleep(HEAD_TIME) => {
            let text = format!("The fields before the file did not come within {} s; send the form again.", HEAD_TIME.as_secs());
            return Err(refuse(Error::Conflict(text)));
        }
    };
    let upload = control.begin_form_upload(&fields).await.map_err(refuse)?;
    file_begins.store(true, Ordering::Relaxed);
    receive(upload, Source::Field(Box::new(file))).await.map_err(refuse)?;
    Ok(Done {}.into_response())
}

/// The fields before the file, and the file.
async fn head(form: &mut Multipart<'static>) -> Result<(BTreeMap<FormField, String>, Field<'static>), Error> {
    let mut fields = BTreeMap::new();
    while let Some(field) = form.next_field().await.map_err(fault)? {
        let name = field.name().unwrap_or_default();
        if name == FILE_FIELD {
            return Ok((fields, field));
        }
        let known = FormField::ALL.into_iter().find(|known| known.name() == name);
        let known = known.ok_or_else(|| Error::invalid("form", "has a field that was not asked for"))?;
        let value = field.text().await.map_err(fault)?;
        if fields.insert(known, value).is_some() {
            return Err(Error::invalid(known.name(), "stands in the form twice"));
        }
    }
    Err(Error::invalid(FILE_FIELD, "is missing: it must be the last field of the form"))
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
/// is faster than the store. Before the file begins they are small ones, and not without end.
struct Fair {
    pieces: Option<Pieces>,
    #[expect(clippy::type_complexity, reason = "the one place that names it")]
    next: Option<Pin<Box<dyn Future<Output = (Pieces, Result<Option<Bytes>, Error>)> + Send>>>,
    /// What has come and was not handed over yet.
    left: Bytes,
    rest: bool,
    file_begins: Arc<AtomicBool>,
    /// Bytes that were handed over before that.
    head: usize,
}

impl Fair {
    const fn new(pieces: Pieces, file_begins: Arc<AtomicBool>) -> Self {
        Self { pieces: Some(pieces), next: None, left: Bytes::new(), rest: false, file_begins, head: 0 }
    }

    /// The next piece of what has come.
    fn hand_over(&mut self) -> Result<Bytes, Error> {
        self.rest = true;
        if self.file_begins.load(Ordering::Relaxed) {
            return Ok(std::mem::take(&mut self.left));
        }
        if self.head >= MAX_HEAD {
            let text = format!("has more than {MAX_HEAD} bytes before its field {FILE_FIELD}");
            return Err(Error::invalid("form", text));
        }
        let piece = self.left.split_to(self.left.len().min(HEAD_PIECE));
        self.head += piece.len();
        Ok(piece)
    }
}

impl Stream for Fair {
    type Item = Result<Bytes, Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if std::mem::take(&mut self.rest) {
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        if !self.left.is_empty() {
            return Poll::Ready(Some(self.hand_over()));
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
                self.left = bytes;
                Poll::Ready(Some(self.hand_over()))
            }
            Ok(None) => Poll::Ready(None),
            Err(error) => Poll::Ready(Some(Err(error))),
        }
    }
}
