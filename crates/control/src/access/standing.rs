//! Asking again, inside a write's transaction, whether the caller's credential still stands.
//!
//! What says so stays as it is until the transaction ends, so a revoke either comes before, and this refuses, or after, and
//! then the write had its place before it. There is nothing between.

use countersign_domain::id::{SecretId, SignInId, TokenId};
use countersign_domain::{PublicId, Refusal, Timestamp};
use countersign_store::agents::sessions;
use countersign_store::invitations::{self, Invitation, State};
use countersign_store::tokens::secrets;
use countersign_store::{Tx, jobs, sign_ins};
use futures_util::future::BoxFuture;

use crate::{Error, Result};

use crate::jobs::LATE_CHUNKS;

use super::{Action, Caller, UserCaller, UserCredential, Who};

/// # Errors
/// [`Error::Unauthenticated`] with the reason when the credential has ended since it was checked.
pub(crate) fn still_stands<'a, A: Action>(tx: &'a mut Tx, caller: &'a Caller) -> BoxFuture<'a, Result<()>> {
    Box::pin(stands(tx, caller, A::allows(Who::EndedJob)))
}

async fn stands(tx: &mut Tx, caller: &Caller, outlives_job: bool) -> Result<()> {
    match caller {
        Caller::User(user) => {
            match user.credential {
                UserCredential::Token { token, secret, .. } => {
                    secret_stands(tx, token, secret, &user.public_id).await?;
                }
                UserCredential::SignIn { id, .. } => sign_in_stands(tx, user, id).await?,
            }
            match secrets::member_standing(tx, user.organization, user.user).await? {
                Some((role, _)) if role == user.role.0 => Ok(()),
                Some(_) => Err(Error::Denied { action: "this", needs: "the role that you had when the call began" }),
                None => Err(Error::refused(Refusal::Revoked, user.public_id.clone())),
            }
        }
        Caller::AgentToken(it) => secret_stands(tx, it.token, it.secret, &it.public_id).await,
        Caller::Operator(it) => match &it.credential {
            Some((token, secret, public_id)) => secret_stands(tx, *token, *secret, public_id).await,
            None => Ok(()),
        },
        Caller::Session(it) if it.has_left => Ok(()),
        Caller::Session(it) => match sessions::stands(tx, it.agent, it.session).await? {
            true => Ok(()),
            false => Err(Error::refused(Refusal::Expired, it.public_id.clone())),
        },
        Caller::Job(it) => {
            // For whatever else the token ends with its job.
            let ended_after = outlives_job.then(|| tx.now().minus(LATE_CHUNKS));
            match jobs::tokens::stands(tx, it.agent, it.job, ended_after).await? {
                true => Ok(()),
                false => Err(Error::refused(Refusal::Expired, it.public_id.clone())),
            }
        }
        Caller::Invitation(it) => {
            let found = invitations::find_for_update(tx, it.organization, it.invitation).await?;
            match found.and_then(|found| ended(&found, tx.now())) {
                Some(reason) => Err(Error::refused(reason, it.public_id.clone())),
                None => Ok(()),
            }
        }
        Caller::System(_) => Ok(()),
        Caller::Anonymous(_) => Err(Error::unknown()),
    }
}

/// Why an invitation is refused, if it is.
pub(super) fn ended(it: &Invitation, now: Timestamp) -> Option<Refusal> {
    match it.state(now) {
        State::Pending => None,
        State::Withdrawn => Some(Refusal::Revoked),
        State::Accepted | State::Expired => Some(Refusal::Expired),
    }
}

/// That it was not used for long is asked where the call begins, for that is a use.
async fn sign_in_stands(tx: &mut Tx, user: &UserCaller, id: SignInId) -> Result<()> {
    let now = tx.now();
    match sign_ins::standing(tx, user.user, id).await? {
        Some((_, Some(_))) => Err(Error::refused(Refusal::Revoked, user.public_id.clone())),
        Some((expires_at, None)) if expires_at > now => Ok(()),
        Some(_) => Err(Error::refused(Refusal::Expired, user.public_id.clone())),
        None => Err(Error::unknown()),
    }
}

async fn secret_stands(tx: &mut Tx, token: TokenId, secret: SecretId, id: &PublicId) -> Result<()> {
    let now = tx.now();
    let Some(it) = secrets::standing(tx, token, secret).await? else { return Err(Error::unknown()) };
    match Refusal::of_secret(it.revoked_at, it.expires_at, it.valid_until, now) {
        Some(reason) => Err(Error::refused(reason, id.clone())),
        None => Ok(()),
    }
}
