//! Registering an agent: an agent token is traded for a session token.

use std::sync::Arc;
use std::time::Duration;

use countersign_domain::agent::{Tags, expand_name};
use countersign_domain::id::{DeploymentId, OrganizationId, SessionId};
use countersign_domain::{AgentState, Kind, Refusal, Scope, TokenDigest, TokenSecret};
use countersign_store::agents::sessions::{self, NewSession};
use countersign_store::agents::{self, Agent};
use countersign_store::deployments::{self, Deployment};
use countersign_store::tokens::scopes;
use countersign_store::{Lane, Tx};
use serde_json::json;

use crate::access::AgentTokenCaller;
use crate::access::actions::RegisterAgent;
use crate::scene::Subject;
use crate::{Caller, Control, Error, Grant, Result, Scene, input};

use super::joining;

/// The most of a text that an agent tells about its host that is kept, in bytes; `os` is the joined contents of several files.
pub const MAX_HOST_TEXT: usize = 8 * 1024;
/// When an agent is told to come again whose token has as many agents as it may have: agents wait for as long in any case, some thirty times, and
/// what is gone without a word is given up after three minutes.
const ROOM_AFTER: Duration = Duration::from_secs(10);

/// What an agent says of itself.
#[derive(Debug, Default)]
pub struct Registration {
    /// A name, perhaps with `%hostname`, `%pid` and `%random` in it.
    pub name: String,
    /// Its host.
    pub hostname: Option<String>,
    /// Its operating system.
    pub operating_system: Option<String>,
    /// Its architecture.
    pub arch: Option<String>,
    /// Its version.
    pub version: Option<String>,
    /// Its build number.
    pub build: Option<String>,
    /// Its tags.
    pub tags: Vec<String>,
    /// A whole number as text; higher is preferred.
    pub priority: Option<String>,
    /// Its process id.
    pub pid: Option<i64>,
    /// Whether ordinary jobs are to be kept from it.
    pub ignore_in_dispatches: bool,
}

/// An agent that registered, with its session token.
#[derive(Debug)]
pub struct Registered {
    /// The agent.
    pub agent: Agent,
    /// Its session token.
    pub session: Arc<TokenSecret>,
}

struct Input {
    agent: Agent,
    tags: Tags,
    session: SessionId,
    session_public_id: countersign_domain::PublicId,
    digest: TokenDigest,
    most: u32,
}

impl Control {
    /// Registers an agent with the grant's agent token. A new agent each time: what a client sends never selects an existing one.
    ///
    /// # Errors
    /// [`Error::Unauthenticated`] with `scope` for a deployment or queue outside the token's scope; [`Error::Invalid`] at `name`, `hostname`,
    /// `meta_data` or `priority`. With `rate` for a token that too many agents register with in a short time, and [`Error::TooMany`] for
    /// one that has [as many agents as it may have](crate::Settings::max_agents_per_token).
    pub async fn register_agent(&self, grant: &Grant<RegisterAgent>, new: Registration) -> Result<Registered> {
        let Caller::AgentToken(token) = grant.caller() else {
            return Err(Error::internal("a registration was granted to no agent token"));
        };
        self.take_registration(token)?;
        let hostname = host_text(new.hostname);
        let name = expand_name(&new.name, hostname.as_deref().unwrap_or_default(), new.pid, self.entropy());
        let name = name.map_err(|wrong| Error::invalid(wrong.field(), wrong))?;
        let tags = input::field("meta_data", Tags::parse(new.tags.clone()))?;
        let priority = match new.priority.as_deref().map(str::trim) {
            None | Some("") => None,
            Some(text) => Some(input::field("priority", text.parse::<i64>().map_err(|_| "is not a whole number"))?),
        };
        let session = self.mint(Kind::Session);
        let agent = Agent {
            id: self.fresh_id(),
            organization: token.organization,
            token: token.token,
            secret: token.secret,
            deployment: DeploymentId::nil(),
            queue: tags.queue().as_str().to_owned(),
            name,
            hostname,
            operating_system: host_text(new.operating_system),
            arch: host_text(new.arch),
            version: host_text(new.version),
            build: host_text(new.build),
            user_agent: token.origin.user_agent.clone(),
            ip: token.origin.ip.to_string(),
            pid: new.pid,
            priority,
            tags: new.tags,
            ignore_in_dispatches: new.ignore_in_dispatches,
            state: AgentState::NeverConnected,
            created_at: self.now(),
            connected_at: None,
            last_seen_at: None,
            heartbeat_at: None,
            disconnected_at: None,
            lost_at: None,
            stop_requested_at: None,
            stop_requested_by: None,
            stop_forced_at: None,
            stop_forced_by: None,
            stop_note: None,
            paused_at: None,
            paused_by: None,
            paused_note: None,
            paused_until: None,
        };
        let input = Input {
            agent,
            tags,
            session: self.fresh_id(),
            session_public_id: session.public_id().clone(),
            digest: self.keys().digest(&session),
            most: self.settings().max_agents_per_token,
        };
        let outcome = self.write(grant, Lane::Normal, input, |tx, scene| Box::pin(register(tx, scene))).await;
        if let Err(Error::Unauthenticated { reason: Refusal::Scope, .. }) = &outcome {
            let AgentTokenCaller { organization, token, public_id, origin, .. } = token;
            self.count_refusal(*organization, *token, public_id, Refusal::Scope, origin.ip, self.now());
        }
        Ok(Registered { agent: outcome?, session })
    }

