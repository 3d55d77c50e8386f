//! Creating a queue in a deployment.

use countersign_control::access::actions::{CreateQueue, ViewQueues};
use countersign_control::deployments::Deployment;
use countersign_control::queues::NewQueue;
use countersign_control::{Error, Result};

use crate::form::{Faults, Posted};
use crate::frame::{self, Answer};
use crate::notice::{Notice, then};
use crate::parts::Field;
use crate::settings::Fields;
use crate::visit::Visit;

fn page(visit: &Visit, it: &Deployment, form: Option<&Posted>, faults: &Faults) -> Fields {
    let text = |name| form.map(|form| form.text(name).to_owned()).unwrap_or_default();
    let name = Field::new("name", "Name")
        .value(text("name"))
        .hint("Letters, digits, '-', '_' and '.'. Jobs and agents name it as `queue=NAME`. It cannot be changed later.")
        .required()
        .first();
    let description = Field::new("description", "What it is for").value(text("description"));
    Fields {
        frame: visit.deployment_frame("Create queue", it),
        of: format!("in {}", it.name),
        action: visit.deployment_path(it.id, "/queues/new"),
        back: visit.deployment_path(it.id, ""),
        problems: faults.beside(&["name", "description"]),
        fields: vec![name.faults(faults, "name"), description.faults(faults, "description")],
        button: "Create queue",
    }
}

/// The form, for whoever may create one in this deployment.
pub(crate) async fn show(visit: Visit) -> Answer {
    let it = visit.deployment().await?;
    visit.must_in::<CreateQueue>(&it).await?;
    frame::show(&page(&visit, &it, None, &Faults::default()))
}

/// Creates the queue.
pub(crate) async fn submit(visit: Visit, form: Posted) -> Answer {
    let it = visit.deployment().await?;
    visit.must_in::<CreateQueue>(&it).await?;
    let name = form.text("name").trim();
    match create(&visit, &it, &form).await {
        Ok(()) => Ok(then(&visit.site, &visit.deployment_path(it.id, ""), Notice::QueueCreated)),
        Err(error) => {
            let faults = match error {
                Error::Conflict(_) if is_taken(&visit, &it, name).await? => {
                    // The operation speaks Buildkite's words.
                    Faults::of(Error::invalid("name", "is another queue's of this deployment; choose another one"))?
                }
                other => Faults::of(other)?,
            };
            frame::again(&page(&visit, &it, Some(&form), &faults))
        }
    }
}

async fn is_taken(visit: &Visit, it: &Deployment, name: &str) -> Result<bool> {
    let grant = visit.control().grant_own::<ViewQueues>(&visit.caller)?;
    match visit.control().queue_by_name(&grant, it.id, name).await {
        Ok(_) => Ok(true),
        Err(Error::NotFound(_)) => Ok(false),
        Err(other) => Err(other),
    }
}

async fn create(visit: &Visit, it: &Deployment, form: &Posted) -> Result<()> {
    let new = NewQueue {
        deployment: it.id,
        key: form.text("name").trim().to_owned(),
        description: form.said("description").map(str::to_owned),
    };
    let control = visit.control();
    let made = control.create_queue(&control.grant_own::<CreateQueue>(&visit.caller)?, new).await;
    made.map(drop).map_err(at_name)
}

/// Buildkite calls a queue's name its key.
fn at_name(error: Error) -> Error {
    match error {
        Error::Invalid(mut fields) => {
            fields.iter_mut().filter(|it| it.field == "key").for_each(|it| "name".clone_into(&mut it.field));
            Error::Invalid(fields)
        }
        other => other,
    }
}
