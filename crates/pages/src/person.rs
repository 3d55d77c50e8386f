//! Who looks at a page, and how they sign in: this module alone knows how that is done below this crate.

pub(crate) mod passkeys;
pub(crate) mod provider;

use axum::response::Response;
use countersign_control::access::actions::{AcceptInvitation, ChangePassword, EndSignIns, ProveAgain, ViewSignIns};
use countersign_control::organizations::Organization;
use countersign_control::signing_in::{Attempt, Ending, OwnSignIn, SignedIn};
use countersign_control::{Caller, Control, Error, Grant, Presented, Result};
use countersign_domain::{Password, Refusal, Role};
use countersign_http::SignInCookie;
use http::HeaderValue;
use http::header::{COOKIE, SET_COOKIE};
use http::request::Parts;

use crate::failure::Failure;
use crate::visit::Anyone;

/// Whoever is signed in, in the organization of this slug or in the one that they work in now; [`Caller::Anonymous`] when nobody is.
pub(crate) async fn signed_in(control: &Control, parts: &Parts, organization: Option<&str>) -> Result<Caller> {
    countersign_http::signed_in(control, parts, organization).await
}

/// Whether a change was asked for by a page of this server.
pub(crate) fn is_same_origin(parts: &Parts, public_url: &str) -> bool {
    countersign_http::same_origin(parts, public_url).is_ok()
}

/// Whether an operation wants its caller to prove again who they are.
pub(crate) const fn wants_proof(error: &Error) -> bool {
    matches!(error, Error::Unproved)
}

/// Whether they have done that lately.
pub(crate) fn is_proved(control: &Control, caller: &Caller) -> bool {
    control.must_be_proved(caller).is_ok()
}

/// Whoever is signed in, with their address; anyone else is led to signing in.
pub(crate) async fn own(anyone: &Anyone) -> std::result::Result<(Caller, String), Failure> {
    let caller = signed_in(&anyone.site.control, &anyone.parts, None).await?;
    match &caller {
        Caller::User(user) => {
            let email = user.email.clone();
            Ok((caller, email))
        }
        _ => Err(Failure::SignedOut),
    }
}

/// The header by which a browser keeps a sign-in, or forgets it.
pub(crate) struct Cookie(HeaderValue);

impl Cookie {
    fn of(anyone: &Anyone, signed_in: &SignedIn) -> Result<Self> {
        SignInCookie::of(anyone.site.public_url()).set(&signed_in.secret).map(Self)
    }
}

/// An answer by which the browser keeps the sign-in, or forgets it.
pub(crate) fn signed(cookie: Cookie, mut answer: Response) -> Response {
    answer.headers_mut().append(SET_COOKIE, cookie.0);
    answer
}

/// Who the browser was before; a cookie that is accepted no more is none.
async fn before(anyone: &Anyone) -> Result<Caller> {
    match signed_in(&anyone.site.control, &anyone.parts, None).await {
        Err(Error::Unauthenticated { .. } | Error::NotFound(_)) => {
            let mut parts = anyone.parts.clone();
            parts.headers.remove(COOKIE);
            signed_in(&anyone.site.control, &parts, None).await
        }
        other => other,
    }
}

/// Signs somebody in by address and password.
pub(crate) async fn sign_in(anyone: &Anyone, email: &str, password: &str) -> Result<Cookie> {
    let attempt = Attempt { email: email.to_owned(), password: Password::shown(password) };
    let signed_in = anyone.site.control.sign_in(&before(anyone).await?, attempt).await?;
    Cookie::of(anyone, &signed_in)
}

/// Signs somebody in by a link that was made for them, with the password that they want from now on.
pub(crate) async fn use_link(anyone: &Anyone, value: &str, password: &str) -> Result<Cookie> {
    let signed_in = anyone.site.control.use_sign_in_link(&before(anyone).await?, value, password).await?;
    Cookie::of(anyone, &signed_in)
}

/// What the holder of an invitation may do with it.
async fn invited(anyone: &Anyone, browser: &Caller, value: &str) -> Result<Grant<AcceptInvitation>> {
    let control = &anyone.site.control;
    let caller = control.authenticate(Presented { value: Some(value), origin: browser.origin() }).await?;
    control.grant_own(&caller)
}

/// Makes the holder of an invitation a member, with the password that they want from now on, and signs them in.
pub(crate) async fn accept(anyone: &Anyone, value: &str, name: Option<&str>, password: &str) -> Result<Cookie> {
    let control = &anyone.site.control;
    let browser = before(anyone).await?;
    let grant = invited(anyone, &browser, value).await?;
    let signed_in = control.accept_invitation_and_sign_in(&grant, &browser, name, password).await?;
    Cookie::of(anyone, &signed_in)
}

