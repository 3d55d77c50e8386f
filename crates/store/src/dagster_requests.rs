//! What there is to do for Dagster+ agents: waiting, offered, answered or over.

use countersign_domain::Timestamp;
use countersign_domain::dagster::{AGAIN_AFTER, MAX_OFFERS, RequestKind, RequestState};
use countersign_domain::id::{DagsterRequestId, DagsterRunId, DeploymentId, OrganizationId, TokenId, UserId};

use crate::{Row, StoreError, Tx, params, statements};

/// What stands between the names of a list; no name has it in it.
const BETWEEN: &str = "\n";

macro_rules! columns {
    () => {
        "r.id, r.deployment_id, r.location, r.queue, r.kind, r.created_at, r.created_by, r.expires_at, r.offers, r.offered_at, r.offered_to,
         r.ended_at, r.answer, r.error, r.run_id"
    };
}

/// A request that may be offered now: $2 is now, $3 the time before which an offer must have been made to be made again, $4 the most offers, of
/// which a run has one alone, for it must not be started twice; $5 whether the queue without a name is served, $6 the other queues between line
/// breaks, $7 a line break, $8 the token whose holder asks.
macro_rules! to_offer {
    () => {
        "r.organization_id = $1 AND r.ended_at IS NULL AND r.expires_at > $2 AND r.offers < $4 AND (r.offered_at IS NULL OR r.offered_at <= $3)
              AND (r.kind <> 'LAUNCH_RUN' OR r.offers = 0) AND (r.only_for IS NULL OR r.only_for = $8)
              AND ((r.queue IS NULL AND $5) OR REPLACE($6, $7 || r.queue || $7, '') <> $6)"
    };
}

statements! {
    /// Something to do.
    INSERT = "INSERT INTO dagster_requests (id, organization_id, deployment_id, location, queue, kind, created_at, created_by, expires_at, offers, run_id,
              only_for) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 0, $10, $11)";
    /// Whether the like waits already. $5: now.
    WAITS = "SELECT id FROM dagster_requests WHERE organization_id = $1 AND deployment_id = $2 AND kind = $3 AND ended_at IS NULL
              AND offers = 0 AND expires_at > $5 AND COALESCE(queue, '') = $4 LIMIT 1";
    /// Those of one deployment that may be offered, the oldest first. $10: at the most.
    TO_OFFER = concat!("SELECT ", columns!(), " FROM dagster_requests r WHERE ", to_offer!(), " AND r.deployment_id = $9 ORDER BY r.id LIMIT $10");
    /// Those of branch deployments that may be offered, the oldest first. $9: at the most.
    TO_OFFER_OF_BRANCHES = concat!("SELECT ", columns!(), " FROM dagster_requests r JOIN deployments d ON d.id = r.deployment_id WHERE ",
              to_offer!(), " AND d.parent_id IS NOT NULL AND d.deleted_at IS NULL ORDER BY r.id LIMIT $9");
    /// An agent is offered it, unless another was since.
    OFFER = "UPDATE dagster_requests SET offers = offers + 1, offered_at = $3, offered_to = $4
              WHERE organization_id = $1 AND id = $2 AND ended_at IS NULL AND offers = $5";
    /// One of the organization's.
    FIND = concat!("SELECT ", columns!(), " FROM dagster_requests r WHERE r.organization_id = $1 AND r.id = $2");
    /// Those of one deployment, newest first. $4: at the most.
    PAGE = concat!("SELECT ", columns!(), " FROM dagster_requests r WHERE r.organization_id = $1 AND r.deployment_id = $2 AND r.id < $3
              ORDER BY r.id DESC LIMIT $4");
    /// It was answered, once, by the token that it was last offered to.
    ANSWER = "UPDATE dagster_requests SET ended_at = $3, answer = $4, error = $5 WHERE organization_id = $1 AND id = $2 AND ended_at IS NULL AND offered_to = $6";
    /// Those whose time has run out, or that were offered too often; whoever was offered one a moment ago may still answer. $1: now, $2: the time
    /// before which the last offer must have been made, $3: the most offers, $4: at the most.
    OVER = "SELECT id, organization_id FROM dagster_requests WHERE ended_at IS NULL
              AND ((offers = 0 AND expires_at <= $1) OR (offered_at <= $2 AND (offers >= $3 OR kind = 'LAUNCH_RUN' OR expires_at <= $1))) ORDER BY id LIMIT $4";
    /// It is over without an answer.
    END = "UPDATE dagster_requests SET ended_at = $3 WHERE organization_id = $1 AND id = $2 AND ended_at IS NULL";
    /// Whether somebody is to stop a run yet.
    STOPS = "SELECT id FROM dagster_requests WHERE organization_id = $1 AND run_id = $2 AND kind = 'TERMINATE_RUN' AND ended_at IS NULL LIMIT 1";
    /// Nobody is to start or stop a run any more.
    END_OF_RUN = "UPDATE dagster_requests SET ended_at = $3 WHERE organization_id = $1 AND run_id = $2 AND ended_at IS NULL";
    /// Whether one ended before a time.
    HAS_OLD = "SELECT id FROM dagster_requests WHERE ended_at < $1 LIMIT 1";
    /// Removes those that ended before a time. $2: at the most.
    FORGET = "DELETE FROM dagster_requests WHERE id IN (SELECT id FROM dagster_requests WHERE ended_at < $1 ORDER BY ended_at LIMIT $2)";
    /// Those of a deployment that was deleted.
    REMOVE_OF_DEPLOYMENT = "DELETE FROM dagster_requests WHERE organization_id = $1 AND deployment_id = $2";
}

