//! Sessions: the credential of one agent while it stays connected.

use countersign_domain::id::{AgentId, DeploymentId, OrganizationId, SessionId, TokenId};
use countersign_domain::{AgentState, KeyId, PublicId, Timestamp, TokenDigest};

use crate::{Row, StoreError, Turn, Tx, params, statements};

statements! {
    /// A session of an agent that was added in the same transaction.
    INSERT = "INSERT INTO sessions (id, organization_id, agent_id, public_id, digest, key_id, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7)";
    /// What a presented session token is checked against, and what it then stands for.
    CREDENTIAL = "SELECT s.id, s.organization_id, s.agent_id, s.public_id, s.digest, s.key_id, s.ended_at, s.ended_because,
                a.token_id, a.deployment_id, a.queue, a.name, a.version, a.state
              FROM sessions s JOIN agents a ON a.id = s.agent_id WHERE s.public_id = $1";
    /// Whether a session still stands.
    STANDING = "SELECT ended_at FROM sessions WHERE id = $1";
    /// Why a session has ended.
    BECAUSE = "SELECT ended_because FROM sessions WHERE id = $1";
    /// Ends the sessions of an agent.
    END_OF_AGENT = "UPDATE sessions SET ended_at = $2, ended_because = $3 WHERE agent_id = $1 AND ended_at IS NULL";
    /// The same session under a newer key; only if it is still under the key it was read with.
    MOVE_DIGEST = "UPDATE sessions SET digest = $2, key_id = $3 WHERE id = $1 AND key_id = $4";
}

/// Why a session has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// The agent said goodbye.
    Disconnected,
    /// The token was revoked with the reach `DISCONNECT`, or its scope narrowed with it.
    Revoked,
    /// The agent was not heard for too long.
    Lost,
}

impl Ended {
    /// As the column holds it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Disconnected => "disconnected",
            Self::Revoked => "revoked",
            Self::Lost => "lost",
        }
    }
}

impl std::str::FromStr for Ended {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        [Self::Disconnected, Self::Revoked, Self::Lost].into_iter().find(|it| it.as_str() == text).ok_or(())
    }
}

/// A session that is added.
#[derive(Debug)]
pub struct NewSession {
    /// Its id.
    pub id: SessionId,
    /// The agent's organization.
    pub organization: OrganizationId,
    /// The agent.
    pub agent: AgentId,
    /// Its public id.
    pub public_id: PublicId,
    /// What a presented value must match.
    pub digest: TokenDigest,
}

/// What a presented session token is checked against, and what it stands for.
#[derive(Debug, Clone)]
pub struct Credential {
    /// The session.
    pub session: SessionId,
    /// Its organization.
    pub organization: OrganizationId,
    /// The agent.
    pub agent: AgentId,
    /// Its public id.
    pub public_id: PublicId,
    /// What the presented value must match.
    pub digest: TokenDigest,
    /// When and why it ended.
    pub ended: Option<(Timestamp, Ended)>,
    /// The token that the agent registered with.
    pub token: TokenId,
    /// The deployment that the agent joined.
    pub deployment: DeploymentId,
    /// The queue that the agent joined.
    pub queue: String,
    /// The agent's name.
    pub name: String,
    /// The agent's version.
    pub version: Option<String>,
    /// The agent's state.
    pub state: AgentState,
}

/// Adds a session.
pub async fn insert(tx: &mut Tx, new: &NewSession) -> Result<(), StoreError> {
    let now = tx.now();
    let values = params![
        new.id,
        new.organization,
        new.agent,
        new.public_id.as_str(),
        new.digest.as_bytes(),
        new.digest.key().to_string(),
        now,
    ];
    tx.execute(INSERT, &values).await.map(drop)
}

fn credential(row: &Row) -> Result<Credential, StoreError> {
    let at: Option<Timestamp> = row.get("ended_at")?;
    let because: Option<Ended> = row.parse_optional("ended_because")?;
    Ok(Credential {
        session: row.get("id")?,
        organization: row.get("organization_id")?,
        agent: row.get("agent_id")?,
        public_id: row.parse("public_id")?,
        digest: TokenDigest::from_parts(row.get("digest")?, row.parse("key_id")?),
        ended: at.zip(because),
        token: row.get("token_id")?,
        deployment: row.get("deployment_id")?,
        queue: row.get("queue")?,
        name: row.get("name")?,
        version: row.get("version")?,
        state: row.parse("state")?,
    })
}

/// What a session token with this public id is checked against. Across organizations: nothing is known of the caller yet.
pub async fn credential_by_public_id(tx: &mut Tx, id: &PublicId) -> Result<Option<Credential>, StoreError> {
    tx.maybe(CREDENTIAL, &params![id.as_str()]).await?.as_ref().map(credential).transpose()
}

/// Whether a session of an agent still stands. The agent's turn is held until the transaction ends, so that whoever ends the session comes
/// before or after, and never waits for ever behind a stream of the agent's own calls.
pub async fn stands(tx: &mut Tx, agent: AgentId, id: SessionId) -> Result<bool, StoreError> {
    tx.take_turn(agent, Turn::Alone).await?;
    let Some(row) = tx.maybe(STANDING, &params![id]).await? else { return Ok(false) };
    Ok(row.get::<Option<Timestamp>>("ended_at")?.is_none())
}

/// Whether a session was ended because its token was revoked.
pub async fn was_revoked(tx: &mut Tx, id: SessionId) -> Result<bool, StoreError> {
    let Some(row) = tx.maybe(BECAUSE, &params![id]).await? else { return Ok(false) };
    Ok(row.parse_optional::<Ended>("ended_because")? == Some(Ended::Revoked))
}

/// Ends the sessions of an agent.
pub async fn end_of_agent(tx: &mut Tx, agent: AgentId, because: Ended) -> Result<u64, StoreError> {
    let now = tx.now();
    tx.execute(END_OF_AGENT, &params![agent, now, because.as_str()]).await
}

/// Moves a digest to another key. False when another has moved it meanwhile.
pub async fn move_digest(tx: &mut Tx, id: SessionId, to: &TokenDigest, from: &KeyId) -> Result<bool, StoreError> {
    Ok(tx.execute(MOVE_DIGEST, &params![id, to.as_bytes(), to.key().to_string(), from.to_string()]).await? == 1)
}
