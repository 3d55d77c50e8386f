//! Organizations, and setting an instance up.

mod create;
mod initialize;
mod numbers;
mod view;

pub use countersign_store::deployments::Deployment;
pub use countersign_store::organizations::Organization;
pub use countersign_store::users::{Member, User};
pub use create::{Created, DEFAULT_DEPLOYMENT, DEFAULT_TOKEN, NewOrganization};
