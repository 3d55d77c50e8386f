//! Operator tokens: for whoever runs this instance. They belong to no organization and see nothing inside one.

use std::sync::Arc;

use countersign_domain::id::{OrganizationId, TokenId};
use countersign_domain::{Kind, PublicId, RevealPolicy, TokenSecret};
use countersign_store::Lane;
use countersign_store::tokens::{self, Liveness, Token};
use serde_json::json;

use crate::access::OperatorCaller;
use crate::access::actions::ManageOperatorTokens;
use crate::issuing::{self, OPERATOR_TOKEN};
use crate::scene::Subject;
use crate::{Caller, Control, Error, Grant, MAX_PAGE, Origin, Result, input};

impl Control {
    /// The operator at work on the data folder itself: whoever can read the key ring is the operator already.
    #[must_use]
    pub fn local_operator(&self) -> Caller {
        Caller::Operator(OperatorCaller { credential: None, origin: Origin::local() })
    }

    /// Creates an operator token. Its value is shown once and never kept.
    ///
    /// # Errors
    /// [`Error::Invalid`] at `description`.
    pub async fn create_operator_token(
        &self,
        grant: &Grant<ManageOperatorTokens>,
        description: &str,
    ) -> Result<(Token, Arc<TokenSecret>)> {
        let mut issue = self.issue(Kind::OperatorToken, OPERATOR_TOKEN, OrganizationId::nil());
        issue.description = input::description(Some(description))?;
        issue.reveal_policy = RevealPolicy::Never;
        let secret = issue.secret.clone();
        let token = self
            .write(grant, Lane::Normal, issue, |tx, scene| {
                Box::pin(async move {
                    let token = issuing::issue(tx, &scene.keys, &*scene.entropy, &scene.input).await?;
                    let subject = Subject::new("operator_token", token.id, token.public_id.as_str());
                    let detail = json!({ "description": token.description });
                    scene.audit(tx, "operator_token.created", subject, detail).await?;
                    Ok(token)
                })
            })
            .await?;
        Ok((token, secret))
    }

    /// The newest operator tokens, at most [`MAX_PAGE`].
    ///
    /// # Errors
    /// Only [`Error::Unavailable`] and [`Error::Internal`].
    pub async fn operator_tokens(&self, grant: &Grant<ManageOperatorTokens>) -> Result<Vec<Token>> {
        self.read(grant, (), |tx, _| {
            Box::pin(async move {
                let nil = OrganizationId::nil();
                let limit = i64::from(MAX_PAGE);
                Ok(tokens::page(tx, nil, Kind::OperatorToken, Liveness::Any, TokenId::last(), limit).await?)
            })
        })
        .await
    }

    /// Takes an operator token back.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::Invalid`] at `reason`.
    pub async fn revoke_operator_token(
        &self,
        grant: &Grant<ManageOperatorTokens>,
        token: PublicId,
        reason: &str,
    ) -> Result<TokenId> {
        let reason = input::reason(reason)?;
        self.write(grant, Lane::Urgent, (token, reason), |tx, scene| {
            Box::pin(async move {
                let (public_id, reason) = &scene.input;
                let nil = OrganizationId::nil();
                let token = tokens::find_by_public_id(tx, nil, public_id).await?;
                let token = token.ok_or(Error::NotFound("operator token"))?;
                let first = tokens::revoke(tx, nil, token.id, None, Some(reason)).await?;
                let subject = Subject::new("operator_token", token.id, token.public_id.as_str());
                let detail = json!({ "reason": reason, "was_revoked_before": !first });
                scene.audit(tx, "operator_token.revoked", subject, detail).await?;
                Ok(token.id)
            })
        })
        .await
    }
}
