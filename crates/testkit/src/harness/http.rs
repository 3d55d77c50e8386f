//! One keep-alive connection to a server on this machine: what a test counts must not hide behind a pool that tries again.

use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HOST, HeaderMap};
use hyper::{Method, Request};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpStream;

use super::moment::{self, Instant};

/// The longest that a call of these tests may take, unless one says otherwise.
const PATIENCE: Duration = Duration::from_secs(60);

/// A request.
#[derive(Debug, Clone)]
pub struct Call {
    /// `GET` and its like.
    pub method: Method,
    /// Path and query.
    pub path: String,
    /// The whole value of the `Authorization` header.
    pub authorization: Option<String>,
    /// More headers, as they are to be sent.
    pub headers: Vec<(String, Vec<u8>)>,
    /// The body; JSON, unless a header says otherwise.
    pub body: Bytes,
}

impl Call {
    /// A request without a credential.
    #[must_use]
    pub fn new(method: Method, path: &str) -> Self {
        Self { method, path: path.to_owned(), authorization: None, headers: Vec::new(), body: Bytes::new() }
    }

    /// A `GET`.
    #[must_use]
    pub fn get(path: &str) -> Self {
        Self::new(Method::GET, path)
    }

    /// A `POST` of JSON.
    #[must_use]
    pub fn post(path: &str, body: &Value) -> Self {
        Self::new(Method::POST, path).json(body)
    }

    /// With a body of JSON.
    #[must_use]
    pub fn json(mut self, body: &Value) -> Self {
        self.body = Bytes::from(body.to_string());
        self
    }

    /// With an agent, session or job token.
    #[must_use]
    pub fn token(mut self, value: &str) -> Self {
        self.authorization = Some(format!("Token {value}"));
        self
    }

    /// With a user or operator token.
    #[must_use]
    pub fn bearer(mut self, value: &str) -> Self {
        self.authorization = Some(format!("Bearer {value}"));
        self
    }

    /// With one more header.
    #[must_use]
    pub fn header(mut self, name: &str, value: impl Into<Vec<u8>>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }
}

/// What came back, whole.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
    /// When the last byte of it was read.
    pub at: Instant,
}

impl Answer {
    /// Whether the status is 2xx.
    #[must_use]
    pub const fn is_success(&self) -> bool {
        self.status / 100 == 2
    }

    /// The body as JSON; null when it is none.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }

    /// The body as text, for messages.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// There was no whole answer: nobody can tell whether the call took effect.
#[derive(Debug)]
pub struct Lost(pub String);

impl fmt::Display for Lost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A connection. It is made at the first call, and anew after one that was lost.
pub struct Connection {
    server: SocketAddr,
    sender: Option<SendRequest<Full<Bytes>>>,
    patience: Duration,
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection").field("server", &self.server).finish_non_exhaustive()
    }
}

impl Connection {
    /// To this address.
    #[must_use]
    pub const fn new(server: SocketAddr) -> Self {
        Self { server, sender: None, patience: PATIENCE }
    }

    /// The same, with calls that may take as long as this.
    #[must_use]
    pub const fn patient(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Connects now, so that the first call does not pay for it.
    ///
    /// # Errors
    /// [`Lost`].
    pub async fn open(&mut self) -> Result<(), Lost> {
        if self.sender.as_ref().is_some_and(|sender| !sender.is_closed()) {
            return Ok(());
        }
        let stream = TcpStream::connect(self.server).await.map_err(lost)?;
        stream.set_nodelay(true).map_err(lost)?;
        let (sender, connection) = handshake(TokioIo::new(stream)).await.map_err(lost)?;
        // Ends with the sender, or when the server goes.
        tokio::spawn(async move {
            let _ = connection.await;
        });
        self.sender = Some(sender);
        Ok(())
    }

    /// Sends a request once and reads the whole answer.
    ///
    /// # Errors
    /// [`Lost`]: then the call may have taken effect or not.
    ///
    /// # Panics
    /// When the request cannot be written down, or has no answer in time.
    pub async fn call(&mut self, call: &Call) -> Result<Answer, Lost> {
        let answer = tokio::time::timeout(self.patience, self.exchange(call)).await.expect("an answer in time");
        if answer.is_err() {
            self.sender = None;
        }
        answer
    }

    async fn exchange(&mut self, call: &Call) -> Result<Answer, Lost> {
        self.open().await?;
        let sender = self.sender.as_mut().expect("it was opened");
        sender.ready().await.map_err(lost)?;
        let mut request = Request::builder().method(&call.method).uri(&call.path).header(HOST, self.server.to_string());
        if let Some(value) = &call.authorization {
            request = request.header(AUTHORIZATION, value);
        }
        for (name, value) in &call.headers {
            request = request.header(name.as_str(), value.as_slice());
        }
        let is_typed = call.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case(CONTENT_TYPE.as_str()));
        if !call.body.is_empty() && !is_typed {
            request = request.header(CONTENT_TYPE, "application/json");
        }
        let request = request.body(Full::new(call.body.clone())).expect("a request that can be written down");
        let response = sender.send_request(request).await.map_err(lost)?;
        let (head, body) = response.into_parts();
        let body = body.collect().await.map_err(lost)?.to_bytes();
        Ok(Answer { status: head.status.as_u16(), headers: head.headers, body, at: moment::now() })
    }
}

fn lost(error: impl fmt::Display) -> Lost {
    Lost(error.to_string())
}
