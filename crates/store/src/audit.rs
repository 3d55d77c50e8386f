//! The audit log: rows written with the change they tell of, sealed into a chain behind it.

use countersign_domain::id::{AuditEventId, Id, OrganizationId};
use countersign_domain::{KeyId, Timestamp};

use crate::{Row, StoreError, Tx, like, params, statements};

macro_rules! columns {
    () => {
        "id, organization_id, occurred_at, actor_kind, actor_id, actor_name, credential, action, subject_kind, subject_id, subject_name,
         detail, ip, user_agent, request_id, sequence, hash"
    };
}

statements! {
    /// An event, not sealed yet.
    INSERT = "INSERT INTO audit_events (id, organization_id, occurred_at, actor_kind, actor_id, actor_name, credential, action, subject_kind,
                subject_id, subject_name, detail, ip, user_agent, request_id)
              VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)";
    /// A page of an organization's events of a period, newest first: ids tell the millisecond, so the index ends where the period does.
    PAGE = concat!("SELECT ", columns!(), " FROM audit_events WHERE organization_id = $1 AND id < $2 AND id >= $3
              AND occurred_at >= $4 AND occurred_at < $5 ORDER BY id DESC LIMIT $6");
    /// A part of an organization's events of a period, oldest first.
    PERIOD = concat!("SELECT ", columns!(), " FROM audit_events WHERE organization_id = $1 AND id > $2 AND id >= $3 AND id < $4
              AND occurred_at >= $5 AND occurred_at < $6 ORDER BY id LIMIT $7");
    /// A page of an organization's events that are wanted, newest first, among $8 from $2 on that are of a period. $3: only those whose action begins like
    /// $4. $5: only those of which the actor's or the subject's name, the credential, the action, the address, or what a token is called that it was done
    /// to, is like $6. $12: only what people and their programs did, not agents, jobs and the server.
    SEARCH = concat!("SELECT ", columns!(), " FROM audit_events WHERE id IN (SELECT e.id FROM (
                SELECT id, occurred_at, action, actor_kind, actor_name, subject_id, subject_name, credential, ip FROM audit_events WHERE organization_id = $1 AND id < $2
                AND id >= $9 ORDER BY id DESC LIMIT $8) e
              WHERE e.occurred_at >= $10 AND e.occurred_at < $11 AND (NOT $3 OR e.action LIKE $4 ESCAPE '!') AND (NOT $12 OR e.actor_kind IN ('user', 'operator', 'invitation', 'anonymous'))
              AND (NOT $5 OR LOWER(e.actor_name) LIKE $6 ESCAPE '!' OR LOWER(e.subject_name) LIKE $6 ESCAPE '!' OR e.action LIKE $6 ESCAPE '!'
                OR LOWER(COALESCE(e.credential, '')) LIKE $6 ESCAPE '!' OR COALESCE(e.ip, '') LIKE $6 ESCAPE '!'
                OR EXISTS (SELECT 1 FROM tokens t WHERE t.id = e.subject_id AND t.organization_id = $1
                  AND LOWER(COALESCE(t.description, '')) LIKE $6 ESCAPE '!'))
              ORDER BY e.id DESC LIMIT $7) ORDER BY id DESC");
    /// The last among which is looked so. $3: how many are before it.
    SEARCH_LAST = "SELECT id FROM audit_events WHERE organization_id = $1 AND id < $2 AND id >= $4
              ORDER BY id DESC LIMIT 1 OFFSET $3";
    /// A page of an organization's events about one thing, newest first.
    OF_SUBJECT = concat!("SELECT ", columns!(), " FROM audit_events WHERE organization_id = $1 AND subject_id = $2 AND id < $3
              ORDER BY id DESC LIMIT $4");
    /// Sealed events of an organization in the order of the chain.
    SEALED = concat!("SELECT ", columns!(), " FROM audit_events WHERE organization_id = $1 AND sequence > $2 ORDER BY sequence LIMIT $3");
    /// Events that are not sealed yet, oldest first.
    UNSEALED = concat!("SELECT ", columns!(), " FROM audit_events WHERE organization_id = $1 AND sequence IS NULL ORDER BY id LIMIT $2");
    /// How many those are.
    COUNT_UNSEALED = "SELECT COUNT(*) AS n FROM audit_events WHERE organization_id = $1 AND sequence IS NULL";
    /// How many those are in all organizations.
    COUNT_ALL_UNSEALED = "SELECT COUNT(*) AS n FROM audit_events WHERE sequence IS NULL";
    /// The lowest and the highest place of an organization's sealed events.
    ENDS = "SELECT MIN(sequence) AS first, MAX(sequence) AS last FROM audit_events WHERE organization_id = $1 AND sequence IS NOT NULL";
    /// Organizations with events that are not sealed yet.
    ORGANIZATIONS_TO_SEAL = "SELECT DISTINCT organization_id FROM audit_events WHERE sequence IS NULL";
    /// Every organization that has events, the instance itself among them.
    ORGANIZATIONS = "SELECT DISTINCT organization_id FROM audit_events ORDER BY organization_id";
    /// Gives an event its place in the chain, once.
    SEAL = "UPDATE audit_events SET sequence = $2, hash = $3 WHERE id = $1 AND sequence IS NULL";
    /// The end of an organization's chain; kept still until the transaction ends, so that one sealer at a time goes on from it.
    HEAD_FOR_UPDATE = "SELECT sequence, hash, mac, key_id FROM audit_heads WHERE organization_id = $1 /*lock:update*/";
    /// The end of an organization's chain.
    HEAD = "SELECT sequence, hash, mac, key_id FROM audit_heads WHERE organization_id = $1";
    /// The first end of a chain. Nothing happens when another sealer was first.
    INSERT_HEAD = "INSERT INTO audit_heads (organization_id, sequence, hash, mac, key_id, sealed_at) VALUES ($1, 0, $2, $3, $4, $5)
              ON CONFLICT (organization_id) DO NOTHING";
    /// The new end of a chain; only from the end that was read.
    MOVE_HEAD = "UPDATE audit_heads SET sequence = $2, hash = $3, mac = $4, key_id = $5, sealed_at = $6 WHERE organization_id = $1 AND sequence = $7";
    /// Heads under another key than the newest.
    HEADS_BY_OTHERS = "SELECT organization_id, sequence, hash, mac, key_id FROM audit_heads WHERE key_id <> $1 LIMIT $2";
}

/// An event, as it is written with its change.
#[derive(Debug, Clone)]
pub struct Event {
    /// Its id.
    pub id: AuditEventId,
    /// Its organization; nil for the instance itself.
    pub organization: OrganizationId,
    /// When it happened.
    pub occurred_at: Timestamp,
    /// `user`, `agent`, `job`, `operator` or `system`.
    pub actor_kind: String,
    /// Which user, agent or job.
    pub actor_id: Option<Id<Event>>,
    /// Its name at that time.
    pub actor_name: String,
    /// The public id of the credential that it showed.
    pub credential: Option<String>,
    /// What was done, such as `agent_token.revoked`.
    pub action: String,
    /// To what kind of thing.
    pub subject_kind: String,
    /// To which.
    pub subject_id: Id<Event>,
    /// Its name at that time.
    pub subject_name: String,
    /// What changed, as a JSON object; never a secret.
    pub detail: String,
    /// From which address.
    pub ip: Option<String>,
    /// With which client.
    pub user_agent: Option<String>,
    /// In which request.
    pub request_id: Option<String>,
    /// Its place in the chain and its hash, once sealed.
    pub sealed: Option<(i64, Vec<u8>)>,
}

/// A time in which events happened.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Period {
    /// Its first moment; none where it has no beginning.
    pub from: Option<Timestamp>,
    /// The first moment behind it; none where it has no end.
    pub until: Option<Timestamp>,
}

