//! From a presented value to a [`Caller`].
//!
//! Garbage is dropped before any look-up. A value that is not known, or whose secret does not match, costs the same and gets one
//! answer; a value whose secret verifies gets its true reason.

use std::net::IpAddr;

use countersign_domain::deployment_role::Somewhere;
use countersign_domain::id::{OrganizationId, TokenId};
use countersign_domain::{KeyRing, Kind, NetworkRule, PublicId, Refusal, Role, Timestamp, TokenDigest, TokenSecret};
use countersign_store::agents::sessions;
use countersign_store::invitations::{self, Invitation};
use countersign_store::sign_ins::{self, links};
use countersign_store::tokens::{scopes, secrets};
use countersign_store::{Lane, Tx, deployment_roles, jobs};
use futures_util::future::BoxFuture;

use crate::jobs::LATE_CHUNKS;
use crate::usage::Digested;
use crate::{Control, Error, Origin, Result};

use super::standing::ended;
use super::{
    AgentTokenCaller, Caller, InvitationCaller, JobCaller, OperatorCaller, SessionCaller, UserCaller, UserCredential,
};

/// What a call shows of itself.
#[derive(Debug)]
pub struct Presented<'a> {
    /// The value after `Token` or `Bearer`; none when there is no such header.
    pub value: Option<&'a str>,
    /// Where the call comes from.
    pub origin: Origin,
}

/// What a value was checked against.
pub(crate) enum Found {
    Token(secrets::Credential, Vec<countersign_domain::Network>, Somewhere),
    Session(sessions::Credential, Vec<countersign_domain::Network>),
    Job(jobs::tokens::Credential, Vec<countersign_domain::Network>),
    Invitation(Invitation),
    SignIn(sign_ins::Credential),
    SignInLink(links::Link),
}

impl Found {
    const fn digest(&self) -> &TokenDigest {
        match self {
            Self::Token(it, ..) => &it.digest,
            Self::Session(it, _) => &it.digest,
            Self::Job(it, _) => &it.digest,
            Self::Invitation(it) => &it.digest,
            Self::SignIn(it) => &it.sign_in.digest,
            Self::SignInLink(it) => &it.digest,
        }
    }

    /// The row whose digest moves to the newest key; none for an invitation and a link, which are used once.
    fn row(&self) -> Option<Digested> {
        match self {
            Self::Token(it, ..) => Some(Digested::Secret(it.secret)),
            Self::Session(it, _) => Some(Digested::Session(it.session)),
            Self::Job(it, _) => Some(Digested::Job(it.job)),
            Self::SignIn(it) => Some(Digested::SignIn(it.sign_in.id)),
            Self::Invitation(_) | Self::SignInLink(_) => None,
        }
    }

    /// Whether the row is at its end, so that its key may be gone.
    fn has_ended(&self, now: Timestamp) -> bool {
        match self {
            Self::Token(..) => false,
            Self::Session(it, _) => it.ended.is_some(),
            Self::Job(it, _) => it.ended_with_job.is_some() || it.ended_with_session.is_some(),
            Self::Invitation(it) => ended(it, now).is_some(),
            Self::SignIn(it) => it.sign_in.ended_at.is_some() || it.sign_in.expires_at <= now,
            Self::SignInLink(it) => it.used_at.is_some() || it.expires_at <= now,
        }
    }
}

impl Control {
    /// Says who calls. A call without a credential is [`Caller::Anonymous`], which may do nothing that needs a grant.
    ///
    /// # Errors
    /// [`Error::Unauthenticated`] with the reason; [`Error::Unavailable`] when nobody can tell, which is never a denial.
    pub async fn authenticate(&self, presented: Presented<'_>) -> Result<Caller> {
        let Presented { value, origin } = presented;
        let Some(value) = value else { return Ok(Caller::Anonymous(origin)) };
        let secret = TokenSecret::parse(value).map_err(|_| self.unknown())?;
        let found = self.verified(&secret, origin.ip).await?;
        if matches!(found, Found::SignIn(_) | Found::SignInLink(_)) {
            return Err(self.not_for_this(&secret));
        }
        let caller = self.admit(found, origin)?;
        if let Caller::Session(it) = &caller
            && !it.has_left
        {
            self.usage().agent_seen(it.agent, self.now());
        }
        Ok(caller)
    }

    /// The row of a value whose secret verifies.
    pub(crate) async fn verified(&self, secret: &TokenSecret, ip: IpAddr) -> Result<Found> {
        if Self::is_paced(secret.kind()) {
            self.pace_guesses(ip, "Invitations and sign-in links")?;
        }
        let keys = self.keys();
        let wanted = (secret.kind(), secret.public_id().clone());
        let found = self.store().read_in(Lane::Urgent, wanted, |tx, wanted| Box::pin(look_up(tx, wanted))).await?;
        let Some(found) = found else {
            keys.spend_verify(secret);
            return Err(self.unknown());
        };
        if !verify(&keys, secret, &found, self.now())? {
            return Err(self.unknown());
        }
        if found.digest().key() != keys.newest()
            && let Some(row) = found.row()
        {
            self.usage().moved(row, keys.digest(secret), found.digest().key().clone());
        }
        Ok(found)
    }

