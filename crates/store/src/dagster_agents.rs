//! Agents that Dagster+ agents are. They have no session: each call shows the agent token, and what is known of one is what its last
//! heartbeat told.

use countersign_domain::id::{DagsterAgentId, DagsterProcessId, DeploymentId, OrganizationId, TokenId};
use countersign_domain::{PublicId, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{Row, StoreError, Tx, Value, params, statements};

macro_rules! columns {
    () => {
        "a.id, a.token_id, t.public_id, t.revoked_at, a.process_id, a.label, a.launcher, a.version, a.image_tag, a.ip, a.error_count,
         a.created_at, a.heartbeat_at"
    };
}

// After the columns, which it names.
pub mod search;

statements! {
    /// Whether a token knows a process.
    KNOWS = "SELECT id FROM dagster_agents WHERE token_id = $1 AND process_id = $2";
    /// An agent that is heard for the first time.
    INSERT = "INSERT INTO dagster_agents (id, organization_id, token_id, process_id, ip, errors, error_count, created_at, heartbeat_at)
              VALUES ($1, $2, $3, $4, $5, '[]', 0, $6, $6) ON CONFLICT (token_id, process_id) DO NOTHING";
    /// What its last heartbeat told.
    HEAR = "UPDATE dagster_agents SET label = $3, launcher = $4, version = $5, image_tag = $6, ip = $7, errors = $8, error_count = $10, heartbeat_at = $9
              WHERE token_id = $1 AND process_id = $2 RETURNING id";
    /// Forgets what it did for deployments.
    CLEAR_SERVING = "DELETE FROM dagster_agent_deployments WHERE dagster_agent_id = $1";
    /// What it does for one.
    ADD_SERVING = "INSERT INTO dagster_agent_deployments (dagster_agent_id, deployment_id, default_queue, queues, code_servers, run_workers)
              VALUES ($1, $2, $3, $4, $5, $6)";
    /// How many agents of one token were heard since a time.
    COUNT_HEARD_OF_TOKEN = "SELECT COUNT(*) AS n FROM dagster_agents WHERE token_id = $1 AND heartbeat_at >= $2";
    /// The organization's agents that were heard since a time, newest first.
    HEARD = "SELECT process_id, heartbeat_at FROM dagster_agents WHERE organization_id = $1 AND heartbeat_at >= $2 ORDER BY id DESC LIMIT $3";
    /// A page of the organization's agents, newest first: those that were heard since $3.
    PAGE = concat!("SELECT ", columns!(), " FROM dagster_agents a JOIN tokens t ON t.id = a.token_id
              WHERE a.organization_id = $1 AND a.id < $2 AND a.heartbeat_at >= $3 ORDER BY a.id DESC LIMIT $4");
    /// How one token's agents that were heard since $3 are called, newest first. What they told is left where it is: this is read while a token is
    /// taken back, and nobody who holds it is to make that slow.
    NAMES_OF_TOKEN = "SELECT id, process_id, label, heartbeat_at FROM dagster_agents
              WHERE organization_id = $1 AND token_id = $2 AND heartbeat_at >= $3 ORDER BY id DESC LIMIT $4";
    /// How many agents of one token are kept, those that do not run among them.
    COUNT_OF_TOKEN = "SELECT COUNT(*) AS n FROM dagster_agents WHERE token_id = $1";
    /// Removes the one of a token that was silent the longest, if it was last heard before $2.
    REMOVE_SILENT_OF_TOKEN = "DELETE FROM dagster_agents WHERE id IN (SELECT id FROM dagster_agents WHERE token_id = $1 AND heartbeat_at < $2
              ORDER BY heartbeat_at LIMIT 1)";
    /// The errors that one of the organization's agents told.
    ERRORS = "SELECT errors FROM dagster_agents WHERE organization_id = $1 AND id = $2";
    /// How many those are.
    COUNT = "SELECT COUNT(*) AS n FROM dagster_agents WHERE organization_id = $1 AND heartbeat_at >= $2";
    /// What one of the organization's agents does for its deployments, by name.
    SERVING = "SELECT s.deployment_id, s.default_queue, s.queues, s.code_servers, s.run_workers FROM dagster_agent_deployments s
              JOIN dagster_agents a ON a.id = s.dagster_agent_id JOIN deployments d ON d.id = s.deployment_id
              WHERE a.organization_id = $1 AND a.id = $2 ORDER BY d.name";
    /// When an agent of the organization was last heard.
    LAST_HEARD = "SELECT MAX(heartbeat_at) AS at FROM dagster_agents WHERE organization_id = $1";
    /// When one that serves a deployment was.
    LAST_HEARD_OF_DEPLOYMENT = "SELECT MAX(a.heartbeat_at) AS at FROM dagster_agents a
              JOIN dagster_agent_deployments s ON s.dagster_agent_id = a.id WHERE a.organization_id = $1 AND s.deployment_id = $2";
    /// Agents that were last heard before a time.
    SILENT = "SELECT organization_id, id FROM dagster_agents WHERE heartbeat_at < $1 ORDER BY heartbeat_at, id LIMIT $2";
    /// Removes one of them, with what it did, if it is one yet.
    REMOVE = "DELETE FROM dagster_agents WHERE organization_id = $1 AND id = $2 AND heartbeat_at < $3 RETURNING label, process_id";
}

/// An agent that a Dagster+ agent is.
#[derive(Debug, Clone)]
pub struct DagsterAgent {
    /// Its id.
    pub id: DagsterAgentId,
    /// The token that it shows.
    pub token: TokenId,
    /// That token's public id.
    pub token_public_id: PublicId,
    /// When that token was revoked: the agent is refused since.
    pub token_revoked_at: Option<Timestamp>,
    /// What its process calls itself; a restart is another process.
    pub process: DagsterProcessId,
    /// What its operator calls it.
    pub label: Option<String>,
    /// How it starts code servers, such as `ProcessUserCodeLauncher`.
    pub launcher: Option<String>,
    /// Its version.
    pub version: Option<String>,
    /// The image that it was started from.
    pub image_tag: Option<String>,
    /// The address from which it was last heard.
    pub ip: String,
    /// How many errors of its own it last told.
    pub error_count: i64,
    /// When it was first heard.
    pub created_at: Timestamp,
    /// When it was last heard.
    pub heartbeat_at: Timestamp,
}

/// How an agent is called, and when it was heard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgentName {
    /// Its id.
    pub id: DagsterAgentId,
    /// What its process calls itself.
    pub process: DagsterProcessId,
    /// What its operator calls it.
    pub label: Option<String>,
    /// When it was last heard.
    pub heartbeat_at: Timestamp,
}