/// Something to do for a Dagster+ agent.
#[derive(Debug, Clone)]
pub struct DagsterRequest {
    /// Its id.
    pub id: DagsterRequestId,
    /// For which deployment.
    pub deployment: DeploymentId,
    /// For which code location, where it is about one.
    pub location: Option<String>,
    /// The queue whose agents may take it; none for the queue without a name.
    pub queue: Option<String>,
    /// What is asked.
    pub kind: RequestKind,
    /// When it was made.
    pub created_at: Timestamp,
    /// By whom.
    pub created_by: Option<UserId>,
    /// Until when it is worth doing.
    pub expires_at: Timestamp,
    /// How often it was offered.
    pub offers: i64,
    /// When it last was.
    pub offered_at: Option<Timestamp>,
    /// To an agent that showed this token.
    pub offered_to: Option<TokenId>,
    /// When it was answered, or was over.
    pub ended_at: Option<Timestamp>,
    /// What the answer was called.
    pub answer: Option<String>,
    /// Why it could not be done, as its answer has it.
    pub error: Option<String>,
    /// The run that it is about, where it is about one.
    pub run: Option<DagsterRunId>,
}

impl DagsterRequest {
    /// Where it stands.
    #[must_use]
    pub fn state(&self) -> RequestState {
        RequestState::of(self.offers, self.answer.is_some(), self.ended_at.is_some())
    }
}

/// The queues that an agent serves.
#[derive(Debug, Clone, Default)]
pub struct Served {
    /// Whether the queue without a name is one of them.
    pub default: bool,
    /// The names of the others, without line breaks.
    pub named: Vec<String>,
}

impl Served {
    /// Whether a queue is one of them.
    #[must_use]
    pub fn has(&self, queue: Option<&str>) -> bool {
        queue.map_or(self.default, |queue| self.named.iter().any(|it| it == queue))
    }

    fn between_breaks(&self) -> String {
        let mut text = BETWEEN.to_owned();
        for name in &self.named {
            text.push_str(name);
            text.push_str(BETWEEN);
        }
        text
    }
}

fn request(row: &Row) -> Result<DagsterRequest, StoreError> {
    Ok(DagsterRequest {
        id: row.get("id")?,
        deployment: row.get("deployment_id")?,
        location: row.get("location")?,
        queue: row.get("queue")?,
        kind: row.parse("kind")?,
        created_at: row.get("created_at")?,
        created_by: row.get("created_by")?,
        expires_at: row.get("expires_at")?,
        offers: row.get("offers")?,
        offered_at: row.get("offered_at")?,
        offered_to: row.get("offered_to")?,
        ended_at: row.get("ended_at")?,
        answer: row.get("answer")?,
        error: row.get("error")?,
        run: row.get("run_id")?,
    })
}

/// Something to do that is new.
#[derive(Debug, Clone, Copy)]
pub struct NewRequest<'a> {
    /// Its id.
    pub id: DagsterRequestId,
    /// For which deployment.
    pub deployment: DeploymentId,
    /// What is asked.
    pub kind: RequestKind,
    /// For which code location, where it is about one.
    pub location: Option<&'a str>,
    /// The queue whose agents may take it; none for the queue without a name.
    pub queue: Option<&'a str>,
    /// By whom.
    pub by: Option<UserId>,
    /// The run that it is about, where it is about one.
    pub run: Option<DagsterRunId>,
    /// The only token whose holder may take it; none for whoever serves the queue.
    pub only_for: Option<TokenId>,
}

/// Adds something to do, with as much time as its kind has.
pub async fn insert(tx: &mut Tx, of: OrganizationId, new: &NewRequest<'_>) -> Result<(), StoreError> {
    let now = tx.now();
    let NewRequest { id, deployment, kind, location, queue, by, run, only_for } = *new;
    let values =
        params![id, of, deployment, location, queue, kind.as_str(), now, by, now.plus(kind.life()), run, only_for];
    tx.execute(INSERT, &values).await.map(drop)
}

/// Whether the like waits already, and no agent has it: then one more adds nothing.
pub async fn waits(
    tx: &mut Tx,
    of: OrganizationId,
    deployment: DeploymentId,
    kind: RequestKind,
    queue: Option<&str>,
) -> Result<bool, StoreError> {
    let now = tx.now();
    let values = params![of, deployment, kind.as_str(), queue.unwrap_or_default(), now];
    Ok(tx.maybe(WAITS, &values).await?.is_some())
}

