//! Whether somebody who is signed in has proved of late that it is still them: a browser is left open, and a cookie can be stolen.
//!
//! What an action needs is in the table. [`Proof::Fresh`] is asked where the grant is made. What depends on the thing, such as that whoever has
//! just made a token sees its value again, is asked by the operation, and one that has not asked is undone.

use std::sync::atomic::{AtomicBool, Ordering};

use countersign_domain::id::TokenId;
use countersign_store::Tx;
use countersign_store::tokens::secrets;

use crate::signing_in::{MAKER_SEES, PROOF};
use crate::{Control, Error, Result, Scene};

use super::{Action, Caller, Proof, UserCredential};

/// A call of somebody who is signed in and has not proved of late who they are, for an action that asks.
#[derive(Debug)]
pub(crate) struct Proving {
    action: &'static str,
    was_asked: AtomicBool,
}

impl Control {
    /// Goes on if the caller needs no proof or has given one within [`PROOF`]. For pages that ask for the password before they show the rest.
    ///
    /// # Errors
    /// [`Error::Unproved`].
    pub fn must_be_proved(&self, caller: &Caller) -> Result<()> {
        if self.is_proved(caller) { Ok(()) } else { Err(Error::Unproved) }
    }

    fn is_proved(&self, caller: &Caller) -> bool {
        let Caller::User(user) = caller else { return true };
        match user.credential {
            UserCredential::Token { .. } => true,
            UserCredential::SignIn { proved_at, .. } => proved_at.is_some_and(|at| self.now() < at.plus(PROOF)),
        }
    }

    /// None for everybody who has nothing to prove.
    pub(crate) fn proving<A: Action>(&self, caller: &Caller) -> Option<Proving> {
        let asks = A::PROOF == Proof::Asked && !self.is_proved(caller);
        asks.then(|| Proving { action: A::NAME, was_asked: AtomicBool::new(false) })
    }
}

impl<I> Scene<I> {
    /// Goes on if the caller has nothing to prove.
    pub(crate) fn must_be_proved(&self) -> Result<()> {
        if self.proving.is_some() { Err(Error::Unproved) } else { Ok(()) }
    }

    /// What is done here needs no proof.
    pub(crate) fn needs_no_proof(&self) {
        if let Some(it) = &self.proving {
            it.was_asked.store(true, Ordering::Relaxed);
        }
    }

    /// Goes on if the caller has nothing to prove, or has made the newest value of this token a moment ago: they were shown it then.
    pub(crate) async fn must_be_proved_or_have_made(&self, tx: &mut Tx, token: TokenId) -> Result<()> {
        if self.proving.is_some() && self.has_just_made(tx, token).await? {
            self.needs_no_proof();
            return Ok(());
        }
        self.must_be_proved()
    }

    /// The value counts, not the token: a rotation by somebody else makes another.
    async fn has_just_made(&self, tx: &mut Tx, token: TokenId) -> Result<bool> {
        let newest = secrets::of_token(tx, token).await?.into_iter().next();
        Ok(newest.is_some_and(|it| {
            it.made_by.is_some() && it.made_by == self.caller.user() && tx.now() < it.created_at.plus(MAKER_SEES)
        }))
    }

    /// Begins anew: an operation may be run again.
    pub(super) fn no_proof_was_asked(&self) {
        if let Some(it) = &self.proving {
            it.was_asked.store(false, Ordering::Relaxed);
        }
    }

    /// Whether an operation that has done its work has asked.
    pub(crate) fn proof_was_asked(&self) -> Result<()> {
        match &self.proving {
            Some(it) if !it.was_asked.load(Ordering::Relaxed) => {
                Err(Error::internal(format!("{} was done without asking for a proof", it.action)))
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// No operation that is there forgets to ask, so none can show what becomes of one that does.
    #[test]
    fn what_has_not_asked_is_undone_and_each_run_asks_anew() {
        let asks =
            Scene::of_nobody(None, Some(Proving { action: "agent_token.reveal", was_asked: AtomicBool::new(false) }));
        assert!(matches!(asks.proof_was_asked(), Err(Error::Internal(_))), "nothing was asked");
        asks.needs_no_proof();
        assert_eq!(asks.proof_was_asked(), Ok(()));
        asks.nothing_was_asked();
        assert!(matches!(asks.proof_was_asked(), Err(Error::Internal(_))), "what the run before asked is not asked");
        assert_eq!(Scene::of_nobody(None, None).proof_was_asked(), Ok(()), "somebody who has nothing to prove");
    }
}
