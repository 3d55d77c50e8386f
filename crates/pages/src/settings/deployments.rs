//! Deployments: the boundaries that work runs inside.

pub(crate) mod create;
pub(crate) mod delete;
pub(crate) mod edit;
pub(crate) mod one;
pub(crate) mod queue;
pub(crate) mod queue_new;

use askama::Template;
use countersign_control::access::actions::{
    ChangeMembersRole, CreateDeployment, DeleteDeployment, UpdateDeployment, ViewOrganization,
};
use countersign_control::deployment_roles::OwnRoles;
use countersign_control::deployments::Deployment;
use countersign_control::{Action, Error};
use countersign_domain::id::DeploymentId;

use crate::brief::Brief;
use crate::failure::Failure;
use crate::frame::{self, Answer, Frame};
use crate::parts::{Pager, When, part};
use crate::query::Query;
use crate::visit::{Tab, Visit};
use crate::words::{self, Names};

/// Rows of one part.
const ROWS: usize = 50;

#[derive(Template)]
#[template(path = "deployments.html")]
struct Page {
    frame: Frame,
    create: Option<String>,
    /// Whether one that is shown is a branch deployment, or ends: else the columns for it are left out.
    has_branches: bool,
    has_ends: bool,
    rows: Vec<Row>,
    pager: Pager,
    /// What every member has in each of them.
    everybody: String,
    /// Where that is changed, for whoever may.
    change_everybody: Option<String>,
}

#[derive(Debug, Clone)]
struct Row {
    href: String,
    name: String,
    is_default: bool,
    /// The full deployment of a branch deployment.
    parent: String,
    description: Brief,
    created: When,
    expires: Option<When>,
    edit: Option<String>,
    /// Where it is deleted, for whoever may; the default one stays.
    delete: Option<String>,
}

impl Visit {
    /// The deployment in the address.
    pub(super) async fn deployment(&self) -> Result<Deployment, Failure> {
        const NOT_FOUND: Error = Error::NotFound("deployment");
        let id = self.param("id").parse().map_err(|_| NOT_FOUND)?;
        let found = self.control().deployment(&self.may::<ViewOrganization>()?, id).await?;
        Ok(found.ok_or(NOT_FOUND)?)
    }

    /// A path of a deployment.
    pub(crate) fn deployment_path(&self, id: DeploymentId, below: &str) -> String {
        self.path(&format!("/settings/deployments/{id}{below}"))
    }

    /// Around a page of one deployment.
    fn deployment_frame(&self, words: &str, it: &Deployment) -> Frame {
        let list = self.settings(Tab::Deployments, words).crumb("Deployments", self.path("/settings/deployments"));
        list.crumb(it.name.clone(), self.deployment_path(it.id, ""))
    }

    /// Whether whoever looks may do it in this deployment.
    pub(super) fn can_in<A: Action>(&self, held: &OwnRoles, it: &Deployment) -> bool {
        self.can::<A>() && held.are_enough_for::<A>(it.id, it.parent.is_some())
    }

    /// Shows a form to nobody who may not send it: not elsewhere, not in this deployment.
    pub(super) async fn must_in<A: Action>(&self, it: &Deployment) -> Result<(), Failure> {
        self.may::<A>()?;
        if self.can_in::<A>(&self.held().await?, it) {
            return Ok(());
        }
        Err(Error::Denied { action: A::NAME, needs: "a role in this deployment that allows it" }.into())
    }

    /// Whether whoever looks may create one: a full one is an Organization Admin's to create, a branch deployment also an Editor's of all.
    fn can_create(&self, held: &OwnRoles) -> bool {
        self.can::<CreateDeployment>() && held.are_enough_in_all_branches::<CreateDeployment>()
    }

    /// Whether whoever looks may delete it: a full one is an Organization Admin's to delete, the default one stays.
    fn can_delete(&self, held: &OwnRoles, it: &Deployment) -> bool {
        let may = it.parent.is_some() || self.may_give_all();
        may && it.id != self.organization.default_deployment && self.can_in::<DeleteDeployment>(held, it)
    }
}

impl Row {
    fn new(visit: &Visit, it: &Deployment, names: &Names, held: &OwnRoles) -> Self {
        let path = |below| visit.deployment_path(it.id, below);
        Self {
            href: path(""),
            name: it.name.clone(),
            is_default: it.id == visit.organization.default_deployment,
            parent: it.parent.and_then(|id| names.get(&id).cloned()).unwrap_or_default(),
            description: Brief::of_some(it.description.as_ref()),
            created: When::day(it.created_at),
            expires: it.expires_at.map(When::new),
            edit: visit.can_in::<UpdateDeployment>(held, it).then(|| path("/edit")),
            delete: visit.can_delete(held, it).then(|| path("/delete")),
        }
    }
}

/// A part of the list.
pub(crate) async fn show(visit: Visit, query: Query) -> Answer {
    let (deployments, held) = (visit.deployments().await?, visit.held().await?);
    let names = words::names(&deployments);
    let after: Option<DeploymentId> = query.after();
    let (shown, has_more) = part(&deployments, ROWS, |it| Some(it.id) == after);
    let last = shown.last().filter(|_| has_more).map(|it| it.id.to_string());
    frame::show(&Page {
        frame: visit.settings(Tab::Deployments, "Deployments"),
        create: visit.can_create(&held).then(|| visit.path("/settings/deployments/new")),
        pager: Pager::new(&visit.path("/settings/deployments"), &[], after.is_none(), last),
        has_branches: shown.iter().any(|it| it.parent.is_some()),
        has_ends: shown.iter().any(|it| it.expires_at.is_some()),
        rows: shown.iter().map(|it| Row::new(&visit, it, &names, &held)).collect(),
        everybody: super::roles::everybody_has(&visit).await?,
        change_everybody: visit.can::<ChangeMembersRole>().then(|| visit.path("/settings/deployments/members-role")),
    })
}

#[cfg(test)]
mod tests {
    use countersign_domain::Timestamp;

    use crate::naughty::{TEXTS, assert_inert};
    use crate::seen::Seen;
    use crate::theme::Theme;

    use super::*;

    #[test]
    fn whatever_a_deployment_is_called_stays_text() {
        let seen = Seen { is_safe: true, page: "/x".to_owned(), theme: Theme::System, notice: None };
        for text in TEXTS {
            let row = Row {
                href: "/x".to_owned(),
                name: (*text).to_owned(),
                is_default: true,
                parent: (*text).to_owned(),
                description: (*text).into(),
                created: When::new(Timestamp::EPOCH),
                expires: None,
                edit: Some("/x".to_owned()),
                delete: Some("/x".to_owned()),
            };
            let page = Page {
                frame: Frame::plain("Deployments", &seen),
                create: None,
                has_branches: true,
                has_ends: true,
                rows: vec![row],
                pager: Pager::new("/", &[], true, None),
                everybody: (*text).to_owned(),
                change_everybody: Some("/x".to_owned()),
            };
            assert_inert(&page.render().expect("a page"), text);
        }
    }
}
