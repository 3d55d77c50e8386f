//! Which keys of the ring rows still need.

use countersign_domain::KeyId;

use crate::{StoreError, Tx, params, statements};

statements! {
    /// How many rows each key is needed by. What is at its end needs no key: ended sessions, jobs, invitations and sign-ins are refused by their row. $1: now.
    NEEDED = "SELECT key_id, CAST(SUM(n) AS BIGINT) AS n FROM (
                SELECT key_id, COUNT(*) AS n FROM token_secrets GROUP BY key_id
                UNION ALL SELECT key_id, COUNT(*) AS n FROM sessions WHERE ended_at IS NULL GROUP BY key_id
                UNION ALL SELECT token_key_id AS key_id, COUNT(*) AS n FROM jobs WHERE token_key_id IS NOT NULL AND token_ended_at IS NULL GROUP BY token_key_id
                UNION ALL SELECT key_id, COUNT(*) AS n FROM invitations WHERE accepted_at IS NULL AND withdrawn_at IS NULL AND expires_at > $1 GROUP BY key_id
                UNION ALL SELECT key_id, COUNT(*) AS n FROM passwords GROUP BY key_id
                UNION ALL SELECT key_id, COUNT(*) AS n FROM sign_ins WHERE ended_at IS NULL AND expires_at > $1 GROUP BY key_id
                UNION ALL SELECT key_id, COUNT(*) AS n FROM sign_in_links WHERE used_at IS NULL AND expires_at > $1 GROUP BY key_id
                UNION ALL SELECT data_key_id AS key_id, COUNT(*) AS n FROM tokens WHERE data_key_id IS NOT NULL GROUP BY data_key_id
                UNION ALL SELECT key_id, COUNT(*) AS n FROM audit_heads GROUP BY key_id
                UNION ALL SELECT key_id, COUNT(*) AS n FROM oidc_keys WHERE key_id IS NOT NULL GROUP BY key_id
              ) AS needs GROUP BY key_id ORDER BY key_id";
}

/// How many rows need each key.
pub async fn needed(tx: &mut Tx) -> Result<Vec<(KeyId, i64)>, StoreError> {
    let now = tx.now();
    tx.all(NEEDED, &params![now]).await?.iter().map(|row| Ok((row.parse("key_id")?, row.get("n")?))).collect()
}
