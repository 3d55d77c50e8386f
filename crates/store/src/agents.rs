//! Agents: what registered, in which state it is, what it has been told.

use countersign_domain::id::{AgentId, DeploymentId, OrganizationId, SecretId, TokenId, UserId};
use countersign_domain::{AgentState, Timestamp};

use crate::{Row, StoreError, Tx, Value, params, statements};

macro_rules! columns {
    () => {
        "a.id, a.organization_id, a.token_id, a.secret_id, a.deployment_id, a.queue, a.name, a.hostname, a.operating_system, a.arch,
         a.version, a.build, a.user_agent, a.ip, a.pid, a.priority, a.tags, a.ignore_in_dispatches, a.state, a.created_at,
         a.connected_at, a.last_seen_at, a.heartbeat_at, a.disconnected_at, a.lost_at, a.stop_requested_at, a.stop_requested_by,
         a.stop_forced_at, a.stop_forced_by, a.stop_note, a.paused_at, a.paused_by, a.paused_note, a.paused_until"
    };
}

// After the columns, which they name.
pub mod list;
pub mod search;
pub mod sessions;
pub mod times;

pub use list::{Wanted, count, page};

statements! {
    /// A new agent, if its token and the secret that it showed still stand: one statement decides and consumes. The token
    /// stays as it is since `secrets::standing`.
    INSERT = "INSERT INTO agents (id, organization_id, token_id, secret_id, deployment_id, queue, name, hostname, operating_system, arch,
                version, build, user_agent, ip, pid, priority, tags, ignore_in_dispatches, state, created_at)
              SELECT $1, t.organization_id, t.id, s.id, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, 'never_connected', $19
              FROM tokens t JOIN token_secrets s ON s.token_id = t.id
              WHERE t.organization_id = $2 AND t.id = $3 AND s.id = $4 AND t.revoked_at IS NULL
                AND (t.expires_at IS NULL OR t.expires_at > $19) AND (s.valid_until IS NULL OR s.valid_until > $19)";
    /// One of the organization's agents.
    FIND = concat!("SELECT ", columns!(), " FROM agents a WHERE a.organization_id = $1 AND a.id = $2");
    /// The same, kept still until the transaction ends.
    FIND_FOR_UPDATE = concat!("SELECT ", columns!(), " FROM agents a WHERE a.organization_id = $1 AND a.id = $2 /*lock:update*/");
    /// The connected agents of one token, newest first.
    CONNECTED_OF_TOKEN = concat!("SELECT ", columns!(), " FROM agents a WHERE a.organization_id = $1 AND a.token_id = $2
              AND a.state IN ('connected', 'stopping') AND a.id < $3 ORDER BY a.id DESC LIMIT $4");
    /// How many those are.
    COUNT_CONNECTED_OF_TOKEN = "SELECT COUNT(*) AS n FROM agents WHERE organization_id = $1 AND token_id = $2
              AND state IN ('connected', 'stopping')";
    /// How many agents of one token have a session.
    COUNT_WITH_SESSION_OF_TOKEN = "SELECT COUNT(*) AS n FROM agents WHERE token_id = $1
              AND state IN ('never_connected', 'connected', 'stopping')";
    /// The agents of one token that have a session. They are put in order afterwards: SQLite would else walk over all agents of the organization.
    WITH_SESSION_OF_TOKEN = "SELECT id FROM agents WHERE organization_id = $1 AND token_id = $2
              AND state IN ('never_connected', 'connected', 'stopping')";
    /// Agents of one deployment that have a session and were not told to leave. $3: at the most.
    UNTOLD_OF_DEPLOYMENT = "SELECT id FROM agents WHERE organization_id = $1 AND deployment_id = $2
              AND state IN ('never_connected', 'connected') ORDER BY id LIMIT $3";
    /// Agents that should be heard of and were last seen before a time. $2: at the most.
    SILENT = "SELECT id, organization_id, last_seen_at FROM agents WHERE state IN ('connected', 'stopping', 'never_connected')
              AND COALESCE(last_seen_at, created_at) < $1 ORDER BY id LIMIT $2";
    /// The agent is there.
    CONNECT = "UPDATE agents SET state = 'connected', connected_at = $2, last_seen_at = $2 WHERE id = $1 AND state IN ('never_connected', 'connected')";
    /// The agent has left, was stopped or is lost.
    END = "UPDATE agents SET state = $2, disconnected_at = $3 WHERE id = $1 AND state IN ('never_connected', 'connected', 'stopping')";
    /// The agent has not been heard for too long.
    LOSE = "UPDATE agents SET state = 'lost', lost_at = $2 WHERE id = $1 AND state IN ('never_connected', 'connected', 'stopping')";
    /// The agent is to leave: when its job has ended, or at once.
    REQUEST_STOP = "UPDATE agents SET state = 'stopping',
                stop_requested_at = COALESCE(stop_requested_at, $3), stop_requested_by = COALESCE(stop_requested_by, $4),
                stop_forced_at = CASE WHEN $5 THEN COALESCE(stop_forced_at, $3) ELSE stop_forced_at END,
                stop_forced_by = CASE WHEN $5 THEN COALESCE(stop_forced_by, $4) ELSE stop_forced_by END,
                stop_note = COALESCE(stop_note, $6)
              WHERE organization_id = $1 AND id = $2 AND state IN ('never_connected', 'connected', 'stopping')";
    /// The agent is to take no job.
    PAUSE = "UPDATE agents SET paused_at = $3, paused_by = $4, paused_note = $5, paused_until = $6
              WHERE organization_id = $1 AND id = $2";
    /// The agent may take jobs again.
    RESUME = "UPDATE agents SET paused_at = NULL, paused_by = NULL, paused_note = NULL, paused_until = NULL
              WHERE organization_id = $1 AND id = $2";
    /// When the agent was last heard, written behind. Never moves backwards.
    TOUCH = "UPDATE agents SET last_seen_at = $2 WHERE id = $1 AND (last_seen_at IS NULL OR last_seen_at < $2)";
    /// When its last heartbeat came, written behind. Never moves backwards.
    TOUCH_HEARTBEAT = "UPDATE agents SET heartbeat_at = $2 WHERE id = $1 AND (heartbeat_at IS NULL OR heartbeat_at < $2)";
    /// The agent is to take no more jobs after the one it has (`ignore_agent_in_dispatches`).
    IGNORE_IN_DISPATCHES = "UPDATE agents SET ignore_in_dispatches = TRUE WHERE id = $1";
    /// How many agents are in each live state.
    COUNT_BY_STATE = "SELECT state, COUNT(*) AS n FROM agents WHERE state IN ('connected', 'stopping') GROUP BY state";
}

