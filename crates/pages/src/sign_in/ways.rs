//! Ways to show who one is beside a password: a passkey, and a provider.

use askama::Template;
use askama::filters::HtmlSafe;
use countersign_control::signing_in::PasskeyQuestion;
use countersign_control::{Caller, Control, Result};
use countersign_domain::Timestamp;

use crate::parts::PasskeyForm;
use crate::person::{passkeys, provider};

use super::leading;
use super::typed::Typed;

/// What is there of them; each is a form.
#[derive(Debug, Clone, Template)]
#[template(path = "parts/ways.html")]
pub(crate) struct Ways {
    passkey: Option<PasskeyForm>,
    /// The host of the provider.
    provider: Option<String>,
    /// Where a provider is asked for.
    action: &'static str,
    /// What stands before its host.
    words: &'static str,
    to: String,
    /// Whether a form waits, which is lost on the way to a provider.
    loses_form: bool,
}

impl HtmlSafe for Ways {}

impl Ways {
    /// To look at: both of them.
    pub(crate) fn sample(to: &str) -> Self {
        let question =
            PasskeyQuestion { options: Default::default(), challenge: String::new(), expires_at: Timestamp::EPOCH };
        let form =
            PasskeyForm { action: "/sign-in/passkey", words: "Sign in with a passkey", ..shown(question, to, to) };
        Self {
            passkey: Some(form),
            provider: Some("id.example".to_owned()),
            action: "/sign-in/provider",
            words: "Sign in with",
            to: to.to_owned(),
            loses_form: false,
        }
    }
}

impl Ways {
    /// Whether there is any.
    pub const fn are_any(&self) -> bool {
        self.passkey.is_some() || self.provider.is_some()
    }

    /// None of them, for a test.
    #[cfg(test)]
    pub fn none() -> Self {
        Self { passkey: None, provider: None, ..Self::sample("/") }
    }

    /// For whoever wants to sign in.
    pub fn to_sign_in(control: &Control, to: &str) -> Result<Self> {
        let form = |question| PasskeyForm {
            action: "/sign-in/passkey",
            words: "Sign in with a passkey",
            ..shown(question, "/sign-in", to)
        };
        Ok(Self {
            passkey: passkeys::question(control)?.map(form),
            provider: provider::host(control),
            action: "/sign-in/provider",
            words: "Sign in with",
            to: to.to_owned(),
            loses_form: false,
        })
    }

    /// For whoever is signed in and proves that it is still them: what they have of it.
    pub async fn to_prove(control: &Control, caller: &Caller, to: &str, typed: Option<Typed>) -> Result<Self> {
        let loses_form = typed.is_some();
        let form = |question| PasskeyForm {
            action: "/prove/passkey",
            words: "Confirm with a passkey",
            typed,
            ..shown(question, "/prove", to)
        };
        Ok(Self {
            passkey: passkeys::own_question(control, caller).await?.map(form),
            provider: provider::proves(control, caller).await?,
            action: "/prove/provider",
            words: "Confirm with",
            to: to.to_owned(),
            loses_form,
        })
    }
}

fn shown(question: PasskeyQuestion, page: &str, to: &str) -> PasskeyForm {
    PasskeyForm {
        is_new: false,
        action: "",
        words: "",
        question,
        again: leading(page, to),
        to: to.to_owned(),
        name: None,
        typed: None,
    }
}
