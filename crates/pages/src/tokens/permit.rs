//! Editing what an agent token reaches: the permissions dialog, which is a page of its own too.

use askama::Template;
use countersign_control::Result;
use countersign_control::access::actions::{RevokeAgentToken, UpdateAgentToken, ViewOrganization};
use countersign_control::agent_tokens::{AgentToken, AgentTokenChange, TokenReference};
use countersign_control::agents::Reach;

use crate::failure::Failure;
use crate::form::{Faults, Posted};
use crate::frame::{self, Answer, Frame};
use crate::notice::{Notice, then};
use crate::parts::Choice;
use crate::permissions::{self, Permissions};
use crate::visit::Visit;

use super::title;

#[derive(Template)]
#[template(path = "token_permissions.html")]
struct Page {
    frame: Frame,
    action: String,
    back: String,
    /// Where the token is revoked, for whoever may.
    revoke: Option<String>,
    token: String,
    problems: Vec<String>,
    permissions: Permissions,
    reaches: Vec<Choice>,
}

/// What becomes of connected agents, in words.
pub(crate) fn reaches(chosen: Reach) -> Vec<Choice> {
    let all = [
        (Reach::Keep, "Keep: they stay connected and go on working"),
        (Reach::Drain, "Drain: each finishes its job, then it is told to disconnect"),
        (Reach::Disconnect, "Disconnect: their sessions end at once, and running jobs are canceled"),
    ];
    all.into_iter().map(|(it, words)| Choice::new(it.as_str(), words, it == chosen)).collect()
}

/// The choice of a form; what is none is the mildest.
pub(crate) fn reach(form: &Posted) -> Reach {
    form.text("connected_agents").parse().unwrap_or_default()
}

const FIELDS: [&str; 3] = ["scope", "queues", "networks"];

async fn page(
    visit: &Visit,
    token: &AgentToken,
    form: Option<&Posted>,
    faults: &Faults,
) -> std::result::Result<Page, Failure> {
    let giveable = visit.giveable().await?;
    let permissions = match form {
        Some(form) => Permissions::again(form, &giveable, faults),
        None => Permissions::of(&token.scope, &giveable, faults),
    };
    let path = |below| visit.token_path(token.token.id, below);
    Ok(Page {
        frame: visit.token_frame("Permissions", token),
        action: path("/permissions"),
        back: path(""),
        revoke: visit.can::<RevokeAgentToken>().then(|| path("/revoke")),
        token: title(token),
        problems: faults.beside(&FIELDS),
        permissions,
        reaches: reaches(form.map(reach).unwrap_or_default()),
    })
}

/// The form. Who one is is proved before it is filled in, so that nothing that was written in it is lost.
pub(crate) async fn show(visit: Visit) -> Answer {
    visit.may::<UpdateAgentToken>()?;
    visit.must_be_proved()?;
    let token = visit.agent_token().await?;
    frame::show(&page(&visit, &token, None, &Faults::default()).await?)
}

/// Saves what the token reaches.
pub(crate) async fn submit(visit: Visit, form: Posted) -> Answer {
    let token = visit.agent_token().await?;
    match save(&visit, &token, &form).await {
        Ok(()) => Ok(then(&visit.site, &visit.token_path(token.token.id, ""), Notice::PermissionsSaved)),
        Err(error) => {
            let faults = Faults::of(error)?;
            frame::again(&page(&visit, &token, Some(&form), &faults).await?)
        }
    }
}

async fn save(visit: &Visit, token: &AgentToken, form: &Posted) -> Result<()> {
    let control = visit.control();
    let known = control.deployments(&control.grant_own::<ViewOrganization>(&visit.caller)?).await?;
    let change = AgentTokenChange {
        scope: Some(permissions::read(form, &known)?),
        connected_agents: reach(form),
        ..AgentTokenChange::nothing(TokenReference::Id(token.token.id))
    };
    control.update_agent_token(&control.grant_own::<UpdateAgentToken>(&visit.caller)?, change).await.map(drop)
}

#[cfg(test)]
mod tests {
    use countersign_control::deployments::Deployment;
    use countersign_domain::text::FieldError;
    use countersign_domain::{Scope, Timestamp};

    use crate::naughty::{TEXTS, assert_inert};
    use crate::permissions::Giveable;
    use crate::seen::Seen;
    use crate::theme::Theme;

    use super::*;

    fn page(text: &str, is_org_agent: bool) -> String {
        let id = "0192f3a1-7c3e-7b21-9f60-3a5c1e0d4b77".parse().expect("an id");
        let deployments = vec![Deployment::named(id, text.to_owned(), Timestamp::EPOCH)];
        let giveable = Giveable { is_all: true, all_branches: true, deployments };
        let faults = Faults::of(countersign_control::Error::Invalid(vec![FieldError::new("scope", text)]));
        let mut permissions = Permissions::of(&Scope::widest(), &giveable, &faults.expect("faults"));
        permissions.is_org_agent = is_org_agent;
        let seen = Seen { is_safe: true, page: "/x".to_owned(), theme: Theme::System, notice: None };
        let page = Page {
            frame: Frame::plain("Permissions", &seen),
            action: "/permissions".to_owned(),
            back: "/".to_owned(),
            revoke: Some("/revoke".to_owned()),
            token: text.to_owned(),
            problems: vec![text.to_owned()],
            permissions,
            reaches: reaches(Reach::Keep),
        };
        page.render().expect("a page")
    }

    #[test]
    fn whatever_a_deployment_is_called_stays_text() {
        for text in TEXTS {
            assert_inert(&page(text, false), text);
        }
    }

    #[test]
    fn the_toggle_says_what_the_token_reaches() {
        let toggle = |html: &str| html.contains(r#"name="org_agent" value="on" checked"#);
        assert!(toggle(&page("prod", true)));
        assert!(!toggle(&page("prod", false)));
    }

    #[test]
    fn a_reach_that_is_none_is_the_mildest() {
        assert_eq!(reach(&Posted::of("connected_agents=DRAIN")), Reach::Drain);
        assert_eq!(reach(&Posted::of("connected_agents=everything")), Reach::Keep);
    }
}
