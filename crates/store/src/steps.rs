//! Steps: where each stands in its build's graph. What it was written as is in [`texts`], what it waits for in [`edges`].

pub mod changes;
pub mod edges;
pub mod texts;

use countersign_domain::Timestamp;
use countersign_domain::graph::{Count, Gate, Kind, Relation, Step};
use countersign_domain::id::{BuildId, OrganizationId, StepId, UserId};

use crate::{Row, StoreError, Tx, Value, params, statements};

macro_rules! columns {
    () => {
        "s.id, s.organization_id, s.build_id, s.parent_id, s.gate_id, s.gate_relation, s.gate_lets_pass, s.sort, s.kind, s.key, s.label,
         s.state, s.outcome, s.settled, s.open_dependencies, s.spoilt, s.borne, s.jobs_open, s.jobs_failed, s.jobs_soft_failed,
         s.jobs_canceled, s.members_open, s.members_failed, s.members_canceled, s.uploads, s.upload_depth, s.child_build_id, s.note,
         s.created_at, s.finished_at, s.answered_at, s.answered_by"
    };
}

statements! {
    /// A step of a plan.
    INSERT = "INSERT INTO steps (id, organization_id, build_id, parent_id, gate_id, gate_relation, gate_lets_pass, sort, kind, key, label,
                state, outcome, settled, open_dependencies, spoilt, borne, jobs_open, jobs_failed, jobs_soft_failed, jobs_canceled,
                members_open, members_failed, members_canceled, uploads, upload_depth, created_at, finished_at)
              VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, 0,
                $25, $26, $27)";
    /// One of the organization's steps.
    FIND = concat!("SELECT ", columns!(), " FROM steps s WHERE s.organization_id = $1 AND s.id = $2");
    /// A step of a build by its key.
    BY_KEY = concat!("SELECT ", columns!(), " FROM steps s WHERE s.organization_id = $1 AND s.build_id = $2 AND s.key = $3");
    /// A page of a build's steps, in the order of the text.
    PAGE = concat!("SELECT ", columns!(), " FROM steps s WHERE s.organization_id = $1 AND s.build_id = $2 AND s.sort > $3 ORDER BY s.sort LIMIT $4");
    /// Where a step stands now.
    SAVE = "UPDATE steps SET state = $2, outcome = $3, settled = $4, open_dependencies = $5, spoilt = $6, borne = $7, jobs_open = $8,
                jobs_failed = $9, jobs_soft_failed = $10, jobs_canceled = $11, members_open = $12, members_failed = $13,
                members_canceled = $14, finished_at = $15 WHERE id = $1";
    /// Counts an upload of a step; says how many there were before.
    COUNT_UPLOAD = "UPDATE steps SET uploads = uploads + 1 WHERE id = $1 RETURNING uploads - 1 AS before";
    /// What stands before a step behind the same gate and is not settled, or ended badly.
    BEFORE = "SELECT o.id FROM steps o WHERE o.build_id = $1 AND o.sort < $2 AND o.settled IS NULL AND o.kind <> 'input'
                AND COALESCE(o.gate_id, $3) = $4 AND COALESCE(o.parent_id, $3) = $5
              UNION ALL
              SELECT o.id FROM steps o WHERE o.build_id = $1 AND o.sort < $2 AND o.settled = 'bad' AND o.kind <> 'input'
                AND COALESCE(o.gate_id, $3) = $4 AND COALESCE(o.parent_id, $3) = $5";
    /// Steps of a build that nobody has begun, the last ones first.
    UNBEGUN = "SELECT id FROM steps WHERE build_id = $1 AND settled IS NULL
              AND (state IN ('waiting', 'asking') OR (kind = 'trigger' AND state = 'open' AND child_build_id IS NULL))
              ORDER BY sort DESC LIMIT $2";
    /// Open commands of a build of which no job was given to an agent.
    UNTOUCHED = "SELECT s.id FROM steps s WHERE s.build_id = $1 AND s.settled IS NULL AND s.kind = 'command' AND s.state = 'open'
              AND NOT EXISTS (SELECT 1 FROM jobs j WHERE j.step_id = s.id AND j.state NOT IN ('limited', 'scheduled', 'skipped'))
              ORDER BY s.sort DESC LIMIT $2";
    /// Steps of a build that canceling must end: all that do not end by their jobs or members.
    TO_CANCEL = "SELECT id FROM steps WHERE build_id = $1 AND settled IS NULL
              AND (state IN ('waiting', 'asking') OR (kind = 'trigger' AND state = 'open')) ORDER BY sort LIMIT $2";
    /// The steps right beneath one.
    BENEATH = "SELECT id FROM steps WHERE parent_id = $1 AND state <> 'ended' ORDER BY sort";
    /// The steps right beneath one that are not settled.
    UNSETTLED_BENEATH = "SELECT id FROM steps WHERE parent_id = $1 AND settled IS NULL ORDER BY sort";
    /// Gives a step's key back.
    FORGET_KEY = "UPDATE steps SET key = NULL WHERE id = $1";
    /// Another label.
    SET_LABEL = "UPDATE steps SET label = $2 WHERE id = $1";
    /// Who answered.
    SET_ANSWERED = "UPDATE steps SET answered_at = $2, answered_by = $3 WHERE id = $1";
    /// Why a step went as it did, for people.
    SET_NOTE = "UPDATE steps SET note = $2 WHERE id = $1";
    /// The build that a trigger has made: once.
    SET_CHILD = "UPDATE steps SET child_build_id = $2 WHERE id = $1 AND child_build_id IS NULL";
    /// Triggers that are to make their build.
    TO_TRIGGER = "SELECT id, organization_id FROM steps
                  WHERE kind = 'trigger' AND state = 'open' AND child_build_id IS NULL AND organization_id = COALESCE($2, organization_id)
                  ORDER BY id LIMIT $1";
}

