//! Which role every member has in every deployment.

use askama::Template;
use countersign_control::access::actions::{ChangeMembersRole, ViewDeploymentRoles};
use countersign_control::{Grant, Result};
use countersign_domain::DeploymentRole;

use crate::form::{Faults, Posted};
use crate::frame::{self, Answer, Frame};
use crate::notice::{Notice, then};
use crate::parts::Choice;
use crate::visit::{Tab, Visit};

use super::give::{role, roles, was_chosen};

#[derive(Template)]
#[template(path = "members_role.html")]
struct Page {
    frame: Frame,
    action: String,
    back: String,
    problems: Vec<String>,
    roles: Vec<Choice>,
}

/// An Admin of a deployment gives roles that stay: that is for single members and teams.
const ALL: [DeploymentRole; 3] = [DeploymentRole::Viewer, DeploymentRole::Launcher, DeploymentRole::Editor];

fn page(visit: &Visit, chosen: DeploymentRole, faults: &Faults) -> Page {
    let back = visit.path("/settings/deployments");
    Page {
        frame: visit.settings(Tab::Deployments, "Default role").crumb("Deployments", back.clone()),
        action: format!("{back}/members-role"),
        back,
        problems: faults.beside(&[]),
        roles: roles(&ALL, chosen),
    }
}

/// The form. Who one is is proved before it is filled in.
pub(crate) async fn show(visit: Visit) -> Answer {
    visit.may::<ChangeMembersRole>()?;
    let now = visit.control().members_role(&visit.may::<ViewDeploymentRoles>()?).await?;
    frame::show(&page(&visit, now, &Faults::default()))
}

/// Gives every member that role.
pub(crate) async fn submit(visit: Visit, form: Posted) -> Answer {
    let grant = visit.may::<ChangeMembersRole>()?;
    match change(&visit, &grant, &form).await {
        Ok(()) => Ok(then(&visit.site, &visit.path("/settings/deployments"), Notice::MembersRoleChanged)),
        Err(error) => frame::again(&page(&visit, was_chosen(&form), &Faults::of(error)?)),
    }
}

async fn change(visit: &Visit, grant: &Grant<ChangeMembersRole>, form: &Posted) -> Result<()> {
    visit.control().change_members_role(grant, role(form)?).await
}
