//! Finding token values where none belongs: in an address, in a client's name for itself, in a message about a document.

use countersign_domain::TokenSecret;
use url::form_urlencoded;

/// Whether a whole token value stands somewhere in the text.
#[must_use]
pub fn holds_a_token(text: &str) -> bool {
    text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').any(|word| TokenSecret::parse(word).is_ok())
}

/// The same for JSON, and for JSON inside its texts, however often it was escaped: `"\\ncsnut_…"` has a value after a line break.
#[must_use]
pub fn json_holds_a_token(json: &str) -> bool {
    holds_a_token(json) || (json.contains('\\') && holds_a_token(&unescaped(json)))
}

/// JSON without its escapes: what stands for a letter or a digit is that one, everything else a space.
fn unescaped(json: &str) -> String {
    let mut parts = json.split('\\');
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        // Of several backslashes the last one says what comes.
        let (code, rest) = match part.split_at_checked(1) {
            Some(("u", rest)) => match rest.split_at_checked(4) {
                Some((hex, rest)) => (u8::from_str_radix(hex, 16).ok(), rest),
                None => (None, rest),
            },
            Some(("n" | "r" | "t" | "b" | "f", rest)) => (None, rest),
            _ => (None, part),
        };
        text.push(code.map(char::from).filter(char::is_ascii).unwrap_or(' '));
        text.push_str(rest);
    }
    text
}

/// The same for a query, with its percent-encoding undone.
pub(crate) fn query_holds_a_token(query: &str) -> bool {
    form_urlencoded::parse(query.as_bytes()).any(|(name, value)| holds_a_token(&name) || holds_a_token(&value))
}

#[cfg(test)]
mod tests {
    use countersign_domain::token::Prefix;
    use countersign_domain::{Entropy, Kind};

    use super::*;

    struct Sevens;
    impl Entropy for Sevens {
        fn fill(&self, buffer: &mut [u8]) {
            buffer.fill(7);
        }
    }

    #[test]
    fn a_whole_value_is_found_in_any_dress() {
        let secret = TokenSecret::mint(&Prefix::default(), Kind::UserToken, &Sevens);
        let value = secret.reveal();
        let encoded: String = value.bytes().map(|byte| format!("%{byte:02X}")).collect();
        for query in [
            format!("access_token={value}"),
            format!("a=b&{value}"),
            format!("t={encoded}"),
            format!("query={{agentToken(id:%22{value}%22)}}"),
        ] {
            assert!(query_holds_a_token(&query), "{query}");
        }
        assert!(holds_a_token(&format!("curl/8 ({value})")));
    }

    #[test]
    fn a_value_behind_escapes_is_found() {
        let secret = TokenSecret::mint(&Prefix::default(), Kind::UserToken, &Sevens);
        let value = secret.reveal();
        let inner = serde_json::to_string(&format!("a\n{value}\tb")).expect("writes");
        let (first, rest) = value.split_at(1);
        let code = u32::from(first.as_bytes()[0]);
        for json in [
            format!("{{\"a\": {inner}}}"),
            serde_json::to_string(&inner).expect("writes"),
            serde_json::to_string(&serde_json::to_string(&inner).expect("writes")).expect("writes"),
            format!("\"\\u{code:04x}{rest}\""),
            format!("\"\\u0001{value}\\\"\""),
        ] {
            assert!(json_holds_a_token(&json), "{json}");
        }
        for json in ["\"\\ncsnut_4f9Kd0aZ81b\"", "\\", "\\u", "\\u12", "\\uäöü", ""] {
            assert!(!json_holds_a_token(json), "{json}");
        }
    }

    #[test]
    fn what_is_not_whole_is_none() {
        let secret = TokenSecret::mint(&Prefix::default(), Kind::UserToken, &Sevens);
        let (part, _) = secret.reveal().split_at(40);
        for query in ["sequence=1&offset=0&size=5", "id=csnut_4f9Kd0aZ81b", part, ""] {
            assert!(!query_holds_a_token(query), "{query}");
        }
    }
}