/// An agent that registered.
#[derive(Debug, Clone)]
pub struct Agent {
    /// Its id.
    pub id: AgentId,
    /// Its organization.
    pub organization: OrganizationId,
    /// The token it registered with.
    pub token: TokenId,
    /// The secret of that token that it showed.
    pub secret: SecretId,
    /// The deployment it joined.
    pub deployment: DeploymentId,
    /// The queue it joined.
    pub queue: String,
    /// Its name; need not be unique.
    pub name: String,
    /// The host it said it is on.
    pub hostname: Option<String>,
    /// The operating system it said it runs on.
    pub operating_system: Option<String>,
    /// The architecture it said it runs on.
    pub arch: Option<String>,
    /// Its version.
    pub version: Option<String>,
    /// Its build number.
    pub build: Option<String>,
    /// Its `User-Agent`.
    pub user_agent: Option<String>,
    /// The address it registered from.
    pub ip: String,
    /// Its process id.
    pub pid: Option<i64>,
    /// Higher is preferred.
    pub priority: Option<i64>,
    /// Its tags, `key=value` or `key`.
    pub tags: Vec<String>,
    /// Whether jobs are to be kept from it.
    pub ignore_in_dispatches: bool,
    /// Its state.
    pub state: AgentState,
    /// When it registered.
    pub created_at: Timestamp,
    /// When it connected.
    pub connected_at: Option<Timestamp>,
    /// When it was last heard; seconds may pass before this is written.
    pub last_seen_at: Option<Timestamp>,
    /// When its last heartbeat came; seconds may pass before this is written.
    pub heartbeat_at: Option<Timestamp>,
    /// When it left.
    pub disconnected_at: Option<Timestamp>,
    /// When it was given up.
    pub lost_at: Option<Timestamp>,
    /// When it was asked to leave.
    pub stop_requested_at: Option<Timestamp>,
    /// By whom.
    pub stop_requested_by: Option<UserId>,
    /// When it was told to leave without finishing.
    pub stop_forced_at: Option<Timestamp>,
    /// By whom.
    pub stop_forced_by: Option<UserId>,
    /// What it is told with that.
    pub stop_note: Option<String>,
    /// Since when it takes no job.
    pub paused_at: Option<Timestamp>,
    /// By whom.
    pub paused_by: Option<UserId>,
    /// Why.
    pub paused_note: Option<String>,
    /// Until when, if a time was given.
    pub paused_until: Option<Timestamp>,
}

