//! Deleting a deployment: what it holds goes only by a further choice.

use askama::Template;
use countersign_control::access::actions::DeleteDeployment;
use countersign_control::deployments::{Deletion, Deployment};
use countersign_control::{Action, Error};

use crate::form::{Faults, Posted};
use crate::frame::{self, Answer, Frame};
use crate::notice::{Notice, then};
use crate::visit::Visit;

/// Who deletes a full one.
const WHO: &str = "an Organization Admin; an Editor deletes branch deployments alone";

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
    Page {
        frame: visit.deployment_frame("Delete", it),
        action: visit.deployment_path(it.id, "/delete"),
        back: visit.deployment_path(it.id, ""),
        name: it.name.clone(),
        problems: faults.beside(&[]),
    }
}

/// Asks whoever may delete this one.
pub(crate) async fn show(visit: Visit) -> Answer {
    let it = visit.deployment().await?;
    visit.must_in::<DeleteDeployment>(&it).await?;
    if it.parent.is_none() && !visit.may_give_all() {
        return Err(Error::Denied { action: DeleteDeployment::NAME, needs: WHO }.into());
    }
    frame::show(&page(&visit, &it, &Faults::default()))
}

/// Deletes the deployment.
pub(crate) async fn submit(visit: Visit, form: Posted) -> Answer {
    let it = visit.deployment().await?;
    let grant = visit.may::<DeleteDeployment>()?;
    let deletion = Deletion { deployment: it.id, force: form.is_ticked("force") };
    match visit.control().delete_deployment(&grant, deletion).await {
        Ok(_) => Ok(then(&visit.site, &visit.path("/settings/deployments"), Notice::DeploymentDeleted)),
        Err(error) => frame::again(&page(&visit, &it, &Faults::of(error)?)),
    }
}
