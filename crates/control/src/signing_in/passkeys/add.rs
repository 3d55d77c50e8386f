//! Adding a passkey.

use countersign_store::passkeys::{self, Passkey as Row};
use countersign_store::{Lane, Tx};
use serde_json::json;
use webauthn_rs::prelude::{PasskeyRegistration, RegisterPublicKeyCredential};

use crate::access::actions::AddPasskey;
use crate::scene::Subject;
use crate::signing_in::challenge::{Answer, Challenge, Purpose};
use crate::signing_in::of_call;
use crate::{Control, Error, Grant, Result, Scene};

use super::ask::descriptors;
use super::{MAX_PASSKEYS, OwnPasskey, PasskeyAnswer, PasskeyQuestion, name, not_taken};

struct Input {
    new: Row,
    answer: Answer,
}

impl Control {
    /// What the browser of somebody is asked who adds a passkey: to make one that it finds by itself, and that verifies its person.
    ///
    /// # Errors
    /// [`Error::Conflict`] for somebody who has [`MAX_PASSKEYS`], and where there are none; [`Error::NotFound`] for a call with a user token:
    /// whoever stole one could sign in from then on.
    pub async fn ask_for_new_passkey(&self, grant: &Grant<AddPasskey>) -> Result<PasskeyQuestion> {
        let (user, id) = (grant.user()?, of_call(grant)?);
        let site = self.passkey_site()?;
        let own = self
            .read(grant, user.user, |tx, scene| Box::pin(async move { Ok(passkeys::of_user(tx, scene.input).await?) }))
            .await?;
        room_for_one(&own)?;
        let called = if user.name.is_empty() { &user.email } else { &user.name };
        let (asked, state) =
            site.start_passkey_registration(user.user.uuid(), &user.email, called, None).map_err(Error::internal)?;
        let mut options = serde_json::to_value(asked).map_err(Error::internal)?;
        let selection = &mut options["publicKey"]["authenticatorSelection"];
        selection["residentKey"] = json!("required");
        selection["requireResidentKey"] = json!(true);
        options["publicKey"]["excludeCredentials"] = descriptors(&own);
        self.question(Purpose::Add(user.user, id), options, &state)
    }

    /// Adds the passkey that the caller's browser has made; they sign in by it from then on.
    ///
    /// # Errors
    /// [`Error::Invalid`] at `name`, and at `passkey` for one that was made too late, before, for another site, or does not verify its person;
    /// [`Error::Conflict`] for one that is here already, and as [`Control::ask_for_new_passkey`]; [`Error::NotFound`] for a call with a user
    /// token.
    pub async fn add_passkey(
        &self,
        grant: &Grant<AddPasskey>,
        answer: &PasskeyAnswer,
        called: Option<&str>,
    ) -> Result<OwnPasskey> {
        let (user, id) = (grant.user()?.user, of_call(grant)?);
        let site = self.passkey_site()?;
        let name = name(called)?;
        let shown: RegisterPublicKeyCredential = answer.credential()?;
        let asked: Challenge<PasskeyRegistration> = self.asked(Purpose::Add(user, id), answer)?;
        let made = site.finish_passkey_registration(&shown, &asked.state).map_err(|error| {
            tracing::info!(%error, "a passkey was made and not taken");
            not_made()
        })?;
        let new = Row {
            id: self.fresh_id(),
            user,
            credential: made.cred_id().clone(),
            kept: serde_json::to_string(&made).map_err(Error::internal)?,
            name,
            created_at: self.now(),
            used_at: None,
        };
        let input = Input { new, answer: asked.answer };
        self.write(grant, Lane::Normal, input, |tx, scene| Box::pin(add(tx, scene))).await
    }
}

async fn add(tx: &mut Tx, scene: &Scene<Input>) -> Result<OwnPasskey> {
    let Input { new, answer } = &scene.input;
    if !answer.take(tx, new.user).await? {
        return Err(not_taken());
    }
    room_for_one(&passkeys::of_user(tx, new.user).await?)?;
    if !passkeys::insert(tx, new).await? {
        return Err(Error::Conflict("This passkey was added before.".to_owned()));
    }
    let subject = Subject::new("passkey", new.id, new.name.as_str());
    scene.audit(tx, "passkey.added", subject, json!({})).await?;
    Ok(new.clone().into())
}

fn room_for_one(own: &[Row]) -> Result<()> {
    if own.len() < MAX_PASSKEYS {
        return Ok(());
    }
    Err(Error::Conflict(format!("You have {MAX_PASSKEYS} passkeys, and more are not possible; remove one first.")))
}

fn not_made() -> Error {
    Error::invalid(
        "passkey",
        "This passkey was not taken: it was made for another site, or does not verify who shows it. Try again, or take another one.",
    )
}
