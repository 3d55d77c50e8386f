//! Deleting a deployment: what it holds goes only by a further choice.

use askama::Template;
use countersign_control::access::actions::DeleteDeployment;
use countersign_control::deployments::{Deletion, Deployment, Effects};
use countersign_control::{Action, Error};

use crate::failure::Failure;
use crate::form::{Faults, Posted};
use crate::frame::{self, Answer, Frame};
use crate::notice::{Notice, then};
use crate::visit::Visit;
use crate::words;

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
    /// What goes with it, in words; empty where it holds nothing.
    effects: Vec<String>,
    /// Whether some of that is work, which has to be chosen.
    holds_work: bool,
    /// Whether it is the one that stays.
    is_default: bool,
}

/// What goes with it, each counted.
fn in_words(it: &Effects) -> Vec<String> {
    let number = |count: i64| usize::try_from(count).unwrap_or_default();
    let parts = [
        (number(it.held.builds), "build is canceled", "builds are canceled"),
        (number(it.held.jobs), "job that waits or runs is canceled", "jobs that wait or run are canceled"),
        (number(it.held.agents), "agent leaves once its job has ended", "agents leave once their job has ended"),
        (number(it.held.dagster_agents), "Dagster+ agent no longer serves it", "Dagster+ agents no longer serve it"),
        (it.queues, "queue", "queues"),
        (
            number(it.code_locations),
            "code location, and its runs that are under way",
            "code locations, and their runs that are under way",
        ),
        (number(it.held.tokens), "agent token limited to it is revoked", "agent tokens limited to it are revoked"),
        (
            it.branches,
            "branch deployment; what it holds is counted above",
            "branch deployments; what they hold is counted above",
        ),
    ];
    parts
        .into_iter()
        .filter(|(count, ..)| *count > 0)
        .map(|(count, one, many)| words::count(count, one, many))
        .collect()
}

async fn page(visit: &Visit, it: &Deployment, faults: &Faults) -> Result<Page, Failure> {
    let effects = visit.control().deployment_effects(&visit.may::<DeleteDeployment>()?, it.id).await?;
    Ok(Page {
        frame: visit.deployment_frame("Delete", it),
        action: visit.deployment_path(it.id, "/delete"),
        back: visit.deployment_path(it.id, ""),
        name: it.name.clone(),
        problems: faults.beside(&[]),
        effects: in_words(&effects),
        holds_work: effects.need_force(),
        is_default: it.id == visit.organization.default_deployment,
    })
}

/// Asks whoever may delete this one.
pub(crate) async fn show(visit: Visit) -> Answer {
    let it = visit.deployment().await?;
    visit.must_in::<DeleteDeployment>(&it).await?;
    if it.parent.is_none() && !visit.may_give_all() {
        return Err(Error::Denied { action: DeleteDeployment::NAME, needs: WHO }.into());
    }
    frame::show(&page(&visit, &it, &Faults::default()).await?)
}

/// Deletes the deployment.
pub(crate) async fn submit(visit: Visit, form: Posted) -> Answer {
    let it = visit.deployment().await?;
    let grant = visit.may::<DeleteDeployment>()?;
    let deletion = Deletion { deployment: it.id, force: form.is_ticked("force") };
    match visit.control().delete_deployment(&grant, deletion).await {
        Ok(_) => Ok(then(&visit.site, &visit.path("/settings/deployments"), Notice::DeploymentDeleted)),
        Err(error) => frame::again(&page(&visit, &it, &Faults::of(error)?).await?),
    }
}

#[cfg(test)]
mod tests {
    use countersign_control::deployments::Holds;

    use super::*;

    #[test]
    fn what_goes_with_a_deployment_is_counted_in_words() {
        assert!(in_words(&Effects::default()).is_empty());
        let held = Holds { agents: 1, tokens: 2, ..Holds::default() };
        let said = in_words(&Effects { held, queues: 3, ..Effects::default() });
        assert_eq!(
            said,
            ["1 agent leaves once its job has ended", "3 queues", "2 agent tokens limited to it are revoked"]
        );
    }
}
