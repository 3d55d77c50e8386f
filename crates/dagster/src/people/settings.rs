//! Settings: there are none of Dagster's here, and that is the answer.

use async_graphql::{Json, SimpleObject};
use serde_json::Value;

/// Settings of the organization.
#[derive(Debug, SimpleObject)]
pub(crate) struct OrganizationSettings {
    /// An empty object: this server has no settings of Dagster's.
    settings: Option<Json<Value>>,
}

/// Settings of a deployment.
#[derive(Debug, SimpleObject)]
pub(crate) struct DeploymentSettings {
    /// An empty object: this server has no settings of Dagster's.
    settings: Option<Json<Value>>,
}

fn none() -> Option<Json<Value>> {
    Some(Json(Value::Object(serde_json::Map::new())))
}

impl Default for OrganizationSettings {
    fn default() -> Self {
        Self { settings: none() }
    }
}

impl Default for DeploymentSettings {
    fn default() -> Self {
        Self { settings: none() }
    }
}
