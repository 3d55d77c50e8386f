//! Who calls, and the system that answers: what every resolver works with.

use std::sync::Arc;

use async_graphql::Context;
use async_graphql::ID;
use countersign_control::{Action, Caller, Control, Grant, Result};
use countersign_domain::id::OrganizationId;

use crate::global_id::{self, Sort};
use crate::limits::Told;

/// One call. A resolver makes its own grant from it, so that nothing is decided once for a whole document.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    pub control: Control,
    pub caller: Caller,
    /// What the answer has of runs.
    pub told: Arc<Told>,
}

impl Call {
    /// The call that a resolver answers.
    pub(crate) fn of<'a>(ctx: &Context<'a>) -> &'a Self {
        ctx.data_unchecked()
    }

    /// A grant in the caller's own organization.
    pub(crate) fn may<A: Action>(&self) -> Result<Grant<A>> {
        self.control.grant_own(&self.caller)
    }

    /// A grant in the organization that an input names.
    pub(crate) fn may_in<A: Action>(&self, organization: &ID) -> Result<Grant<A>> {
        let organization: OrganizationId = global_id::expect(organization, Sort::Organization)?;
        self.control.grant(&self.caller, organization)
    }
}
