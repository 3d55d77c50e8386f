//! From the headers of a request to a [`Caller`].

use countersign_control::access::Who;
use countersign_control::{Caller, Control, Error, Origin, Presented, Result};
use http::HeaderMap;
use http::header::AUTHORIZATION;
use http::request::Parts;
use tracing::Span;

/// Says who sent a request that came through [`crate::Edge::layers`], and notes it in the request's span.
///
/// # Errors
/// As [`Control::authenticate`]. A header that is not `Token VALUE` or `Bearer VALUE`, and a second header, show an unknown
/// credential.
pub async fn authenticate(control: &Control, parts: &Parts) -> Result<Caller> {
    authenticate_value(control, parts, presented(&parts.headers)?).await
}

/// The same by a value that a protocol has in another place than the header `Authorization`.
///
/// # Errors
/// As [`Control::authenticate`].
pub async fn authenticate_value(control: &Control, parts: &Parts, value: Option<&str>) -> Result<Caller> {
    let origin = parts.extensions.get::<Origin>().cloned();
    let origin = origin.ok_or_else(|| Error::internal("a request came past the layers that say where it is from"))?;
    let caller = control.authenticate(Presented { value, origin }).await.inspect_err(|error| {
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

/// The value after `Token` or `Bearer`; none without the header.
fn presented(headers: &HeaderMap) -> Result<Option<&str>> {
    let mut lines = headers.get_all(AUTHORIZATION).iter();
    let Some(line) = lines.next() else { return Ok(None) };
    if lines.next().is_some() {
        return Err(Error::unknown());
    }
    let line = line.to_str().map_err(|_| Error::unknown())?;
    match line.split_once(' ') {
        Some((scheme, value)) if scheme.eq_ignore_ascii_case("token") || scheme.eq_ignore_ascii_case("bearer") => {
            Ok(Some(value))
        }
        _ => Err(Error::unknown()),
    }
}

/// The kind of caller, for the log.
pub(crate) const fn word(who: Who) -> &'static str {
    match who {
        Who::Anonymous => "anonymous",
        Who::Admin => "admin",
        Who::Member => "member",
        Who::AgentToken => "agent_token",
        Who::Session => "session",
        Who::EndedSession => "ended_session",
        Who::Job => "job",
        Who::EndedJob => "ended_job",
        Who::Operator => "operator",
        Who::System => "system",
        Who::Invitation => "invitation",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(lines: &[&[u8]]) -> std::result::Result<Option<String>, ()> {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(AUTHORIZATION, http::HeaderValue::from_bytes(line).expect("a header"));
        }
        presented(&headers).map(|value| value.map(str::to_owned)).map_err(drop)
    }

    #[test]
    fn two_schemes_in_any_case() {
        assert_eq!(read(&[]), Ok(None));
        for line in ["Token abc", "token abc", "Bearer abc", "BEARER abc"] {
            assert_eq!(read(&[line.as_bytes()]), Ok(Some("abc".to_owned())), "{line}");
        }
        // A second space belongs to the value, which is then no token value.
        assert_eq!(read(&[b"Token  abc"]), Ok(Some(" abc".to_owned())));
    }

    #[test]
    fn everything_else_is_unknown() {
        for line in [&b"abc"[..], b"Basic YTpi", b"Token", b"", b"Token\tabc", b"Token \xc3\xa4"] {
            assert_eq!(read(&[line]), Err(()), "{line:?}");
        }
        assert_eq!(read(&[b"Token abc", b"Token abc"]), Err(()));
    }
}
