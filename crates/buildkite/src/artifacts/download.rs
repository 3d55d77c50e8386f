//! `GET /v3/artifacts/:id`: the bytes of an artifact, or a part of them.
//!
//! What a job left behind is data of a stranger's: a browser saves it and never shows or runs it in the server's name.

use std::ops::Range;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use countersign_control::artifacts::FIRST_READ;
use countersign_control::{Control, Error};
use countersign_domain::artifact::ArtifactPath;
use countersign_http::outgoing::body_of_range;
use http::header::{
    ACCEPT_RANGES, CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_SECURITY_POLICY,
    CONTENT_TYPE, ETAG, HeaderValue, IF_RANGE, RANGE, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderMap, Method, StatusCode};

use super::upload::refuse;

/// What a browser may do with it: nothing.
const NOTHING: &str = "default-src 'none'; sandbox";

pub(crate) async fn download(State(control): State<Control>, request: Request) -> Result<Response, Response> {
    let (parts, _) = request.into_parts();
    let (id, query) = super::addressed(&parts).ok_or_else(|| refuse(Error::NotFound("artifact")))?;
    let download = control.begin_download(id, query).await.map_err(refuse)?;
    let tag = format!("\"{}\"", download.artifact.sha1);
    let size = download.size();
    let (status, range) = match wanted(&parts.headers, &tag, size) {
        Wanted::Whole => (StatusCode::OK, 0..size),
        Wanted::Part(range) => (StatusCode::PARTIAL_CONTENT, range),
        Wanted::Nothing => {
            let text = format!("The artifact has {size} bytes; the range lies beyond.");
            let mut answer = countersign_http::message(StatusCode::RANGE_NOT_SATISFIABLE, &text);
            put(answer.headers_mut(), CONTENT_RANGE, &format!("bytes */{size}"));
            return Err(answer);
        }
    };
    // Before the head is sent, so that what is missing is still told by a status.
    let first = range.start..range.end.min(range.start + FIRST_READ);
    let first = download.read(first).await.map_err(refuse)?;
    let body = if parts.method == Method::HEAD {
        Body::empty()
    } else {
        body_of_range(download.clone(), first, range.clone(), control.clock().clone())
    };
    let mut answer = (status, body).into_response();
    let headers = answer.headers_mut();
    put(headers, CONTENT_TYPE, &download.artifact.content_type);
    put(headers, CONTENT_DISPOSITION, &disposition(&download.artifact.path));
    put(headers, CONTENT_LENGTH, &(range.end - range.start).to_string());
    if status == StatusCode::PARTIAL_CONTENT {
        put(headers, CONTENT_RANGE, &format!("bytes {}-{}/{size}", range.start, range.end.saturating_sub(1)));
    }
    put(headers, ETAG, &tag);
    for (name, value) in [
        (ACCEPT_RANGES, "bytes"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (CONTENT_SECURITY_POLICY, NOTHING),
        (REFERRER_POLICY, "no-referrer"),
        (CACHE_CONTROL, "private, no-store"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.insert("cross-origin-resource-policy", HeaderValue::from_static("same-origin"));
    Ok(answer)
}

fn put(headers: &mut HeaderMap, name: http::HeaderName, value: &str) {
    // What no header can hold was not taken in; should it be there all the same, the header is left out.
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}

/// What is asked for.
#[derive(Debug, PartialEq, Eq)]
enum Wanted {
    Whole,
    Part(Range<u64>),
    Nothing,
}

/// One range of bytes, as a download that goes on asks for; everything else is answered whole, which is always allowed.
fn wanted(headers: &HeaderMap, tag: &str, size: u64) -> Wanted {
    let text = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
    if text(IF_RANGE).is_some_and(|known| known != tag) {
        return Wanted::Whole;
    }
    let Some((first, last)) =
        text(RANGE).and_then(|range| range.strip_prefix("bytes=")).and_then(|range| range.trim().split_once('-'))
    else {
        return Wanted::Whole;
    };
    let number = |text: &str| text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse::<u64>().ok()).flatten();
    let range = match (number(first), number(last)) {
        (Some(first), Some(last)) if first <= last => first..last.saturating_add(1).min(size),
        (Some(first), None) if last.is_empty() => first..size,
        (None, Some(last)) if first.is_empty() => size.saturating_sub(last)..size,
        _ => return Wanted::Whole,
    };
    if range.is_empty() { Wanted::Nothing } else { Wanted::Part(range) }
}

/// RFC 6266: a name for old browsers without what they misread, and the true one.
fn disposition(path: &str) -> String {
    let name = ArtifactPath::parse(path).map_or_else(|_| "artifact".to_owned(), |path| path.file_name().to_owned());
    let plain: String =
        name.chars().map(|c| if c.is_ascii_alphanumeric() || ".-_ ".contains(c) { c } else { '_' }).collect();
    let encoded: String = name
        .bytes()
        .map(|b| {
            if b.is_ascii_alphanumeric() || b".-_".contains(&b) {
                char::from(b).to_string()
            } else {
                format!("%{b:02X}")
            }
        })
        .collect();
    format!("attachment; filename=\"{plain}\"; filename*=UTF-8''{encoded}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(range: &str, if_range: Option<&str>) -> Wanted {
        let mut headers = HeaderMap::new();
        put(&mut headers, RANGE, range);
        if let Some(tag) = if_range {
            put(&mut headers, IF_RANGE, tag);
        }
        wanted(&headers, "\"t\"", 10)
    }

    #[test]
    fn one_range_is_understood_and_all_else_is_answered_whole() {
        assert_eq!(asked("bytes=3-", None), Wanted::Part(3..10));
        assert_eq!(asked("bytes=3-4", Some("\"t\"")), Wanted::Part(3..5));
        assert_eq!(asked("bytes=3-400", None), Wanted::Part(3..10));
        assert_eq!(asked("bytes=-4", None), Wanted::Part(6..10));
        assert_eq!(asked("bytes=-400", None), Wanted::Part(0..10));
        assert_eq!(asked("bytes=10-", None), Wanted::Nothing);
        assert_eq!(asked("bytes=-0", None), Wanted::Nothing);
        assert_eq!(asked("bytes=3-", Some("\"other\"")), Wanted::Whole);
        for odd in ["bytes=4-3", "bytes=-", "bytes=a-b", "bytes=0-1,3-4", "lines=1-2", "bytes=+1-2", ""] {
            assert_eq!(asked(odd, None), Wanted::Whole, "{odd}");
        }
    }

    #[test]
    fn a_name_cannot_end_its_header() {
        assert_eq!(disposition("a/b.txt"), "attachment; filename=\"b.txt\"; filename*=UTF-8''b.txt");
        assert_eq!(
            disposition("a/x\"; q=\u{e4}.txt"),
            "attachment; filename=\"x__ q__.txt\"; filename*=UTF-8''x%22%3B%20q%3D%C3%A4.txt"
        );
        assert_eq!(disposition("../b"), "attachment; filename=\"artifact\"; filename*=UTF-8''artifact");
    }
}
