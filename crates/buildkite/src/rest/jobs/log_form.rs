//! The forms in which a log is answered.

use http::HeaderMap;
use http::header::ACCEPT;

use super::log_text::{HeaderTimes, Lossy, Plain, escaped};

/// In which form something is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Json,
    Text,
    Html,
}

impl Form {
    pub(super) const fn content_type(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::Text => "text/plain; charset=utf-8",
            Self::Html => "text/html; charset=utf-8",
        }
    }
}

/// The first form that the caller names; JSON when it names none.
pub(super) fn accepted(headers: &HeaderMap) -> Form {
    let accept = headers.get(ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let names = accept.split(',').map(|name| name.split(';').next().unwrap_or_default().trim().to_ascii_lowercase());
    let known = |name: String| match name.as_str() {
        "application/json" | "*/*" => Some(Form::Json),
        "text/plain" => Some(Form::Text),
        "text/html" => Some(Form::Html),
        _ => None,
    };
    names.filter_map(known).next().unwrap_or(Form::Json)
}

/// What stands around a log and what becomes of its parts.
pub(super) trait Dress: Send {
    fn begin(&mut self) -> String {
        String::new()
    }
    fn push(&mut self, part: Vec<u8>) -> Vec<u8>;
    fn end(&mut self) -> String {
        String::new()
    }
}

/// The bytes as the command wrote them.
pub(super) struct AsIs;

impl Dress for AsIs {
    fn push(&mut self, part: Vec<u8>) -> Vec<u8> {
        part
    }
}

/// An object with the log as a text.
pub(super) struct InJson {
    url: String,
    size: i64,
    text: Lossy,
    times: HeaderTimes,
}

impl InJson {
    pub(super) fn new(url: String, size: i64) -> Self {
        Self { url, size, text: Lossy::default(), times: HeaderTimes::default() }
    }
}

/// As inside a text of JSON, without the quotes around it.
fn in_json(text: &str) -> String {
    let quoted = serde_json::Value::from(text).to_string();
    quoted.strip_prefix('"').and_then(|it| it.strip_suffix('"')).unwrap_or_default().to_owned()
}

impl Dress for InJson {
    fn begin(&mut self) -> String {
        format!("{{\"url\":\"{}\",\"content\":\"", in_json(&self.url))
    }

    fn push(&mut self, part: Vec<u8>) -> Vec<u8> {
        self.times.push(&part);
        in_json(&self.text.push(&part)).into_bytes()
    }

    fn end(&mut self) -> String {
        let times = serde_json::Value::from(self.times.end());
        format!("{}\",\"size\":{},\"header_times\":{times}}}", in_json(&self.text.end()), self.size)
    }
}

/// A page of its own: the text without colours, with everything escaped that a browser could take for more than text.
#[derive(Default)]
pub(super) struct OnPage {
    text: Lossy,
    plain: Plain,
}

impl Dress for OnPage {
    fn begin(&mut self) -> String {
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>Log</title></head><body><pre>"
            .to_owned()
    }

    fn push(&mut self, part: Vec<u8>) -> Vec<u8> {
        let text = self.text.push(&part);
        escaped(&self.plain.push(&text)).into_bytes()
    }

    fn end(&mut self) -> String {
        let text = self.text.end();
        format!("{}</pre></body></html>\n", escaped(&self.plain.push(&text)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dressed(mut dress: impl Dress, parts: &[&[u8]]) -> String {
        let mut whole = dress.begin().into_bytes();
        for part in parts {
            whole.extend(dress.push(part.to_vec()));
        }
        whole.extend(dress.end().into_bytes());
        String::from_utf8(whole).expect("a text")
    }

    #[test]
    fn an_object_is_whole_wherever_it_is_cut() {
        let log = "\u{1b}_bk;t=1700000000123\u{7}--- one\r\n\"\\ \u{e4}\u{1f600}\0".as_bytes();
        for cut in 0..=log.len() {
            let text = dressed(InJson::new("u".to_owned(), 9), &[&log[..cut], &log[cut..]]);
            let read: serde_json::Value = serde_json::from_str(&text).expect("JSON");
            assert_eq!(read["content"].as_str().map(str::as_bytes), Some(log), "{cut}");
            assert_eq!(read["header_times"], serde_json::json!([1_700_000_000_123_000_000_i64]), "{cut}");
            assert_eq!(read["size"], 9);
        }
    }

    #[test]
    fn a_page_holds_nothing_but_text() {
        let log = b"<script>alert('1')</script>\x1b[31m&\x1b]8;;javascript:x\x07\"\x1b_bk;t=1\x07 end";
        for cut in 0..=log.len() {
            let text = dressed(OnPage::default(), &[&log[..cut], &log[cut..]]);
            let inside = text.split_once("<pre>").and_then(|(_, rest)| rest.split_once("</pre>")).expect("a page").0;
            assert_eq!(inside, "&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;&amp;&quot; end", "{cut}");
        }
    }

    #[test]
    fn the_first_form_that_is_named_counts() {
        let form = |accept: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(ACCEPT, accept.parse().expect("a header"));
            accepted(&headers)
        };
        assert_eq!(accepted(&HeaderMap::new()), Form::Json);
        assert_eq!(form("text/plain; charset=utf-8"), Form::Text);
        assert_eq!(form("text/html,application/xhtml+xml,*/*;q=0.8"), Form::Html);
        assert_eq!(form("image/png, */*"), Form::Json);
    }
}
