//! Who calls, once the credential has been checked.

use countersign_domain::deployment_role::Somewhere;
use countersign_domain::id::{
    AgentId, BuildId, DeploymentId, InvitationId, JobId, OrganizationId, SecretId, SessionId, SignInId, TokenId, UserId,
};
use countersign_domain::{PublicId, Role, Timestamp};

use crate::Origin;

use super::Who;

/// Who calls. Made only by [`crate::Control::authenticate`] and [`crate::Control::authenticate_sign_in`], by [`crate::Control::local_operator`] for commands on the data folder, and
/// in this crate for work of the server itself: nothing outside can build one.
#[derive(Debug, Clone)]
pub enum Caller {
    /// Nobody in particular.
    Anonymous(Origin),
    /// A person, through a user token or signed in with a browser; or a service user, through a user token.
    User(UserCaller),
    /// Whoever holds an agent token: an agent that registers.
    AgentToken(AgentTokenCaller),
    /// An agent, through its session token.
    Session(SessionCaller),
    /// A job, through its job token.
    Job(JobCaller),
    /// The operator of this instance, through an operator token or a command on the data folder.
    Operator(OperatorCaller),
    /// The server itself, with the reason.
    #[non_exhaustive]
    System(&'static str),
    /// Whoever holds an invitation.
    Invitation(InvitationCaller),
}

/// A person, or a service user.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct UserCaller {
    /// The organization that the token is for, or that somebody who is signed in looks at.
    pub organization: OrganizationId,
    /// Who.
    pub user: UserId,
    /// Their name at the time of the check.
    pub name: String,
    /// Their address at the time of the check.
    pub email: String,
    /// Whether this is a service user: a program, whose tokens Organization Admins make.
    pub is_service: bool,
    /// Their role at the time of the check, and its generation.
    pub role: (Role, i64),
    /// What they held at the time of the check where they hold the most; nothing is decided by it but that nothing is to be hoped for.
    pub somewhere: Somewhere,
    /// What was shown.
    pub credential: UserCredential,
    /// Its public id.
    pub public_id: PublicId,
    /// From where.
    pub origin: Origin,
}

/// What a person shows of themselves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UserCredential {
    /// A user token.
    Token {
        /// The token.
        token: TokenId,
        /// Its generation at the time of the check.
        generation: i64,
        /// The secret that was shown.
        secret: SecretId,
    },
    /// The sign-in of a browser.
    SignIn {
        /// The sign-in.
        id: SignInId,
        /// When its person last proved who they are, at the time of the check.
        proved_at: Option<Timestamp>,
    },
}

impl UserCaller {
    /// The user token that was shown; none for somebody who is signed in.
    #[must_use]
    pub const fn token(&self) -> Option<TokenId> {
        match self.credential {
            UserCredential::Token { token, .. } => Some(token),
            UserCredential::SignIn { .. } => None,
        }
    }

    /// The sign-in that was shown; none for the holder of a user token.
    #[must_use]
    pub const fn sign_in(&self) -> Option<SignInId> {
        match self.credential {
            UserCredential::SignIn { id, .. } => Some(id),
            UserCredential::Token { .. } => None,
        }
    }
}

/// Whoever holds an agent token.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct AgentTokenCaller {
    /// The token's organization.
    pub organization: OrganizationId,
    /// The token.
    pub token: TokenId,
    /// The secret that was shown.
    pub secret: SecretId,
    /// Its public id.
    pub public_id: PublicId,
    /// From where.
    pub origin: Origin,
}

/// An agent, through its session token.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct SessionCaller {
    /// The agent's organization.
    pub organization: OrganizationId,
    /// The agent.
    pub agent: AgentId,
    /// Its name.
    pub name: String,
    /// Its version, if it told one.
    pub version: Option<String>,
    /// The session.
    pub session: SessionId,
    /// The session's public id.
    pub public_id: PublicId,
    /// The token it registered with.
    pub token: TokenId,
    /// The deployment it joined.
    pub deployment: DeploymentId,
    /// The queue it joined.
    pub queue: String,
    /// Whether the agent has said goodbye: then only saying it again is allowed.
    pub has_left: bool,
    /// From where.
    pub origin: Origin,
}

