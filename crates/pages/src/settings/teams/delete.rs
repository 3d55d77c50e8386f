//! Deleting a team.

use askama::Template;
use countersign_control::Error;
use countersign_control::access::actions::{DeleteTeam, ViewDeploymentRoles, ViewTeams};
use countersign_control::deployment_roles::HolderReference;
use countersign_control::teams::TeamReference;

use crate::frame::{self, Answer, Frame};
use crate::notice::{Notice, then};
use crate::visit::{Tab, Visit};
use crate::words;

#[derive(Template)]
#[template(path = "team_delete.html")]
struct Page {
    frame: Frame,
    action: String,
    back: String,
    name: String,
    /// How many members and roles it has, in words.
    members: String,
    roles: String,
}

/// Says what it means.
pub(crate) async fn show(visit: Visit) -> Answer {
    visit.may::<DeleteTeam>()?;
    let team = visit.team().await?;
    let members = visit.control().count_team_members(&visit.may::<ViewTeams>()?, team.id).await?;
    let holder = HolderReference::Team(TeamReference::Id(team.id));
    let roles = visit.control().deployment_roles_of(&visit.may::<ViewDeploymentRoles>()?, holder).await?.len();
    frame::show(&Page {
        frame: visit
            .settings(Tab::Teams, "Delete")
            .crumb("Teams", visit.path("/settings/teams"))
            .crumb(team.name.clone(), visit.team_path(team.id, "")),
        action: visit.team_path(team.id, "/delete"),
        back: visit.team_path(team.id, ""),
        name: team.name,
        members: words::count(usize::try_from(members).unwrap_or_default(), "member", "members"),
        roles: words::count(roles, "role", "roles"),
    })
}

/// Deletes the team.
pub(crate) async fn submit(visit: Visit) -> Answer {
    let grant = visit.may::<DeleteTeam>()?;
    let id = visit.param("team").parse().map_err(|_| Error::NotFound("team"))?;
    let notice = match visit.control().delete_team(&grant, TeamReference::Id(id)).await {
        Err(Error::NotFound("team")) => Notice::TeamGone,
        outcome => outcome.map(|_| Notice::TeamDeleted)?,
    };
    Ok(then(&visit.site, &visit.path("/settings/teams"), notice))
}
