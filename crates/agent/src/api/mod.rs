//! The Agent API, as a caller sees it: one connection pool, one base address, one token per [`Api`].

mod artifacts;
mod calls;
mod command_calls;
mod failure;
mod retry;
mod transport;

use std::{
    collections::BTreeMap,
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use bytes::Bytes;
use countersign_wire::{
    SecretText,
    buildkite::{AUTHORIZATION_SCHEME, REQUEST_HEADER_PREFIX},
};
use reqwest::{
    Method, RequestBuilder,
    header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, LOCATION, RETRY_AFTER},
};
use serde::{Serialize, de::DeserializeOwned};

pub(crate) use artifacts::Outgoing;
pub(crate) use calls::{Chunk, Owner};
pub(crate) use command_calls::Uploaded;
pub(crate) use failure::{CallError, printable};
pub(crate) use retry::{Halt, Retry};
pub use transport::Transport;

/// Largest answer that is read, in bytes. A job's environment is the largest thing that comes.
const MAX_RESPONSE_BYTES: usize = 8 * 1024 * 1024;

/// One part of a path: everything but letters, digits, `-`, `_` and `~` is escaped, a dot and a slash too.
fn path_segment(text: &str) -> String {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'~');
    text.bytes().map(|byte| if plain(&byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}

/// The API for one holder of one token.
#[derive(Clone)]
pub(crate) struct Api {
    transport: Transport,
    base: Arc<str>,
    token: SecretText,
    /// Headers that the server asked for, sent on every call.
    headers: Arc<RwLock<HeaderMap>>,
}

impl Api {
    /// `base` has no slash at its end.
    pub fn new(transport: Transport, base: &str, token: SecretText) -> Self {
        Self { transport, base: base.into(), token, headers: Arc::default() }
    }

    /// The same server, for the holder of another token.
    pub fn with_token(&self, token: SecretText) -> Self {
        Self { token, ..self.clone() }
    }

    /// Another base address, for a server that asked for it.
    pub fn with_base(&self, base: &str) -> Self {
        Self { base: base.into(), ..self.clone() }
    }

    /// The base address.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// Remembers the headers that the server asked for. `None` keeps what is there.
    pub fn ask_headers(&self, asked: Option<&BTreeMap<String, String>>) {
        let Some(asked) = asked else { return };
        let mut headers = HeaderMap::new();
        for (name, value) in asked.iter().filter(|(name, _)| name.starts_with(REQUEST_HEADER_PREFIX)) {
            if let (Ok(name), Ok(value)) = (name.parse::<HeaderName>(), HeaderValue::from_str(value)) {
                headers.insert(name, value);
            }
        }
        *self.headers.write().unwrap_or_else(PoisonError::into_inner) = headers;
    }

    /// Names and values of the headers that the server asked for.
    pub fn asked_headers(&self) -> Vec<(String, String)> {
        let headers = self.headers.read().unwrap_or_else(PoisonError::into_inner);
        let text = |value: &HeaderValue| value.to_str().ok().map(str::to_owned);
        headers.iter().filter_map(|(name, value)| Some((name.as_str().to_owned(), text(value)?))).collect()
    }

    /// A call whose answer is JSON.
    async fn json<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Option<&impl Serialize>,
    ) -> Result<T, CallError> {
        let call = format!("{method} /{path}");
        let answer = self.send(&call, self.request(method, path, body)?).await?;
        read(&call, &answer.body)
    }

    /// A call whose answer does not matter.
    async fn done(&self, method: Method, path: &str, body: Option<&impl Serialize>) -> Result<(), CallError> {
        let call = format!("{method} /{path}");
        self.send(&call, self.request(method, path, body)?).await.map(drop)
    }

    fn request(&self, method: Method, path: &str, body: Option<&impl Serialize>) -> Result<RequestBuilder, CallError> {
        let mut value = HeaderValue::from_str(&format!("{AUTHORIZATION_SCHEME} {}", self.token.reveal()))
            .map_err(|_| CallError::Local("the token holds characters that cannot be sent".to_owned()))?;
        value.set_sensitive(true);
        let headers = self.headers.read().unwrap_or_else(PoisonError::into_inner).clone();
        let request = self
            .transport
            .http()
            .request(method, format!("{}/{path}", self.base))
            .headers(headers)
            .header(AUTHORIZATION, value);
        let Some(body) = body else { return Ok(request) };
        let body = serde_json::to_vec(body)
            .map_err(|error| CallError::Local(format!("the request cannot be written: {error}")))?;
        Ok(request.header(CONTENT_TYPE, "application/json").body(body))
    }

    /// Sends, reads the whole answer, and sorts good from bad. `call` is for messages.
    async fn send(&self, call: &str, request: RequestBuilder) -> Result<Received, CallError> {
        let unreachable = |error: &reqwest::Error| CallError::unreachable(call, &self.base, error);
        let mut answer = request.send().await.map_err(|error| unreachable(&error))?;
        let status = answer.status();
        let header = |name| answer.headers().get(name).and_then(|value: &HeaderValue| value.to_str().ok());
        let retry_after = header(RETRY_AFTER).and_then(seconds);
        let location = header(LOCATION).map(str::to_owned);
        let mut body = Vec::new();
        while let Some(part) = answer.chunk().await.map_err(|error| unreachable(&error))? {
            if body.len() + part.len() > MAX_RESPONSE_BYTES {
                return Err(CallError::Local(format!("{call}: the answer is larger than {MAX_RESPONSE_BYTES} bytes")));
            }
            body.extend_from_slice(&part);
        }
        if status.is_success() {
            Ok(Received { status: status.as_u16(), retry_after, location, body: body.into() })
        } else {
            Err(CallError::refused(call, status.as_u16(), &body, retry_after))
        }
    }
}

/// An answer with a status that is 2xx.
struct Received {
    status: u16,
    retry_after: Option<Duration>,
    location: Option<String>,
    body: Bytes,
}

fn read<T: DeserializeOwned>(call: &str, body: &[u8]) -> Result<T, CallError> {
    serde_json::from_slice(body).map_err(|error| CallError::undecodable(call, &error, body))
}

/// Decimal seconds, perhaps with a fraction; a date is passed over, as agents do.
fn seconds(text: &str) -> Option<Duration> {
    text.trim().parse().ok().and_then(|seconds: f64| Duration::try_from_secs_f64(seconds).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_segment_cannot_become_two_or_lead_up() {
        assert_eq!(path_segment("a/b?c#d.e ü"), "a%2Fb%3Fc%23d%2Ee%20%C3%BC");
        assert_eq!(path_segment(".."), "%2E%2E");
    }

    #[test]
    fn a_wait_is_seconds_and_no_date() {
        assert_eq!(seconds("1.5"), Some(Duration::from_millis(1500)));
        assert_eq!(seconds("0"), Some(Duration::ZERO));
        for odd in ["", "-1", "NaN", "inf", "Wed, 21 Oct 2026 07:28:00 GMT"] {
            assert_eq!(seconds(odd), None, "{odd}");
        }
    }
}
