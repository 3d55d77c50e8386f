//! Creating a deployment, full or branch.

use askama::Template;
use countersign_control::access::actions::{CreateDeployment, ViewOrganization};
use countersign_control::deployments::{Deployment, NewDeployment};
use countersign_control::{Action, Error, Result};
use countersign_domain::id::DeploymentId;

use crate::failure::Failure;
use crate::form::{Faults, Posted};
use crate::frame::{self, Answer, Frame};
use crate::notice::{Notice, then};
use crate::parts::{Choice, Field};
use crate::tokens::create::expiry_fault;
use crate::visit::{Tab, Visit};

/// The most full deployments to choose from; of more, one is named.
const CHOICES: usize = 200;
/// Who may.
const WHO: &str = "an Organization Admin, or for a branch deployment an Editor of all branch deployments";

#[derive(Template)]
#[template(path = "deployment_new.html")]
struct Page {
    frame: Frame,
    action: String,
    back: String,
    problems: Vec<String>,
    name: Field,
    description: Field,
    parents: Vec<Choice>,
    /// What is wrong with the one that was chosen.
    parent_wrong: Option<String>,
    /// Whether that is where one goes on.
    is_parent_first: bool,
    /// The same by its name, where there are too many to choose from.
    parent: Option<Field>,
    expires: Field,
}

async fn page(visit: &Visit, form: Option<&Posted>, faults: &Faults) -> std::result::Result<Page, Failure> {
    let text = |name| form.map(|form| form.text(name).to_owned()).unwrap_or_default();
    let list = visit.path("/settings/deployments");
    let chosen = text("parent");
    let may_be_full = visit.may_give_all();
    let none = Choice::new("", "None: a full deployment", chosen.is_empty());
    let mut parents: Vec<_> = may_be_full.then_some(none).into_iter().collect();
    let deployments = visit.deployments().await?;
    let full: Vec<_> = deployments.iter().filter(|it| it.parent.is_none()).collect();
    let is_crowded = full.len() > CHOICES;
    parents.extend(full.into_iter().take(CHOICES).map(|it| {
        let id = it.id.to_string();
        let is_chosen = id == chosen;
        Choice::new(id, it.name.clone(), is_chosen)
    }));
    let (parent_wrong, is_parent_first) = faults.of_field("parent", "Branch deployment of");
    Ok(Page {
        parent_wrong,
        is_parent_first,
        frame: visit.settings(Tab::Deployments, "Create deployment").crumb("Deployments", list.clone()),
        action: format!("{list}/new"),
        back: list,
        problems: faults.beside(&["name", "description", "parent", "expiresAt"]),
        name: Field::new("name", "Name")
            .value(text("name"))
            .hint("Letters, digits, '-', '_', '.' and spaces. Agents name it to join it.")
            .required()
            .first()
            .faults(faults, "name"),
        description: Field::new("description", "What it is for")
            .value(text("description"))
            .faults(faults, "description"),
        parents,
        parent: is_crowded.then(|| {
            let field = Field::new("parent", "Branch deployment of").value(chosen).faults(faults, "parent");
            if may_be_full {
                field.hint("A branch deployment belongs to a full one, such as for a pull request. Name that; left empty: this is a full deployment.")
            } else {
                field.hint("The name of a full deployment.").required()
            }
        }),
        expires: Field::new("expires_at", "Ends (UTC)")
            .kind("datetime-local")
            .value(text("expires_at"))
            .hint("Only for a branch deployment: it is deleted at that time. Left empty: never.")
            .faults(faults, "expiresAt"),
    })
}

/// The form, for whoever may create a deployment of some kind.
pub(crate) async fn show(visit: Visit) -> Answer {
    must_create(&visit).await?;
    frame::show(&page(&visit, None, &Faults::default()).await?)
}

/// Goes on only for whoever may create one of some kind: before any field is looked at.
async fn must_create(visit: &Visit) -> std::result::Result<(), Failure> {
    visit.may::<CreateDeployment>()?;
    if visit.can_create(&visit.held().await?) {
        return Ok(());
    }
    Err(Error::Denied { action: CreateDeployment::NAME, needs: WHO }.into())
}

/// Creates the deployment.
pub(crate) async fn submit(visit: Visit, form: Posted) -> Answer {
    must_create(&visit).await?;
    match create(&visit, &form).await {
        Ok(it) => Ok(then(&visit.site, &visit.deployment_path(it.id, ""), Notice::DeploymentCreated)),
        Err(error) => {
            let name = form.text("name").trim();
            let faults = Faults::of_named(
                error,
                visit.deployments().await?.iter().any(|it| it.name.eq_ignore_ascii_case(name)),
            )?;
            frame::again(&page(&visit, Some(&form), &faults).await?)
        }
    }
}

/// A deployment by its id, or by its name where there are too many to choose from.
async fn parent(visit: &Visit, said: &str) -> Result<DeploymentId> {
    if let Ok(id) = said.parse() {
        return Ok(id);
    }
    let control = visit.control();
    let all = control.deployments(&control.grant_own::<ViewOrganization>(&visit.caller)?).await?;
    let named = all.iter().find(|it| it.name == said).map(|it| it.id);
    named.ok_or_else(|| Error::invalid("parent", "names no deployment: it may be deleted; choose another"))
}

async fn create(visit: &Visit, form: &Posted) -> Result<Deployment> {
    let parent = match form.said("parent") {
        Some(said) => Some(parent(visit, said).await?),
        None => None,
    };
    let new = NewDeployment {
        name: form.text("name").trim().to_owned(),
        parent,
        description: form.said("description").map(str::to_owned),
        expires_at: form.time("expires_at").map_err(expiry_fault)?,
        ..NewDeployment::default()
    };
    let control = visit.control();
    control.create_deployment(&control.grant_own::<CreateDeployment>(&visit.caller)?, new).await
}
