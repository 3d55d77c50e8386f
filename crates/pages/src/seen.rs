//! What of a request its answer needs to know, whatever becomes of it.

use countersign_control::signing_in::CALLBACK;
use http::header::{COOKIE, REFERER};
use http::request::Parts;
use http::{HeaderMap, Method, Uri};

use crate::headers::is_safe;
use crate::notice::{self, Notice};
use crate::theme::{self, Theme};

/// The longest path that one is led back to, in bytes.
const MAX_PATH: usize = 2_048;

/// What a request tells beside its body.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    /// Whether it changes nothing.
    pub is_safe: bool,
    /// Where one is led back to: the page itself, or the page that a form was on.
    pub page: String,
    /// The chosen look.
    pub theme: Theme,
    /// What the change before this page has to say.
    pub notice: Option<Notice>,
}

impl Seen {
    pub(crate) fn of(parts: &Parts, public_url: &str) -> Self {
        Self {
            is_safe: is_safe(&parts.method),
            page: page(&parts.method, &parts.uri, &parts.headers, public_url),
            theme: cookie(&parts.headers, theme::COOKIE).and_then(Theme::named).unwrap_or_default(),
            notice: cookie(&parts.headers, notice::COOKIE).and_then(Notice::named),
        }
    }
}

/// The value of a cookie that is no secret; of two with one name, the first.
fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let lines = headers.get_all(COOKIE).iter().filter_map(|line| line.to_str().ok());
    let mut pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(of, _)| *of == name).map(|(_, value)| value)
}

fn page(method: &Method, uri: &Uri, headers: &HeaderMap, public_url: &str) -> String {
    let path = if is_safe(method) {
        uri.path_and_query().map(|it| it.as_str().to_owned())
    } else {
        let referer = headers.get(REFERER).and_then(|value| value.to_str().ok());
        referer.and_then(|it| it.strip_prefix(public_url)).map(str::to_owned)
    };
    path.filter(|path| is_local(path) && !is_callback(path)).unwrap_or_else(|| "/".to_owned())
}

/// Whether this is where a provider sends browsers back: what its address holds is good once, and is put into no page.
fn is_callback(path: &str) -> bool {
    path.split(['?', '#']).next() == Some(CALLBACK)
}

/// Whether this is a path of this server's and nothing that a browser takes for an address elsewhere.
pub(crate) fn is_local(path: &str) -> bool {
    path.len() <= MAX_PATH
        && path.starts_with('/')
        && !path.starts_with("//")
        && path.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_paths_of_this_server_are_led_back_to() {
        for path in ["/", "/organizations/acme/settings/tokens?after=1&q=%2F%2F", "/a//b", "/a#b"] {
            assert!(is_local(path), "{path}");
        }
        let long = format!("/{}", "a".repeat(MAX_PATH));
        for path in [
            "",
            "//evil.example",
            "///evil.example",
            "https://evil.example",
            "/\\evil.example",
            "\\/evil.example",
            "evil",
            "/a b",
            "/\tevil",
            "/\n/evil",
            "/\r\nSet-Cookie: a=b",
            "javascript:alert(1)",
            "/ä",
            &long,
        ] {
            assert!(!is_local(path), "{path:?}");
        }
    }

    #[test]
    fn a_form_leads_back_to_the_page_that_it_was_on() {
        let mut headers = HeaderMap::new();
        let uri: Uri = "/organizations/acme/settings/tokens/x/reveal".parse().expect("a path");
        let back = |headers: &HeaderMap| page(&Method::POST, &uri, headers, "https://ci.example");
        assert_eq!(back(&headers), "/");
        headers.insert(REFERER, "https://ci.example/organizations/acme/agents?q=a".parse().expect("a header"));
        assert_eq!(back(&headers), "/organizations/acme/agents?q=a");
        for elsewhere in
            ["https://ci.example.evil.example/a", "https://evil.example/a", "https://ci.example//evil.example"]
        {
            headers.insert(REFERER, elsewhere.parse().expect("a header"));
            assert_eq!(back(&headers), "/", "{elsewhere}");
        }
    }

    #[test]
    fn nobody_is_led_back_to_where_a_provider_sent_them() {
        let mut headers = HeaderMap::new();
        let uri: Uri = "/sign-in/callback?code=secret&state=x".parse().expect("a path");
        assert_eq!(page(&Method::GET, &uri, &headers, "https://ci.example"), "/");
        headers.insert(REFERER, "https://ci.example/sign-in/callback?code=secret".parse().expect("a header"));
        assert_eq!(page(&Method::POST, &uri, &headers, "https://ci.example"), "/");
    }

    #[test]
    fn a_cookie_is_found_among_others() {
        let mut headers = HeaderMap::new();
        headers.append(COOKIE, "a=b; countersign-theme=dark;c".parse().expect("a header"));
        headers.append(COOKIE, "countersign-theme=light".parse().expect("a header"));
        assert_eq!(cookie(&headers, "countersign-theme"), Some("dark"));
        assert_eq!(cookie(&headers, "theme"), None);
    }
}
