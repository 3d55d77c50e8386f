//! What an operation works with inside its transaction, besides the transaction.

use std::sync::Arc;

use countersign_domain::audit::ActorKind;
use countersign_domain::id::{AuditEventId, Id, OrganizationId};
use countersign_domain::{Entropy, KeyRing};
use countersign_store::{Tx, audit};

use crate::wakeups::Wakeups;
use crate::{Caller, Result};

/// The input of an operation, who calls, where, and the means to seal and to name. An operation may be run again with the same scene.
pub(crate) struct Scene<I> {
    pub input: I,
    pub caller: Caller,
    pub organization: OrganizationId,
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
        let (actor_kind, actor_id, actor_name) = actor(&self.caller);
        let origin = self.caller.origin();
        let is_system = matches!(self.caller, Caller::System(_));
        let id: AuditEventId = self.fresh_id(tx);
        let event = audit::Event {
            id: id.cast::<countersign_domain::id::of::AuditEvent>(),
            organization,
            occurred_at: tx.now(),
            actor_kind: actor_kind.to_owned(),
            actor_id,
            actor_name,
            credential: self.caller.public_id().map(|id| id.to_string()),
            action: action.to_owned(),
            subject_kind: subject.kind.to_owned(),
            subject_id: subject.id,
            subject_name: subject.name,
            detail: detail.to_string(),
            ip: (!is_system).then(|| origin.ip.to_string()),
            user_agent: origin.user_agent,
            request_id: origin.request_id,
            sealed: None,
        };
        Ok(audit::insert(tx, &event).await?)
    }
}

fn actor(caller: &Caller) -> (&'static str, Option<Id<audit::Event>>, String) {
    let (kind, id, name) = match caller {
        Caller::User(it) => (ActorKind::User, Some(it.user.cast()), it.email.clone()),
        Caller::AgentToken(it) => (ActorKind::AgentToken, Some(it.token.cast()), it.public_id.to_string()),
        Caller::Session(it) => (ActorKind::Agent, Some(it.agent.cast()), it.name.clone()),
        Caller::Job(it) => (ActorKind::Job, Some(it.job.cast()), it.public_id.to_string()),
        Caller::Operator(_) => (ActorKind::Operator, None, "operator".to_owned()),
        Caller::System(reason) => (ActorKind::System, None, (*reason).to_owned()),
        Caller::Anonymous(_) => (ActorKind::Anonymous, None, String::new()),
    };
    (kind.as_str(), id, name)
}
