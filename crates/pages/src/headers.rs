//! The headers of every answer of this face: one set, so that no page can be without one.

use axum::response::Response;
use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, HeaderName, REFERRER_POLICY, STRICT_TRANSPORT_SECURITY,
    X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use http::{HeaderValue, Method};

const PERMISSIONS_POLICY: HeaderName = HeaderName::from_static("permissions-policy");
const OPENER_POLICY: HeaderName = HeaderName::from_static("cross-origin-opener-policy");
const RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");

/// Nothing but this server's own files, no inline style and no inline script; no frame around a page, and no form to elsewhere.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; font-src 'self'; \
                      connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; \
                      require-trusted-types-for 'script'";

/// No page asks for any of these; a script that got in would ask in vain. Writing to the clipboard stays allowed: that is what *copy* does.
const PERMISSIONS: &str = "accelerometer=(), camera=(), display-capture=(), geolocation=(), gyroscope=(), microphone=(), \
                           payment=(), usb=(), clipboard-read=(), publickey-credentials-get=(self), clipboard-write=(self)";

/// What every answer has, but for what it may say itself about being kept.
const EVERY: [(HeaderName, &str); 7] = [
    (CONTENT_SECURITY_POLICY, POLICY),
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (X_FRAME_OPTIONS, "DENY"),
    // Own pages are told which form was left, so that proving who one is leads back; nobody else is told anything.
    (REFERRER_POLICY, "same-origin"),
    (PERMISSIONS_POLICY, PERMISSIONS),
    (OPENER_POLICY, "same-origin"),
    (RESOURCE_POLICY, "same-origin"),
];

/// Nobody keeps a page: the next person at the machine, and a proxy, would see it.
const NEVER_KEPT: HeaderValue = HeaderValue::from_static("no-store");

/// For a year a browser that has been here by HTTPS comes by nothing else. Of other names below this one nothing is said: they are not ours.
const HTTPS_ALONE: HeaderValue = HeaderValue::from_static("max-age=31536000");

/// Puts the set on an answer. What says nothing about being kept is kept by nobody.
pub(crate) fn dress(answer: &mut Response, is_https: bool) {
    let headers = answer.headers_mut();
    for (name, value) in EVERY {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if is_https {
        headers.insert(STRICT_TRANSPORT_SECURITY, HTTPS_ALONE);
    }
    headers.entry(CACHE_CONTROL).or_insert(NEVER_KEPT);
}

/// Whether a call with this method changes nothing.
pub(crate) fn is_safe(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD)
}

#[cfg(test)]
mod tests {
    use axum::body::Body;

    use super::*;

    #[test]
    fn the_set_is_whole() {
        let mut answer = Response::new(Body::empty());
        dress(&mut answer, false);
        let mut lines: Vec<_> = answer
            .headers()
            .iter()
            .map(|(name, value)| format!("{name}: {}", value.to_str().expect("a text")))
            .collect();
        lines.sort();
        assert_eq!(
            lines,
            [
                "cache-control: no-store",
                "content-security-policy: default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; font-src 'self'; \
                 connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'",
                "cross-origin-opener-policy: same-origin",
                "cross-origin-resource-policy: same-origin",
                "permissions-policy: accelerometer=(), camera=(), display-capture=(), geolocation=(), gyroscope=(), microphone=(), \
                 payment=(), usb=(), clipboard-read=(), publickey-credentials-get=(self), clipboard-write=(self)",
                "referrer-policy: same-origin",
                "x-content-type-options: nosniff",
                "x-frame-options: DENY",
            ]
        );
    }

    #[test]
    fn a_server_behind_https_is_found_by_nothing_else() {
        let mut answer = Response::new(Body::empty());
        dress(&mut answer, true);
        assert_eq!(answer.headers()[STRICT_TRANSPORT_SECURITY], "max-age=31536000");
        let mut answer = Response::new(Body::empty());
        dress(&mut answer, false);
        assert!(!answer.headers().contains_key(STRICT_TRANSPORT_SECURITY), "there is nothing else to come by");
    }

    #[test]
    fn nothing_unsafe_is_allowed() {
        assert!(!POLICY.contains("unsafe"), "{POLICY}");
        assert!(!POLICY.contains("http"), "no origin of anyone else: {POLICY}");
    }

    #[test]
    fn what_may_be_kept_says_so_itself() {
        let mut answer = Response::new(Body::empty());
        answer.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("public, max-age=1"));
        dress(&mut answer, false);
        assert_eq!(answer.headers()[CACHE_CONTROL], "public, max-age=1");
    }
}