impl Agent {
    /// Whether the agent is to take no job now.
    #[must_use]
    pub fn is_paused(&self, now: Timestamp) -> bool {
        self.paused_at.is_some() && self.paused_until.is_none_or(|until| now < until)
    }
}

fn agent(row: &Row) -> Result<Agent, StoreError> {
    Ok(Agent {
        id: row.get("id")?,
        organization: row.get("organization_id")?,
        token: row.get("token_id")?,
        secret: row.get("secret_id")?,
        deployment: row.get("deployment_id")?,
        queue: row.get("queue")?,
        name: row.get("name")?,
        hostname: row.get("hostname")?,
        operating_system: row.get("operating_system")?,
        arch: row.get("arch")?,
        version: row.get("version")?,
        build: row.get("build")?,
        user_agent: row.get("user_agent")?,
        ip: row.get("ip")?,
        pid: row.get("pid")?,
        priority: row.get("priority")?,
        tags: row.json("tags")?,
        ignore_in_dispatches: row.get("ignore_in_dispatches")?,
        state: row.parse("state")?,
        created_at: row.get("created_at")?,
        connected_at: row.get("connected_at")?,
        last_seen_at: row.get("last_seen_at")?,
        heartbeat_at: row.get("heartbeat_at")?,
        disconnected_at: row.get("disconnected_at")?,
        lost_at: row.get("lost_at")?,
        stop_requested_at: row.get("stop_requested_at")?,
        stop_requested_by: row.get("stop_requested_by")?,
        stop_forced_at: row.get("stop_forced_at")?,
        stop_forced_by: row.get("stop_forced_by")?,
        stop_note: row.get("stop_note")?,
        paused_at: row.get("paused_at")?,
        paused_by: row.get("paused_by")?,
        paused_note: row.get("paused_note")?,
        paused_until: row.get("paused_until")?,
    })
}

/// Adds an agent, in state `never_connected`. False when its token does not stand any more.
pub async fn insert(tx: &mut Tx, new: &Agent) -> Result<bool, StoreError> {
    let values = params![
        new.id,
        new.organization,
        new.token,
        new.secret,
        new.deployment,
        new.queue.as_str(),
        new.name.as_str(),
        new.hostname.clone(),
        new.operating_system.clone(),
        new.arch.clone(),
        new.version.clone(),
        new.build.clone(),
        new.user_agent.clone(),
        new.ip.as_str(),
        new.pid,
        new.priority,
        Value::json(&new.tags)?,
        new.ignore_in_dispatches,
        new.created_at,
    ];
    Ok(tx.execute(INSERT, &values).await? == 1)
}

/// How many agents of one token have a session.
pub async fn count_with_session_of_token(tx: &mut Tx, token: TokenId) -> Result<i64, StoreError> {
    tx.one(COUNT_WITH_SESSION_OF_TOKEN, &params![token]).await?.get("n")
}

/// The organization's agent with this id.
pub async fn find(tx: &mut Tx, of: OrganizationId, id: AgentId) -> Result<Option<Agent>, StoreError> {
    tx.maybe(FIND, &params![of, id]).await?.as_ref().map(agent).transpose()
}

/// The organization's agent with this id, kept still until the transaction ends.
pub async fn find_for_update(tx: &mut Tx, of: OrganizationId, id: AgentId) -> Result<Option<Agent>, StoreError> {
    tx.maybe(FIND_FOR_UPDATE, &params![of, id]).await?.as_ref().map(agent).transpose()
}

/// At most `limit` connected agents of a token below `after`, newest first.
pub async fn connected_of_token(
    tx: &mut Tx,
    of: OrganizationId,
    token: TokenId,
    after: AgentId,
    limit: i64,
) -> Result<Vec<Agent>, StoreError> {
    tx.all(CONNECTED_OF_TOKEN, &params![of, token, after, limit]).await?.iter().map(agent).collect()
}

/// How many connected agents a token has.
pub async fn count_connected_of_token(tx: &mut Tx, of: OrganizationId, token: TokenId) -> Result<i64, StoreError> {
    tx.one(COUNT_CONNECTED_OF_TOKEN, &params![of, token]).await?.get("n")
}

