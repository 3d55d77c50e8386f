//! Whether an agent token may be used for something, and which rule decides: the same rules, in the same order, as when an agent comes
//! with it.

use std::fmt;
use std::net::IpAddr;

use countersign_domain::id::TokenId;
use countersign_domain::scope::{DeploymentRule, NetworkRule, QueueRule};
use countersign_domain::text::{DeploymentName, QueueName};
use countersign_domain::{Kind, Refusal, Timestamp};
use countersign_store::tokens::secrets;
use countersign_store::{Tx, deployments, tokens};

use crate::access::actions::ViewAgentTokens;
use crate::agents::joining;
use crate::{Control, Error, Grant, Result, Scene, input};

use super::list::with_scope;
use super::reference::id_of;
use super::{AgentToken, TokenReference};

/// What is asked of a token.
#[derive(Debug, Clone)]
pub struct Question {
    /// Which token.
    pub token: TokenReference,
    /// Where an agent would work; without it the deployment that an agent without a tag joins.
    pub deployment: Option<DeploymentName>,
    /// Which queue it would serve; without it the queue without a name, `default`.
    pub queue: QueueName,
    /// Where it would come from; without it the networks are not asked.
    pub address: Option<IpAddr>,
}

impl Question {
    /// Reads what a person wrote; what is missing or empty is as if it were not said.
    ///
    /// # Errors
    /// [`Error::Invalid`] at `deployment`, `queue` or `address`.
    pub fn read(
        token: TokenReference,
        deployment: Option<&str>,
        queue: Option<&str>,
        address: Option<&str>,
    ) -> Result<Self> {
        let address = said(address).map(|text| {
            let read = text.parse::<IpAddr>();
            input::field("address", read.map_err(|_| "is not an IPv4 or IPv6 address such as 192.0.2.7 or 2001:db8::1"))
        });
        Ok(Self {
            token,
            deployment: said(deployment).map(|text| input::field("deployment", text.parse())).transpose()?,
            queue: said(queue).map(|text| input::field("queue", text.parse())).transpose()?.unwrap_or_default(),
            address: address.transpose()?,
        })
    }
}

fn said(text: Option<&str>) -> Option<&str> {
    text.map(str::trim).filter(|text| !text.is_empty())
}

/// The answer.
#[derive(Debug, Clone)]
pub struct Explanation {
    /// What was looked at, in the order in which an agent's call is. Never empty.
    checks: Vec<Check>,
    /// The deployment that was meant, by its name; none when there is none of that name.
    pub deployment: Option<String>,
}

/// One thing that must let a use through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Check {
    /// That the token stands at all.
    Token(Standing),
    /// Where it is used from.
    Network(NetworkRule),
    /// The queue.
    Queue(QueueRule),
    /// The deployment.
    Deployment(DeploymentRule),
    /// There is no deployment of the name that was said.
    NoSuchDeployment,
    /// None was named, and the token reaches several without the default one.
    NoneMeant,
}

/// Whether the token stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It is accepted.
    Active,
    /// It was taken back then.
    Revoked(Timestamp),
    /// Its time ran out then.
    Expired(Timestamp),
    /// It was named by a value that a rotation replaced, and that was good until then.
    Rotated(Timestamp),
}

impl Explanation {
    /// Whether an agent would be let in.
    #[must_use]
    pub fn is_allowed(&self) -> bool {
        self.checks.iter().all(|check| check.allows())
    }

    /// The check that decides: the first that refuses; when none does, the last one, which lets it through.
    #[must_use]
    pub fn decisive(&self) -> Check {
        let refusing = self.checks.iter().find(|check| !check.allows());
        *refusing.or_else(|| self.checks.last()).unwrap_or(&Check::NoSuchDeployment)
    }

    /// All checks, in their order.
    #[must_use]
    pub fn checks(&self) -> &[Check] {
        &self.checks
    }
}

impl Check {
    /// Whether it lets the use through.
    #[must_use]
    pub const fn allows(&self) -> bool {
        match self {
            Self::Token(standing) => matches!(standing, Standing::Active),
            Self::Network(rule) => rule.allows(),
            Self::Queue(rule) => rule.allows(),
            Self::Deployment(rule) => rule.allows(),
            Self::NoSuchDeployment | Self::NoneMeant => false,
        }
    }

