//! One queue of a deployment: what it is for, keeping its jobs back and letting them go again, deleting it.

use askama::Template;
use countersign_control::access::actions::{DeleteQueue, PauseQueue, UpdateQueue, ViewQueues};
use countersign_control::deployment_roles::OwnRoles;
use countersign_control::deployments::Deployment;
use countersign_control::queues::{Queue, QueueChange, QueueReference};
use countersign_control::{Error, Result};

use crate::failure::Failure;
use crate::form::{Faults, Posted};
use crate::frame::{self, Answer, Frame};
use crate::notice::{Notice, then};
use crate::parts::Field;
use crate::visit::Visit;

#[derive(Template)]
#[template(path = "queue_edit.html")]
struct Page {
    frame: Frame,
    name: String,
    action: String,
    back: String,
    problems: Vec<String>,
    description: Field,
    /// Where it is paused, for whoever may, while it is not.
    pause: Option<String>,
    note: Field,
    delete: Option<String>,
}

impl Visit {
    /// A path of a queue.
    pub(super) fn queue_path(&self, it: &Queue, below: &str) -> String {
        self.deployment_path(it.deployment, &format!("/queues/{}{below}", it.id))
    }

    /// The deployment and the queue in the address.
    async fn queue(&self) -> std::result::Result<(Deployment, Queue), Failure> {
        const NOT_FOUND: Error = Error::NotFound("queue");
        let deployment = self.deployment().await?;
        let id = self.param("queue").parse().map_err(|_| NOT_FOUND)?;
        let found = self.control().queue(&self.may::<ViewQueues>()?, id).await?.queue;
        if found.deployment == deployment.id { Ok((deployment, found)) } else { Err(NOT_FOUND.into()) }
    }
}

fn reference(of: &Deployment, it: &Queue) -> QueueReference {
    QueueReference { deployment: Some(of.name.clone()), queue: it.name.clone() }
}

fn page(visit: &Visit, (of, it): (&Deployment, &Queue), held: &OwnRoles, form: &Posted, faults: &Faults) -> Page {
    let text = match form.given("description") {
        Some(text) => text.to_owned(),
        None => it.description.clone().unwrap_or_default(),
    };
    Page {
        frame: visit.deployment_frame("Edit queue", of),
        name: it.name.clone(),
        action: visit.queue_path(it, "/edit"),
        back: visit.deployment_path(of.id, ""),
        problems: faults.beside(&["description", "note"]),
        description: Field::new("description", "What it is for").value(text).first().faults(faults, "description"),
        pause: (it.paused_at.is_none() && visit.can_in::<PauseQueue>(held, of)).then(|| visit.queue_path(it, "/pause")),
        note: Field::new("note", "Why it is paused").value(form.text("note")).faults(faults, "note"),
        delete: visit.can_in::<DeleteQueue>(held, of).then(|| visit.queue_path(it, "/delete")),
    }
}

/// The form once more, with what was wrong with what was sent.
async fn again(visit: &Visit, of: (&Deployment, &Queue), form: &Posted, error: Error) -> Answer {
    let faults = Faults::of(error)?;
    frame::again(&page(visit, of, &visit.held().await?, form, &faults))
}

/// The form, for whoever may change queues of this deployment.
pub(crate) async fn show(visit: Visit) -> Answer {
    let (of, it) = visit.queue().await?;
    visit.must_in::<UpdateQueue>(&of).await?;
    frame::show(&page(&visit, (&of, &it), &visit.held().await?, &Posted::default(), &Faults::default()))
}

/// Saves what it is for.
pub(crate) async fn submit(visit: Visit, form: Posted) -> Answer {
    let (of, it) = visit.queue().await?;
    visit.must_in::<UpdateQueue>(&of).await?;
    let change = QueueChange { queue: it.id, description: Some(form.said("description").map(str::to_owned)) };
    match visit.control().update_queue(&visit.may::<UpdateQueue>()?, change).await {
        Ok(_) => Ok(then(&visit.site, &visit.deployment_path(of.id, ""), Notice::QueueSaved)),
        Err(error) => again(&visit, (&of, &it), &form, error).await,
    }
}

/// Keeps its jobs back, with a note why.
pub(crate) async fn pause(visit: Visit, form: Posted) -> Answer {
    let (of, it) = visit.queue().await?;
    visit.must_in::<PauseQueue>(&of).await?;
    let note = form.said("note").map(str::to_owned);
    match visit.control().pause_queue_dispatch(&visit.may::<PauseQueue>()?, reference(&of, &it), note).await {
        Ok(_) => Ok(then(&visit.site, &visit.deployment_path(of.id, ""), Notice::QueuePaused)),
        Err(error) => again(&visit, (&of, &it), &form, error).await,
    }
}

/// Lets its jobs go again.
pub(crate) async fn resume(visit: Visit) -> Answer {
    let (of, it) = visit.queue().await?;
    visit.control().resume_queue_dispatch(&visit.may::<PauseQueue>()?, reference(&of, &it)).await?;
    Ok(then(&visit.site, &visit.deployment_path(of.id, ""), Notice::QueueResumed))
}

/// Deletes it. While it holds work, its page says what.
pub(crate) async fn delete(visit: Visit) -> Answer {
    let (of, it) = visit.queue().await?;
    match remove(&visit, &it).await {
        Ok(()) => Ok(then(&visit.site, &visit.deployment_path(of.id, ""), Notice::QueueDeleted)),
        Err(error) => again(&visit, (&of, &it), &Posted::default(), error).await,
    }
}

async fn remove(visit: &Visit, it: &Queue) -> Result<()> {
    let control = visit.control();
    control.delete_queue(&control.grant_own::<DeleteQueue>(&visit.caller)?, it.id).await.map(drop)
}

#[cfg(test)]
mod tests {
    use crate::naughty::{TEXTS, assert_inert};
    use crate::seen::Seen;
    use crate::theme::Theme;

    use super::*;

    #[test]
    fn whatever_is_said_of_a_queue_stays_text() {
        let seen = Seen { is_safe: false, page: "/x".to_owned(), theme: Theme::System, notice: None };
        for text in TEXTS {
            let page = Page {
                frame: Frame::plain(*text, &seen),
                name: (*text).to_owned(),
                action: "/x".to_owned(),
                back: "/".to_owned(),
                problems: vec![(*text).to_owned()],
                description: Field::new("description", "What it is for").value(*text),
                pause: Some("/x".to_owned()),
                note: Field::new("note", "Why").value(*text),
                delete: Some("/x".to_owned()),
            };
            assert_inert(&page.render().expect("a page"), text);
        }
    }
}
