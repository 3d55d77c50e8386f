//! Those who call in the cases of operations, and how their credentials end.

use std::sync::Arc;

use countersign_control::Caller;
use countersign_control::access::actions::{DisconnectAgent, ManageOperatorTokens, RevokeUserToken};
use countersign_control::agent_tokens::NewAgentToken;
use countersign_control::agents::Reach;
use countersign_control::user_tokens::UserTokenReference;
use countersign_domain::{Refusal, Role, TokenSecret};
use countersign_testkit::World;

use crate::acting::{Agent, Job, another_token, build, caller, connect, finish, may, next, person, start, take, token};
use crate::operations::By;
use crate::tokens::revoke;

/// Those who call, with credentials of their own, in a queue of their own.
pub struct Cast {
    pub person: Caller,
    pub person_secret: Arc<TokenSecret>,
    pub operator: Caller,
    pub holder: Caller,
    pub holder_secret: Arc<TokenSecret>,
    pub holder_token: countersign_domain::id::TokenId,
    pub agent: Agent,
    pub job: Job,
    pub queue: String,
}

impl Cast {
    /// Fresh ones.
    pub async fn new(world: &World) -> Self {
        let (control, acme) = (&world.control, &world.acme);
        let number = next();
        let queue = format!("q{number}");
        let first = person(control, acme, &format!("p{number}@acme.example"), Role::Admin).await;
        let (person_secret, person) = another_token(control, &first).await;
        let manage = may::<ManageOperatorTokens>(control, &world.operator);
        let (_, operator) = control.create_operator_token(&manage, "robot").await.expect("made");
        let issued = token(world, NewAgentToken::default()).await;
        let tag = format!("queue={queue}");
        let agent = connect(control, issued.secret.reveal(), &[&tag]).await;
        build(control, acme, &in_queue(&queue)).await;
        let worker = connect(control, acme.agent_token(), &[&tag]).await;
        let job = take(control, &worker).await;
        start(control, &job).await;
        Self {
            person,
            person_secret,
            operator: caller(control, operator.reveal()).await,
            holder: caller(control, issued.secret.reveal()).await,
            holder_secret: issued.secret,
            holder_token: issued.token.token.id,
            agent,
            job,
            queue,
        }
    }

    /// Who calls an operation.
    pub fn of(&self, by: By) -> &Caller {
        match by {
            By::Person => &self.person,
            By::Operator => &self.operator,
            By::AgentToken => &self.holder,
            By::Session => &self.agent.caller,
            By::Job => &self.job.caller,
        }
    }

    /// Ends the credential of whoever calls; answers how it is refused from then on.
    pub async fn end(&self, world: &World, by: By) -> Refusal {
        let control = &world.control;
        match by {
            By::Person => {
                let own = UserTokenReference::PublicId(self.person_secret.public_id().clone());
                let grant = may::<RevokeUserToken>(control, &self.person);
                control.revoke_user_token(&grant, own, None).await.expect("revoked");
                Refusal::Revoked
            }
            By::Operator => {
                let id = self.operator.public_id().expect("a token's");
                let manage = may::<ManageOperatorTokens>(control, &world.operator);
                control.revoke_operator_token(&manage, id, "gone").await.expect("revoked");
                Refusal::Revoked
            }
            By::AgentToken => {
                revoke(world, self.holder_token, Reach::Keep).await;
                Refusal::Revoked
            }
            By::Session => {
                let grant = may::<DisconnectAgent>(control, &self.agent.caller);
                control.disconnect_agent(&grant).await.expect("gone");
                Refusal::Expired
            }
            By::Job => {
                finish(control, &self.job, "0").await;
                Refusal::Expired
            }
        }
    }
}

/// A pipeline of one step in a queue.
pub fn in_queue(queue: &str) -> String {
    format!("steps: [{{command: echo, agents: {{queue: {queue}}}}}]")
}
