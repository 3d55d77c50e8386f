//! What a token says about itself.

use serde::{Deserialize, Serialize};

/// The answer to `GET /token`, with the agent token. All strings, empty where they do not apply; never the value.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct TokenIdentity {
    /// The token's uuid.
    pub uuid: String,
    /// Its description.
    pub description: String,
    /// The kind of token.
    pub token_type: String,
    /// The organization it belongs to.
    pub organization_slug: String,
    /// The organization's uuid.
    pub organization_uuid: String,
    /// The cluster's uuid, when the token belongs to one.
    pub cluster_uuid: String,
    /// The cluster's name.
    pub cluster_name: String,
    /// The queue's uuid, when the token is bound to one.
    pub organization_queue_uuid: String,
    /// The queue's key.
    pub organization_queue_key: String,
}
