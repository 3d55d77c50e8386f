//! The provider of sign-ins: sending a browser there, and what is done when it is back.
//!
//! What the browser is to do afterwards goes with it, in the cookie of the question: nobody else sees that, and the provider is told nothing of it.

use axum::response::Response;
use countersign_control::access::actions::{AcceptInvitation, ForgetIdentity, ProveAgain, ViewSignIns};
use countersign_control::signing_in::{AskedFor, Identity, ProviderAnswer, ProviderQuestion};
use countersign_control::{Caller, Control, Error, Grant, Result};
use countersign_http::ProviderCookie;
use http::header::SET_COOKIE;
use url::form_urlencoded;

use crate::query::Query;
use crate::visit::Anyone;

use super::{Cookie, before, invited};

/// The most bytes of what goes along: with the question it fits into the 4 KiB that browsers keep of a cookie.
const MAX_ERRAND: usize = 2_500;
/// Stands between the question and what goes along. Neither holds it: one is base64url, the other a form.
const BETWEEN: char = '~';

/// What a browser is to do once it is back.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Errand {
    /// Where it is led.
    pub to: String,
    /// The value of the invitation that somebody accepts; a secret.
    pub invitation: String,
    /// What they want to be called.
    pub name: String,
}

impl Errand {
    /// Leading somewhere; back to the start page where the way is too long to be kept.
    pub(crate) fn to(path: &str) -> Self {
        let it = Self { to: path.to_owned(), ..Self::default() };
        if it.text().len() > MAX_ERRAND { Self { to: "/".to_owned(), ..Self::default() } } else { it }
    }

    /// Accepting an invitation.
    ///
    /// # Errors
    /// [`Error::Invalid`] where both are more than is kept.
    pub(crate) fn invitation(value: &str, name: Option<&str>) -> Result<Self> {
        let it = Self { to: "/".to_owned(), invitation: value.to_owned(), name: name.unwrap_or_default().to_owned() };
        if it.text().len() > MAX_ERRAND {
            return Err(Error::invalid("name", "is too long"));
        }
        Ok(it)
    }

    fn text(&self) -> String {
        let fields = [("to", &self.to), ("link", &self.invitation), ("name", &self.name)];
        let kept = fields.into_iter().filter(|(_, value)| !value.is_empty());
        form_urlencoded::Serializer::new(String::new()).extend_pairs(kept).finish()
    }

    fn read(text: &str) -> Self {
        let mut it = Self::default();
        for (name, value) in form_urlencoded::parse(text.as_bytes()) {
            match &*name {
                "to" => it.to = value.into_owned(),
                "link" => it.invitation = value.into_owned(),
                "name" => it.name = value.into_owned(),
                _ => {}
            }
        }
        it
    }
}

/// Where a browser is sent, and what it keeps meanwhile.
pub(crate) struct Sent {
    /// An address of the provider's.
    pub url: String,
    cookie: Cookie,
}

impl Sent {
    fn of(anyone: &Anyone, question: ProviderQuestion, errand: &Errand) -> Result<Self> {
        let kept = format!("{}{BETWEEN}{}", question.cookie, errand.text());
        let cookie = ProviderCookie::of(anyone.site.public_url()).set(&kept)?;
        Ok(Self { url: question.url, cookie: Cookie(cookie) })
    }

    /// The answer by which the browser keeps it.
    pub(crate) fn with(self, mut answer: Response) -> Response {
        answer.headers_mut().append(SET_COOKIE, self.cookie.0);
        answer
    }
}

/// What a browser has come back with.
pub(crate) struct Back {
    pub answer: ProviderAnswer,
    pub asked_for: AskedFor,
    pub errand: Errand,
}

/// The host of the provider, for people; none where there is none.
pub(crate) fn host(control: &Control) -> Option<String> {
    control.provider().map(|it| it.host().to_owned())
}

/// Sends somebody there to sign in.
pub(crate) async fn ask(anyone: &Anyone, to: &str) -> Result<Sent> {
    Sent::of(anyone, anyone.site.control.ask_provider().await?, &Errand::to(to))
}

/// Sends somebody there who is signed in, to show who they are once more.
pub(crate) async fn ask_again(anyone: &Anyone, caller: &Caller, to: &str) -> Result<Sent> {
    let control = &anyone.site.control;
    let question = control.ask_provider_again(&control.grant_own::<ProveAgain>(caller)?).await?;
    Sent::of(anyone, question, &Errand::to(to))
}