/// What an engine is told of a period: the ids of its events are between two, by which an index finds them, and so are their times, to the microsecond.
struct Bounds {
    least: AuditEventId,
    /// The first id that is too late.
    most: AuditEventId,
    from: Timestamp,
    until: Timestamp,
}

impl Period {
    /// Whether every event is of it.
    #[must_use]
    pub const fn is_all(&self) -> bool {
        self.from.is_none() && self.until.is_none()
    }

    fn bounds(&self) -> Bounds {
        // An event's id is made from its time, by the millisecond.
        let after = |at: Timestamp| Timestamp::from_micros(at.as_micros().saturating_add(999));
        Bounds {
            least: self.from.map_or(AuditEventId::nil(), AuditEventId::first_of),
            most: self.until.map_or(AuditEventId::last(), |until| AuditEventId::first_of(after(until))),
            from: self.from.unwrap_or(Timestamp::from_micros(i64::MIN)),
            until: self.until.unwrap_or(Timestamp::from_micros(i64::MAX)),
        }
    }
}

/// The end of an organization's chain.
#[derive(Debug, Clone)]
pub struct Head {
    /// How many events are sealed.
    pub sequence: i64,
    /// The hash of the last of them.
    pub hash: Vec<u8>,
    /// The MAC over both.
    pub mac: Vec<u8>,
    /// The key of the ring that it is under.
    pub key: KeyId,
}