    /// The refusal of what is not known, which is counted.
    pub(crate) fn unknown(&self) -> Error {
        self.counts().refused(Refusal::Unknown);
        Error::unknown()
    }

    /// What a verified credential stands for now, or why it stands for nothing.
    pub(super) fn admit(&self, found: Found, origin: Origin) -> Result<Caller> {
        let now = self.now();
        match found {
            Found::Token(it, networks, somewhere) => {
                let reason = token_refusal(&it, &networks, origin.ip, now);
                self.note(&it.public_id, it.organization, it.token, reason, origin.ip, now)?;
                self.usage().token_used(it.token, it.secret, origin.ip, now);
                token_caller(it, somewhere, origin)
            }
            Found::Session(it, networks) => {
                let ended = match it.ended {
                    Some((_, sessions::Ended::Revoked)) => Some(Refusal::Revoked),
                    Some((_, sessions::Ended::Lost)) => Some(Refusal::Expired),
                    // A goodbye may be said twice: its answer can get lost.
                    Some((_, sessions::Ended::Disconnected)) | None => None,
                };
                let reason = ended.or_else(|| outside(&networks, origin.ip));
                self.note(&it.public_id, it.organization, it.token, reason, origin.ip, now)?;
                Ok(Caller::Session(SessionCaller {
                    organization: it.organization,
                    agent: it.agent,
                    name: it.name,
                    version: it.version,
                    session: it.session,
                    public_id: it.public_id,
                    token: it.token,
                    deployment: it.deployment,
                    queue: it.queue,
                    has_left: it.ended.is_some(),
                    origin,
                }))
            }
            Found::Job(it, networks) => {
                let is_over = it.ended_with_job.is_some_and(|at| now >= at.plus(LATE_CHUNKS));
                if is_over || it.ended_with_session.is_some() {
                    self.counts().refused(Refusal::Expired);
                    return Err(Error::refused(Refusal::Expired, it.public_id));
                }
                let reason = outside(&networks, origin.ip);
                self.note(&it.public_id, it.organization, it.token, reason, origin.ip, now)?;
                // Not a sign of life of the agent: whatever a job leaves behind could keep a dead one alive.
                Ok(Caller::Job(JobCaller {
                    organization: it.organization,
                    job: it.job,
                    build: it.build,
                    agent: it.agent,
                    public_id: it.public_id,
                    session: None,
                    has_ended: it.ended_with_job.is_some(),
                    origin,
                }))
            }
            Found::Invitation(it) => {
                if let Some(reason) = ended(&it, now) {
                    self.counts().refused(reason);
                    return Err(Error::refused(reason, it.public_id));
                }
                Ok(Caller::Invitation(InvitationCaller {
                    organization: it.organization,
                    invitation: it.id,
                    email: it.email,
                    public_id: it.public_id,
                    origin,
                }))
            }
            Found::SignIn(_) | Found::SignInLink(_) => Err(Error::internal("a value that no header may hold")),
        }
    }

    /// Counts a refusal, and turns it into the error.
    fn note(
        &self,
        id: &PublicId,
        of: OrganizationId,
        token: TokenId,
        reason: Option<Refusal>,
        ip: IpAddr,
        now: Timestamp,
    ) -> Result<()> {
        let Some(reason) = reason else { return Ok(()) };
        self.count_refusal(of, token, id, reason, ip, now);
        Err(Error::refused(reason, id.clone()))
    }

    /// The job that a caller speaks for. A job token says so itself. Agents older than 3.39 know no job tokens and use the session
    /// token for their job: for them, and for the one job that they run now, it stands in.
    ///
    /// # Errors
    /// [`Error::Unauthenticated`] with `kind` for the session token of an agent that knows job tokens.
    pub async fn as_job(&self, caller: Caller) -> Result<Caller> {
        let Caller::Session(session) = &caller else { return Ok(caller) };
        if session.has_left || !predates_job_tokens(session.version.as_deref()) {
            return Err(self.of_another_kind(&caller));
        }
        let whose = (session.organization, session.agent);
        let job = self
            .store()
            .read_in(Lane::Urgent, whose, |tx, (of, agent)| Box::pin(jobs::of_agent(tx, *of, *agent)))
            .await?;
        match job {
            Some(job) if job.session == Some(session.session) && job.accepted_at.is_some() => {
                Ok(Caller::Job(JobCaller {
                    organization: session.organization,
                    job: job.id,
                    build: job.build,
                    agent: session.agent,
                    public_id: session.public_id.clone(),
                    session: Some(session.session),
                    has_ended: false,
                    origin: session.origin.clone(),
                }))
            }
            _ => Err(Error::NotFound("job")),
        }
    }
}

