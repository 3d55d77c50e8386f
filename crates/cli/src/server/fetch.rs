//! Calls to a provider of sign-ins.

use std::time::Duration;

use countersign_control::signing_in::{Fetch, FetchError, MAX_FETCHED};
use countersign_store::BoxFuture;
use reqwest::{Client, Request, redirect};

use crate::failure::{Failure, Outcome};

/// Longest time of one call, with the reading of its answer: somebody waits for it before a page.
const CALL_TIMEOUT: Duration = Duration::from_secs(10);
/// Longest time to open a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// What calls a provider.
#[derive(Debug)]
pub(super) struct Calls(Client);

impl Calls {
    /// With limits of time, and without following anybody elsewhere: a secret goes along.
    ///
    /// # Errors
    /// Connections cannot be set up.
    pub fn new() -> Outcome<Self> {
        let client = Client::builder()
            .user_agent(concat!("countersign/", env!("CARGO_PKG_VERSION")))
            .timeout(CALL_TIMEOUT)
            .connect_timeout(CONNECT_TIMEOUT)
            .redirect(redirect::Policy::none())
            .no_proxy()
            .build();
        client.map(Self).map_err(|error| Failure::internal(format!("cannot set up connections: {error}")))
    }
}

impl Fetch for Calls {
    fn fetch(
        &self,
        request: http::Request<Vec<u8>>,
    ) -> BoxFuture<'static, Result<http::Response<Vec<u8>>, FetchError>> {
        let client = self.0.clone();
        Box::pin(call(client, request))
    }
}

async fn call(client: Client, request: http::Request<Vec<u8>>) -> Result<http::Response<Vec<u8>>, FetchError> {
    let request = Request::try_from(request).map_err(failed)?;
    let mut response = client.execute(request).await.map_err(failed)?;
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(failed)? {
        if body.len() + chunk.len() > MAX_FETCHED {
            return Err(FetchError(format!("it answered more than {MAX_FETCHED} bytes")));
        }
        body.extend_from_slice(&chunk);
    }
    let mut answer = http::Response::new(body);
    *answer.status_mut() = response.status();
    *answer.headers_mut() = std::mem::take(response.headers_mut());
    Ok(answer)
}

/// Without the address, which may hold more than its host.
fn failed(error: reqwest::Error) -> FetchError {
    FetchError(error.without_url().to_string())
}