    /// Lets one more agent come with a token, or refuses it with `rate`.
    pub(crate) fn take_registration(&self, token: &AgentTokenCaller) -> Result<()> {
        if self.registrations().take(token.token, self.now()).is_ok() {
            return Ok(());
        }
        let AgentTokenCaller { organization, token, public_id, origin, .. } = token;
        self.count_refusal(*organization, *token, public_id, Refusal::Rate, origin.ip, self.now());
        Err(Error::refused(Refusal::Rate, public_id.clone()))
    }
}

/// The token has as many agents as it may have.
pub(crate) fn no_room(most: u32) -> Error {
    let what = format!(
        "The agent token has {most} agents, the most that one may have (--max-agents-per-token). End some, or use another token."
    );
    Error::TooMany { what, retry_after: ROOM_AFTER }
}

/// A text about a host, cut to [`MAX_HOST_TEXT`]; none when there is none. NUL cannot be stored and says nothing.
fn host_text(text: Option<String>) -> Option<String> {
    let mut text = text?.replace('\0', "");
    if text.len() > MAX_HOST_TEXT {
        let end = (0..=MAX_HOST_TEXT).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
        text.truncate(end);
    }
    (!text.is_empty()).then_some(text)
}

async fn register(tx: &mut Tx, scene: &Scene<Input>) -> Result<Agent> {
    let Input { agent, tags, session, session_public_id, digest, most } = &scene.input;
    let refused = |public_id: Option<countersign_domain::PublicId>| match public_id {
        Some(id) => Error::refused(Refusal::Scope, id),
        None => Error::unknown(),
    };
    let scope = scopes::find(tx, scene.organization, agent.token).await?.ok_or_else(Error::unknown)?;
    if !scope.allows_network(scene.caller.origin().ip) {
        return Err(match scene.caller.public_id() {
            Some(id) => Error::refused(Refusal::Network, id),
            None => Error::unknown(),
        });
    }
    if !scope.allows_queue(tags.queue()) {
        return Err(refused(scene.caller.public_id()));
    }
    let Some(deployment) = join(tx, scene.organization, &scope, tags).await? else {
        return Err(refused(scene.caller.public_id()));
    };
    // Of several that register at once on PostgreSQL each may count without the others: the limit is against thousands.
    if agents::count_with_session_of_token(tx, agent.token).await? >= i64::from(*most) {
        return Err(no_room(*most));
    }
    let mut agent = agent.clone();
    agent.deployment = deployment.id;
    agent.created_at = tx.now();
    if !agents::insert(tx, &agent).await? {
        return Err(Error::internal("a token that stood at the beginning of the transaction did not at its end"));
    }
    let new = NewSession {
        id: *session,
        organization: agent.organization,
        agent: agent.id,
        public_id: session_public_id.clone(),
        digest: digest.clone(),
    };
    sessions::insert(tx, &new).await?;
    let detail = json!({
        "queue": agent.queue,
        "deployment": deployment.name,
        "version": agent.version,
        "hostname": agent.hostname,
    });
    let subject = Subject::new::<countersign_domain::id::of::Agent>("agent", agent.id, agent.name.as_str());
    scene.audit(tx, "agent.registered", subject, detail).await?;
    Ok(agent)
}

/// The deployment that an agent joins; none when that is outside the scope, or there is no such deployment: the caller is not to learn
/// which.
async fn join(tx: &mut Tx, of: OrganizationId, scope: &Scope, tags: &Tags) -> Result<Option<Deployment>> {
    let found = match joining::wanted(tx, of, scope, tags.deployment()).await? {
        // The default one is never deleted.
        Some(it) if it.is_default => deployments::find(tx, of, it.id).await?,
        // Whoever deletes it waits until this agent is in it, and tells it then.
        Some(it) => deployments::enter(tx, of, it.id).await?,
        None => None,
    };
    Ok(found.filter(|it| scope.allows_deployment(it.id, it.parent.is_some())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn host_texts_are_cut_at_a_character() {
        let long = "ä".repeat(MAX_HOST_TEXT);
        let kept = host_text(Some(long)).expect("a text");
        assert!(kept.len() <= MAX_HOST_TEXT && kept.chars().all(|c| c == 'ä'));
        assert_eq!(host_text(Some("\0".to_owned())), None);
        assert_eq!(host_text(Some(String::new())), None);
    }
}
