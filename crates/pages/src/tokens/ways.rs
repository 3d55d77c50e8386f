//! What can be done with an agent token, by whoever looks at it.

use countersign_control::access::actions::{RevealAgentToken, RevokeAgentToken, RotateAgentToken, UpdateAgentToken};
use countersign_control::agent_tokens::AgentToken;
use countersign_control::revealing;

use crate::visit::Visit;
use crate::words::State;

/// Where things are done with the token, for whoever may.
#[derive(Debug, Clone, Default)]
pub(super) struct Ways {
    pub here: String,
    pub reveal: Option<String>,
    pub describe: Option<String>,
    pub edit: Option<String>,
    pub rotate: Option<String>,
    /// Where the older values are ended, while there are any.
    pub finish: Option<String>,
    pub revoke: Option<String>,
    /// Where it is chosen what becomes of agents that are still connected with a revoked token.
    pub leave: Option<String>,
}

impl Ways {
    /// For a token in this state. `has_old`: whether older values are good too; `has_agents`: whether sessions of a revoked one are left.
    pub(super) fn of(visit: &Visit, it: &AgentToken, state: State, has_old: bool, has_agents: bool) -> Self {
        let now = visit.control().now();
        let path = |below| visit.token_path(it.token.id, below);
        let may_change = state != State::Revoked && visit.can::<UpdateAgentToken>();
        let may_reveal = revealing::is_open(&it.token, now) && visit.can::<RevealAgentToken>();
        Self {
            here: path(""),
            reveal: may_reveal.then(|| path("/reveal")),
            describe: may_change.then(|| path("/edit")),
            edit: may_change.then(|| path("/permissions")),
            rotate: (state.is_live() && visit.can::<RotateAgentToken>()).then(|| path("/rotate")),
            finish: (has_old && state.is_live() && visit.can::<RotateAgentToken>()).then(|| path("/finish")),
            revoke: (state != State::Revoked && visit.can::<RevokeAgentToken>()).then(|| path("/revoke")),
            leave: (has_agents && state == State::Revoked && visit.can::<RevokeAgentToken>()).then(|| path("/revoke")),
        }
    }
}