/// At most `limit` of one deployment that may be offered now to an agent of these queues, the oldest first.
pub async fn to_offer(
    tx: &mut Tx,
    of: OrganizationId,
    deployment: DeploymentId,
    served: &Served,
    token: TokenId,
    limit: i64,
) -> Result<Vec<DagsterRequest>, StoreError> {
    let now = tx.now();
    let (before, queues) = (now.minus(AGAIN_AFTER), served.between_breaks());
    let values = params![of, now, before, MAX_OFFERS, served.default, queues, BETWEEN, token, deployment, limit];
    tx.all(TO_OFFER, &values).await?.iter().map(request).collect()
}

/// The same of all branch deployments.
pub async fn to_offer_of_branches(
    tx: &mut Tx,
    of: OrganizationId,
    served: &Served,
    token: TokenId,
    limit: i64,
) -> Result<Vec<DagsterRequest>, StoreError> {
    let now = tx.now();
    let (before, queues) = (now.minus(AGAIN_AFTER), served.between_breaks());
    let values = params![of, now, before, MAX_OFFERS, served.default, queues, BETWEEN, token, limit];
    tx.all(TO_OFFER_OF_BRANCHES, &values).await?.iter().map(request).collect()
}

/// Offers it to the holder of a token. False when another was faster.
pub async fn offer(tx: &mut Tx, of: OrganizationId, it: &DagsterRequest, to: TokenId) -> Result<bool, StoreError> {
    let now = tx.now();
    Ok(tx.execute(OFFER, &params![of, it.id, now, to, it.offers]).await? == 1)
}

/// The organization's request with this id.
pub async fn find(tx: &mut Tx, of: OrganizationId, id: DagsterRequestId) -> Result<Option<DagsterRequest>, StoreError> {
    tx.maybe(FIND, &params![of, id]).await?.as_ref().map(request).transpose()
}

/// At most `limit` of a deployment's below `after`, newest first.
pub async fn page(
    tx: &mut Tx,
    of: OrganizationId,
    deployment: DeploymentId,
    after: DagsterRequestId,
    limit: i64,
) -> Result<Vec<DagsterRequest>, StoreError> {
    tx.all(PAGE, &params![of, deployment, after, limit]).await?.iter().map(request).collect()
}

/// Keeps what an answer of a token was called, and why it could not be done. False for one that was not offered to that token last, or has ended.
pub async fn answer(
    tx: &mut Tx,
    of: OrganizationId,
    id: DagsterRequestId,
    by: TokenId,
    called: &str,
    error: Option<&str>,
) -> Result<bool, StoreError> {
    let now = tx.now();
    Ok(tx.execute(ANSWER, &params![of, id, now, called, error, by]).await? == 1)
}

/// At most `limit`, of any organization, that are over without an answer.
pub async fn over(tx: &mut Tx, limit: i64) -> Result<Vec<(OrganizationId, DagsterRequestId)>, StoreError> {
    let now = tx.now();
    let rows = tx.all(OVER, &params![now, now.minus(AGAIN_AFTER), MAX_OFFERS, limit]).await?;
    rows.iter().map(|row| Ok((row.get("organization_id")?, row.get("id")?))).collect()
}

/// Ends one without an answer. False when it had ended.
pub async fn end(tx: &mut Tx, of: OrganizationId, id: DagsterRequestId) -> Result<bool, StoreError> {
    let now = tx.now();
    Ok(tx.execute(END, &params![of, id, now]).await? == 1)
}

/// Whether somebody is asked to stop a run, and has not answered.
pub async fn stops(tx: &mut Tx, of: OrganizationId, run: DagsterRunId) -> Result<bool, StoreError> {
    Ok(tx.maybe(STOPS, &params![of, run]).await?.is_some())
}

/// Ends those that are about a run which has ended.
pub async fn end_of_run(tx: &mut Tx, of: OrganizationId, run: DagsterRunId) -> Result<(), StoreError> {
    let now = tx.now();
    tx.execute(END_OF_RUN, &params![of, run, now]).await.map(drop)
}

/// Whether one, of any organization, ended before a time.
pub async fn has_old(tx: &mut Tx, before: Timestamp) -> Result<bool, StoreError> {
    Ok(tx.maybe(HAS_OLD, &params![before]).await?.is_some())
}

/// Removes at most `limit`, of any organization, that ended before a time; answers how many.
pub async fn forget(tx: &mut Tx, before: Timestamp, limit: i64) -> Result<u64, StoreError> {
    tx.execute(FORGET, &params![before, limit]).await
}

/// Removes those of a deployment that was deleted.
pub async fn remove_of_deployment(tx: &mut Tx, of: OrganizationId, deployment: DeploymentId) -> Result<(), StoreError> {
    tx.execute(REMOVE_OF_DEPLOYMENT, &params![of, deployment]).await.map(drop)
}