/// Whether somebody has a password to show again.
pub(crate) async fn has_password(control: &Control, caller: &Caller) -> Result<bool> {
    control.proves_by_password(&control.grant_own::<ProveAgain>(caller)?).await
}

/// Takes somebody's password again.
pub(crate) async fn prove(control: &Control, caller: &Caller, password: &str) -> Result<()> {
    control.prove_again(&control.grant_own::<ProveAgain>(caller)?, Password::shown(password)).await.map(drop)
}

/// Ends the sign-in that is shown; one that has ended is forgotten all the same.
pub(crate) async fn sign_out(anyone: &Anyone) -> Result<Cookie> {
    let control = &anyone.site.control;
    match signed_in(control, &anyone.parts, None).await {
        Ok(caller @ Caller::User(_)) => control.sign_out(&control.grant_own::<EndSignIns>(&caller)?).await?,
        Ok(_) | Err(Error::Unauthenticated { .. } | Error::NotFound(_)) => {}
        Err(error) => return Err(error),
    }
    SignInCookie::of(anyone.site.public_url()).clear().map(Cookie)
}

/// Where somebody is signed in, newest first.
pub(crate) async fn sign_ins(control: &Control, caller: &Caller) -> Result<Vec<OwnSignIn>> {
    control.list_sign_ins(&control.grant_own::<ViewSignIns>(caller)?).await
}

/// The organizations that somebody's sign-in reaches, by name, with their role in each.
pub(crate) async fn organizations(control: &Control, caller: &Caller) -> Result<Vec<(Organization, Role)>> {
    control.own_organizations(&control.grant_own::<ViewSignIns>(caller)?).await
}

/// Ends one of somebody's sign-ins, by its public id.
pub(crate) async fn end(control: &Control, caller: &Caller, id: &str) -> Result<()> {
    let id = id.parse().map_err(|_| Error::NotFound("sign-in"))?;
    control.end_sign_in(&control.grant_own::<EndSignIns>(caller)?, id).await
}

/// Ends every sign-in of somebody, this one too.
pub(crate) async fn end_all(anyone: &Anyone) -> std::result::Result<Cookie, Failure> {
    let control = &anyone.site.control;
    let (caller, _) = own(anyone).await?;
    control.sign_out_everywhere(&control.grant_own::<EndSignIns>(&caller)?).await?;
    Ok(SignInCookie::of(anyone.site.public_url()).clear().map(Cookie)?)
}

/// Gives somebody another password, which ends their other sign-ins.
pub(crate) async fn change_password(control: &Control, caller: &Caller, old: &str, new: &str) -> Result<()> {
    let grant = control.grant_own::<ChangePassword>(caller)?;
    control.change_password(&grant, Password::shown(old), new).await.map(drop)
}

/// What is good once and is shown to sign in by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Once {
    Link,
    Invitation,
}

impl Once {
    const fn word(self) -> &'static str {
        match self {
            Self::Link => "link",
            Self::Invitation => "invitation",
        }
    }

    /// That nothing was written in its field.
    pub(crate) fn is_missing(self) -> Error {
        Error::invalid("link", format!("is empty; paste the {} that you were given", self.word()))
    }
}

/// A value that was typed into the field `link` and is refused is a fault at that field, which says how it ended and what to do.
pub(crate) async fn at_link(control: &Control, error: Error, of: Once) -> Error {
    let Error::Unauthenticated { reason, .. } = &error else { return error };
    let it = of.word();
    let words = match control.how_it_ended(&error).await {
        Err(error) => return error,
        Ok(Some(Ending::Used)) => format!(
            "This {it} was used already, and is good once. If that was you, sign in with your password; if not, tell whoever gave it to you, and \
             ask for another one."
        ),
        Ok(Some(Ending::Late)) => {
            format!("The time of this {it} has run out. Ask whoever gave it to you for another one.")
        }
        Ok(Some(Ending::TakenBack)) => match of {
            Once::Link => {
                "This link was taken back, or a newer one was made after it. Use the newest, or ask for another one."
                    .to_owned()
            }
            Once::Invitation => {
                "This invitation was withdrawn. Ask an Organization Admin of the organization for another one."
                    .to_owned()
            }
        },
        Ok(None) => match reason {
            Refusal::Unknown => format!("This is no {it} of this server. Copy it whole, to its very end."),
            Refusal::Kind => {
                format!("This is no {it} but another value, such as a token. Paste the {it} that you were given.")
            }
            _ => format!("This {it} is good no more. Ask whoever gave it to you for another one."),
        },
    };
    Error::invalid("link", words)
}