/// An error that an agent tells of.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trouble {
    /// When it was met, by the agent's clock: microseconds since the epoch.
    pub at: Option<i64>,
    /// The exception's class.
    pub class: Option<String>,
    /// What is said to people.
    pub message: String,
    /// Its stack, with those of its causes beneath.
    pub trace: String,
}

/// What an agent does for one deployment.
#[derive(Debug, Clone)]
pub struct Serving {
    /// The deployment.
    pub deployment: DeploymentId,
    /// Whether it serves the queue without a name.
    pub default_queue: bool,
    /// The other queues that it serves.
    pub queues: Vec<String>,
    /// The code servers that it runs.
    pub code_servers: Vec<CodeServer>,
    /// The runs that it watches.
    pub run_workers: Vec<RunWorker>,
}

/// A code server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CodeServer {
    /// The code location that it serves.
    pub location: String,
    /// `STARTING`, `RUNNING` or `FAILED`.
    pub status: String,
    /// Why it failed.
    pub error: Option<Trouble>,
}

/// A run that an agent watches.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunWorker {
    /// The run.
    pub run: String,
    /// `RUNNING`, `NOT_FOUND`, `FAILED`, `SUCCESS` or `UNKNOWN`.
    pub status: String,
    /// What is known beyond that.
    pub message: Option<String>,
}

