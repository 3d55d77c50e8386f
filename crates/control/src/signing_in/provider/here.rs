//! The provider that people sign in by here, and what it says of itself.

use std::sync::Arc;
use std::time::Duration;

use countersign_domain::Timestamp;
use futures_util::future::BoxFuture;
use openidconnect::core::{CoreClient, CoreProviderMetadata};
use openidconnect::{
    AsyncHttpClient, ClientId, ClientSecret, EndpointMaybeSet, EndpointNotSet, EndpointSet, HttpRequest, HttpResponse,
};
use tokio::sync::Mutex;

use crate::{Control, Error, Result};

use super::{Fetch, FetchError, Provider};

/// How long what a provider says of itself is believed: where it is, and by which keys it signs.
pub const REDISCOVERED: Duration = Duration::from_secs(3600);
/// How long it is not asked again by whom it showed a key that is not known: it may have a new one, or there is none.
const ASKED_AGAIN: Duration = Duration::from_secs(60);
/// How long it is left alone after it did not answer: whoever comes then is not kept waiting.
const LEFT_ALONE: Duration = Duration::from_secs(5);

/// The provider with everything that is known of it.
#[derive(Debug)]
pub(crate) struct Here {
    pub(super) provider: Provider,
    fetch: Arc<dyn Fetch>,
    known: Mutex<Option<Known>>,
}

/// What was learned of it, and when; nothing, when it did not answer.
#[derive(Debug)]
struct Known {
    at: Timestamp,
    metadata: Option<Arc<CoreProviderMetadata>>,
}

/// This server as the provider knows it.
pub(super) type Client =
    CoreClient<EndpointSet, EndpointNotSet, EndpointNotSet, EndpointNotSet, EndpointMaybeSet, EndpointMaybeSet>;

impl Here {
    pub(crate) fn new(provider: Provider, fetch: Arc<dyn Fetch>) -> Self {
        Self { provider, fetch, known: Mutex::new(None) }
    }
}

impl<'c> AsyncHttpClient<'c> for Here {
    type Error = FetchError;
    type Future = BoxFuture<'static, std::result::Result<HttpResponse, FetchError>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        self.fetch.fetch(request)
    }
}

impl Control {
    /// The provider that people can sign in by, if there is one.
    #[must_use]
    pub fn provider(&self) -> Option<&Provider> {
        self.provider_here().ok().map(|here| &here.provider)
    }

    /// This server as the provider knows it. `again`: what was learned before was not enough.
    ///
    /// # Errors
    /// [`Error::NotFound`] where there is no provider; [`Error::Unavailable`] when it does not answer.
    pub(super) async fn provider_client(&self, again: bool) -> Result<Client> {
        let here = self.provider_here()?;
        let metadata = self.discovered(here, again).await?;
        let id = ClientId::new(here.provider.client_id.clone());
        let secret = here.provider.client_secret.as_ref().map(|it| ClientSecret::new(it.reveal().to_owned()));
        Ok(CoreClient::from_provider_metadata(CoreProviderMetadata::clone(&metadata), id, secret))
    }

    /// One asks, and the others wait for what it learns.
    async fn discovered(&self, here: &Here, again: bool) -> Result<Arc<CoreProviderMetadata>> {
        let mut known = here.known.lock().await;
        let now = self.now();
        if let Some(it) = &*known {
            let age = now.since(it.at);
            match &it.metadata {
                Some(metadata) if age < if again { ASKED_AGAIN } else { REDISCOVERED } => {
                    return Ok(Arc::clone(metadata));
                }
                None if age < LEFT_ALONE => return Err(unavailable()),
                _ => {}
            }
        }
        let learned = CoreProviderMetadata::discover_async(here.provider.issuer.clone(), here).await;
        let metadata = learned.map(Arc::new).inspect_err(|error| {
            tracing::warn!(%error, issuer = here.provider.issuer.as_str(), "the provider of sign-ins could not be asked");
        });
        let metadata = metadata.ok();
        *known = Some(Known { at: now, metadata: metadata.clone() });
        metadata.ok_or_else(unavailable)
    }
}

/// What is said while the provider does not answer.
pub(super) const fn unavailable() -> Error {
    Error::Unavailable {
        code: "provider",
        message: "The provider of sign-ins does not answer now; try again, or sign in another way.",
    }
}