pub(super) fn look_up<'a>(tx: &'a mut Tx, (kind, id): &'a (Kind, PublicId)) -> BoxFuture<'a, Result<Option<Found>>> {
    Box::pin(async move {
        Ok(match kind {
            Kind::AgentToken | Kind::UserToken | Kind::OperatorToken => {
                match secrets::credential_by_public_id(tx, id).await? {
                    Some(it) => {
                        let networks = scopes::networks(tx, it.token).await?;
                        let somewhere = somewhere(tx, &it).await?;
                        Some(Found::Token(it, networks, somewhere))
                    }
                    None => None,
                }
            }
            Kind::Session => match sessions::credential_by_public_id(tx, id).await? {
                Some(it) => {
                    let networks = scopes::networks(tx, it.token).await?;
                    Some(Found::Session(it, networks))
                }
                None => None,
            },
            Kind::Job => match jobs::tokens::credential_by_public_id(tx, id).await? {
                Some(it) => {
                    let networks = scopes::networks(tx, it.token).await?;
                    Some(Found::Job(it, networks))
                }
                None => None,
            },
            Kind::Invitation => invitations::credential_by_public_id(tx, id).await?.map(Found::Invitation),
            Kind::SignIn => sign_ins::credential_by_public_id(tx, id).await?.map(Found::SignIn),
            Kind::SignInLink => links::credential_by_public_id(tx, id).await?.map(Found::SignInLink),
        })
    })
}

/// What a plain member holds where they hold the most. Nobody else needs a role in deployments, or has one.
async fn somewhere(tx: &mut Tx, it: &secrets::Credential) -> Result<Somewhere> {
    match (it.kind, it.user, it.role) {
        (Kind::UserToken, Some(user), Some((Role::Member, _))) => {
            Ok(deployment_roles::somewhere(tx, it.organization, user).await?)
        }
        _ => Ok(Somewhere::NOTHING),
    }
}

/// Whether the value is the one that was issued. A kind that is not the row's cannot be: the kind is part of what is digested.
fn verify(keys: &KeyRing, secret: &TokenSecret, found: &Found, now: Timestamp) -> Result<bool> {
    match keys.verify(secret, found.digest()) {
        Ok(matches) => Ok(matches),
        Err(_) if found.has_ended(now) => Ok(false),
        Err(missing) => {
            tracing::error!(%missing, "a row needs a key that the key ring has not");
            Err(Error::Unavailable { code: "key_ring", message: "The server lacks a key; its operator must look." })
        }
    }
}

fn outside(networks: &[countersign_domain::Network], ip: IpAddr) -> Option<Refusal> {
    (!NetworkRule::of(networks, ip).allows()).then_some(Refusal::Network)
}

/// Why a verified token is refused, if it is.
fn token_refusal(
    it: &secrets::Credential,
    networks: &[countersign_domain::Network],
    ip: IpAddr,
    now: Timestamp,
) -> Option<Refusal> {
    let ended = Refusal::of_secret(it.revoked_at, it.expires_at, it.valid_until, now);
    let has_left = it.kind == Kind::UserToken && it.role.is_none();
    ended.or(has_left.then_some(Refusal::Revoked)).or_else(|| outside(networks, ip))
}

fn token_caller(it: secrets::Credential, somewhere: Somewhere, origin: Origin) -> Result<Caller> {
    match it.kind {
        Kind::AgentToken => Ok(Caller::AgentToken(AgentTokenCaller {
            organization: it.organization,
            token: it.token,
            secret: it.secret,
            public_id: it.public_id,
            origin,
        })),
        Kind::OperatorToken => {
            Ok(Caller::Operator(OperatorCaller { credential: Some((it.token, it.secret, it.public_id)), origin }))
        }
        Kind::UserToken => match (it.user, it.role, it.owner) {
            (Some(user), Some(role), Some(owner)) => Ok(Caller::User(UserCaller {
                organization: it.organization,
                user,
                name: owner.name,
                email: owner.email,
                is_service: owner.is_service,
                role,
                somewhere,
                credential: UserCredential::Token { token: it.token, generation: it.generation, secret: it.secret },
                public_id: it.public_id,
                origin,
            })),
            _ => Err(Error::unknown()),
        },
        Kind::Session | Kind::Job | Kind::Invitation | Kind::SignIn | Kind::SignInLink => {
            Err(Error::internal("a token row of a kind that has a table of its own"))
        }
    }
}

/// Whether an agent of this version knows no job tokens: they came with 3.39. The native agent counts its own versions from 0.1.
fn predates_job_tokens(version: Option<&str>) -> bool {
    let mut parts = version.unwrap_or_default().split(['.', '-', '+']);
    let major: Option<u32> = parts.next().and_then(|part| part.parse().ok());
    let minor: Option<u32> = parts.next().and_then(|part| part.parse().ok());
    match (major, minor) {
        (Some(major), Some(minor)) => (1, 0) <= (major, minor) && (major, minor) < (3, 39),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::predates_job_tokens;

    #[test]
    fn only_versions_that_say_so_are_old() {
        for old in ["3.38.9", "3.0.0", "2.6.10", "3.38.0-beta.1"] {
            assert!(predates_job_tokens(Some(old)), "{old}");
        }
        for new in ["3.39.0", "3.137.0", "4.0.0-beta.15", "0.1.0", "countersign-0.1.0", "", "3", "three.two", "-1.2"] {
            assert!(!predates_job_tokens(Some(new)), "{new}");
        }
        assert!(!predates_job_tokens(None));
    }
}
