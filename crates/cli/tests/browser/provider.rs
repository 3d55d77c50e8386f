//! A provider of OpenID Connect that a script plays, and how the server calls it.

use std::net::Ipv4Addr;
use std::sync::Arc;

use countersign_control::Control;
use countersign_control::signing_in::{Fetch, FetchError, Provider};
use countersign_store::BoxFuture;
use countersign_store::blobs::Secret;
use serde_json::{Value, json};
use tokio::net::TcpListener;

const CLIENT: &str = "countersign";
const SECRET: &str = "what the provider gave this server";

/// What a script has to be.
#[derive(Debug)]
pub struct Wanted {
    issuer: String,
    port: u16,
}

impl Wanted {
    /// On a port that is free now.
    pub async fn new() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("there is a free port");
        let port = listener.local_addr().expect("it has an address").port();
        Self { issuer: format!("http://localhost:{port}"), port }
    }

    /// People sign in by it from now on.
    pub fn be_that_of(&self, control: &Control) {
        let secret = Secret::new(SECRET.to_owned());
        let provider = Provider::new(&self.issuer, CLIENT, Some(secret)).expect("a provider");
        let _ = control.clone().with_provider(provider, Arc::new(Calls::new()));
    }

    /// What a script is told of it.
    pub fn told(&self) -> Value {
        json!({ "issuer": self.issuer, "port": self.port, "client": CLIENT, "secret": SECRET })
    }
}

/// Calls as the server makes them: nobody is followed elsewhere.
#[derive(Debug)]
struct Calls(reqwest::Client);

impl Calls {
    fn new() -> Self {
        let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy().build();
        Self(client.expect("connections can be set up"))
    }
}

impl Fetch for Calls {
    fn fetch(
        &self,
        request: http::Request<Vec<u8>>,
    ) -> BoxFuture<'static, Result<http::Response<Vec<u8>>, FetchError>> {
        let client = self.0.clone();
        Box::pin(async move {
            let request = reqwest::Request::try_from(request).map_err(failed)?;
            let response = client.execute(request).await.map_err(failed)?;
            let (status, headers) = (response.status(), response.headers().clone());
            let mut answer = http::Response::new(response.bytes().await.map_err(failed)?.to_vec());
            *answer.status_mut() = status;
            *answer.headers_mut() = headers;
            Ok(answer)
        })
    }
}

fn failed(error: reqwest::Error) -> FetchError {
    FetchError(error.without_url().to_string())
}
