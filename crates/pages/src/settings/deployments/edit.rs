//! Changing a deployment: what is said of it, when a branch deployment ends, and by an Organization Admin its name.

use countersign_control::Result;
use countersign_control::access::actions::UpdateDeployment;
use countersign_control::deployments::{Deployment, DeploymentChange};

use crate::form::{Faults, Posted};
use crate::frame::{self, Answer};
use crate::notice::{Notice, then};
use crate::parts::Field;
use crate::settings::{Fields, written};
use crate::tokens::create::expiry_fault;
use crate::visit::Visit;

fn page(visit: &Visit, it: &Deployment, form: Option<&Posted>, faults: &Faults) -> Fields {
    let text = |name, now: String| form.map_or(now, |form| form.text(name).to_owned());
    let mut fields = Vec::new();
    if visit.may_give_all() {
        let name = Field::new("name", "Name")
            .value(text("name", it.name.clone()))
            .hint("After a change, agents and builds that name the old one are refused. Connected agents stay.")
            .required()
            .first();
        fields.push(name.faults(faults, "name"));
    }
    let description = Field::new("description", "What it is for");
    let description = description.value(text("description", it.description.clone().unwrap_or_default()));
    fields.push(description.faults(faults, "description"));
    if it.parent.is_some() {
        let expires = Field::new("expires_at", "Ends (UTC)")
            .kind("datetime-local")
            .value(text("expires_at", written(it.expires_at)))
            .hint("It is deleted at that time. Left empty: never.");
        fields.push(expires.faults(faults, "expiresAt"));
    }
    Fields {
        frame: visit.deployment_frame("Edit deployment", it),
        of: it.name.clone(),
        action: visit.deployment_path(it.id, "/edit"),
        back: visit.deployment_path(it.id, ""),
        problems: faults.beside(&["name", "description", "expiresAt"]),
        fields,
        button: "Save",
    }
}

/// The form, for whoever may change this one.
pub(crate) async fn show(visit: Visit) -> Answer {
    let it = visit.deployment().await?;
    visit.must_in::<UpdateDeployment>(&it).await?;
    frame::show(&page(&visit, &it, None, &Faults::default()))
}

/// Saves it.
pub(crate) async fn submit(visit: Visit, form: Posted) -> Answer {
    let it = visit.deployment().await?;
    visit.must_in::<UpdateDeployment>(&it).await?;
    match save(&visit, &it, &form).await {
        Ok(()) => Ok(then(&visit.site, &visit.deployment_path(it.id, ""), Notice::DeploymentSaved)),
        Err(error) => {
            let name = form.text("name").trim();
            let is_taken = visit
                .deployments()
                .await?
                .iter()
                .any(|other| other.name.eq_ignore_ascii_case(name) && other.id != it.id);
            frame::again(&page(&visit, &it, Some(&form), &Faults::of_named(error, is_taken)?))
        }
    }
}

async fn save(visit: &Visit, it: &Deployment, form: &Posted) -> Result<()> {
    let control = visit.control();
    let mut change = DeploymentChange {
        description: Some(form.said("description").map(str::to_owned)),
        ..DeploymentChange::of(it.id)
    };
    // Whoever is not offered the name and sends one is refused, and not told that it was saved.
    if form.given("name").is_some() {
        change.name = Some(form.text("name").trim().to_owned());
    }
    // A time that was left as it was is not asked of again: it may be about to come.
    if it.parent.is_some() && form.text("expires_at") != written(it.expires_at) {
        change.expires_at = Some(form.time("expires_at").map_err(expiry_fault)?);
    }
    control.update_deployment(&control.grant_own::<UpdateDeployment>(&visit.caller)?, change).await.map(drop)
}
