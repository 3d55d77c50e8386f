//! Destroying the sealed copies whose window has closed.

use countersign_domain::Kind;
use countersign_domain::id::Id;
use countersign_store::{Lane, tokens};
use serde_json::json;

use crate::access::actions::KeepHouse;
use crate::scene::Subject;
use crate::{Control, Grant, Result};

/// How many tokens one transaction goes through at the most.
const BATCH: i64 = 200;

impl Control {
    /// Destroys the sealed copies that have outlived their window or their token. Answers how many tokens that were.
    ///
    /// # Errors
    /// Only [`crate::Error::Unavailable`] and [`crate::Error::Internal`].
    pub async fn close_windows(&self) -> Result<u64> {
        let grant: Grant<KeepHouse> = self.system("the time to reveal is over", Id::nil())?;
        let mut closed = 0;
        loop {
            // Looking is a read; only when there is something to do does it wait for the writer.
            let found = self.store().read((), |tx, ()| Box::pin(tokens::closed_windows(tx, BATCH))).await?;
            if found.is_empty() {
                return Ok(closed);
            }
            closed += found.len() as u64;
            self.write(&grant, Lane::Normal, found, |tx, scene| {
                Box::pin(async move {
                    for it in &scene.input {
                        if tokens::drop_sealed(tx, it.token).await? {
                            let kind = subject_kind(it.kind);
                            let subject = Subject::new(kind, it.token, it.public_id.as_str());
                            scene.audit_in(tx, it.organization, "token.value_destroyed", subject, json!({})).await?;
                        }
                    }
                    Ok(())
                })
            })
            .await?;
        }
    }
}

/// What audit rows call a token of this kind.
const fn subject_kind(kind: Kind) -> &'static str {
    match kind {
        Kind::AgentToken => "agent_token",
        Kind::UserToken => "user_token",
        Kind::OperatorToken => "operator_token",
        Kind::Session => "session",
        Kind::Job => "job",
        Kind::Invitation => "invitation",
        Kind::SignIn => "sign_in",
        Kind::SignInLink => "sign_in_link",
    }
}
