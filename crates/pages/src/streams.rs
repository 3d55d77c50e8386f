//! Server-sent events: that there is news, and nothing of what it is. A page that hears of news asks for itself again, as it was asked for at first,
//! so that nothing reaches anybody on a way of its own.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use countersign_control::{Caller, Error};
use countersign_domain::id::UserId;
use futures_util::stream;
use http::HeaderValue;
use http::header::CONTENT_TYPE;

use crate::failure::Failure;
use crate::person;
use crate::site::Site;
use crate::visit::{Anyone, Visit};

/// How often is looked for news.
pub(crate) const TICK: Duration = Duration::from_secs(2);
/// After how many looks without news a stream says that it is there, so that nothing in between takes it for dead.
const QUIET_TICKS: u32 = 8;
/// After how many looks a stream ends, and the browser opens another: five minutes.
const TICKS: u32 = 150;
/// The most streams of one person, each a window that shows something that goes on.
pub(crate) const OF_PERSON: usize = 12;
/// The most streams of the server.
pub(crate) const OF_ALL: usize = 2_000;
/// When to come again where there is no room.
const COME_AGAIN: Duration = Duration::from_secs(30);

const EVENTS: HeaderValue = HeaderValue::from_static("text/event-stream; charset=utf-8");

/// The streams that are open, by whose they are.
#[derive(Debug, Clone, Default)]
pub(crate) struct Streams(Arc<Mutex<BTreeMap<UserId, usize>>>);

/// A stream's place; free again when it is dropped.
#[derive(Debug)]
struct Place {
    streams: Streams,
    of: UserId,
}

impl Streams {
    fn enter(&self, of: UserId) -> Option<Place> {
        let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if open.values().sum::<usize>() >= OF_ALL {
            return None;
        }
        let own = open.entry(of).or_default();
        if *own >= OF_PERSON {
            return None;
        }
        *own += 1;
        Some(Place { streams: self.clone(), of })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut open = self.streams.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(own) = open.get_mut(&self.of) {
            *own = own.saturating_sub(1);
            if *own == 0 {
                open.remove(&self.of);
            }
        }
    }
}

/// What one look finds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Look {
    /// Another text than at the look before: something has changed.
    pub pulse: String,
    /// Whether nothing will change any more.
    pub is_last: bool,
}

type Looking = Pin<Box<dyn Future<Output = Result<Look, Error>> + Send>>;

/// An open stream.
struct Watch {
    anyone: Anyone,
    organization: String,
    look: Box<dyn Fn(Site, Caller) -> Looking + Send + Sync>,
    last: Option<String>,
    ticks: u32,
    quiet: u32,
    has_begun: bool,
    has_ended: bool,
    _place: Place,
}

/// Tells of news, as long as whoever looks may: at each look it is asked anew who they are, and `look` asks what they may.
pub(crate) fn watch(
    visit: &Visit,
    anyone: Anyone,
    look: impl Fn(Site, Caller) -> Looking + Send + Sync + 'static,
) -> Result<Response, Failure> {
    let of = visit.user().ok_or(Failure::SignedOut)?;
    let place = visit.site.streams.enter(of).ok_or_else(|| Error::TooMany {
        what: "Too many windows wait for news; close some, or look again by hand.".to_owned(),
        retry_after: COME_AGAIN,
    })?;
    let watch = Watch {
        anyone,
        organization: visit.organization.slug.clone(),
        look: Box::new(look),
        last: None,
        ticks: 0,
        quiet: 0,
        has_begun: false,
        has_ended: false,
        _place: place,
    };
    let frames = stream::unfold(watch, |mut watch| async move {
        let frame = watch.next().await?;
        Some((Ok::<_, Infallible>(frame), watch))
    });
    let mut answer = Body::from_stream(frames).into_response();
    answer.headers_mut().insert(CONTENT_TYPE, EVENTS);
    // Proxies that gather answers before they pass them on are asked not to.
    answer.headers_mut().insert("x-accel-buffering", HeaderValue::from_static("no"));
    Ok(answer)
}

impl Watch {
    /// The next lines of the stream; none at its end.
    async fn next(&mut self) -> Option<&'static str> {
        if !self.has_begun {
            self.has_begun = true;
            return Some("retry: 5000\n\n");
        }
        while !self.has_ended && self.ticks < TICKS {
            self.ticks += 1;
            self.anyone.site.control.clock().sleep(TICK).await;
            match self.look().await {
                Ok(look) => {
                    if look.is_last {
                        self.has_ended = true;
                        return Some("event: last\ndata: news\n\n");
                    }
                    if self.last.as_ref() != Some(&look.pulse) {
                        self.last = Some(look.pulse);
                        self.quiet = 0;
                        return Some("event: news\ndata: news\n\n");
                    }
                }
                // Nobody can tell now; the next look may.
                Err(Error::Unavailable { .. } | Error::TooMany { .. }) => {}
                Err(_) => {
                    self.has_ended = true;
                    return Some("event: end\ndata: end\n\n");
                }
            }
            self.quiet += 1;
            if self.quiet >= QUIET_TICKS {
                self.quiet = 0;
                return Some(": nothing new\n\n");
            }
        }
        None
    }

    async fn look(&self) -> Result<Look, Error> {
        let Anyone { site, parts, .. } = &self.anyone;
        let caller = person::signed_in(&site.control, parts, Some(&self.organization)).await?;
        if !matches!(caller, Caller::User(_)) {
            return Err(Error::NotFound("sign-in"));
        }
        (self.look)(site.clone(), caller).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn person(n: u128) -> UserId {
        format!("00000000-0000-7000-8000-{n:012}").parse().expect("an id")
    }

    #[test]
    fn a_person_has_so_many_places_and_gets_them_back() {
        let streams = Streams::default();
        let places: Vec<_> = (0..OF_PERSON).map(|_| streams.enter(person(1)).expect("room")).collect();
        assert!(streams.enter(person(1)).is_none());
        let other = streams.enter(person(2)).expect("another's room");
        drop(places);
        assert!(streams.enter(person(1)).is_some());
        drop(other);
        assert!(streams.0.lock().expect("a lock").is_empty(), "nobody is remembered");
    }
}