/// The agents of a token that hold a session, in the order of their ids.
pub async fn with_session_of_token(
    tx: &mut Tx,
    of: OrganizationId,
    token: TokenId,
) -> Result<Vec<AgentId>, StoreError> {
    let rows = tx.all(WITH_SESSION_OF_TOKEN, &params![of, token]).await?;
    let mut found: Vec<AgentId> = rows.iter().map(|row| row.get("id")).collect::<Result<_, _>>()?;
    found.sort_unstable();
    Ok(found)
}

/// At most `limit` agents of a deployment that hold a session and were not told to leave, in the order of their ids.
pub async fn untold_of_deployment(
    tx: &mut Tx,
    of: OrganizationId,
    deployment: DeploymentId,
    limit: i64,
) -> Result<Vec<AgentId>, StoreError> {
    tx.all(UNTOLD_OF_DEPLOYMENT, &params![of, deployment, limit]).await?.iter().map(|row| row.get("id")).collect()
}

/// At most `limit` agents that hold a session and were last seen before `before`.
pub async fn silent(tx: &mut Tx, before: Timestamp, limit: i64) -> Result<Vec<(OrganizationId, AgentId)>, StoreError> {
    let rows = tx.all(SILENT, &params![before, limit]).await?;
    rows.iter().map(|row| Ok((row.get("organization_id")?, row.get("id")?))).collect()
}

/// The agent is there. False when it has ended meanwhile.
pub async fn connect(tx: &mut Tx, id: AgentId) -> Result<bool, StoreError> {
    let now = tx.now();
    Ok(tx.execute(CONNECT, &params![id, now]).await? == 1)
}

/// The agent is gone: `disconnected` or `stopped`. False when it was gone already.
pub async fn end(tx: &mut Tx, id: AgentId, state: AgentState) -> Result<bool, StoreError> {
    let now = tx.now();
    Ok(tx.execute(END, &params![id, state.as_str(), now]).await? == 1)
}

/// The agent has not been heard for too long. False when it was gone already.
pub async fn lose(tx: &mut Tx, id: AgentId) -> Result<bool, StoreError> {
    let now = tx.now();
    Ok(tx.execute(LOSE, &params![id, now]).await? == 1)
}

/// Asks an agent to leave, at once when `forced`. False when it is gone.
pub async fn request_stop(
    tx: &mut Tx,
    of: OrganizationId,
    id: AgentId,
    by: Option<UserId>,
    forced: bool,
    note: &str,
) -> Result<bool, StoreError> {
    let now = tx.now();
    Ok(tx.execute(REQUEST_STOP, &params![of, id, now, by, forced, note]).await? == 1)
}

/// Keeps jobs from an agent. False when the organization has no such agent.
pub async fn pause(
    tx: &mut Tx,
    of: OrganizationId,
    id: AgentId,
    by: Option<UserId>,
    note: Option<&str>,
    until: Option<Timestamp>,
) -> Result<bool, StoreError> {
    let now = tx.now();
    Ok(tx.execute(PAUSE, &params![of, id, now, by, note, until]).await? == 1)
}

/// Lets an agent take jobs again. False when the organization has no such agent.
pub async fn resume(tx: &mut Tx, of: OrganizationId, id: AgentId) -> Result<bool, StoreError> {
    Ok(tx.execute(RESUME, &params![of, id]).await? == 1)
}

/// Keeps further jobs from an agent for good.
pub async fn ignore_in_dispatches(tx: &mut Tx, id: AgentId) -> Result<(), StoreError> {
    tx.execute(IGNORE_IN_DISPATCHES, &params![id]).await.map(drop)
}

/// Writes when an agent was last heard, and when its last heartbeat came.
pub async fn touch(tx: &mut Tx, id: AgentId, seen: Timestamp, heartbeat: Option<Timestamp>) -> Result<(), StoreError> {
    tx.execute(TOUCH, &params![id, seen]).await?;
    if let Some(at) = heartbeat {
        tx.execute(TOUCH_HEARTBEAT, &params![id, at]).await?;
    }
    Ok(())
}

/// How many agents are in each live state, across organizations; for metrics.
pub async fn count_by_state(tx: &mut Tx) -> Result<Vec<(String, i64)>, StoreError> {
    tx.all(COUNT_BY_STATE, &params![]).await?.iter().map(|row| Ok((row.get("state")?, row.get("n")?))).collect()
}
