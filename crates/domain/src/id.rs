//! Typed identifiers: 16 bytes, UUID version 7, so that rows sort by when they were made.

use std::{cmp, fmt, hash, marker::PhantomData, str::FromStr};

use uuid::Uuid;

use crate::{Entropy, Timestamp};

/// The id of a `T`. Two ids of different things never compare, so one cannot be passed for the other.
pub struct Id<T> {
    uuid: Uuid,
    of: PhantomData<fn() -> T>,
}

impl<T> Id<T> {
    /// A fresh id: version 7, from the given time and 74 random bits.
    pub fn new(now: Timestamp, entropy: &dyn Entropy) -> Self {
        let millis = u64::try_from(now.as_millis()).unwrap_or(0);
        let random = entropy.bytes16();
        let mut counter = [0; 10];
        counter.copy_from_slice(&random[..10]);
        Self::from_uuid(uuid::Builder::from_unix_timestamp_millis(millis, &counter).into_uuid())
    }

    /// From a known UUID.
    #[must_use]
    pub const fn from_uuid(uuid: Uuid) -> Self {
        Self { uuid, of: PhantomData }
    }

    /// Above every id that is made: where a list begins that shows the newest first.
    #[must_use]
    pub const fn last() -> Self {
        Self::from_bytes([0xff; 16])
    }

    /// Not above any id that is made in this millisecond or later, and above those that are made before it.
    #[must_use]
    pub fn first_of(at: Timestamp) -> Self {
        /// The last millisecond that an id can tell, in the year 10889.
        const LAST: u64 = (1 << 48) - 1;
        let millis = u64::try_from(at.as_millis()).unwrap_or(0).min(LAST);
        Self::from_uuid(uuid::Builder::from_unix_timestamp_millis(millis, &[0; 10]).into_uuid())
    }

    /// From the 16 bytes of a column.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self::from_uuid(Uuid::from_bytes(bytes))
    }

    /// The id that no row has: all zero.
    #[must_use]
    pub const fn nil() -> Self {
        Self::from_uuid(Uuid::nil())
    }

    /// Whether this is the id that no row has.
    #[must_use]
    pub const fn is_nil(self) -> bool {
        self.uuid.is_nil()
    }

    /// The UUID.
    #[must_use]
    pub const fn uuid(self) -> Uuid {
        self.uuid
    }

    /// The 16 bytes, as a column holds them.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 16] {
        self.uuid.as_bytes()
    }

    /// The same bytes as the id of something else. Only for rows that share an id by design, such as an audit subject.
    #[must_use]
    pub const fn cast<U>(self) -> Id<U> {
        Id::from_uuid(self.uuid)
    }
}

// Written out because `derive` would ask the same of `T`, which is only a name here.
impl<T> Clone for Id<T> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<T> Copy for Id<T> {}
impl<T> PartialEq for Id<T> {
    fn eq(&self, other: &Self) -> bool {
        self.uuid == other.uuid
    }
}
impl<T> Eq for Id<T> {}
impl<T> PartialOrd for Id<T> {
    fn partial_cmp(&self, other: &Self) -> Option<cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl<T> Ord for Id<T> {
    fn cmp(&self, other: &Self) -> cmp::Ordering {
        self.uuid.cmp(&other.uuid)
    }
}
impl<T> hash::Hash for Id<T> {
    fn hash<H: hash::Hasher>(&self, state: &mut H) {
        self.uuid.hash(state);
    }
}
impl<T> fmt::Debug for Id<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.uuid, f)
    }
}
impl<T> fmt::Display for Id<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.uuid, f)
    }
}

/// The text is not a UUID in its usual, hyphenated form.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("is not a UUID such as 0192f3a1-7c3e-7b21-9f60-3a5c1e0d4b77")]
pub struct NotAnId;

impl<T> FromStr for Id<T> {
    type Err = NotAnId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        // The library also reads `{…}`, `urn:uuid:…` and 32 bare digits; one spelling per id keeps ids byte-stable.
        if text.len() != 36 {
            return Err(NotAnId);
        }
        Uuid::try_parse(text).map(Self::from_uuid).map_err(|_| NotAnId)
    }
}

