//! Passkeys: what a browser is asked, and what is done with its answer.

use countersign_control::access::actions::{AddPasskey, ProveAgain, RemovePasskey, RenamePasskey, ViewPasskeys};
use countersign_control::signing_in::{OwnPasskey, PasskeyAnswer, PasskeyQuestion};
use countersign_control::{Caller, Control, Error, Result};
use countersign_domain::id::PasskeyId;

use crate::form::Posted;
use crate::visit::Anyone;

use super::{Cookie, before};

/// What was posted by a form that asked for a passkey.
pub(crate) fn answer(form: &Posted) -> PasskeyAnswer {
    PasskeyAnswer { challenge: form.text("challenge").to_owned(), credential: form.text("credential").to_owned() }
}

/// What the browser of somebody is asked who wants to sign in; none where there are no passkeys.
pub(crate) fn question(control: &Control) -> Result<Option<PasskeyQuestion>> {
    if control.has_passkeys() { control.ask_for_passkey().map(Some) } else { Ok(None) }
}

/// The same of somebody who proves that it is still them; none for whoever has no passkey.
pub(crate) async fn own_question(control: &Control, caller: &Caller) -> Result<Option<PasskeyQuestion>> {
    if !control.has_passkeys() {
        return Ok(None);
    }
    match control.ask_for_own_passkey(&control.grant_own::<ProveAgain>(caller)?).await {
        Ok(question) => Ok(Some(question)),
        Err(Error::NotFound(_)) => Ok(None),
        Err(error) => Err(error),
    }
}

/// What the browser of somebody is asked who adds a passkey.
pub(crate) async fn new_question(control: &Control, caller: &Caller) -> Result<PasskeyQuestion> {
    control.ask_for_new_passkey(&control.grant_own::<AddPasskey>(caller)?).await
}

/// Signs somebody in by a passkey.
pub(crate) async fn sign_in(anyone: &Anyone, answer: &PasskeyAnswer) -> Result<Cookie> {
    let signed_in = anyone.site.control.sign_in_by_passkey(&before(anyone).await?, answer).await?;
    Cookie::of(anyone, &signed_in)
}

/// Takes a passkey of somebody who is signed in.
pub(crate) async fn prove(control: &Control, caller: &Caller, answer: &PasskeyAnswer) -> Result<()> {
    control.prove_by_passkey(&control.grant_own::<ProveAgain>(caller)?, answer).await.map(drop)
}

/// Somebody's passkeys, newest first.
pub(crate) async fn list(control: &Control, caller: &Caller) -> Result<Vec<OwnPasskey>> {
    control.list_passkeys(&control.grant_own::<ViewPasskeys>(caller)?).await
}

/// One of them, by its id.
pub(crate) async fn find(control: &Control, caller: &Caller, id: &str) -> Result<OwnPasskey> {
    let not_found = || Error::NotFound("passkey");
    let id: PasskeyId = id.parse().map_err(|_| not_found())?;
    list(control, caller).await?.into_iter().find(|it| it.id == id).ok_or_else(not_found)
}

/// Adds the passkey that somebody's browser has made.
pub(crate) async fn add(control: &Control, caller: &Caller, answer: &PasskeyAnswer, name: Option<&str>) -> Result<()> {
    control.add_passkey(&control.grant_own::<AddPasskey>(caller)?, answer, name).await.map(drop)
}

/// Calls one of somebody's passkeys something else.
pub(crate) async fn rename(control: &Control, caller: &Caller, passkey: &OwnPasskey, name: &str) -> Result<()> {
    control.rename_passkey(&control.grant_own::<RenamePasskey>(caller)?, passkey.id, name).await.map(drop)
}

/// Takes one of somebody's passkeys away.
pub(crate) async fn remove(control: &Control, caller: &Caller, passkey: &OwnPasskey) -> Result<()> {
    control.remove_passkey(&control.grant_own::<RemovePasskey>(caller)?, passkey.id).await
}

/// Whether somebody may take a passkey away now: once they have proved who they are.
pub(crate) fn may_remove(control: &Control, caller: &Caller) -> Result<()> {
    control.grant_own::<RemovePasskey>(caller).map(drop)
}
