//! Whether an agent is within its token's scope: its deployment and its queue. Its address is asked on every call.

use countersign_domain::Scope;
use countersign_store::agents::Agent;
use countersign_store::tokens::scopes;
use countersign_store::{Tx, organizations};

use crate::Result;

/// Whether the token's scope, as it is now, lets an agent take work.
pub(crate) async fn may_work(tx: &mut Tx, agent: &Agent) -> Result<bool> {
    match scopes::find(tx, agent.organization, agent.token).await? {
        Some(scope) => is_within(tx, &scope, agent).await,
        None => Ok(false),
    }
}

/// Whether an agent is within this scope. An agent whose deployment is gone is within none.
pub(crate) async fn is_within(tx: &mut Tx, scope: &Scope, agent: &Agent) -> Result<bool> {
    let deployment = organizations::find_deployment(tx, agent.organization, agent.deployment).await?;
    Ok(deployment.is_some_and(|it| {
        scope.allows_deployment(it.id, it.parent.is_some()) && scope.allows_queue_named(&agent.queue)
    }))
}
