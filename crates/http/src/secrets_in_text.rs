//! Finding token values where none belongs: in an address, in a client's name for itself, in a message about a document.

use countersign_domain::TokenSecret;
use url::form_urlencoded;

/// Whether a whole token value stands somewhere in the text.
#[must_use]
pub fn holds_a_token(text: &str) -> bool {
    text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').any(|word| TokenSecret::parse(word).is_ok())
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
    fn what_is_not_whole_is_none() {
        let secret = TokenSecret::mint(&Prefix::default(), Kind::UserToken, &Sevens);
        let (part, _) = secret.reveal().split_at(40);
        for query in ["sequence=1&offset=0&size=5", "id=csnut_4f9Kd0aZ81b", part, ""] {
            assert!(!query_holds_a_token(query), "{query}");
        }
    }
}
