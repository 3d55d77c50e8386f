//! What an organization's agent tokens may be used for. Buildkite has no such address.

use axum::Json;
use axum::extract::State;
use countersign_control::access::actions::ViewAgentTokens;
use countersign_control::agent_tokens::{Check, Question, TokenReference};
use countersign_control::{Control, Error};
use serde::Serialize;

use super::InOrganization;
use super::query::Parameters;
use crate::Failure;

/// Whether an agent would be let in, and why.
#[derive(Serialize)]
pub(crate) struct Explained {
    allowed: bool,
    decided_by: Checked,
    checks: Vec<Checked>,
    deployment: Option<String>,
}

/// One thing that must let a use through.
#[derive(Serialize)]
struct Checked {
    part: &'static str,
    allowed: bool,
    rule: &'static str,
    words: String,
    refusal: Option<&'static str>,
}

impl From<Check> for Checked {
    fn from(it: Check) -> Self {
        Self {
            part: it.part(),
            allowed: it.allows(),
            rule: it.rule(),
            words: it.to_string(),
            refusal: it.refusal().map(|reason| reason.as_str()),
        }
    }
}

/// `GET /v2/organizations/{organization}/agent-tokens/{token}/explain?deployment=&queue=&address=`. The token is named by its uuid or by the
/// public id of one of its values; a value has no place in an address, and is not found.
pub(crate) async fn explain(
    State(control): State<Control>,
    call: InOrganization<ViewAgentTokens>,
    mut parameters: Parameters,
) -> Result<Json<Explained>, Failure> {
    let token = match TokenReference::parse(call.named.word("token")?)? {
        TokenReference::Value(_) => return Err(Error::NotFound("agent token").into()),
        named => named,
    };
    let [deployment, queue, address] =
        [parameters.one("deployment")?, parameters.one("queue")?, parameters.one("address")?];
    parameters.finish()?;
    let question = Question::read(token, deployment.as_deref(), queue.as_deref(), address.as_deref())?;
    let it = control.explain_agent_token(&call.grant, question).await?;
    Ok(Json(Explained {
        allowed: it.is_allowed(),
        decided_by: it.decisive().into(),
        checks: it.checks().iter().copied().map(Checked::from).collect(),
        deployment: it.deployment,
    }))
}