/// A job, through its job token; or, for agents older than 3.39, through its agent's session token.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct JobCaller {
    /// The job's organization.
    pub organization: OrganizationId,
    /// The job.
    pub job: JobId,
    /// Its build.
    pub build: BuildId,
    /// The agent that runs it.
    pub agent: AgentId,
    /// The public id of the credential.
    pub public_id: PublicId,
    /// The session that stands in for a job token.
    pub session: Option<SessionId>,
    /// Whether the job has ended: then only what may come late is allowed.
    pub has_ended: bool,
    /// From where.
    pub origin: Origin,
}

/// Whoever holds an invitation.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct InvitationCaller {
    /// The organization that it is for.
    pub organization: OrganizationId,
    /// The invitation.
    pub invitation: InvitationId,
    /// The address that it is for.
    pub email: String,
    /// Its public id.
    pub public_id: PublicId,
    /// From where.
    pub origin: Origin,
}

/// The operator of this instance.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct OperatorCaller {
    /// The token, unless the operator works on the data folder itself.
    pub credential: Option<(TokenId, SecretId, PublicId)>,
    /// From where.
    pub origin: Origin,
}

impl Caller {
    /// What the table of actions calls this caller.
    #[must_use]
    pub const fn who(&self) -> Who {
        match self {
            Self::Anonymous(_) => Who::Anonymous,
            Self::User(user) => match user.role.0 {
                Role::Admin => Who::Admin,
                Role::Member => Who::Member,
            },
            Self::AgentToken(_) => Who::AgentToken,
            Self::Session(session) if session.has_left => Who::EndedSession,
            Self::Session(_) => Who::Session,
            Self::Job(job) if job.has_ended => Who::EndedJob,
            Self::Job(_) => Who::Job,
            Self::Operator(_) => Who::Operator,
            Self::System(_) => Who::System,
            Self::Invitation(_) => Who::Invitation,
        }
    }

    /// The organization that the caller belongs to; none for those that belong to none.
    #[must_use]
    pub const fn organization(&self) -> Option<OrganizationId> {
        match self {
            Self::User(it) => Some(it.organization),
            Self::AgentToken(it) => Some(it.organization),
            Self::Session(it) => Some(it.organization),
            Self::Job(it) => Some(it.organization),
            Self::Invitation(it) => Some(it.organization),
            Self::Anonymous(_) | Self::Operator(_) | Self::System(_) => None,
        }
    }

    /// Where the call comes from.
    #[must_use]
    pub fn origin(&self) -> Origin {
        match self {
            Self::Anonymous(origin) => origin.clone(),
            Self::User(it) => it.origin.clone(),
            Self::AgentToken(it) => it.origin.clone(),
            Self::Session(it) => it.origin.clone(),
            Self::Job(it) => it.origin.clone(),
            Self::Operator(it) => it.origin.clone(),
            Self::Invitation(it) => it.origin.clone(),
            Self::System(_) => Origin::local(),
        }
    }

    /// The public id of the credential.
    #[must_use]
    pub fn public_id(&self) -> Option<PublicId> {
        match self {
            Self::User(it) => Some(it.public_id.clone()),
            Self::AgentToken(it) => Some(it.public_id.clone()),
            Self::Session(it) => Some(it.public_id.clone()),
            Self::Job(it) => Some(it.public_id.clone()),
            Self::Invitation(it) => Some(it.public_id.clone()),
            Self::Operator(it) => it.credential.as_ref().map(|(_, _, id)| id.clone()),
            Self::Anonymous(_) | Self::System(_) => None,
        }
    }

    /// The token that the call goes back to, with its organization; none for a job, an invitation and a sign-in, whose values have no such row.
    #[must_use]
    pub(crate) fn token(&self) -> Option<(OrganizationId, TokenId)> {
        match self {
            Self::User(it) => it.token().map(|token| (it.organization, token)),
            Self::AgentToken(it) => Some((it.organization, it.token)),
            Self::Session(it) => Some((it.organization, it.token)),
            Self::Operator(it) => it.credential.as_ref().map(|(token, ..)| (OrganizationId::nil(), *token)),
            Self::Job(_) | Self::Invitation(_) | Self::Anonymous(_) | Self::System(_) => None,
        }
    }

    /// The person who calls.
    #[must_use]
    pub const fn user(&self) -> Option<UserId> {
        match self {
            Self::User(it) => Some(it.user),
            _ => None,
        }
    }

    /// Whether this is a service user: a program and no person.
    pub(crate) const fn is_service(&self) -> bool {
        matches!(self, Self::User(it) if it.is_service)
    }
}