impl<T> serde::Serialize for Id<T> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.uuid)
    }
}
impl<'de, T> serde::Deserialize<'de> for Id<T> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// What an [`Id`] can be of. These are names only; rows live in the store.
pub mod of {
    macro_rules! names {
        ($($(#[$doc:meta])* $name:ident),* $(,)?) => { $($(#[$doc])* #[derive(Debug)] pub enum $name {})* };
    }
    names! {
        /// A tenant: everything else belongs to one.
        Organization,
        /// A person, by e-mail address.
        User,
        /// What makes its holder a member, once.
        Invitation,
        /// One browser of a person, while they are signed in.
        SignIn,
        /// What lets a person set their password and sign in, once.
        SignInLink,
        /// The public half of a key by which a person signs in.
        Passkey,
        /// What somebody is asked who signs in or proves that it is still them, once.
        Challenge,
        /// Members who hold roles together.
        Team,
        /// A role in a deployment that somebody was given.
        RoleGrant,
        /// The boundary that work runs inside.
        Deployment,
        /// An agent token, a user token or an operator token.
        Token,
        /// One secret of a token; a token has one or more, so that a rotation can overlap.
        Secret,
        /// An agent that registered.
        Agent,
        /// The credential of one agent while it stays connected.
        Session,
        /// A run of a pipeline.
        Build,
        /// A step of a build.
        Step,
        /// One command of a build, on one agent.
        Job,
        /// A row of the audit log.
        AuditEvent,
        /// A note that a job leaves on its build.
        Annotation,
        /// A file that a job leaves behind.
        Artifact,
        /// A key that signs tokens of jobs for other services.
        SigningKey,
        /// An agent that a Dagster+ agent is.
        DagsterAgent,
        /// The process of such an agent, which names itself.
        DagsterProcess,
        /// Code that a Dagster+ agent loads for a deployment.
        CodeLocation,
        /// Something to do for a Dagster+ agent.
        DagsterRequest,
        /// What a Dagster+ agent has read out of a code location.
        DagsterSnapshot,
        /// A run of a job of a code location.
        DagsterRun,
        /// What a step of such a run has written.
        DagsterRunLog,
    }
}

/// Id of an organization.
pub type OrganizationId = Id<of::Organization>;
/// Id of a user.
pub type UserId = Id<of::User>;
/// Id of an invitation.
pub type InvitationId = Id<of::Invitation>;
/// Id of a sign-in.
pub type SignInId = Id<of::SignIn>;
/// Id of a sign-in link.
pub type SignInLinkId = Id<of::SignInLink>;
/// Id of a passkey.
pub type PasskeyId = Id<of::Passkey>;
/// Id of what somebody is asked who signs in or proves that it is still them.
pub type ChallengeId = Id<of::Challenge>;
/// Id of a team.
pub type TeamId = Id<of::Team>;
/// Id of a grant of a role.
pub type RoleGrantId = Id<of::RoleGrant>;
/// Id of a deployment.
pub type DeploymentId = Id<of::Deployment>;
/// Id of a token.
pub type TokenId = Id<of::Token>;
/// Id of one secret of a token.
pub type SecretId = Id<of::Secret>;
/// Id of an agent.
pub type AgentId = Id<of::Agent>;
/// Id of a session.
pub type SessionId = Id<of::Session>;
/// Id of a build.
pub type BuildId = Id<of::Build>;
/// Id of a step.
pub type StepId = Id<of::Step>;
/// Id of a job.
pub type JobId = Id<of::Job>;
/// Id of an audit event.
pub type AuditEventId = Id<of::AuditEvent>;
/// Id of an annotation.
pub type AnnotationId = Id<of::Annotation>;
/// Id of an artifact.
pub type ArtifactId = Id<of::Artifact>;
/// Id of a signing key.
pub type SigningKeyId = Id<of::SigningKey>;
/// Id of an agent that a Dagster+ agent is.
pub type DagsterAgentId = Id<of::DagsterAgent>;
/// What the process of such an agent calls itself.
pub type DagsterProcessId = Id<of::DagsterProcess>;
/// Id of a code location.
pub type CodeLocationId = Id<of::CodeLocation>;
/// Id of something to do for a Dagster+ agent.
pub type DagsterRequestId = Id<of::DagsterRequest>;
/// Id of a snapshot of a code location.
pub type DagsterSnapshotId = Id<of::DagsterSnapshot>;
/// Id of a run of a job of a code location.
pub type DagsterRunId = Id<of::DagsterRun>;
/// Id of what a step of such a run has written.
pub type DagsterRunLogId = Id<of::DagsterRunLog>;
