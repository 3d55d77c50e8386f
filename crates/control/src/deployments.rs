//! Deployments: the boundary that work runs inside. Branch deployments belong to a full one, and may come to an end by themselves.

mod clear;
mod create;
mod delete;
mod update;

use countersign_domain::id::{DeploymentId, OrganizationId};
use countersign_domain::text::{Color, DeploymentName, Emoji};
use countersign_store::{Tx, deployments};

use crate::{Result, input};

pub use countersign_store::deployments::{Deployment, Holds};
pub use create::NewDeployment;
pub use delete::{Deleted, Deletion, Effects};
pub use update::DeploymentChange;

/// Most deployments of one organization, branch deployments among them; those that were deleted are not counted.
pub const MAX_DEPLOYMENTS: i64 = 1_000;
/// Most branch deployments of one organization when somebody makes another who is no Organization Admin: room is left for full ones.
pub const MAX_BRANCHES_OF_MEMBERS: i64 = 500;

fn name(text: &str) -> Result<String> {
    Ok(input::field("name", DeploymentName::parse(text))?.as_str().to_owned())
}

/// What stands before a name; an empty one is none.
fn emoji(text: Option<String>) -> Result<Option<String>> {
    let text = text.filter(|text| !text.is_empty());
    text.map(|text| Ok(input::field("emoji", Emoji::parse(&text))?.as_str().to_owned())).transpose()
}

/// A colour; an empty one is none.
fn color(text: Option<String>) -> Result<Option<String>> {
    let text = text.filter(|text| !text.is_empty());
    text.map(|text| Ok(input::field("color", Color::parse(&text))?.as_str().to_owned())).transpose()
}

/// A description; an empty one is none.
fn description(text: Option<String>) -> Result<Option<String>> {
    input::description(text.filter(|text| !text.is_empty()).as_deref())
}

/// Refuses a name that another deployment has, in whatever case of letters. `besides` is the one that is to have it.
async fn not_taken(tx: &mut Tx, of: OrganizationId, name: &str, besides: DeploymentId) -> Result<()> {
    match deployments::find_alike(tx, of, name, besides).await? {
        Some(found) => Err(input::taken("deployment", name, &found.name)),
        None => Ok(()),
    }
}
