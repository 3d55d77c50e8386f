//! What verifiers read: where the keys are, and the keys. For anyone.

use countersign_domain::signing::ALGORITHM;
use countersign_store::oidc_keys;
use serde::Serialize;
use serde_json::Value;

use crate::{Control, Result};

use super::{KEY_SET_PATH, OPTIONAL_CLAIMS, STANDARD_CLAIMS};

/// The discovery document of OpenID Connect, as far as it concerns who only verifies tokens.
#[derive(Debug, Clone, Serialize)]
pub struct Discovery {
    /// Who issues: the public address of this server.
    pub issuer: String,
    /// Where the keys are.
    pub jwks_uri: String,
    /// What is issued.
    pub response_types_supported: [&'static str; 1],
    /// A subject is the same for everyone.
    pub subject_types_supported: [&'static str; 1],
    /// How tokens are signed.
    pub id_token_signing_alg_values_supported: [&'static str; 1],
    /// What tokens may say.
    pub claims_supported: Vec<&'static str>,
    /// What can be asked for.
    pub scopes_supported: [&'static str; 1],
}

/// The keys with which tokens can be verified (RFC 7517).
#[derive(Debug, Clone, Serialize)]
pub struct KeySet {
    /// Those that sign, will, or did so until lately.
    pub keys: Vec<Value>,
}

impl Control {
    /// The discovery document.
    #[must_use]
    pub fn oidc_discovery(&self) -> Discovery {
        let issuer = self.settings().public_url.clone();
        let claims = ["iss", "sub", "aud", "iat", "nbf", "exp"].into_iter().chain(STANDARD_CLAIMS).chain(["build_tag"]);
        Discovery {
            jwks_uri: format!("{issuer}{KEY_SET_PATH}"),
            issuer,
            response_types_supported: ["id_token"],
            subject_types_supported: ["public"],
            id_token_signing_alg_values_supported: [ALGORITHM],
            claims_supported: claims.chain(OPTIONAL_CLAIMS).collect(),
            scopes_supported: ["openid"],
        }
    }

    /// The published keys. Nothing secret is in them.
    ///
    /// # Errors
    /// Only [`crate::Error::Unavailable`] and [`crate::Error::Internal`].
    pub async fn oidc_key_set(&self) -> Result<KeySet> {
        let keys = self.store().read((), |tx, ()| Box::pin(oidc_keys::all(tx))).await?;
        Ok(KeySet { keys: keys.iter().map(|key| key.public.jwk(key.id)).collect() })
    }
}