/// A step of a build.
#[derive(Debug, Clone)]
pub struct StepRow {
    /// Its id.
    pub id: StepId,
    /// Its organization.
    pub organization: OrganizationId,
    /// Its build.
    pub build: BuildId,
    /// The group that it is in, or the step that uploaded it.
    pub parent: Option<StepId>,
    /// What keeps it and its neighbours.
    pub gate: Option<Gate<StepId>>,
    /// Orders the steps of a build.
    pub sort: String,
    /// Names it within its build.
    pub key: Option<String>,
    /// Names it for people.
    pub label: Option<String>,
    /// Where it stands.
    pub step: Step,
    /// How often it has uploaded.
    pub uploads: i64,
    /// How many uploads it is beneath.
    pub upload_depth: i64,
    /// The build that it made.
    pub child_build: Option<BuildId>,
    /// Why it went as it did.
    pub note: Option<String>,
    /// When it was put into the build.
    pub created_at: Timestamp,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
    /// When somebody answered.
    pub answered_at: Option<Timestamp>,
    /// Who.
    pub answered_by: Option<UserId>,
}

fn step(row: &Row) -> Result<StepRow, StoreError> {
    let gate: Option<StepId> = row.get("gate_id")?;
    let relation: Option<Relation> = row.parse_optional("gate_relation")?;
    let lets_pass = row.get("gate_lets_pass")?;
    let kind: Kind = row.parse("kind")?;
    Ok(StepRow {
        id: row.get("id")?,
        organization: row.get("organization_id")?,
        build: row.get("build_id")?,
        parent: row.get("parent_id")?,
        gate: gate.zip(relation).map(|(step, relation)| Gate { step, relation, lets_pass }),
        sort: row.get("sort")?,
        key: row.get("key")?,
        label: row.get("label")?,
        step: Step {
            kind,
            state: row.parse("state")?,
            outcome: row.parse_optional("outcome")?,
            open_dependencies: row.get("open_dependencies")?,
            spoilt: row.get("spoilt")?,
            borne: row.get("borne")?,
            jobs: Count {
                open: row.get("jobs_open")?,
                failed: row.get("jobs_failed")?,
                soft_failed: row.get("jobs_soft_failed")?,
                canceled: row.get("jobs_canceled")?,
            },
            members: Count {
                open: row.get("members_open")?,
                failed: row.get("members_failed")?,
                soft_failed: 0,
                canceled: row.get("members_canceled")?,
            },
            settled: row.parse_optional("settled")?,
        },
        uploads: row.get("uploads")?,
        upload_depth: row.get("upload_depth")?,
        child_build: row.get("child_build_id")?,
        note: row.get("note")?,
        created_at: row.get("created_at")?,
        finished_at: row.get("finished_at")?,
        answered_at: row.get("answered_at")?,
        answered_by: row.get("answered_by")?,
    })
}

/// Where a step stands, as the columns from `state` to `members_canceled` hold it.
fn standing(it: &Step) -> [Value; 13] {
    params![
        it.state.as_str(),
        it.outcome.map(|it| it.as_str()),
        it.settled.map(|it| it.as_str()),
        it.open_dependencies,
        it.spoilt,
        it.borne,
        it.jobs.open,
        it.jobs.failed,
        it.jobs.soft_failed,
        it.jobs.canceled,
        it.members.open,
        it.members.failed,
        it.members.canceled,
    ]
}

/// Adds a step.
pub async fn insert(tx: &mut Tx, new: &StepRow) -> Result<(), StoreError> {
    let about = params![
        new.id,
        new.organization,
        new.build,
        new.parent,
        new.gate.map(|it| it.step),
        new.gate.map(|it| it.relation.as_str()),
        new.gate.is_some_and(|it| it.lets_pass),
        new.sort.as_str(),
        new.step.kind.as_str(),
        new.key.clone(),
        new.label.clone(),
    ];
    let ends = params![new.upload_depth, new.created_at, new.finished_at];
    let values: Vec<Value> = about.into_iter().chain(standing(&new.step)).chain(ends).collect();
    tx.execute(INSERT, &values).await.map(drop)
}

