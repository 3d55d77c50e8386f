//! Teams: members who hold roles in deployments together. What a team is given each of its members holds, for as long as they are in it.
//!
//! Teams are of people: a service user is in none, and is given roles of its own.

mod create;
mod delete;
mod list;
mod members;
mod reference;
mod update;

pub use countersign_store::teams::Team;
pub use create::NewTeam;
pub use delete::DeletedTeam;
pub use reference::TeamReference;
pub(crate) use reference::resolve;
pub use update::TeamChange;

use countersign_domain::id::{OrganizationId, TeamId};
use countersign_domain::text::TeamName;
use countersign_store::{Tx, teams};

use crate::scene::Subject;
use crate::{Result, input};

/// The most teams of one organization.
pub const MAX_TEAMS: i64 = 1_000;
/// The most teams that one member is in: what they hold by all of them is read for each change that they make.
pub const MAX_TEAMS_OF_MEMBER: usize = 100;

fn name(text: &str) -> Result<String> {
    Ok(input::field("name", TeamName::parse(text))?.as_str().to_owned())
}

/// A description; an empty one is none.
fn description(text: Option<String>) -> Result<Option<String>> {
    input::description(text.filter(|text| !text.is_empty()).as_deref())
}

/// Refuses a name that another team has, in whatever case of letters. `besides` is the one that is to have it.
async fn not_taken(tx: &mut Tx, of: OrganizationId, name: &str, besides: TeamId) -> Result<()> {
    match teams::find_alike(tx, of, name, besides).await? {
        Some(found) => Err(input::taken("team", name, &found.name)),
        None => Ok(()),
    }
}

fn subject(team: &Team) -> Subject {
    Subject::new("team", team.id, team.name.as_str())
}