    /// What was looked at, as a word for programs.
    #[must_use]
    pub const fn part(&self) -> &'static str {
        match self {
            Self::Token(_) => "token",
            Self::Network(_) => "network",
            Self::Queue(_) => "queue",
            Self::Deployment(_) | Self::NoSuchDeployment | Self::NoneMeant => "deployment",
        }
    }

    /// The rule that applied, as a word for programs.
    #[must_use]
    pub const fn rule(&self) -> &'static str {
        match self {
            Self::Token(Standing::Active) => "active",
            Self::Token(Standing::Revoked(_)) => "revoked",
            Self::Token(Standing::Expired(_)) => "expired",
            Self::Token(Standing::Rotated(_)) => "rotated",
            Self::Network(rule) => rule.as_str(),
            Self::Queue(rule) => rule.as_str(),
            Self::Deployment(rule) => rule.as_str(),
            Self::NoSuchDeployment => "no_such_deployment",
            Self::NoneMeant => "no_deployment_named",
        }
    }

    /// What an agent that comes is told, where this refuses it: of scopes it is not told which part.
    #[must_use]
    pub const fn refusal(&self) -> Option<Refusal> {
        match self {
            _ if self.allows() => None,
            Self::Token(Standing::Revoked(_)) => Some(Refusal::Revoked),
            Self::Token(Standing::Rotated(_)) => Some(Refusal::Rotated),
            Self::Token(_) => Some(Refusal::Expired),
            Self::Network(_) => Some(Refusal::Network),
            Self::Queue(_) | Self::Deployment(_) | Self::NoSuchDeployment | Self::NoneMeant => Some(Refusal::Scope),
        }
    }
}

impl fmt::Display for Check {
    /// For people, as the end of a sentence.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Token(Standing::Active) => f.write_str("the token is accepted"),
            Self::Token(Standing::Revoked(at)) => write!(f, "the token was revoked at {at}; create another one"),
            Self::Token(Standing::Expired(at)) => {
                write!(f, "the token expired at {at}; give it a later expiry or create another one")
            }
            Self::Token(Standing::Rotated(at)) => {
                write!(f, "this value was replaced by a rotation and was good until {at}; use the newest value")
            }
            Self::Network(rule) => rule.fmt(f),
            Self::Queue(rule) => rule.fmt(f),
            Self::Deployment(rule) => rule.fmt(f),
            Self::NoSuchDeployment => f.write_str("the organization has no deployment of that name"),
            Self::NoneMeant => f.write_str(
                "no deployment was named, and the token reaches several without the default one; name one with the agent's tag",
            ),
        }
    }
}

impl Standing {
    /// Of one value, where `until` is the end that a rotation gave it.
    fn of(it: &AgentToken, until: Option<Timestamp>, now: Timestamp) -> Self {
        let (revoked, expires) = (it.token.revoked_at, it.token.expires_at);
        match (Refusal::of_secret(revoked, expires, until, now), revoked, expires, until) {
            (Some(Refusal::Revoked), Some(at), ..) => Self::Revoked(at),
            (Some(Refusal::Expired), _, Some(at), _) => Self::Expired(at),
            (Some(Refusal::Rotated), .., Some(at)) => Self::Rotated(at),
            _ => Self::Active,
        }
    }
}

impl Control {
    /// Says whether an agent that came with a token would be let in, and which rule decides. It changes nothing and counts as no use.
    ///
    /// # Errors
    /// [`Error::NotFound`] for a token that the organization has not.
    pub async fn explain_agent_token(&self, grant: &Grant<ViewAgentTokens>, question: Question) -> Result<Explanation> {
        self.read(grant, question, |tx, scene| Box::pin(explain(tx, scene))).await
    }
}

async fn explain(tx: &mut Tx, scene: &Scene<Question>) -> Result<Explanation> {
    let (of, question) = (scene.organization, &scene.input);
    let id = id_of(tx, scene, &question.token).await?;
    let token = match tokens::find(tx, of, id).await? {
        Some(token) if token.kind == Kind::AgentToken => with_scope(tx, scene, token).await?,
        _ => return Err(Error::NotFound("agent token")),
    };
    let scope = &token.scope;
    let meant = match joining::wanted(tx, of, scope, question.deployment.as_ref()).await? {
        Some(joined) => deployments::find(tx, of, joined.id).await?,
        None => None,
    };
    let until = until(tx, id, &question.token).await?;
    let mut checks = vec![Check::Token(Standing::of(&token, until, tx.now()))];
    checks.extend(question.address.map(|address| Check::Network(scope.network_rule(address))));
    checks.push(Check::Queue(scope.queue_rule(&question.queue)));
    checks.push(match (&meant, &question.deployment) {
        (Some(it), _) => Check::Deployment(scope.deployment_rule(it.id, it.parent.is_some())),
        (None, Some(_)) => Check::NoSuchDeployment,
        (None, None) => Check::NoneMeant,
    });
    Ok(Explanation { checks, deployment: meant.map(|it| it.name) })
}

/// Until when the value that names the token is good; none for the newest, and where no value does.
async fn until(tx: &mut Tx, id: TokenId, reference: &TokenReference) -> Result<Option<Timestamp>> {
    let named = match reference {
        TokenReference::Id(_) | TokenReference::Number(_) => return Ok(None),
        TokenReference::PublicId(id) => id,
        TokenReference::Value(secret) => secret.public_id(),
    };
    let all = secrets::of_token(tx, id).await?;
    Ok(all.into_iter().find(|it| it.public_id == *named).and_then(|it| it.valid_until))
}