/// The organization's step with this id.
pub async fn find(tx: &mut Tx, of: OrganizationId, id: StepId) -> Result<Option<StepRow>, StoreError> {
    tx.maybe(FIND, &params![of, id]).await?.as_ref().map(step).transpose()
}

/// The step of a build with this key.
pub async fn by_key(tx: &mut Tx, of: OrganizationId, build: BuildId, key: &str) -> Result<Option<StepRow>, StoreError> {
    tx.maybe(BY_KEY, &params![of, build, key]).await?.as_ref().map(step).transpose()
}

/// At most `limit` steps of a build behind `after` in the order of the text.
pub async fn page(
    tx: &mut Tx,
    of: OrganizationId,
    build: BuildId,
    after: &str,
    limit: i64,
) -> Result<Vec<StepRow>, StoreError> {
    tx.all(PAGE, &params![of, build, after, limit]).await?.iter().map(step).collect()
}

/// Writes where a step stands.
pub async fn save(tx: &mut Tx, id: StepId, it: &Step, finished_at: Option<Timestamp>) -> Result<(), StoreError> {
    let values: Vec<Value> = params![id].into_iter().chain(standing(it)).chain(params![finished_at]).collect();
    tx.execute(SAVE, &values).await.map(drop)
}

/// Counts an upload of a step; answers how many there were before.
pub async fn count_upload(tx: &mut Tx, id: StepId) -> Result<i64, StoreError> {
    tx.one(COUNT_UPLOAD, &params![id]).await?.get("before")
}

/// What stands before a step behind the same gate and is not settled, or ended badly.
pub async fn before(tx: &mut Tx, of: &StepRow) -> Result<Vec<StepId>, StoreError> {
    let nothing = StepId::nil();
    let gate = of.gate.map_or(nothing, |it| it.step);
    let parent = of.parent.unwrap_or(nothing);
    ids(&tx.all(BEFORE, &params![of.build, of.sort.as_str(), nothing, gate, parent]).await?)
}

fn ids(rows: &[Row]) -> Result<Vec<StepId>, StoreError> {
    rows.iter().map(|row| row.get("id")).collect()
}

/// At most `limit` steps that nobody has begun, the last of the text first.
pub async fn unbegun(tx: &mut Tx, build: BuildId, limit: i64) -> Result<Vec<StepId>, StoreError> {
    ids(&tx.all(UNBEGUN, &params![build, limit]).await?)
}

/// At most `limit` open commands of which no job was given to an agent, the last of the text first.
pub async fn untouched(tx: &mut Tx, build: BuildId, limit: i64) -> Result<Vec<StepId>, StoreError> {
    ids(&tx.all(UNTOUCHED, &params![build, limit]).await?)
}

/// At most `limit` steps that do not end by their jobs or members.
pub async fn to_cancel(tx: &mut Tx, build: BuildId, limit: i64) -> Result<Vec<StepId>, StoreError> {
    ids(&tx.all(TO_CANCEL, &params![build, limit]).await?)
}

/// The steps right beneath one that have not ended.
pub async fn beneath(tx: &mut Tx, id: StepId) -> Result<Vec<StepId>, StoreError> {
    ids(&tx.all(BENEATH, &params![id]).await?)
}

/// The steps right beneath one that are not settled.
pub async fn unsettled_beneath(tx: &mut Tx, id: StepId) -> Result<Vec<StepId>, StoreError> {
    ids(&tx.all(UNSETTLED_BENEATH, &params![id]).await?)
}

/// Gives a step's key back, so that another step of the build can have it.
pub async fn forget_key(tx: &mut Tx, id: StepId) -> Result<(), StoreError> {
    tx.execute(FORGET_KEY, &params![id]).await.map(drop)
}

/// Gives a step another label.
pub async fn set_label(tx: &mut Tx, id: StepId, label: &str) -> Result<(), StoreError> {
    tx.execute(SET_LABEL, &params![id, label]).await.map(drop)
}

/// Writes who answered.
pub async fn set_answered(tx: &mut Tx, id: StepId, by: Option<UserId>) -> Result<(), StoreError> {
    let now = tx.now();
    tx.execute(SET_ANSWERED, &params![id, now, by]).await.map(drop)
}

/// Writes why a step went as it did.
pub async fn set_note(tx: &mut Tx, id: StepId, note: &str) -> Result<(), StoreError> {
    tx.execute(SET_NOTE, &params![id, note]).await.map(drop)
}

/// Writes the build that a trigger has made. False when it has made one.
pub async fn set_child(tx: &mut Tx, id: StepId, child: BuildId) -> Result<bool, StoreError> {
    Ok(tx.execute(SET_CHILD, &params![id, child]).await? == 1)
}

/// At most `limit` triggers, of whatever organization, that are to make their build.
pub async fn to_trigger(
    tx: &mut Tx,
    of: Option<OrganizationId>,
    limit: i64,
) -> Result<Vec<(OrganizationId, StepId)>, StoreError> {
    let rows = tx.all(TO_TRIGGER, &params![limit, of]).await?;
    rows.iter().map(|row| Ok((row.get("organization_id")?, row.get("id")?))).collect()
}