/// What a heartbeat tells of an agent itself.
#[derive(Debug, Clone)]
pub struct Heard {
    /// The organization.
    pub organization: OrganizationId,
    /// The token that was shown.
    pub token: TokenId,
    /// What the process calls itself.
    pub process: DagsterProcessId,
    /// What its operator calls it.
    pub label: Option<String>,
    /// How it starts code servers.
    pub launcher: Option<String>,
    /// Its version.
    pub version: Option<String>,
    /// The image that it was started from.
    pub image_tag: Option<String>,
    /// The address that it called from.
    pub ip: String,
    /// Its own errors, newest first.
    pub errors: Vec<Trouble>,
}

fn agent(row: &Row) -> Result<DagsterAgent, StoreError> {
    Ok(DagsterAgent {
        id: row.get("id")?,
        token: row.get("token_id")?,
        token_public_id: row.parse("public_id")?,
        token_revoked_at: row.get("revoked_at")?,
        process: row.get("process_id")?,
        label: row.get("label")?,
        launcher: row.get("launcher")?,
        version: row.get("version")?,
        image_tag: row.get("image_tag")?,
        ip: row.get("ip")?,
        error_count: row.get("error_count")?,
        created_at: row.get("created_at")?,
        heartbeat_at: row.get("heartbeat_at")?,
    })
}

/// Whether a token knows a process.
pub async fn knows(tx: &mut Tx, token: TokenId, process: DagsterProcessId) -> Result<bool, StoreError> {
    Ok(tx.maybe(KNOWS, &params![token, process]).await?.is_some())
}

/// How many agents of a token were heard since a time.
pub async fn count_heard_of_token(tx: &mut Tx, token: TokenId, since: Timestamp) -> Result<i64, StoreError> {
    tx.one(COUNT_HEARD_OF_TOKEN, &params![token, since]).await?.get("n")
}

/// Makes an agent known. False when it is.
pub async fn insert(tx: &mut Tx, fresh: DagsterAgentId, heard: &Heard) -> Result<bool, StoreError> {
    let now = tx.now();
    let values = params![fresh, heard.organization, heard.token, heard.process, heard.ip.as_str(), now];
    Ok(tx.execute(INSERT, &values).await? == 1)
}

/// Writes what a heartbeat told of an agent that is known, in the place of what the one before did.
pub async fn hear(tx: &mut Tx, heard: &Heard, serving: &[Serving]) -> Result<DagsterAgentId, StoreError> {
    let now = tx.now();
    let values = params![
        heard.token,
        heard.process,
        heard.label.clone(),
        heard.launcher.clone(),
        heard.version.clone(),
        heard.image_tag.clone(),
        heard.ip.as_str(),
        Value::json(&heard.errors)?,
        now,
        i64::try_from(heard.errors.len()).unwrap_or(i64::MAX),
    ];
    let id: DagsterAgentId = tx.one(HEAR, &values).await?.get("id")?;
    tx.execute(CLEAR_SERVING, &params![id]).await?;
    for it in serving {
        let values = params![
            id,
            it.deployment,
            it.default_queue,
            Value::json(&it.queues)?,
            Value::json(&it.code_servers)?,
            Value::json(&it.run_workers)?,
        ];
        tx.execute(ADD_SERVING, &values).await?;
    }
    Ok(id)
}

/// At most `limit` of the organization's agents that were heard since a time, newest first, and when.
pub async fn heard(
    tx: &mut Tx,
    of: OrganizationId,
    since: Timestamp,
    limit: i64,
) -> Result<Vec<(DagsterProcessId, Timestamp)>, StoreError> {
    let rows = tx.all(HEARD, &params![of, since, limit]).await?;
    rows.iter().map(|row| Ok((row.get("process_id")?, row.get("heartbeat_at")?))).collect()
}

/// At most `limit` of the organization's agents below `after` that were heard since a time, newest first.
pub async fn page(
    tx: &mut Tx,
    of: OrganizationId,
    since: Timestamp,
    after: DagsterAgentId,
    limit: i64,
) -> Result<Vec<DagsterAgent>, StoreError> {
    tx.all(PAGE, &params![of, after, since, limit]).await?.iter().map(agent).collect()
}

