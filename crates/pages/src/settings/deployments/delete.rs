//! Deleting a deployment: what it holds goes only by a further choice.

use askama::Template;
use countersign_control::Error;
use countersign_control::access::actions::{DeleteDeployment, ViewOrganization};
use countersign_control::deployments::{Deletion, Deployment};

use crate::failure::Failure;
use crate::form::{Faults, Posted};
use crate::frame::{self, Answer, Frame};
use crate::notice::{Notice, then};
use crate::visit::{Tab, Visit};

#[derive(Template)]
#[template(path = "deployment_delete.html")]
struct Page {
    frame: Frame,
    action: String,
    back: String,
    name: String,
    problems: Vec<String>,
}

fn page(visit: &Visit, it: &Deployment, faults: &Faults) -> Page {
    let list = visit.path("/settings/deployments");
    Page {
        frame: visit.settings(Tab::Deployments, "Delete").crumb("Deployments", list.clone()),
        action: format!("{list}/{}/delete", it.id),
        back: list,
        name: it.name.clone(),
        problems: faults.beside(&[]),
    }
}

async fn deployment(visit: &Visit) -> Result<Deployment, Failure> {
    const NOT_FOUND: Error = Error::NotFound("deployment");
    let id = visit.param("id").parse().map_err(|_| NOT_FOUND)?;
    let found = visit.control().deployment(&visit.may::<ViewOrganization>()?, id).await?;
    Ok(found.ok_or(NOT_FOUND)?)
}

/// Asks.
pub(crate) async fn show(visit: Visit) -> Answer {
    visit.may::<DeleteDeployment>()?;
    let it = deployment(&visit).await?;
    frame::show(&page(&visit, &it, &Faults::default()))
}

/// Deletes the deployment.
pub(crate) async fn submit(visit: Visit, form: Posted) -> Answer {
    let it = deployment(&visit).await?;
    let grant = visit.may::<DeleteDeployment>()?;
    let deletion = Deletion { deployment: it.id, force: form.is_ticked("force") };
    match visit.control().delete_deployment(&grant, deletion).await {
        Ok(_) => Ok(then(&visit.site, &visit.path("/settings/deployments"), Notice::DeploymentDeleted)),
        Err(error) => frame::again(&page(&visit, &it, &Faults::of(error)?)),
    }
}
