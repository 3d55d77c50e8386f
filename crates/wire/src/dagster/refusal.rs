//! What every refused call answers.

use serde::{Deserialize, Serialize};

/// The body of a refusal. An agent whose answer has one of the keys `data`, `errors` and `maintenance` forgets the status and these words; a body
/// without them it shows whole to its operator, in its log and in the list of its own errors.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct RefusalBody {
    /// For people.
    pub message: String,
    /// Why a credential was refused, as one word: `unknown`, `revoked`, `rotated`, `expired`, `network`, `scope`, `kind`, `rate`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The refused token's public id, never its value. Only for a value whose secret verified.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_key_of_it_hides_its_words() {
        let some = |text: &str| Some(text.to_owned());
        let body = RefusalBody { message: "m".to_owned(), reason: some("revoked"), token: some("4f9Kd0aZ81b") };
        let text = serde_json::to_string(&body).expect("writes");
        assert_eq!(text, r#"{"message":"m","reason":"revoked","token":"4f9Kd0aZ81b"}"#);
        assert_eq!(serde_json::from_str::<RefusalBody>(&text).expect("reads"), body);
        let plain = RefusalBody { message: "m".to_owned(), ..RefusalBody::default() };
        assert_eq!(serde_json::to_string(&plain).expect("writes"), r#"{"message":"m"}"#);
    }
}
