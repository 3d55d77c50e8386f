//! The Agent API, as a caller sees it: one connection pool, one base address, one token per [`Api`].

mod artifacts;
mod calls;
mod failure;
mod retry;
mod transport;

use std::{
    collections::BTreeMap,
    sync::{Arc, PoisonError, RwLock},
};

use bytes::Bytes;
use countersign_wire::{
    SecretText,
    buildkite::{AUTHORIZATION_SCHEME, REQUEST_HEADER_PREFIX},
};
use reqwest::{
    Method, RequestBuilder,
    header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue},
};
use serde::{Serialize, de::DeserializeOwned};

pub(crate) use artifacts::Outgoing;
pub(crate) use calls::{Chunk, Owner};
pub(crate) use failure::{CallError, printable};
pub(crate) use retry::{Halt, Retry};
pub use transport::Transport;

/// Largest answer that is read, in bytes. A job's environment is the largest thing that comes.
const MAX_RESPONSE_BYTES: usize = 8 * 1024 * 1024;

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

    /// A call whose answer is JSON.
    async fn json<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Option<&impl Serialize>,
    ) -> Result<T, CallError> {
        let call = format!("{method} /{path}");
        let answer = self.send(&call, self.request(method, path, body)?).await?;
        serde_json::from_slice(&answer).map_err(|error| CallError::undecodable(&call, &error, &answer))
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
    async fn send(&self, call: &str, request: RequestBuilder) -> Result<Bytes, CallError> {
        let unreachable = |error: &reqwest::Error| CallError::unreachable(call, &self.base, error);
        let mut answer = request.send().await.map_err(|error| unreachable(&error))?;
        let status = answer.status();
        let mut body = Vec::new();
        while let Some(part) = answer.chunk().await.map_err(|error| unreachable(&error))? {
            if body.len() + part.len() > MAX_RESPONSE_BYTES {
                return Err(CallError::Local(format!("{call}: the answer is larger than {MAX_RESPONSE_BYTES} bytes")));
            }
            body.extend_from_slice(&part);
        }
        if status.is_success() { Ok(body.into()) } else { Err(CallError::refused(call, status.as_u16(), &body)) }
    }
}
