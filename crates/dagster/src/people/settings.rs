//! Settings, and code locations: there are none of either yet, and that is the answer.

use async_graphql::{Json, SimpleObject};
use serde_json::Value;

use crate::not_yet::WorkspaceEntry;

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

/// What is loaded in a deployment.
#[derive(SimpleObject)]
pub(crate) struct WorkspaceQuery {
    /// Its code locations.
    workspace_entries: Vec<WorkspaceEntry>,
}

impl WorkspaceQuery {
    /// Nothing.
    pub(crate) const fn empty() -> Self {
        Self { workspace_entries: Vec::new() }
    }
}
