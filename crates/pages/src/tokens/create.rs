//! Creating an agent token. Here it has a description: a list of tokens without one helps nobody who has to revoke the right one.

use askama::Template;
use countersign_control::access::actions::{CreateAgentToken, ViewOrganization};
use countersign_control::agent_tokens::{Issued, NewAgentToken};
use countersign_control::revealing::is_open;
use countersign_control::{Caller, Error, Result};
use countersign_domain::text::{Description, FieldError};
use countersign_domain::{RevealPolicy, Role, Scope};

use crate::failure::Failure;
use crate::form::{Faults, Posted};
use crate::frame::{self, Answer, Frame};
use crate::parts::{Choice, Field};
use crate::permissions::{self, Permissions};
use crate::visit::{Tab, Visit};
use crate::words;

use super::one::{Told, told};

#[derive(Template)]
#[template(path = "token_new.html")]
struct Page {
    frame: Frame,
    action: String,
    back: String,
    problems: Vec<String>,
    description: Field,
    expires: Field,
    policies: Vec<Choice>,
    permissions: Permissions,
}

/// The field of the reveal policy.
const POLICY: &str = "reveal_policy";
/// The names that operations know this form's fields by.
const FIELDS: [&str; 5] = ["description", "expiresAt", "scope", "queues", "networks"];

/// Choices of a reveal policy; the organization's own is chosen where none was.
pub(crate) fn policies(visit: &Visit, chosen: Option<RevealPolicy>) -> Vec<Choice> {
    let chosen = chosen.unwrap_or(visit.organization.default_reveal_policy);
    RevealPolicy::ALL.into_iter().map(|it| Choice::new(it.as_str(), words::policy(it), it == chosen)).collect()
}

/// The policy of a form; none where it says nothing of it: then it is the organization's own.
pub(crate) fn policy(form: &Posted) -> Result<Option<RevealPolicy>> {
    form.choice(POLICY, "The value can be revealed")
}

/// The policy that is ticked where the form is shown again.
pub(crate) fn was_chosen(form: &Posted) -> Option<RevealPolicy> {
    form.was_chosen(POLICY)
}

/// A field for the end of a token.
pub(crate) fn expiry(value: &str, faults: &Faults) -> Field {
    Field::new("expires_at", "Expires (UTC)")
        .kind("datetime-local")
        .value(value)
        .hint("From then on the token is refused. Left empty, it never expires. Other pages show the time in your own zone.")
        .faults(faults, "expiresAt")
}

impl Visit {
    /// Whether whoever looks may let a token reach every deployment; others let it reach those that they manage tokens of.
    pub(crate) fn may_give_all(&self) -> bool {
        matches!(&self.caller, Caller::User(user) if user.role.0 == Role::Admin)
    }
}

async fn page(visit: &Visit, form: Option<&Posted>, faults: &Faults) -> std::result::Result<Page, Failure> {
    let giveable = visit.giveable().await?;
    let permissions = match form {
        Some(form) => Permissions::again(form, &giveable, faults),
        None => {
            let mut fresh = Permissions::of(&Scope::widest(), &giveable, faults);
            fresh.is_org_agent = giveable.is_all;
            fresh
        }
    };
    let text = |name| form.map(|form| form.text(name).to_owned()).unwrap_or_default();
    let list = visit.path("/settings/tokens");
    Ok(Page {
        frame: visit.settings(Tab::AgentTokens, "Create agent token").crumb("Agent tokens", list.clone()),
        action: format!("{list}/new"),
        back: list,
        problems: faults.beside(&FIELDS),
        description: Field::new("description", "Description")
            .value(text("description"))
            .hint("Name the environment that it is for, such as \"Build farm in Oslo, production\".")
            .required()
            .first()
            .faults(faults, "description"),
        expires: expiry(&text("expires_at"), faults),
        policies: policies(visit, form.and_then(was_chosen)),
        permissions,
    })
}

/// The form. Who one is is proved before it is filled in, so that nothing that was written in it is lost.
pub(crate) async fn show(visit: Visit) -> Answer {
    visit.may::<CreateAgentToken>()?;
    frame::show(&page(&visit, None, &Faults::default()).await?)
}

/// Creates the token, and leads to its page with the value.
pub(crate) async fn submit(visit: Visit, form: Posted) -> Answer {
    visit.may::<CreateAgentToken>()?;
    match create(&visit, &form).await {
        Ok(issued) => answer(&visit, &issued).await,
        Err(error) => {
            let refused = permissions::Refused::of(error)?;
            frame::page(refused.status, &page(&visit, Some(&form), &refused.faults).await?)
        }
    }
}

async fn create(visit: &Visit, form: &Posted) -> Result<Issued> {
    let control = visit.control();
    let known = control.deployments(&control.grant_own::<ViewOrganization>(&visit.caller)?).await?;
    // All that is wrong is told at once: what the operation would say after the first fault, too.
    let mut faults = Vec::new();
    let description = form.text("description").trim();
    let said = Description::parse(description).map_err(|wrong| Error::invalid("description", wrong));
    permissions::told(said, &mut faults)?;
    let expires_at = permissions::told(form.time("expires_at").map_err(expiry_fault), &mut faults)?;
    let now = control.now();
    if expires_at.flatten().is_some_and(|at| at <= now) {
        faults.push(FieldError::new("expiresAt", "has passed; give a time that is still to come, or none"));
    }
    let scope = permissions::told(permissions::read(form, &known), &mut faults)?;
    if !faults.is_empty() {
        return Err(Error::Invalid(faults));
    }
    let new = NewAgentToken {
        description: Some(description.to_owned()),
        is_public: false,
        expires_at: expires_at.flatten(),
        reveal_policy: policy(form)?,
        scope,
    };
    control.create_agent_token(&control.grant_own::<CreateAgentToken>(&visit.caller)?, new).await
}

/// Operations know the field by another name than the form.
pub(crate) fn expiry_fault(error: Error) -> Error {
    match error {
        Error::Invalid(fields) => {
            let message = fields.into_iter().next().map(|it| it.message).unwrap_or_default();
            Error::invalid("expiresAt", message)
        }
        other => other,
    }
}

/// A value that can be shown again is shown by the page that one is led to, which a reload shows again. One that cannot is in this answer.
async fn answer(visit: &Visit, issued: &Issued) -> Answer {
    let token = &issued.token;
    if is_open(&token.token, visit.control().now()) {
        return Ok(frame::to(&visit.token_path(token.token.id, "/value")));
    }
    told(visit, token, Told::Once(issued.secret.reveal())).await
}
