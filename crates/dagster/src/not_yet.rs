//! Types of which there is no value yet: what is said of them stands in the schema, for agents ask for it.

#![expect(
    unreachable_code,
    reason = "the library writes code behind each field, and no field of these is ever reached"
)]

use async_graphql::Object;

/// A code location. There is none yet, and the type has no values.
pub(crate) enum WorkspaceEntry {}

#[Object]
impl WorkspaceEntry {
    /// Its name.
    async fn location_name(&self) -> String {
        match *self {}
    }

    /// How it is loaded, in Dagster's own form of JSON.
    async fn serialized_deployment_metadata(&self) -> String {
        match *self {}
    }

    /// Whether what is known of it is older than what is to be loaded.
    async fn has_outdated_data(&self) -> bool {
        match *self {}
    }

    /// Whether it could not be loaded.
    async fn has_load_error(&self) -> bool {
        match *self {}
    }

    /// When it was last changed, in seconds since the epoch.
    async fn metadata_timestamp(&self) -> f64 {
        match *self {}
    }
}

/// Something to do for an agent. There is nothing yet, and the type has no values.
pub(crate) enum AgentRequest {}

#[Object]
impl AgentRequest {
    /// Names it in the agent's answer.
    async fn request_id(&self) -> String {
        match *self {}
    }

    /// What is to be done.
    async fn request_api(&self) -> String {
        match *self {}
    }

    /// With what, in Dagster's own form of JSON.
    async fn request_body(&self) -> String {
        match *self {}
    }

    /// For which deployment.
    async fn deployment_name(&self) -> String {
        match *self {}
    }

    /// Whether that belongs to another one.
    async fn is_branch_deployment(&self) -> bool {
        match *self {}
    }
}
