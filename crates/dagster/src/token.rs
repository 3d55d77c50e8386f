//! The token of a call: an agent's or a person's.

use countersign_control::access::actions::DagsterHeartbeat;
use countersign_control::{Caller, Control, Error, Result};
use countersign_http::{authenticate, authenticate_value};
use countersign_wire::dagster::TOKEN_HEADER;
use http::HeaderMap;
use http::request::Parts;

/// Who calls: the holder of an agent token, or a person. Every other credential is of the wrong kind, and none is no credential; both before
/// anything of the body is read. Programs that know nothing of Dagster's header may use `Authorization`.
pub(crate) async fn holder(control: &Control, parts: &Parts) -> Result<Caller> {
    let caller = match presented(&parts.headers)? {
        Some(value) => authenticate_value(control, parts, Some(value)).await?,
        None => authenticate(control, parts).await?,
    };
    // Each resolver asks for its own grant; nothing here is for anybody else.
    if !matches!(caller, Caller::User(_)) {
        control.grant_own::<DagsterHeartbeat>(&caller)?;
    }
    Ok(caller)
}

/// The value in the header; none without it.
fn presented(headers: &HeaderMap) -> Result<Option<&str>> {
    let mut lines = headers.get_all(TOKEN_HEADER).iter();
    let Some(line) = lines.next() else { return Ok(None) };
    if lines.next().is_some() {
        return Err(Error::unknown());
    }
    line.to_str().map(bare).map(Some).map_err(|_| Error::unknown())
}

/// The value without `agent:ORGANIZATION:` before it, from which an agent without a `url` would make its server's address. The words there give
/// no access, so nothing is asked of them.
fn bare(value: &str) -> &str {
    match value.strip_prefix("agent:").and_then(|rest| rest.split_once(':')) {
        Some((_, value)) => value,
        None => value,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(lines: &[&[u8]]) -> std::result::Result<Option<String>, ()> {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(TOKEN_HEADER, http::HeaderValue::from_bytes(line).expect("a header"));
        }
        presented(&headers).map(|value| value.map(str::to_owned)).map_err(drop)
    }

    #[test]
    fn the_value_is_bare_or_in_dagsters_dress() {
        assert_eq!(read(&[]), Ok(None));
        for line in [&b"csnat_x"[..], b"agent:acme:csnat_x"] {
            assert_eq!(read(&[line]), Ok(Some("csnat_x".to_owned())));
        }
        for other in ["user:csnut_x", "agent:csnat_x", "Token csnat_x"] {
            assert_eq!(
                read(&[other.as_bytes()]),
                Ok(Some(other.to_owned())),
                "is no value, and no look-up is made for it"
            );
        }
        assert_eq!(read(&[b"csnat_x", b"csnat_x"]), Err(()));
        assert_eq!(read(&[b"\xc3\xa4"]), Err(()));
    }
}
