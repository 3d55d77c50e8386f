//! Signing in, and proving that it is still oneself, by a passkey: its form stands on the pages of the password.

use crate::form::Posted;
use crate::frame::{self, Answer};
use crate::person::{self, passkeys};
use crate::visit::Anyone;

use super::typed::Typed;
use super::{password, posted_way, prove as proof};

/// Signs in, and leads to where one wanted to go.
pub(crate) async fn sign_in(anyone: Anyone, form: Posted) -> Answer {
    let to = posted_way(&form);
    match passkeys::sign_in(&anyone, &passkeys::answer(&form)).await {
        Ok(cookie) => Ok(person::signed(cookie, frame::to(&to))),
        Err(error) => password::again(&anyone, to, error),
    }
}

/// Takes the passkey, and leads back.
pub(crate) async fn prove(anyone: Anyone, form: Posted) -> Answer {
    let (own, to) = (person::own(&anyone).await?, posted_way(&form));
    let typed = Typed::posted(&form, &own.0);
    match passkeys::prove(&anyone.site.control, &own.0, &passkeys::answer(&form)).await {
        Ok(()) => proof::proved(&anyone, typed, &to),
        Err(error) => proof::again(&anyone, own, to, typed, error).await,
    }
}