fn event(row: &Row) -> Result<Event, StoreError> {
    let sequence: Option<i64> = row.get("sequence")?;
    let hash: Option<Vec<u8>> = row.get("hash")?;
    Ok(Event {
        id: row.get("id")?,
        organization: row.get("organization_id")?,
        occurred_at: row.get("occurred_at")?,
        actor_kind: row.get("actor_kind")?,
        actor_id: row.get("actor_id")?,
        actor_name: row.get("actor_name")?,
        credential: row.get("credential")?,
        action: row.get("action")?,
        subject_kind: row.get("subject_kind")?,
        subject_id: row.get("subject_id")?,
        subject_name: row.get("subject_name")?,
        detail: row.get("detail")?,
        ip: row.get("ip")?,
        user_agent: row.get("user_agent")?,
        request_id: row.get("request_id")?,
        sealed: sequence.zip(hash),
    })
}

fn head(row: &Row) -> Result<Head, StoreError> {
    Ok(Head { sequence: row.get("sequence")?, hash: row.get("hash")?, mac: row.get("mac")?, key: row.parse("key_id")? })
}

/// Writes an event.
pub async fn insert(tx: &mut Tx, new: &Event) -> Result<(), StoreError> {
    let values = params![
        new.id,
        new.organization,
        new.occurred_at,
        new.actor_kind.as_str(),
        new.actor_id,
        new.actor_name.as_str(),
        new.credential.clone(),
        new.action.as_str(),
        new.subject_kind.as_str(),
        new.subject_id,
        new.subject_name.as_str(),
        new.detail.as_str(),
        new.ip.clone(),
        new.user_agent.clone(),
        new.request_id.clone(),
    ];
    tx.execute(INSERT, &values).await.map(drop)
}

/// At most `limit` events of an organization below `after` that are of a period, newest first.
pub async fn page(
    tx: &mut Tx,
    of: OrganizationId,
    period: &Period,
    after: AuditEventId,
    limit: i64,
) -> Result<Vec<Event>, StoreError> {
    let Bounds { least, most, from, until } = period.bounds();
    let values = params![of, after.min(most), least, from, until, limit];
    tx.all(PAGE, &values).await?.iter().map(event).collect()
}

/// At most `limit` events of an organization behind `after` that are of a period, oldest first, sealed or not.
pub async fn of_period(
    tx: &mut Tx,
    of: OrganizationId,
    period: &Period,
    after: AuditEventId,
    limit: i64,
) -> Result<Vec<Event>, StoreError> {
    let Bounds { least, most, from, until } = period.bounds();
    let values = params![of, after, least, most, from, until, limit];
    tx.all(PERIOD, &values).await?.iter().map(event).collect()
}

/// Which events are wanted.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    /// Only those whose action begins so, such as `agent_token.`.
    pub action: Option<String>,
    /// Only those whose actor's or subject's name, credential, action or address holds this text, in any case of the letters A to Z; or that tell of a
    /// token whose description now holds it.
    pub text: Option<String>,
    /// Only what people, service users and the operator did: leave out what agents, jobs and the server did themselves.
    pub people_only: bool,
    /// Only those of this time.
    pub period: Period,
}

/// At most `limit` of an organization's events below `after` that are wanted, newest first; and the last event that was looked at, where not all were.
/// Where some of a period are left out, as many of its events as `within` are looked at, which is 1 or more: no search walks over a log of years.
pub async fn search(
    tx: &mut Tx,
    of: OrganizationId,
    wanted: &Wanted,
    within: i64,
    after: AuditEventId,
    limit: i64,
) -> Result<(Vec<Event>, Option<AuditEventId>), StoreError> {
    if wanted.action.is_none() && wanted.text.is_none() && !wanted.people_only {
        return Ok((page(tx, of, &wanted.period, after, limit).await?, None));
    }
    let within = within.max(limit);
    let Bounds { least, most, from, until } = wanted.period.bounds();
    let after = after.min(most);
    let values = params![
        of,
        after,
        wanted.action.is_some(),
        like::beginning(wanted.action.as_deref()),
        wanted.text.is_some(),
        like::holding(wanted.text.as_deref()),
        limit,
        within,
        least,
        from,
        until,
        wanted.people_only,
    ];
    let events: Vec<Event> = tx.all(SEARCH, &values).await?.iter().map(event).collect::<Result<_, _>>()?;
    if i64::try_from(events.len()).unwrap_or(i64::MAX) >= limit {
        return Ok((events, None));
    }
    let last = tx.maybe(SEARCH_LAST, &params![of, after, within.saturating_sub(1), least]).await?;
    Ok((events, last.map(|row| row.get("id")).transpose()?))
}

