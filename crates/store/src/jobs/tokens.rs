//! Job tokens: the credential of one job while it runs.

use countersign_domain::id::{AgentId, BuildId, JobId, OrganizationId, TokenId};
use countersign_domain::{KeyId, PublicId, Timestamp, TokenDigest};

use crate::{Row, StoreError, Turn, Tx, params, statements};

statements! {
    /// What a presented job token is checked against, and what it then stands for.
    CREDENTIAL = "SELECT j.id, j.organization_id, j.build_id, j.agent_id, j.token_public_id, j.token_digest, j.token_key_id, j.token_ended_at,
                s.ended_at AS session_ended_at, a.token_id
              FROM jobs j JOIN sessions s ON s.id = j.session_id JOIN agents a ON a.id = j.agent_id WHERE j.token_public_id = $1";
    /// Whether a job's session still stands.
    SESSION_STANDING = "SELECT ended_at FROM sessions WHERE id = (SELECT session_id FROM jobs WHERE id = $1)";
    /// Whether a job's token still stands. The job is kept for this transaction alone: most of what its token is shown for changes it, and
    /// two that share it would wait for each other then.
    STANDING = "SELECT token_ended_at FROM jobs WHERE id = $1 /*lock:update*/";
    /// The same token under a newer key; only if it is still under the key it was read with.
    MOVE_DIGEST = "UPDATE jobs SET token_digest = $2, token_key_id = $3 WHERE id = $1 AND token_key_id = $4";
    /// Ends the tokens of the jobs that an agent has.
    END_OF_AGENT = "UPDATE jobs SET token_ended_at = $2 WHERE agent_id = $1 AND token_ended_at IS NULL AND token_public_id IS NOT NULL";
}

/// What a presented job token is checked against, and what it stands for.
#[derive(Debug, Clone)]
pub struct Credential {
    /// The job.
    pub job: JobId,
    /// Its organization.
    pub organization: OrganizationId,
    /// Its build.
    pub build: BuildId,
    /// The agent that runs it.
    pub agent: AgentId,
    /// The token that the agent registered with.
    pub token: TokenId,
    /// The token's public id.
    pub public_id: PublicId,
    /// What the presented value must match.
    pub digest: TokenDigest,
    /// When its job ended.
    pub ended_with_job: Option<Timestamp>,
    /// When its agent's session ended.
    pub ended_with_session: Option<Timestamp>,
}

fn credential(row: &Row) -> Result<Credential, StoreError> {
    Ok(Credential {
        job: row.get("id")?,
        organization: row.get("organization_id")?,
        build: row.get("build_id")?,
        agent: row.get("agent_id")?,
        token: row.get("token_id")?,
        public_id: row.parse("token_public_id")?,
        digest: TokenDigest::from_parts(row.get("token_digest")?, row.parse("token_key_id")?),
        ended_with_job: row.get("token_ended_at")?,
        ended_with_session: row.get("session_ended_at")?,
    })
}

/// What a job token with this public id is checked against. Across organizations: nothing is known of the caller yet.
pub async fn credential_by_public_id(tx: &mut Tx, id: &PublicId) -> Result<Option<Credential>, StoreError> {
    tx.maybe(CREDENTIAL, &params![id.as_str()]).await?.as_ref().map(credential).transpose()
}

/// Whether a job's token still stands, or has ended with its job after `ended_after`, for what may come that late. Holds its session's row and its own still until the transaction ends, in the order in which
/// cutting an agent off changes them.
pub async fn stands(
    tx: &mut Tx,
    agent: AgentId,
    job: JobId,
    ended_after: Option<Timestamp>,
) -> Result<bool, StoreError> {
    tx.take_turn(agent, Turn::Alone).await?;
    let Some(session) = tx.maybe(SESSION_STANDING, &params![job]).await? else { return Ok(false) };
    let Some(row) = tx.maybe(STANDING, &params![job]).await? else { return Ok(false) };
    let with_session: Option<Timestamp> = session.get("ended_at")?;
    let with_job: Option<Timestamp> = row.get("token_ended_at")?;
    let in_time = with_job.is_none_or(|at| ended_after.is_some_and(|after| at > after));
    Ok(in_time && with_session.is_none())
}

/// Moves a digest to another key. False when another has moved it meanwhile.
pub async fn move_digest(tx: &mut Tx, id: JobId, to: &TokenDigest, from: &KeyId) -> Result<bool, StoreError> {
    Ok(tx.execute(MOVE_DIGEST, &params![id, to.as_bytes(), to.key().to_string(), from.to_string()]).await? == 1)
}

/// Ends the tokens of the jobs that an agent has.
pub async fn end_of_agent(tx: &mut Tx, agent: AgentId) -> Result<u64, StoreError> {
    let now = tx.now();
    tx.execute(END_OF_AGENT, &params![agent, now]).await
}
