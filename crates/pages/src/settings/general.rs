//! What an organization is: its name, its slug, and its id for the API.

pub(crate) mod edit;

use askama::Template;
use countersign_control::access::actions::UpdateOrganization;
use countersign_http::global_id::{Sort, encode};

use crate::frame::{self, Answer, Frame};
use crate::parts::When;
use crate::visit::{Tab, Visit};
use crate::words;

#[derive(Template)]
#[template(path = "general.html")]
struct Page {
    frame: Frame,
    name: String,
    slug: String,
    /// As the public API names it.
    id: String,
    uuid: String,
    policy: &'static str,
    default_deployment: String,
    created: When,
    role: &'static str,
    /// Where it is changed, for whoever may.
    edit: Option<String>,
}

/// The page.
pub(crate) async fn show(visit: Visit) -> Answer {
    let it = &visit.organization;
    let deployments = visit.deployments().await?;
    let default = deployments.iter().find(|deployment| deployment.id == it.default_deployment);
    let role = match &visit.caller {
        countersign_control::Caller::User(user) => words::role(user.role.0),
        _ => "",
    };
    frame::show(&Page {
        frame: visit.settings(Tab::General, "General"),
        name: it.name.clone(),
        slug: it.slug.clone(),
        id: encode(Sort::Organization, it.id),
        uuid: it.id.to_string(),
        policy: words::policy(it.default_reveal_policy),
        default_deployment: default.map(|deployment| deployment.name.clone()).unwrap_or_default(),
        created: When::new(it.created_at),
        role,
        edit: visit.can::<UpdateOrganization>().then(|| visit.path("/settings/edit")),
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
    fn whatever_an_organization_is_called_stays_text() {
        let seen = Seen { is_safe: true, page: "/x".to_owned(), theme: Theme::System, notice: None };
        for text in TEXTS {
            let page = Page {
                frame: Frame::plain("General", &seen),
                name: (*text).to_owned(),
                slug: (*text).to_owned(),
                id: (*text).to_owned(),
                uuid: (*text).to_owned(),
                policy: "Never",
                default_deployment: (*text).to_owned(),
                created: When::new(Timestamp::EPOCH),
                role: "Member",
                edit: Some("/x".to_owned()),
            };
            assert_inert(&page.render().expect("a page"), text);
        }
    }
}
