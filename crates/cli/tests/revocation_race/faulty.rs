//! Registrations with a planted fault, over the same rows: what the two checks must catch.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use countersign_control::access::AgentTokenCaller;
use countersign_control::access::actions::{CreateAgentToken, RevokeAgentToken};
use countersign_control::agent_tokens::{Issued, NewAgentToken, Revocation, TokenReference};
use countersign_control::agents::Reach;
use countersign_control::{Caller, Error};
use countersign_domain::id::{AuditEventId, Id};
use countersign_domain::{Entropy, Refusal};
use countersign_store::{Lane, StoreError, audit};
use countersign_testkit::harness::moment::{self, Instant};
use countersign_testkit::harness::race::{Gate, Use};
use countersign_testkit::{SeededEntropy, World};

/// How long the planted cache believes what it has seen.
const BELIEF: Duration = Duration::from_millis(50);
/// How long a planted registration dawdles between its look and its write.
const DAWDLE: Duration = Duration::from_millis(3);

/// What is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// A credential that was accepted is believed for 50 ms.
    Cache,
    /// The credential is looked at, and later the agent is written.
    CheckThenInsert,
}

impl Fault {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Cache => "a cache of 50 ms",
            Self::CheckThenInsert => "check, then insert",
        }
    }
}

/// Registers agents with the fault.
pub struct FaultyGate {
    world: World,
    fault: Fault,
    entropy: SeededEntropy,
    believed: Mutex<HashMap<String, (Instant, AgentTokenCaller)>>,
}

impl FaultyGate {
    pub fn new(world: World, fault: Fault) -> Self {
        Self { world, fault, entropy: SeededEntropy::new(16), believed: Mutex::default() }
    }

    pub const fn world(&self) -> &World {
        &self.world
    }

    async fn look(&self, value: &str) -> Result<AgentTokenCaller, Error> {
        match self.world.authenticate(value).await? {
            Caller::AgentToken(caller) => Ok(caller),
            _ => Err(Error::internal("the value of another kind")),
        }
    }

    async fn check(&self, value: &str) -> Result<AgentTokenCaller, Error> {
        if self.fault == Fault::CheckThenInsert {
            let caller = self.look(value).await;
            moment::sleep(DAWDLE).await;
            return caller;
        }
        let believed = self.believed.lock().unwrap_or_else(PoisonError::into_inner).get(value).cloned();
        if let Some((since, caller)) = believed
            && moment::since(since) < BELIEF
        {
            return Ok(caller);
        }
        let caller = self.look(value).await?;
        let mut cache = self.believed.lock().unwrap_or_else(PoisonError::into_inner);
        cache.insert(value.to_owned(), (moment::now(), caller.clone()));
        Ok(caller)
    }

    /// Writes what tells of a registration, and asks nothing.
    async fn insert(&self, caller: &AgentTokenCaller) -> Result<(), StoreError> {
        let now = self.world.control.now();
        let id: AuditEventId = Id::new(now, &self.entropy);
        let event = audit::Event {
            id: id.cast(),
            organization: caller.organization,
            occurred_at: now,
            actor_kind: "agent_token".to_owned(),
            actor_id: Some(caller.token.cast()),
            actor_name: caller.public_id.to_string(),
            credential: Some(caller.public_id.to_string()),
            action: "agent.registered".to_owned(),
            subject_kind: "agent".to_owned(),
            subject_id: Id::from_bytes(self.entropy.bytes16()),
            subject_name: "agent".to_owned(),
            detail: "{}".to_owned(),
            ip: None,
            user_agent: None,
            request_id: None,
            sealed: None,
        };
        let store = self.world.control.store();
        store.transact(Lane::Normal, event, |tx, event| Box::pin(audit::insert(tx, event))).await
    }
}

impl Gate for FaultyGate {
    type Key = Issued;
    type Line = ();

    async fn line(&self) {}

    async fn issue(&self) -> Issued {
        let new = NewAgentToken { description: Some("race".to_owned()), ..NewAgentToken::default() };
        let grant = self.world.admin::<CreateAgentToken>();
        self.world.control.create_agent_token(&grant, new).await.expect("a token")
    }

    async fn enter(&self, (): &mut (), key: &Issued) -> Use {
        match self.check(key.secret.reveal()).await {
            Ok(caller) => match self.insert(&caller).await {
                Ok(()) => Use::Accepted,
                Err(error) => Use::Unexpected(error.to_string()),
            },
            Err(Error::Unauthenticated { reason: Refusal::Revoked, .. }) => Use::Refused,
            Err(error) => Use::Unexpected(error.to_string()),
        }
    }

    async fn revoke(&self, key: &Issued) -> Instant {
        let revocation = Revocation {
            token: TokenReference::Id(key.token.token.id),
            reason: "race".to_owned(),
            connected_agents: Reach::Keep,
            expected: None,
        };
        let grant = self.world.admin::<RevokeAgentToken>();
        self.world.control.revoke_agent_token(&grant, revocation).await.expect("the revocation");
        moment::now()
    }
}
