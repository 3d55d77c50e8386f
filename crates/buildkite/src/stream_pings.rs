//! The streaming call: an agent opens it and is told what there is to do as it comes.
//!
//! gRPC on the wire, over HTTP/2 and over HTTP/1.1 with chunked trailers, where gRPC's own libraries do not go. A stream ends well before the
//! agent's own limit, as one that is to be opened again; what happens between two streams is the first thing that the second one says.

use std::convert::Infallible;
use std::pin::pin;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use countersign_control::access::actions::Ping;
use countersign_control::agents::{Instruction, Next, Waiting};
use countersign_control::{Caller, Control, Error};
use countersign_domain::Refusal;
use countersign_wire::buildkite::{
    FRAME_HEAD, FrameHead, GRPC, GRPC_MESSAGE, GRPC_STATUS, GrpcStatus, StreamPingsRequest, StreamPingsResponse,
};
use futures_util::stream;
use http::header::{CONTENT_TYPE, TE, TRAILER};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Version};
use http_body::Frame;
use http_body_util::{BodyExt, Limited, StreamBody};

use crate::{Failure, Granted};

/// The most bytes of the agent's one message, with its frame: it holds an id.
const MAX_REQUEST: usize = 4 * 1024;

const STATUS: HeaderName = HeaderName::from_static(GRPC_STATUS);
const MESSAGE: HeaderName = HeaderName::from_static(GRPC_MESSAGE);

/// How a call ends.
struct End {
    status: GrpcStatus,
    message: String,
}

/// `POST /agentedge.v1.AgentEdgeService/StreamPings`
pub(crate) async fn open(State(control): State<Control>, Granted(grant): Granted<Ping>, request: Request) -> Response {
    if let Some(refused) = not_grpc(request.headers()) {
        return refused;
    }
    let version = request.version();
    let asked = match read(request).await {
        Ok(asked) => asked,
        Err(end) => return end.alone(),
    };
    let is_own = matches!(grant.caller(), Caller::Session(session) if session.agent.to_string() == asked.agent_id);
    if !is_own {
        return End::new(GrpcStatus::PermissionDenied, "The session is another agent's").alone();
    }
    match control.wait_on_stream(grant) {
        Ok(Some(waiting)) => streamed(Told { waiting, last: None, stage: Stage::Looks }, version),
        // An agent polls for a while, and tries again.
        Ok(None) => End::new(GrpcStatus::Unavailable, "No room for another stream; poll").alone(),
        Err(error) => Failure::from(error).into_response(),
    }
}

/// Says no to what is no gRPC, or comes through something that would take the trailers away.
fn not_grpc(headers: &HeaderMap) -> Option<Response> {
    let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    if ![GRPC, "application/grpc+proto"].iter().any(|known| kind.eq_ignore_ascii_case(known)) {
        let text = "This call is gRPC: its Content-Type is application/grpc.";
        return Some(countersign_http::message(StatusCode::UNSUPPORTED_MEDIA_TYPE, text));
    }
    let mut asked = headers.get_all(TE).iter().filter_map(|line| line.to_str().ok()).flat_map(|line| line.split(','));
    if !asked.any(|word| word.trim().eq_ignore_ascii_case("trailers")) {
        let text = "This call needs the header TE: trailers; a proxy in between may have taken it away.";
        return Some(countersign_http::message(StatusCode::BAD_REQUEST, text));
    }
    None
}

/// The agent's one message.
async fn read(request: Request) -> Result<StreamPingsRequest, End> {
    let wrong = |text: &str| End::new(GrpcStatus::InvalidArgument, text);
    let body = Limited::new(request.into_body(), MAX_REQUEST).collect().await;
    let body = body.map_err(|_| End::new(GrpcStatus::ResourceExhausted, "The message is too large, or broke off"))?;
    let body = body.to_bytes();
    let head = FrameHead::read(&body).map_err(|_| wrong("The message has no frame"))?;
    if head.compressed {
        return Err(End::new(GrpcStatus::Unimplemented, "Compressed messages are not understood"));
    }
    let message = &body[FRAME_HEAD..];
    if message.len() != head.length {
        return Err(wrong("The message is not as long as its frame says, or not the only one"));
    }
    StreamPingsRequest::decode(message).map_err(|_| wrong("The message cannot be read"))
}

impl End {
    fn new(status: GrpcStatus, message: impl Into<String>) -> Self {
        Self { status, message: message.into() }
    }

