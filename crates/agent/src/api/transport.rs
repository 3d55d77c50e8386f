//! The connections that calls travel on.

use std::{error::Error as _, time::Duration};

use reqwest::{Client, NoProxy, Proxy, redirect};

use crate::{AgentError, Environment, ErrorKind, host};

/// Longest time of one call, with the reading of its answer.
const CALL_TIMEOUT: Duration = Duration::from_secs(60);

/// Longest time to open a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(15);

/// Hosts that no proxy stands in front of.
const NEVER_PROXIED: &str = "localhost,127.0.0.0/8,::1";

/// A pool of connections. Cloning shares it.
#[derive(Debug, Clone)]
pub struct Transport {
    http: Client,
}

impl Transport {
    /// Opens a pool for calls to `endpoint`. Proxies come from `HTTP_PROXY`, `HTTPS_PROXY` and `NO_PROXY` in `environment`.
    ///
    /// # Errors
    /// A proxy is no address, or this machine has no certificates to check an `https` server by.
    pub fn new(endpoint: &str, environment: &Environment) -> Result<Self, AgentError> {
        // A redirect would carry the token to another place, and would turn a POST into a GET: it is an error like any other.
        let mut builder = Client::builder()
            .user_agent(host::user_agent())
            .timeout(CALL_TIMEOUT)
            .connect_timeout(CONNECT_TIMEOUT)
            .redirect(redirect::Policy::none())
            .no_proxy();
        let exempt = format!("{NEVER_PROXIED},{}", either(environment, "NO_PROXY").unwrap_or_default());
        for name in ["HTTP_PROXY", "HTTPS_PROXY"] {
            if let Some(address) = either(environment, name) {
                let proxy = if name == "HTTP_PROXY" { Proxy::http(address) } else { Proxy::https(address) };
                let proxy =
                    proxy.map_err(|_| AgentError::bad_input(format!("{name} is not the address of a proxy")))?;
                builder = builder.proxy(proxy.no_proxy(NoProxy::from_string(&exempt)));
            }
        }
        if !endpoint.starts_with("https://") {
            // Without TLS no certificates are needed, and a small machine may have none.
            builder = builder.tls_certs_only(std::iter::empty());
        }
        let http = builder.build().map_err(|error| {
            let cause = error.source().map_or_else(|| error.to_string(), ToString::to_string);
            AgentError::new(ErrorKind::Internal, format!("cannot set up connections: {cause}"))
        })?;
        Ok(Self { http })
    }

    pub(super) fn http(&self) -> &Client {
        &self.http
    }
}

/// A proxy variable, in upper or lower case.
fn either<'a>(environment: &'a Environment, name: &str) -> Option<&'a str> {
    environment.get(name).or_else(|| environment.get(&name.to_ascii_lowercase()))
}
