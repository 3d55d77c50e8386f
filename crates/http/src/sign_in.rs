//! Signing in with a browser: the cookie, who it stands for, and whether a request comes from a page of this server.
//!
//! The cookie is named, set and read here alone. On HTTPS its name begins with `__Host-`, which browsers take from this very host, over HTTPS
//! and for all its paths only: no other host of the domain can plant one. It is for `SameSite=Lax`, so that a link to a page works, and what
//! changes something is asked in [`same_origin`] as well.

use countersign_control::signing_in::{CHALLENGE_LIFETIME, LIFETIME};
use countersign_control::{Caller, Control, Error, Origin, Presented, Result};
use countersign_domain::TokenSecret;
use http::header::{COOKIE, HeaderName, ORIGIN};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method};
use tracing::Span;

use crate::authenticate::word;

/// The cookie's name on HTTPS.
const SECURE_NAME: &str = "__Host-countersign";
/// The same without HTTPS, for a server on the machine itself: browsers take no `__Host-` there.
const PLAIN_NAME: &str = "countersign";
/// The same of the cookie that is held while a browser is sent to a provider.
const SECURE_PROVIDER_NAME: &str = "__Host-countersign-provider";
const PLAIN_PROVIDER_NAME: &str = "countersign-provider";
const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// The cookie of a sign-in, as the server's public address makes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SignInCookie {
    is_secure: bool,
}

impl SignInCookie {
    /// The cookie of a server with this public address.
    #[must_use]
    pub fn of(public_url: &str) -> Self {
        let scheme = public_url.split_once("://").map_or("", |(scheme, _)| scheme);
        Self { is_secure: scheme.eq_ignore_ascii_case("https") }
    }

    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        if self.is_secure { SECURE_NAME } else { PLAIN_NAME }
    }

    /// The value that a request shows, if it shows one.
    ///
    /// # Errors
    /// [`Error::Unauthenticated`] with `unknown` for two of this name, of which nobody could tell who has planted the other, and for a header
    /// that is no text.
    pub fn value(self, headers: &HeaderMap) -> Result<Option<&str>> {
        only_cookie(headers, self.name())
    }

    /// The header `Set-Cookie` that gives a browser the value of its sign-in.
    ///
    /// # Errors
    /// [`Error::Internal`] when the value is no text of a header, which no token value is.
    pub fn set(self, secret: &TokenSecret) -> Result<HeaderValue> {
        self.header(secret.reveal(), LIFETIME.as_secs())
    }

    /// The header `Set-Cookie` that takes it away.
    ///
    /// # Errors
    /// As [`SignInCookie::set`].
    pub fn clear(self) -> Result<HeaderValue> {
        self.header("", 0)
    }

    fn header(self, value: &str, seconds: u64) -> Result<HeaderValue> {
        set_cookie(self.name(), value, seconds, self.is_secure)
    }
}

/// The cookie that a browser holds while it is sent to a provider of sign-ins: it says nothing to anybody, and an answer is taken in this very
/// browser.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProviderCookie {
    is_secure: bool,
}

impl ProviderCookie {
    /// The cookie of a server with this public address.
    #[must_use]
    pub fn of(public_url: &str) -> Self {
        Self { is_secure: SignInCookie::of(public_url).is_secure }
    }

    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        if self.is_secure { SECURE_PROVIDER_NAME } else { PLAIN_PROVIDER_NAME }
    }

    /// The value that a request shows, if it shows one: `cookie` of a `ProviderAnswer`.
    ///
    /// # Errors
    /// As [`SignInCookie::value`].
    pub fn value(self, headers: &HeaderMap) -> Result<Option<&str>> {
        only_cookie(headers, self.name())
    }

    /// The header `Set-Cookie` that gives a browser `cookie` of a `ProviderQuestion`, for as long as it is good.
    ///
    /// # Errors
    /// [`Error::Internal`] when the value is no text of a header, which none is that was made here.
    pub fn set(self, value: &str) -> Result<HeaderValue> {
        set_cookie(self.name(), value, CHALLENGE_LIFETIME.as_secs(), self.is_secure)
    }

    /// The header `Set-Cookie` that takes it away: once the browser is back.
    ///
    /// # Errors
    /// As [`ProviderCookie::set`].
    pub fn clear(self) -> Result<HeaderValue> {
        set_cookie(self.name(), "", 0, self.is_secure)
    }
}

