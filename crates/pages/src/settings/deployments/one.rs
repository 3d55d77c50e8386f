//! A deployment's own page: what it is, its queues, its branch deployments, and who was given a role in it.

use askama::Template;
use countersign_control::access::actions::{CreateQueue, PauseQueue, UpdateDeployment, UpdateQueue, ViewQueues};
use countersign_control::deployment_roles::OwnRoles;
use countersign_control::deployments::Deployment;
use countersign_control::queue_counts::Counts;
use countersign_control::queues::{Queue, Standing};
use countersign_domain::id::Id;
use countersign_http::global_id::{Sort, encode};

use crate::brief::Brief;
use crate::failure::Failure;
use crate::frame::{self, Answer, Frame, Link};
use crate::parts::{Pager, When, part};
use crate::query::{Query, address};
use crate::settings::roles::{self, Roles};
use crate::visit::{Tab, Visit};

/// Queues of one part.
const ROWS: usize = 24;
/// The most branch deployments that are named.
const BRANCHES: usize = 50;

#[derive(Template)]
#[template(path = "deployment.html")]
struct Page {
    frame: Frame,
    /// As the public API names it.
    id: String,
    is_default: bool,
    is_branch: bool,
    /// The full deployment of a branch deployment, while it is there.
    parent: Option<Link>,
    description: String,
    created: When,
    expires: Option<When>,
    edit: Option<String>,
    delete: Option<String>,
    /// Where its agents are listed.
    agents: String,
    create_queue: Option<String>,
    queues: Vec<Row>,
    pager: Pager,
    branches: Vec<Link>,
    more_branches: usize,
    roles: Roles,
}

#[derive(Debug, Clone)]
struct Row {
    name: String,
    description: Brief,
    counts: Counts,
    is_paused: bool,
    /// Why it is paused.
    note: Brief,
    /// Where its agents are listed.
    agents: String,
    pause: Option<String>,
    resume: Option<String>,
    edit: Option<String>,
}

impl Row {
    fn new(visit: &Visit, of: &Deployment, it: &Standing, held: &OwnRoles) -> Self {
        let queue = &it.queue;
        let path = |below: &str| visit.queue_path(queue, below);
        let is_paused = queue.paused_at.is_some();
        let may_pause = visit.can_in::<PauseQueue>(held, of);
        Self {
            name: queue.name.clone(),
            description: Brief::of_some(queue.description.as_ref()),
            counts: it.counts,
            is_paused,
            note: Brief::of_some(queue.paused_note.as_ref()),
            agents: address(
                &visit.path("/agents"),
                &[("deployment", &of.id.to_string()), ("queue", queue.name.as_str())],
            ),
            pause: (!is_paused && may_pause).then(|| path("/pause")),
            resume: (is_paused && may_pause).then(|| path("/resume")),
            edit: visit.can_in::<UpdateQueue>(held, of).then(|| path("/edit")),
        }
    }
}

/// The page.
pub(crate) async fn show(visit: Visit, query: Query) -> Answer {
    let it = visit.deployment().await?;
    let page = page(&visit, &it, &query).await?;
    frame::show(&page)
}

async fn page(visit: &Visit, it: &Deployment, query: &Query) -> Result<Page, Failure> {
    let (deployments, held) = (visit.deployments().await?, visit.held().await?);
    let queues = visit.control().queues_of(&visit.may::<ViewQueues>()?, it.id).await?;
    let after: Option<Id<Queue>> = query.after();
    let (shown, has_more) = part(&queues, ROWS, |it| Some(it.queue.id) == after);
    let last = shown.last().filter(|_| has_more).map(|it| it.queue.id.to_string());
    let path = |below| visit.deployment_path(it.id, below);
    let link = |it: &Deployment| Link::new(it.name.clone(), visit.deployment_path(it.id, ""));
    let branches: Vec<_> = deployments.iter().filter(|other| other.parent == Some(it.id)).collect();
    let list = visit.path("/settings/deployments");
    Ok(Page {
        frame: visit.settings(Tab::Deployments, it.name.clone()).crumb("Deployments", list),
        id: encode(Sort::Deployment, it.id),
        is_default: it.id == visit.organization.default_deployment,
        is_branch: it.parent.is_some(),
        parent: deployments.iter().find(|other| it.parent == Some(other.id)).map(link),
        description: it.description.clone().unwrap_or_default(),
        created: When::new(it.created_at),
        expires: it.expires_at.map(When::new),
        edit: visit.can_in::<UpdateDeployment>(&held, it).then(|| path("/edit")),
        delete: visit.can_delete(&held, it).then(|| path("/delete")),
        agents: address(&visit.path("/agents"), &[("deployment", &it.id.to_string())]),
        create_queue: visit.can_in::<CreateQueue>(&held, it).then(|| path("/queues/new")),
        queues: shown.iter().map(|row| Row::new(visit, it, row, &held)).collect(),
        pager: Pager::new(&path(""), &[], after.is_none(), last),
        more_branches: branches.len().saturating_sub(BRANCHES),
        branches: branches.into_iter().take(BRANCHES).map(link).collect(),
        roles: roles::in_deployment(visit, it, &held).await?,
    })
}

#[cfg(test)]
mod tests {
    use countersign_control::deployments::Deployment;
    use countersign_domain::Timestamp;
    use countersign_domain::id::DeploymentId;

    use crate::naughty::{TEXTS, assert_inert};
    use crate::seen::Seen;
    use crate::theme::Theme;

    use super::*;

    #[test]
    fn whatever_a_deployment_and_its_queues_are_called_stays_text() {
        let seen = Seen { is_safe: true, page: "/x".to_owned(), theme: Theme::System, notice: None };
        for text in TEXTS {
            let some = || (*text).to_owned();
            let it = Deployment::named(DeploymentId::nil(), some(), Timestamp::EPOCH);
            let page = Page {
                frame: Frame::plain(*text, &seen),
                id: some(),
                is_default: true,
                is_branch: true,
                parent: Some(Link::new(it.name.clone(), "/x")),
                description: some(),
                created: When::new(it.created_at),
                expires: None,
                edit: Some("/x".to_owned()),
                delete: Some("/x".to_owned()),
                agents: "/x".to_owned(),
                create_queue: Some("/x".to_owned()),
                queues: vec![Row {
                    name: some(),
                    description: (*text).into(),
                    counts: Counts::default(),
                    is_paused: true,
                    note: (*text).into(),
                    agents: "/x".to_owned(),
                    pause: Some("/x".to_owned()),
                    resume: Some("/x".to_owned()),
                    edit: Some("/x".to_owned()),
                }],
                pager: Pager::new("/", &[], true, None),
                branches: vec![Link::new(some(), "/x")],
                more_branches: 1,
                roles: Roles::none(),
            };
            assert_inert(&page.render().expect("a page"), text);
        }
    }
}