/// Sends somebody there who holds an invitation.
pub(crate) async fn ask_invited(anyone: &Anyone, value: &str, name: Option<&str>) -> Result<Sent> {
    let errand = Errand::invitation(value, name)?;
    let grant = invited(anyone, &before(anyone).await?, value).await?;
    Sent::of(anyone, anyone.site.control.ask_provider_of_invited(&grant).await?, &errand)
}

/// What a browser has come back with; none where it was not sent from here, or so long ago that it has forgotten.
pub(crate) fn back(anyone: &Anyone, query: &Query) -> Option<Back> {
    let kept = ProviderCookie::of(anyone.site.public_url()).value(&anyone.parts.headers).ok()??;
    let (cookie, errand) = kept.rsplit_once(BETWEEN)?;
    let said = |name| query.said(name).unwrap_or_default().to_owned();
    let answer = ProviderAnswer { cookie: cookie.to_owned(), state: said("state"), code: said("code") };
    Some(Back { asked_for: answer.asked_for()?, answer, errand: Errand::read(errand) })
}

/// An answer by which the browser forgets what it kept.
pub(crate) fn forgotten(anyone: &Anyone, mut answer: Response) -> Response {
    if let Ok(cookie) = ProviderCookie::of(anyone.site.public_url()).clear() {
        answer.headers_mut().append(SET_COOKIE, cookie);
    }
    answer
}

/// Signs somebody in by what their browser has come back with.
pub(crate) async fn sign_in(anyone: &Anyone, answer: &ProviderAnswer) -> Result<Cookie> {
    let browser = before(anyone).await?;
    let signed_in = Box::pin(anyone.site.control.sign_in_by_provider(&browser, answer)).await?;
    Cookie::of(anyone, &signed_in)
}

/// Takes the word of the provider for somebody who is signed in.
pub(crate) async fn prove(control: &Control, caller: &Caller, answer: &ProviderAnswer) -> Result<()> {
    Box::pin(control.prove_by_provider(&control.grant_own::<ProveAgain>(caller)?, answer)).await.map(drop)
}

/// Makes the holder of an invitation a member by the word of the provider, and signs them in.
pub(crate) async fn accept(anyone: &Anyone, back: &Back) -> Result<Cookie> {
    let browser = before(anyone).await?;
    let grant: Grant<AcceptInvitation> = invited(anyone, &browser, &back.errand.invitation).await?;
    let name = Some(back.errand.name.as_str()).filter(|name| !name.is_empty());
    let control = &anyone.site.control;
    let signed_in = Box::pin(control.accept_invitation_by_provider(&grant, &browser, name, &back.answer)).await?;
    Cookie::of(anyone, &signed_in)
}

/// By what providers mean somebody.
pub(crate) async fn identities(control: &Control, caller: &Caller) -> Result<Vec<Identity>> {
    control.list_identities(&control.grant_own::<ViewSignIns>(caller)?).await
}

/// The host of the provider, if somebody can prove by it who they are: it means them already.
pub(crate) async fn proves(control: &Control, caller: &Caller) -> Result<Option<String>> {
    let Some(provider) = control.provider() else { return Ok(None) };
    let known = identities(control, caller).await?;
    Ok(known.iter().any(|it| it.issuer == provider.issuer()).then(|| provider.host().to_owned()))
}

/// Has a provider mean somebody no more.
pub(crate) async fn forget(control: &Control, caller: &Caller, issuer: &str) -> Result<()> {
    control.forget_identity(&control.grant_own::<ForgetIdentity>(caller)?, issuer).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_errand_comes_back_as_it_went() {
        let long = format!("/{}", "a".repeat(MAX_ERRAND));
        for to in ["/", "/organizations/acme/agents?search=a~b&c=%7E;\"", "/a,b"] {
            let text = Errand::to(to).text();
            assert!(text.bytes().all(|it| it.is_ascii_graphic() && !b"~;,\"\\".contains(&it)), "{text}");
            assert_eq!(Errand::read(&text), Errand::to(to));
            assert_eq!(Errand::to(to).to, to);
        }
        assert_eq!(Errand::to(&long).to, "/");
        let it = Errand::invitation("csniv_a_b", Some("Ädä ~ Lovelace; x")).expect("it is kept");
        assert_eq!(Errand::read(&it.text()), it);
        assert!(!it.text().contains(['~', ';', ' ']), "{}", it.text());
        assert!(Errand::invitation("csniv_a_b", Some(&long)).is_err());
    }
}
