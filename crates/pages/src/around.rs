//! What stands around every page: where a change comes from and that it is a form, the page of whatever went wrong, and headers.

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::Method;
use http::header::CONTENT_TYPE;
use http::request::Parts;

use crate::failure::Failure;
use crate::known::Known;
use crate::seen::Seen;
use crate::sign_in::prove;
use crate::sign_in::typed::Reading;
use crate::site::Site;
use crate::visit::Anyone;
use crate::{form, headers, notice, person};

/// Answers a request. A change that another site's page asks for, or that comes by no form, is refused before anything of it is read.
pub(crate) async fn around(State(site): State<Site>, request: Request, next: Next) -> Response {
    let (mut parts, body) = request.into_parts();
    let seen = Seen::of(&parts, site.public_url());
    let is_get = parts.method == Method::GET;
    let is_own = seen.is_safe || person::is_same_origin(&parts, site.public_url());
    let is_readable = parts.method != Method::POST || form::is_form(&parts.headers);
    parts.extensions.insert(seen.clone());
    let known = Known::default();
    parts.extensions.insert(known.clone());
    let sent = (!seen.is_safe).then(|| (parts.clone(), Reading::default()));
    if let Some((_, reading)) = &sent {
        parts.extensions.insert(reading.clone());
    }
    let mut answer = if is_own && is_readable {
        let mut answer = next.run(Request::from_parts(parts, body)).await;
        match answer.extensions_mut().remove::<Failure>() {
            Some(failure) => match sent.filter(|_| failure.is_unproved()) {
                Some((parts, reading)) => Box::pin(unproved(site.clone(), seen.clone(), parts, &reading)).await,
                None => failure.answer(&seen, &known),
            },
            None => answer,
        }
    } else {
        let failure = if is_own { Failure::NoForm } else { Failure::FromElsewhere };
        failure.answer(&seen, &known)
    };
    // A script that only asks whether somebody is signed in shows nothing.
    if seen.notice.is_some() && is_get && is_page(&answer) {
        notice::forget(&site, &mut answer);
    }
    headers::dress(&mut answer, site.is_https());
    answer
}

/// The page that asks who sends a form for a proof, with what they have typed. A form that is not carried on is left for that page.
async fn unproved(site: Site, seen: Seen, parts: Parts, reading: &Reading) -> Response {
    let known = Known::of(&parts);
    let Some(typed) = reading.typed(&parts.uri) else { return Failure::Unproved.answer(&seen, &known) };
    let anyone = Anyone { site, seen: seen.clone(), parts };
    prove::with_form(&anyone, typed).await.unwrap_or_else(|failure| failure.answer(&seen, &known))
}

/// Whether this is a page that was asked for, and has shown its notice.
fn is_page(answer: &Response) -> bool {
    let kind = answer.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    answer.status().is_success() && kind.is_some_and(|kind| kind.starts_with("text/html"))
}
