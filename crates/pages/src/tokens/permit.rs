//! Editing what an agent token reaches: the permissions dialog, which is a page of its own too.

use askama::Template;
use countersign_control::Result;
use countersign_control::access::actions::{RevokeAgentToken, UpdateAgentToken, ViewOrganization};
use countersign_control::agent_tokens::{AgentToken, AgentTokenChange, TokenReference};
use countersign_control::agents::Reach;
use countersign_domain::id::TokenId;

use crate::failure::Failure;
use crate::form::{Faults, Posted};
use crate::frame::{self, Answer, Frame};
use crate::notice::{Notice, then};
use crate::parts::Choice;
use crate::permissions::{self, Permissions};
use crate::visit::Visit;
use crate::words;

use super::ended::{Doing, in_place_of_form};
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
    /// What the token was shown to reach, so that it is known when it has changed.
    shown: String,
    /// What it reaches by now, where that is not what was shown; else empty.
    now: String,
    /// What can become of connected agents; whether they are kept.
    reaches: Vec<Choice>,
    is_kept: bool,
}

/// The field that says what becomes of connected agents, and what it is called.
pub(super) const REACH: &str = "connected_agents";
pub(super) const LABEL: &str = "Connected agents";

/// What becomes of connected agents, in words.
pub(super) fn reaches(chosen: Option<Reach>) -> Vec<Choice> {
    let all = [
        (Reach::Keep, "Keep: they stay connected and go on working"),
        (Reach::Drain, "Drain: each finishes its job, then it is told to disconnect"),
        (Reach::Disconnect, "Disconnect: their sessions end at once, and running jobs are canceled"),
    ];
    all.into_iter().map(|(it, words)| Choice::new(it.as_str(), words, Some(it) == chosen)).collect()
}

const FIELDS: [&str; 3] = ["scope", "queues", "networks"];
/// The field that carries what was shown.
const SHOWN: &str = "shown";

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
    let shown = token.scope_digest();
    let now = match form {
        Some(form) if form.text(SHOWN) != shown => {
            words::permissions(&token.scope, &words::names(&visit.deployments().await?))
        }
        _ => String::new(),
    };
    let chosen = form.and_then(|form| form.was_chosen(REACH)).unwrap_or_default();
    Ok(Page {
        frame: visit.token_frame("Permissions", token),
        action: path("/permissions"),
        back: path(""),
        revoke: visit.can::<RevokeAgentToken>().then(|| path("/revoke")),
        token: title(token),
        problems: faults.beside(&FIELDS),
        permissions,
        shown,
        now,
        reaches: reaches(Some(chosen)),
        is_kept: chosen == Reach::Keep,
    })
}

/// The form. Who one is is proved before it is filled in, so that nothing that was written in it is lost.
pub(crate) async fn show(visit: Visit) -> Answer {
    visit.may::<UpdateAgentToken>()?;
    visit.must_be_proved()?;
    let token = visit.agent_token().await?;
    if let Some(ended) = in_place_of_form(&visit, &token, Doing::Changing).await {
        return ended;
    }
    frame::show(&page(&visit, &token, None, &Faults::default()).await?)
}

/// Saves what the token reaches.
pub(crate) async fn submit(visit: Visit, form: Posted) -> Answer {
    visit.may::<UpdateAgentToken>()?;
    let id = visit.token_id()?;
    match save(&visit, id, &form).await {
        Ok(()) => Ok(then(&visit.site, &visit.token_path(id, ""), Notice::PermissionsSaved)),
        Err(error) => {
            let refused = permissions::Refused::of(error)?;
            // As it is by now, which may be another than was shown.
            let token = visit.agent_token().await?;
            if let Some(ended) = in_place_of_form(&visit, &token, Doing::Changing).await {
                return ended;
            }
            frame::page(refused.status, &page(&visit, &token, Some(&form), &refused.faults).await?)
        }
    }
}

async fn save(visit: &Visit, token: TokenId, form: &Posted) -> Result<()> {
    let control = visit.control();
    let known = control.deployments(&control.grant_own::<ViewOrganization>(&visit.caller)?).await?;
    let change = AgentTokenChange {
        scope: Some(permissions::read(form, &known)?),
        connected_agents: form.choice(REACH, LABEL)?.unwrap_or_default(),
        expected: Some(form.text(SHOWN).to_owned()),
        ..AgentTokenChange::nothing(TokenReference::Id(token))
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
            shown: String::new(),
            now: text.to_owned(),
            reaches: reaches(Some(Reach::Keep)),
            is_kept: true,
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
}