/// At most `limit` of one token's agents that were heard since a time, newest first.
pub async fn names_of_token(
    tx: &mut Tx,
    of: OrganizationId,
    token: TokenId,
    since: Timestamp,
    limit: i64,
) -> Result<Vec<AgentName>, StoreError> {
    let name = |row: &Row| {
        let (id, process) = (row.get("id")?, row.get("process_id")?);
        Ok(AgentName { id, process, label: row.get("label")?, heartbeat_at: row.get("heartbeat_at")? })
    };
    tx.all(NAMES_OF_TOKEN, &params![of, token, since, limit]).await?.iter().map(name).collect()
}

/// How many agents of a token are kept, those that do not run among them.
pub async fn count_of_token(tx: &mut Tx, token: TokenId) -> Result<i64, StoreError> {
    tx.one(COUNT_OF_TOKEN, &params![token]).await?.get("n")
}

/// Makes room: removes the one of a token's agents that was silent the longest. False when all were heard since `before`.
pub async fn remove_silent_of_token(tx: &mut Tx, token: TokenId, before: Timestamp) -> Result<bool, StoreError> {
    Ok(tx.execute(REMOVE_SILENT_OF_TOKEN, &params![token, before]).await? > 0)
}

/// The errors that one of the organization's agents last told, newest first; none of one that is not there.
pub async fn errors(tx: &mut Tx, of: OrganizationId, id: DagsterAgentId) -> Result<Vec<Trouble>, StoreError> {
    tx.maybe(ERRORS, &params![of, id]).await?.map_or_else(|| Ok(Vec::new()), |row| row.json("errors"))
}

/// How many the organization has that were heard since a time.
pub async fn count(tx: &mut Tx, of: OrganizationId, since: Timestamp) -> Result<i64, StoreError> {
    tx.one(COUNT, &params![of, since]).await?.get("n")
}

/// What one of the organization's agents does for its deployments, by their names.
pub async fn serving(tx: &mut Tx, of: OrganizationId, id: DagsterAgentId) -> Result<Vec<Serving>, StoreError> {
    let rows = tx.all(SERVING, &params![of, id]).await?;
    rows.iter()
        .map(|row| {
            Ok(Serving {
                deployment: row.get("deployment_id")?,
                default_queue: row.get("default_queue")?,
                queues: row.json("queues")?,
                code_servers: row.json("code_servers")?,
                run_workers: row.json("run_workers")?,
            })
        })
        .collect()
}

/// When an agent of the organization was last heard; with a deployment, one that serves it.
pub async fn last_heard(
    tx: &mut Tx,
    of: OrganizationId,
    deployment: Option<DeploymentId>,
) -> Result<Option<Timestamp>, StoreError> {
    let row = match deployment {
        Some(id) => tx.one(LAST_HEARD_OF_DEPLOYMENT, &params![of, id]).await?,
        None => tx.one(LAST_HEARD, &params![of]).await?,
    };
    row.get("at")
}

/// At most `limit` agents, of whatever organization, that were last heard before a time.
pub async fn silent(
    tx: &mut Tx,
    before: Timestamp,
    limit: i64,
) -> Result<Vec<(OrganizationId, DagsterAgentId)>, StoreError> {
    let rows = tx.all(SILENT, &params![before, limit]).await?;
    rows.iter().map(|row| Ok((row.get("organization_id")?, row.get("id")?))).collect()
}

/// Removes one of them; answers its label, or its process. `None` when it has been heard meanwhile.
pub async fn remove(
    tx: &mut Tx,
    of: OrganizationId,
    id: DagsterAgentId,
    before: Timestamp,
) -> Result<Option<String>, StoreError> {
    let Some(row) = tx.maybe(REMOVE, &params![of, id, before]).await? else { return Ok(None) };
    let process: DagsterProcessId = row.get("process_id")?;
    Ok(Some(row.get::<Option<String>>("label")?.unwrap_or_else(|| process.to_string())))
}
