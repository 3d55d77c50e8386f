//! What an operation works with inside its transaction, besides the transaction.

use std::sync::Arc;

use countersign_domain::audit::ActorKind;
use countersign_domain::id::{AuditEventId, BuildId, Id, JobId, OrganizationId};
use countersign_domain::{Entropy, KeyRing};
use countersign_store::builds::{self, Build};
use countersign_store::jobs::{self, Job};
use countersign_store::{Tx, audit};
use serde_json::{Map, Value, json};

use crate::access::{Proving, Within};
use crate::wakeups::Wakeups;
use crate::{Caller, Result};

/// The input of an operation, who calls, where, and the means to seal and to name. An operation may be run again with the same scene.
pub(crate) struct Scene<I> {
    pub input: I,
    pub caller: Caller,
    pub organization: OrganizationId,
    pub within: Option<Within>,
    pub proving: Option<Proving>,
    pub keys: Arc<KeyRing>,
    pub entropy: Arc<dyn Entropy>,
    pub wakeups: Wakeups,
}

/// What an audit row is about.
pub(crate) struct Subject {
    kind: &'static str,
    id: Id<audit::Event>,
    name: String,
}

impl Subject {
    /// A thing by its kind, id and name. Names are data that people gave; never a secret.
    pub(crate) fn new<T>(kind: &'static str, id: Id<T>, name: impl Into<String>) -> Self {
        Self { kind, id: id.cast(), name: name.into() }
    }

    /// A job.
    pub(crate) fn of_job(job: &Job) -> Self {
        Self::new("job", job.id, job.name())
    }

    /// A build.
    pub(crate) fn of_build(build: &Build) -> Self {
        Self::new("build", build.id, build.name())
    }

    /// A job of which no more than the id is at hand.
    pub(crate) async fn find_job(tx: &mut Tx, of: OrganizationId, id: JobId) -> Result<Self> {
        Ok(Self::new("job", id, jobs::naming::find(tx, of, id).await?.unwrap_or_default()))
    }

    /// A build of which no more than the id is at hand.
    pub(crate) async fn find_build(tx: &mut Tx, of: OrganizationId, id: BuildId) -> Result<Self> {
        Ok(Self::new("build", id, builds::name(tx, of, id).await?.unwrap_or_default()))
    }
}

impl<I> Scene<I> {
    /// A fresh id, for a row that is made inside the transaction.
    pub(crate) fn fresh_id<T>(&self, tx: &Tx) -> Id<T> {
        Id::new(tx.now(), &*self.entropy)
    }

    /// Writes the audit row of this change, in the same transaction. `detail` holds what changed; never a secret.
    pub(crate) async fn audit(
        &self,
        tx: &mut Tx,
        action: &'static str,
        subject: Subject,
        detail: serde_json::Value,
    ) -> Result<()> {
        self.audit_in(tx, self.organization, action, subject, detail).await
    }

    /// The same for another organization than the grant's: one that this very operation makes.
    pub(crate) async fn audit_in(
        &self,
        tx: &mut Tx,
        organization: OrganizationId,
        action: &'static str,
        subject: Subject,
        detail: serde_json::Value,
    ) -> Result<()> {
        self.audit_as(tx, &self.caller, organization, action, subject, detail).await
    }

    /// The same in the name of another than the caller: of whoever becomes one by this very operation.
    pub(crate) async fn audit_as(
        &self,
        tx: &mut Tx,
        caller: &Caller,
        organization: OrganizationId,
        action: &'static str,
        subject: Subject,
        detail: serde_json::Value,
    ) -> Result<()> {
        debug_assert!(!subject.name.is_empty(), "{action} does not say what it was done to");
        let (actor_kind, actor_id, actor_name) = actor(caller);
        let origin = caller.origin();
        let is_system = matches!(caller, Caller::System(_));
        let id: AuditEventId = self.fresh_id(tx);
        let event = audit::Event {
            id: id.cast::<countersign_domain::id::of::AuditEvent>(),
            organization,
            occurred_at: tx.now(),
            actor_kind: actor_kind.to_owned(),
            actor_id,
            actor_name,
            credential: caller.public_id().map(|id| id.to_string()),
            action: action.to_owned(),
            subject_kind: subject.kind.to_owned(),
            subject_id: subject.id,
            subject_name: subject.name,
            detail: text_of(detail, most_of(caller)),
            ip: (!is_system).then(|| origin.ip.to_string()),
            user_agent: origin.user_agent,
            request_id: origin.request_id,
            sealed: None,
        };
        Ok(audit::insert(tx, &event).await?)
    }
}

