//! Organizations, and setting an instance up.

mod create;
mod initialize;
mod numbers;
mod update;
mod view;

pub use countersign_store::deployments::Deployment;
pub use countersign_store::organizations::Organization;
pub use countersign_store::users::{Member, User};
pub use create::{Created, DEFAULT_DEPLOYMENT, DEFAULT_TOKEN, NewOrganization};
pub use update::{MAX_SLUGS, OrganizationChange, digest};

use crate::Error;

/// Refuses a slug that another organization has, or had.
fn taken(slug: &str) -> Error {
    Error::Conflict(format!("Another organization has the slug {slug}, or had it; choose another one."))
}
