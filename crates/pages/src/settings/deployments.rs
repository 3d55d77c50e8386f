//! Deployments: the boundaries that work runs inside.

pub(crate) mod create;
pub(crate) mod delete;

use askama::Template;
use countersign_control::access::actions::{CreateDeployment, DeleteDeployment};
use countersign_control::deployments::Deployment;
use countersign_domain::id::DeploymentId;

use crate::frame::{self, Answer, Frame};
use crate::parts::{Pager, When};
use crate::query::Query;
use crate::visit::{Tab, Visit};
use crate::words::{self, Names};

#[derive(Template)]
#[template(path = "deployments.html")]
struct Page {
    frame: Frame,
    create: Option<String>,
    rows: Vec<Row>,
    pager: Pager,
}

/// Rows of one part.
const ROWS: usize = 80;

#[derive(Debug, Clone)]
struct Row {
    name: String,
    is_default: bool,
    /// The full deployment of a branch deployment.
    parent: String,
    description: String,
    created: When,
    expires: Option<When>,
    /// Where it is deleted, for whoever may somewhere; the default one stays.
    delete: Option<String>,
}

impl Row {
    fn new(visit: &Visit, it: &Deployment, names: &Names) -> Self {
        let is_default = it.id == visit.organization.default_deployment;
        let may_delete = !is_default && visit.can::<DeleteDeployment>();
        Self {
            name: it.name.clone(),
            is_default,
            parent: it.parent.and_then(|id| names.get(&id).cloned()).unwrap_or_default(),
            description: it.description.clone().unwrap_or_default(),
            created: When::new(it.created_at),
            expires: it.expires_at.map(When::new),
            delete: may_delete.then(|| visit.path(&format!("/settings/deployments/{}/delete", it.id))),
        }
    }
}

/// The list.
pub(crate) async fn show(visit: Visit, query: Query) -> Answer {
    let deployments = visit.deployments().await?;
    let names = words::names(&deployments);
    let after = query.after::<DeploymentId>();
    // What is gone since then begins the list anew.
    let from = deployments.iter().position(|it| Some(it.id) == after).map_or(0, |at| at + 1);
    let rest = deployments.get(from..).unwrap_or_default();
    let last = rest.get(ROWS - 1).filter(|_| rest.len() > ROWS).map(|it| it.id.to_string());
    frame::show(&Page {
        frame: visit.settings(Tab::Deployments, "Deployments"),
        create: visit.can::<CreateDeployment>().then(|| visit.path("/settings/deployments/new")),
        rows: rest.iter().take(ROWS).map(|it| Row::new(&visit, it, &names)).collect(),
        pager: Pager::new(&visit.path("/settings/deployments"), &[], from == 0, last),
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
                name: (*text).to_owned(),
                is_default: true,
                parent: (*text).to_owned(),
                description: (*text).to_owned(),
                created: When::new(Timestamp::EPOCH),
                expires: None,
                delete: Some("/x".to_owned()),
            };
            let pager = Pager::new("/x", &[], true, None);
            let page = Page { frame: Frame::plain("Deployments", &seen), create: None, rows: vec![row], pager };
            assert_inert(&page.render().expect("a page"), text);
        }
    }
}