/// The most bytes of what a row says of a change that an agent or a job has made.
const MAX_DETAIL: usize = 4 * 1024;
/// The same for people, operators and the server itself: a token's scope may have hundreds of members, and is to be told whole.
const MAX_DETAIL_OF_PEOPLE: usize = 64 * 1024;
/// The most bytes of one text in a detail that is too long.
const MAX_PART: usize = 256;

const fn most_of(caller: &Caller) -> usize {
    match caller {
        Caller::User(_) | Caller::Operator(_) | Caller::System(_) => MAX_DETAIL_OF_PEOPLE,
        Caller::AgentToken(_) | Caller::Session(_) | Caller::Job(_) | Caller::Invitation(_) | Caller::Anonymous(_) => {
            MAX_DETAIL
        }
    }
}

/// A detail as a row holds it. One that is too long says so: its texts lose their ends, and its lists are counted.
fn text_of(detail: Value, most: usize) -> String {
    let text = detail.to_string();
    if text.len() <= most {
        return text;
    }
    let fields = if let Value::Object(fields) = detail { fields } else { Map::new() };
    let mut short: Map<String, Value> = fields.into_iter().map(|(name, value)| (name, shorter(value))).collect();
    short.insert("shortened".to_owned(), Value::Bool(true));
    let text = Value::Object(short).to_string();
    if text.len() <= most { text } else { json!({ "shortened": true }).to_string() }
}

fn shorter(value: Value) -> Value {
    match value {
        Value::String(mut text) if text.len() > MAX_PART => {
            let end = (0..=MAX_PART).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
            text.truncate(end);
            Value::String(text + "…")
        }
        Value::Array(items) => json!({ "count": items.len() }),
        Value::Object(fields) => json!({ "count": fields.len() }),
        short => short,
    }
}

fn actor(caller: &Caller) -> (&'static str, Option<Id<audit::Event>>, String) {
    let (kind, id, name) = match caller {
        Caller::User(it) if it.is_service => (ActorKind::User, Some(it.user.cast()), it.name.clone()),
        Caller::User(it) => (ActorKind::User, Some(it.user.cast()), it.email.clone()),
        Caller::AgentToken(it) => (ActorKind::AgentToken, Some(it.token.cast()), it.public_id.to_string()),
        Caller::Session(it) => (ActorKind::Agent, Some(it.agent.cast()), it.name.clone()),
        Caller::Job(it) => (ActorKind::Job, Some(it.job.cast()), it.public_id.to_string()),
        Caller::Operator(_) => (ActorKind::Operator, None, "operator".to_owned()),
        Caller::System(reason) => (ActorKind::System, None, (*reason).to_owned()),
        Caller::Invitation(it) => (ActorKind::Invitation, Some(it.invitation.cast()), it.email.clone()),
        Caller::Anonymous(_) => (ActorKind::Anonymous, None, String::new()),
    };
    (kind.as_str(), id, name)
}

#[cfg(test)]
impl Scene<()> {
    /// A scene of nobody in particular, for tests of what is asked in one.
    pub(crate) fn of_nobody(within: Option<Within>, proving: Option<Proving>) -> Self {
        struct Zeros;
        impl Entropy for Zeros {
            fn fill(&self, buffer: &mut [u8]) {
                buffer.fill(0);
            }
        }
        Self {
            input: (),
            caller: Caller::Anonymous(crate::Origin::local()),
            organization: OrganizationId::nil(),
            within,
            proving,
            keys: Arc::new(KeyRing::generate(countersign_domain::Timestamp::EPOCH, &Zeros)),
            entropy: Arc::new(Zeros),
            wakeups: Wakeups::new(1),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_detail_has_an_end() {
        let short = json!({ "key": "k", "list": [1, 2] });
        assert_eq!(text_of(short.clone(), MAX_DETAIL), short.to_string());
        let long = json!({ "key": "ä".repeat(9_000), "list": vec!["x"; 9_000], "number": 7 });
        let text = text_of(long.clone(), MAX_DETAIL);
        let said: Value = serde_json::from_str(&text).expect("JSON");
        assert_eq!(
            (&said["list"], &said["number"], &said["shortened"]),
            (&json!({ "count": 9_000 }), &json!(7), &json!(true))
        );
        assert_eq!(said["key"].as_str().map(|key| key.chars().count()), Some(129), "{text}");
        assert_eq!(text_of(long.clone(), MAX_DETAIL_OF_PEOPLE), long.to_string());
        let many: Map<String, Value> = (0..9_000).map(|number| (number.to_string(), json!(1))).collect();
        assert_eq!(text_of(Value::Object(many), MAX_DETAIL), r#"{"shortened":true}"#);
    }
}