/// The value of the only cookie of a name.
fn only_cookie<'a>(headers: &'a HeaderMap, wanted: &str) -> Result<Option<&'a str>> {
    let mut found = None;
    for line in headers.get_all(COOKIE) {
        let line = line.to_str().map_err(|_| Error::unknown())?;
        for pair in line.split(';') {
            let Some((name, value)) = pair.trim().split_once('=') else { continue };
            if name.trim_end() != wanted {
                continue;
            }
            if found.replace(value.trim_start()).is_some() {
                return Err(Error::unknown());
            }
        }
    }
    // A browser that was told to forget may show it empty.
    Ok(found.filter(|value| !value.is_empty()))
}

fn set_cookie(name: &str, value: &str, seconds: u64, is_secure: bool) -> Result<HeaderValue> {
    let secure = if is_secure { "; Secure" } else { "" };
    let text = format!("{name}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}");
    let mut header = HeaderValue::from_str(&text).map_err(Error::internal)?;
    // Nothing that prints headers prints this one.
    header.set_sensitive(true);
    Ok(header)
}

/// Says who is signed in in the browser that sent a request through [`crate::Edge::layers`], and notes it in the request's span.
/// [`Caller::Anonymous`] without the cookie. `organization` is the slug of the one that the page is about; none: the one that they looked at
/// last.
///
/// # Errors
/// As [`Control::authenticate_sign_in`]: [`Error::Unauthenticated`] for a sign-in that stands no more, whose cookie is best cleared, and
/// [`Error::NotFound`] for an organization that is not theirs. Two cookies of the name are an unknown credential.
pub async fn signed_in(control: &Control, parts: &Parts, organization: Option<&str>) -> Result<Caller> {
    let origin = parts.extensions.get::<Origin>().cloned();
    let origin = origin.ok_or_else(|| Error::internal("a request came past the layers that say where it is from"))?;
    let value = SignInCookie::of(&control.settings().public_url).value(&parts.headers)?;
    let caller =
        control.authenticate_sign_in(Presented { value, origin }, organization).await.inspect_err(|error| {
            if let Error::Unauthenticated { token: Some(id), .. } = error {
                Span::current().record("credential", id.as_str());
            }
        })?;
    let span = Span::current();
    span.record("caller", word(caller.who()));
    if let Some(id) = caller.public_id() {
        span.record("credential", id.as_str());
    }
    Ok(caller)
}

/// Goes on for a request that a page of this server has made: what changes something, and shows a cookie that browsers add by themselves, may
/// come from nowhere else.
///
/// A browser says so itself, by `Sec-Fetch-Site: same-origin`. `none` is somebody who typed the address, which changes nothing: it is for GET
/// and HEAD alone. One that is too old to say it says `Origin`, which has to be the public address. A request that says neither is refused.
///
/// # Errors
/// [`Error::Denied`].
pub fn same_origin(parts: &Parts, public_url: &str) -> Result<()> {
    const REFUSAL: Error = Error::Denied {
        action: "a request from elsewhere",
        needs: "to come from a page of this server; reload the page",
    };
    match only(&parts.headers, &SEC_FETCH_SITE).map_err(|()| REFUSAL)? {
        Some("same-origin") => return Ok(()),
        Some("none") if matches!(parts.method, Method::GET | Method::HEAD) => return Ok(()),
        Some(_) => return Err(REFUSAL),
        None => {}
    }
    match only(&parts.headers, &ORIGIN).map_err(|()| REFUSAL)? {
        Some(origin) if is_origin_of(origin, public_url) => Ok(()),
        _ => Err(REFUSAL),
    }
}