/// At most `limit` of an organization's events about one thing below `after`, newest first.
pub async fn of_subject<T>(
    tx: &mut Tx,
    of: OrganizationId,
    subject: Id<T>,
    after: AuditEventId,
    limit: i64,
) -> Result<Vec<Event>, StoreError> {
    tx.all(OF_SUBJECT, &params![of, subject, after, limit]).await?.iter().map(event).collect()
}

/// At most `limit` sealed events of an organization after a place in the chain.
pub async fn sealed(tx: &mut Tx, of: OrganizationId, after: i64, limit: i64) -> Result<Vec<Event>, StoreError> {
    tx.all(SEALED, &params![of, after, limit]).await?.iter().map(event).collect()
}

/// At most `limit` events of an organization that are not sealed yet, oldest first.
pub async fn unsealed(tx: &mut Tx, of: OrganizationId, limit: i64) -> Result<Vec<Event>, StoreError> {
    tx.all(UNSEALED, &params![of, limit]).await?.iter().map(event).collect()
}

/// How many events of an organization are not sealed yet.
pub async fn count_unsealed(tx: &mut Tx, of: OrganizationId) -> Result<i64, StoreError> {
    tx.one(COUNT_UNSEALED, &params![of]).await?.get("n")
}

/// How many events of all organizations are not sealed yet.
pub async fn count_all_unsealed(tx: &mut Tx) -> Result<i64, StoreError> {
    tx.one(COUNT_ALL_UNSEALED, &params![]).await?.get("n")
}

/// The lowest and the highest place of an organization's sealed events, if there are any.
pub async fn ends(tx: &mut Tx, of: OrganizationId) -> Result<Option<(i64, i64)>, StoreError> {
    let row = tx.one(ENDS, &params![of]).await?;
    Ok(row.get::<Option<i64>>("first")?.zip(row.get::<Option<i64>>("last")?))
}

/// Organizations with events that are not sealed yet.
pub async fn organizations_to_seal(tx: &mut Tx) -> Result<Vec<OrganizationId>, StoreError> {
    tx.all(ORGANIZATIONS_TO_SEAL, &params![]).await?.iter().map(|row| row.get("organization_id")).collect()
}

/// Every organization that has events, the instance itself (nil) among them.
pub async fn organizations(tx: &mut Tx) -> Result<Vec<OrganizationId>, StoreError> {
    tx.all(ORGANIZATIONS, &params![]).await?.iter().map(|row| row.get("organization_id")).collect()
}

/// Gives an event its place in the chain. False when it had one.
pub async fn seal(tx: &mut Tx, id: AuditEventId, sequence: i64, hash: &[u8]) -> Result<bool, StoreError> {
    Ok(tx.execute(SEAL, &params![id, sequence, hash]).await? == 1)
}

/// The end of an organization's chain.
pub async fn find_head(tx: &mut Tx, of: OrganizationId) -> Result<Option<Head>, StoreError> {
    tx.maybe(HEAD, &params![of]).await?.as_ref().map(head).transpose()
}

/// The end of an organization's chain, kept still until the transaction ends.
pub async fn find_head_for_update(tx: &mut Tx, of: OrganizationId) -> Result<Option<Head>, StoreError> {
    tx.maybe(HEAD_FOR_UPDATE, &params![of]).await?.as_ref().map(head).transpose()
}

/// Writes the empty end of a chain, if there is none.
pub async fn insert_head(tx: &mut Tx, of: OrganizationId, first: &Head) -> Result<(), StoreError> {
    let now = tx.now();
    let values = params![of, first.hash.as_slice(), first.mac.as_slice(), first.key.to_string(), now];
    tx.execute(INSERT_HEAD, &values).await.map(drop)
}

/// Moves the end of a chain from `from` to `to`. False when it was not at `from`.
pub async fn move_head(tx: &mut Tx, of: OrganizationId, from: i64, to: &Head) -> Result<bool, StoreError> {
    let now = tx.now();
    let values = params![of, to.sequence, to.hash.as_slice(), to.mac.as_slice(), to.key.to_string(), now, from];
    Ok(tx.execute(MOVE_HEAD, &values).await? == 1)
}

/// At most `limit` heads that another key than `newest` keeps.
pub async fn heads_by_others(
    tx: &mut Tx,
    newest: &KeyId,
    limit: i64,
) -> Result<Vec<(OrganizationId, Head)>, StoreError> {
    let rows = tx.all(HEADS_BY_OTHERS, &params![newest.to_string(), limit]).await?;
    rows.iter().map(|row| Ok((row.get("organization_id")?, head(row)?))).collect()
}
