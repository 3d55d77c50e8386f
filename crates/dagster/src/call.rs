//! Who calls, and the system that answers: what every resolver works with.

use async_graphql::Context;
use countersign_control::dagster::Reached;
use countersign_control::organizations::Deployment;
use countersign_control::{Action, Caller, Control, Error, Grant};
use http::HeaderMap;

use crate::failure::Failure;

/// One call. A resolver makes its own grant from it, so that nothing is decided once for a whole document.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    pub control: Control,
    pub caller: Caller,
    /// The deployment that it names, in a header or, a person's, in its address.
    pub deployment: Option<String>,
    /// What a call that is sent again says, so that it is done once.
    pub key: Option<String>,
}

/// The header with which a call is done once, however often it is sent.
const KEY_HEADER: &str = "Idempotency-Key";

/// The key of a call.
pub(crate) fn key(headers: &HeaderMap) -> Option<String> {
    headers.get(KEY_HEADER).and_then(|it| it.to_str().ok()).filter(|it| !it.is_empty()).map(str::to_owned)
}

impl Call {
    /// The call that a resolver answers.
    pub(crate) fn of<'a>(ctx: &Context<'a>) -> &'a Self {
        ctx.data_unchecked()
    }

    /// A grant in the organization of the token, for what agents do.
    pub(crate) fn may<A: Action>(&self) -> Result<Grant<A>, Failure> {
        Ok(self.control.grant_own(&self.caller)?)
    }

    /// The same for what people do: where it fails, their API has another way to say so.
    pub(crate) fn person<A: Action>(&self) -> Result<Grant<A>, Failure> {
        self.control.grant_own(&self.caller).map_err(Failure::Person)
    }

    /// The refusal of whoever is no person, at a field that is for people.
    pub(crate) fn no_person<A: Action>(&self) -> Failure {
        self.person::<A>().err().unwrap_or_else(|| Failure::Person(Error::unknown()))
    }

    /// What is left of a call's deployments, or the refusal of all of them.
    pub(crate) fn left(&self, reached: Reached) -> Result<Vec<Deployment>, Failure> {
        match reached.withheld {
            None => Ok(reached.served),
            Some(_) => Err(self.withheld(&reached)),
        }
    }

    /// The refusal of what a call names.
    pub(crate) fn withheld(&self, reached: &Reached) -> Failure {
        match self.caller.public_id() {
            Some(token) => Failure::Withheld { words: reached.words(&token), token },
            None => Error::unknown().into(),
        }
    }
}
