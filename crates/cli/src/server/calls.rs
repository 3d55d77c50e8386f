//! What a connection is used for: its calls, and whether their answers are taken.
//!
//! While the server works on an answer, or waits for something to say (a stream of pings does so for most of its time), a call lasts as
//! long as it takes. What is there to be sent has to be taken: otherwise a client that takes nothing keeps its place and the answer for ever.

use std::{
    pin::Pin,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use axum::body::Body;
use countersign_domain::{Clock, Timestamp};
use hyper::body::{Bytes, Frame, SizeHint};

/// How long a client may take over the next [`STEP`] of an answer.
pub const STEP_TIME: Duration = Duration::from_secs(60);
/// How many bytes make progress.
const STEP: usize = 64 * 1024;
/// The most bytes that are handed on to be sent at one time: a frame of HTTP/2. So little is held of an answer that is not taken, and what is
/// left of it is seen to be left.
const PIECE: usize = 16 * 1024;

/// The calls of one connection.
#[derive(Default)]
pub struct Calls {
    begun: AtomicU64,
    under_way: Mutex<Vec<Arc<Call>>>,
}

/// What a look at them found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Look {
    /// How many have begun so far.
    pub begun: u64,
    /// How many are under way.
    pub under_way: usize,
    /// Whose answers are not taken.
    pub stalled: usize,
}

/// A call. None: the server's turn. Otherwise the client's: since when, and how much it has taken since.
#[derive(Default)]
struct Call(Mutex<Option<(Timestamp, usize)>>);

/// A call that is being answered; it ends when this is dropped.
pub struct UnderWay {
    calls: Arc<Calls>,
    call: Arc<Call>,
}

impl Calls {
    /// A call begins.
    pub fn begin(self: &Arc<Self>) -> UnderWay {
        self.begun.fetch_add(1, Ordering::Relaxed);
        let call = Arc::new(Call::default());
        self.list().push(call.clone());
        UnderWay { calls: Arc::clone(self), call }
    }

    /// How they are.
    pub fn look(&self, now: Timestamp) -> Look {
        let under_way = self.list();
        let stalled = under_way.iter().filter(|call| call.is_stalled(now)).count();
        Look { begun: self.begun.load(Ordering::Relaxed), under_way: under_way.len(), stalled }
    }

    fn list(&self) -> std::sync::MutexGuard<'_, Vec<Arc<Call>>> {
        self.under_way.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.calls.list().retain(|call| !Arc::ptr_eq(call, &self.call));
    }
}

impl Call {
    /// So many bytes were handed on.
    fn gives(&self, bytes: usize, now: Timestamp) {
        let mut turn = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *turn = match *turn {
            Some((since, taken)) if taken + bytes < STEP => Some((since, taken + bytes)),
            _ => Some((now, 0)),
        };
    }

    /// There is nothing to hand on yet.
    fn works(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    fn is_stalled(&self, now: Timestamp) -> bool {
        let turn = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        turn.is_some_and(|(since, _)| now.since(since) >= STEP_TIME)
    }
}

/// The body of an answer that is being sent.
pub struct Sending {
    body: Body,
    /// What the body gave and was not handed on yet.
    left: Bytes,
    call: UnderWay,
    clock: Arc<dyn Clock>,
}

impl Sending {
    /// From here on the client is to take it.
    pub fn new(body: Body, call: UnderWay, clock: Arc<dyn Clock>) -> Self {
        call.call.gives(0, clock.now());
        Self { body, left: Bytes::new(), call, clock }
    }
}

impl hyper::body::Body for Sending {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let this = &mut *self;
        if this.left.is_empty() {
            match Pin::new(&mut this.body).poll_frame(context) {
                Poll::Pending => {
                    this.call.call.works();
                    return Poll::Pending;
                }
                Poll::Ready(Some(Ok(frame))) => match frame.into_data() {
                    Ok(bytes) => this.left = bytes,
                    Err(trailers) => return Poll::Ready(Some(Ok(trailers))),
                },
                ended => return ended,
            }
        }
        let piece = this.left.split_to(this.left.len().min(PIECE));
        this.call.call.gives(piece.len(), this.clock.now());
        Poll::Ready(Some(Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.left.is_empty() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let (left, body) = (self.left.len() as u64, self.body.size_hint());
        let mut hint = SizeHint::new();
        hint.set_lower(body.lower().saturating_add(left));
        if let Some(upper) = body.upper().and_then(|upper| upper.checked_add(left)) {
            hint.set_upper(upper);
        }
        hint
    }
}
