//! Secrets that the server keeps for jobs.

use serde::{Deserialize, Serialize};

use crate::SecretText;

/// The answer to `GET /jobs/:id/secrets?key=…`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobSecret {
    /// The key asked for.
    pub key: String,
    /// Its value.
    pub value: SecretText,
    /// The secret's id.
    #[serde(default)]
    pub uuid: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_read_and_not_shown() {
        let secret: JobSecret = serde_json::from_str(r#"{"key":"K","value":"hunter2"}"#).expect("reads");
        assert_eq!(secret.value.reveal(), "hunter2");
        assert!(!format!("{secret:?}").contains("hunter2"));
    }
}