    fn of(error: Error) -> Self {
        let text = error.to_string();
        let status = match error {
            Error::Unauthenticated { reason: Refusal::Network | Refusal::Scope, .. }
            | Error::Denied { .. }
            | Error::Unproved => GrpcStatus::PermissionDenied,
            Error::Unauthenticated { reason: Refusal::Rate, .. } | Error::TooMany { .. } => {
                GrpcStatus::ResourceExhausted
            }
            Error::Unauthenticated { .. } => GrpcStatus::Unauthenticated,
            Error::NotFound(_) | Error::Invalid(_) | Error::Conflict(_) => GrpcStatus::InvalidArgument,
            Error::Unavailable { .. } => GrpcStatus::Unavailable,
            Error::Internal(what) => {
                tracing::error!(%what, "internal error");
                return Self::new(GrpcStatus::Internal, "Internal error");
            }
        };
        Self::new(status, text)
    }

    fn fields(&self) -> HeaderMap {
        let mut fields = HeaderMap::new();
        fields.insert(STATUS, HeaderValue::from(self.status as u16));
        if let Ok(message) = HeaderValue::from_str(&percent_encoded(&self.message))
            && !self.message.is_empty()
        {
            fields.insert(MESSAGE, message);
        }
        fields
    }

    /// An answer that says only this, in its head.
    fn alone(&self) -> Response {
        let mut answer = ([(CONTENT_TYPE, GRPC)], Body::empty()).into_response();
        answer.headers_mut().extend(self.fields());
        answer
    }
}

/// Printable ASCII stays, and everything else, and `%`, is written as `%XX`.
fn percent_encoded(text: &str) -> String {
    let mut written = String::with_capacity(text.len());
    for byte in text.bytes() {
        if (b' '..=b'~').contains(&byte) && byte != b'%' {
            written.push(char::from(byte));
        } else {
            written.push_str(&format!("%{byte:02X}"));
        }
    }
    written
}

/// A stream, and what was told on it last.
struct Told {
    waiting: Waiting,
    last: Option<Instruction>,
    stage: Stage,
}

/// What a stream does next.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    Looks,
    Waits,
    Ends,
    HasEnded,
}

fn streamed(told: Told, version: Version) -> Response {
    let frames = stream::unfold(told, |mut told| async move {
        let frame = pin!(told.next()).await?;
        Some((Ok::<_, Infallible>(frame), told))
    });
    let mut answer = ([(CONTENT_TYPE, GRPC)], Body::new(StreamBody::new(frames))).into_response();
    if version < Version::HTTP_2 {
        // Trailers are sent only when they were announced.
        let names = HeaderValue::from_static("grpc-status, grpc-message");
        answer.headers_mut().insert(TRAILER, names);
    }
    answer
}

impl Told {
    /// The next frame of the answer; none after its end.
    async fn next(&mut self) -> Option<Frame<Bytes>> {
        loop {
            match self.stage {
                Stage::HasEnded => return None,
                Stage::Ends => return Some(self.end(&End::new(GrpcStatus::Ok, ""))),
                Stage::Waits => match self.waiting.next().await {
                    Next::Look => self.stage = Stage::Looks,
                    // The agent opens the next one at once.
                    Next::TimeUp | Next::Replaced => self.stage = Stage::Ends,
                    Next::Stopping => {
                        return Some(self.end(&End::new(GrpcStatus::Unavailable, "The server stops")));
                    }
                },
                Stage::Looks => match self.look().await {
                    Ok(Some(message)) => return Some(Frame::data(Bytes::from(message.frame()))),
                    Ok(None) => {}
                    Err(error) => return Some(self.end(&End::of(error))),
                },
            }
        }
    }

    fn end(&mut self, how: &End) -> Frame<Bytes> {
        self.stage = Stage::HasEnded;
        Frame::trailers(how.fields())
    }

    /// What there is to tell that was not told before.
    async fn look(&mut self) -> Result<Option<StreamPingsResponse>, Error> {
        self.stage = Stage::Waits;
        let mut now = self.waiting.look().await?;
        // On its first look a stream tells what its predecessor may have told: of a job that the agent is about to start it must not hear twice.
        if let (None, Instruction::TakeJob(job)) = (&self.last, &now)
            && self.waiting.is_about_to_start(*job).await?
        {
            now = Instruction::Idle;
        }
        if self.last.as_ref() == Some(&now) {
            return Ok(None);
        }
        let message = match &now {
            Instruction::Idle => StreamPingsResponse::Resume,
            Instruction::TakeJob(job) => StreamPingsResponse::JobAssigned(job.to_string()),
            Instruction::Pause(reason) => StreamPingsResponse::Pause(reason.clone().unwrap_or_default()),
            Instruction::Disconnect(reason) => {
                self.stage = Stage::Ends;
                StreamPingsResponse::Disconnect(reason.clone().unwrap_or_default())
            }
        };
        self.last = Some(now);
        Ok(Some(message))
    }
}