/// The value of a header that may stand once.
fn only<'a>(headers: &'a HeaderMap, name: &HeaderName) -> std::result::Result<Option<&'a str>, ()> {
    let mut lines = headers.get_all(name).iter();
    let Some(line) = lines.next() else { return Ok(None) };
    if lines.next().is_some() {
        return Err(());
    }
    line.to_str().map(Some).map_err(|_| ())
}

/// Whether these are one scheme, host and port. `null`, which is what a sandboxed page says, is no address.
fn is_origin_of(origin: &str, public_url: &str) -> bool {
    let (Ok(shown), Ok(own)) = (url::Url::parse(origin), url::Url::parse(public_url)) else { return false };
    shown.origin().is_tuple() && shown.origin() == own.origin()
}

#[cfg(test)]
mod tests {
    use countersign_domain::token::Prefix;
    use countersign_domain::{Entropy, Kind};
    use http::Request;

    use super::*;

    const HTTPS: &str = "https://countersign.example";
    const LOCAL: &str = "http://localhost:8420";

    struct Sevens;
    impl Entropy for Sevens {
        fn fill(&self, buffer: &mut [u8]) {
            buffer.fill(7);
        }
    }

    fn read(public_url: &str, lines: &[&str]) -> std::result::Result<Option<String>, ()> {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(COOKIE, line.parse().expect("a header"));
        }
        SignInCookie::of(public_url).value(&headers).map(|value| value.map(str::to_owned)).map_err(drop)
    }

    #[test]
    fn a_cookie_has_all_its_flags() {
        let secret = TokenSecret::mint(&Prefix::default(), Kind::SignIn, &Sevens);
        let text = |header: HeaderValue| {
            assert!(header.is_sensitive());
            header.to_str().expect("text").to_owned()
        };
        let flags = "Path=/; Max-Age=2592000; HttpOnly; SameSite=Lax";
        let value = secret.reveal();
        assert_eq!(
            text(SignInCookie::of(HTTPS).set(&secret).expect("a header")),
            format!("__Host-countersign={value}; {flags}; Secure")
        );
        assert_eq!(
            text(SignInCookie::of(LOCAL).set(&secret).expect("a header")),
            format!("countersign={value}; {flags}")
        );
        let cleared = text(SignInCookie::of(HTTPS).clear().expect("a header"));
        assert_eq!(cleared, "__Host-countersign=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax; Secure");
    }

    #[test]
    fn one_cookie_of_the_name_is_read() {
        assert_eq!(read(HTTPS, &[]), Ok(None));
        assert_eq!(read(HTTPS, &["__Host-countersign=abc"]), Ok(Some("abc".to_owned())));
        assert_eq!(read(HTTPS, &["theme=dark; __Host-countersign=abc;x=y"]), Ok(Some("abc".to_owned())));
        assert_eq!(read(HTTPS, &["theme=dark", "__Host-countersign=abc"]), Ok(Some("abc".to_owned())));
        assert_eq!(read(LOCAL, &["countersign=abc"]), Ok(Some("abc".to_owned())));
        assert_eq!(read(HTTPS, &["__Host-countersign="]), Ok(None), "taken away");
        assert_eq!(read(HTTPS, &["__Host-countersign"]), Ok(None));
        // Any host of the domain could plant the plain name.
        assert_eq!(read(HTTPS, &["countersign=abc"]), Ok(None));
        assert_eq!(read(LOCAL, &["__Host-countersign=abc"]), Ok(None));
        assert_eq!(read(HTTPS, &["__host-countersign=abc"]), Ok(None), "names are told apart by case");
    }

    #[test]
    fn two_of_the_name_are_refused() {
        for lines in [
            &["__Host-countersign=abc; __Host-countersign=abc"][..],
            &["__Host-countersign=abc", "__Host-countersign=def"],
            &["__Host-countersign=; __Host-countersign=abc"],
        ] {
            assert_eq!(read(HTTPS, lines), Err(()), "{lines:?}");
        }
    }

    #[test]
    fn a_cookie_goes_with_a_browser_to_the_provider_and_back() {
        let cookie = ProviderCookie::of(HTTPS);
        let set = cookie.set("sign-in~q7XbT02a.AAAA").expect("a header");
        assert!(set.is_sensitive());
        let wanted =
            "__Host-countersign-provider=sign-in~q7XbT02a.AAAA; Path=/; Max-Age=300; HttpOnly; SameSite=Lax; Secure";
        assert_eq!(set.to_str().ok(), Some(wanted));
        let mut headers = HeaderMap::new();
        headers.append(COOKIE, "__Host-countersign=a; __Host-countersign-provider=b".parse().expect("a header"));
        assert_eq!(cookie.value(&headers), Ok(Some("b")));
        assert_eq!(SignInCookie::of(HTTPS).value(&headers), Ok(Some("a")), "each is its own");
        headers.append(COOKIE, "__Host-countersign-provider=c".parse().expect("a header"));
        assert_eq!(cookie.value(&headers), Err(Error::unknown()));
        let plain = ProviderCookie::of(LOCAL);
        let cleared = plain.clear().expect("a header");
        let wanted = "countersign-provider=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax";
        assert_eq!(cleared.to_str().ok(), Some(wanted));
    }

    #[test]
    fn only_a_page_of_this_server_changes_something() {
        let site = "sec-fetch-site";
        let ask = |public_url: &str, method: Method, headers: &[(&str, &str)]| {
            let mut request = Request::builder().method(method);
            for (name, value) in headers {
                request = request.header(*name, *value);
            }
            let (parts, ()) = request.body(()).expect("a request").into_parts();
            same_origin(&parts, public_url).is_ok()
        };
        type Headers<'a> = &'a [(&'a str, &'a str)];
        let table: &[(Method, Headers<'_>, bool)] = &[
            (Method::POST, &[(site, "same-origin")], true),
            (Method::POST, &[(site, "same-origin"), ("origin", "https://evil.example")], true),
            (Method::POST, &[(site, "same-site")], false),
            (Method::POST, &[(site, "cross-site")], false),
            (Method::POST, &[(site, "none")], false),
            (Method::POST, &[(site, "Same-Origin")], false),
            (Method::POST, &[(site, "")], false),
            (Method::POST, &[(site, "same-origin"), (site, "cross-site")], false),
            // What the browser says is not overruled by what stands beside it.
            (Method::POST, &[(site, "cross-site"), ("origin", HTTPS)], false),
            (Method::POST, &[("origin", HTTPS)], true),
            (Method::POST, &[("origin", "https://COUNTERSIGN.example:443")], true),
            (Method::POST, &[("origin", "http://countersign.example")], false),
            (Method::POST, &[("origin", "https://countersign.example:8443")], false),
            (Method::POST, &[("origin", "https://countersign.example.evil.example")], false),
            (Method::POST, &[("origin", "null")], false),
            (Method::POST, &[("origin", "")], false),
            (Method::POST, &[("origin", HTTPS), ("origin", HTTPS)], false),
            (Method::POST, &[("referer", HTTPS)], false),
            (Method::POST, &[], false),
            (Method::DELETE, &[(site, "none")], false),
            (Method::GET, &[(site, "none")], true),
            (Method::GET, &[(site, "same-origin")], true),
            (Method::GET, &[(site, "cross-site")], false),
            (Method::GET, &[], false),
        ];
        for (method, headers, goes_on) in table {
            assert_eq!(ask(HTTPS, method.clone(), headers), *goes_on, "{method} {headers:?}");
        }
        assert!(ask(LOCAL, Method::POST, &[("origin", LOCAL)]));
        assert!(!ask(LOCAL, Method::POST, &[("origin", "http://localhost")]));
        assert!(!ask("not an address", Method::POST, &[("origin", "null")]));
    }
}
