//! What an Organization Admin sees and does of the user tokens of others: that they are there, and taking them back. Nobody but its owner
//! reveals one or changes what is said of it, and nobody makes one in another person's name.

use countersign_domain::id::TokenId;
use countersign_store::Lane;
use countersign_store::tokens::{self, Token};
use serde_json::json;

use crate::access::actions::{RevokeMemberToken, ViewMemberTokens};
use crate::scene::Subject;
use crate::user_tokens::{UserTokenReference, of_user, seen_of_user};
use crate::{Control, Error, Grant, Page, PageRequest, Result, input};

use super::{MemberReference, label, resolve};

impl Control {
    /// A page of a member's user tokens in this organization, newest first.
    ///
    /// # Errors
    /// [`Error::NotFound`] for the member.
    pub async fn member_tokens(
        &self,
        grant: &Grant<ViewMemberTokens>,
        member: MemberReference,
        page: PageRequest<TokenId>,
    ) -> Result<Page<Token>> {
        let rows = self
            .read(grant, (member, page), |tx, scene| {
                Box::pin(async move {
                    let (reference, page) = &scene.input;
                    let member = resolve(tx, scene, reference).await?;
                    let (of, id) = (scene.organization, member.user.id);
                    Ok(tokens::page_of_user(tx, of, id, page.start(), page.rows()).await?)
                })
            })
            .await?;
        let mut page = Page::of(rows, &page);
        for token in &mut page.items {
            self.overlay(token);
        }
        Ok(page)
    }

    /// One of a member's user tokens in this organization.
    ///
    /// # Errors
    /// [`Error::NotFound`] for the member, and for a token that is not theirs.
    pub async fn member_token(
        &self,
        grant: &Grant<ViewMemberTokens>,
        member: MemberReference,
        token: UserTokenReference,
    ) -> Result<Token> {
        let mut token = self
            .read(grant, (member, token), |tx, scene| {
                Box::pin(async move {
                    let (member, token) = &scene.input;
                    let member = resolve(tx, scene, member).await?;
                    seen_of_user(tx, scene, token, member.user.id).await
                })
            })
            .await?;
        self.overlay(&mut token);
        Ok(token)
    }

    /// Takes a user token of a member back. One that was taken back before keeps its first reason. After the answer no write of its
    /// holder commits.
    ///
    /// # Errors
    /// [`Error::NotFound`] for the member, and for a token that is not theirs; [`Error::Invalid`] at `reason`.
    pub async fn revoke_member_token(
        &self,
        grant: &Grant<RevokeMemberToken>,
        member: MemberReference,
        token: UserTokenReference,
        reason: Option<String>,
    ) -> Result<Token> {
        let reason = reason.as_deref().map(input::reason).transpose()?;
        let by = grant.user()?.user;
        self.write(grant, Lane::Urgent, (member, token, reason, by), |tx, scene| {
            Box::pin(async move {
                let (member, reference, reason, by) = &scene.input;
                let member = resolve(tx, scene, member).await?;
                let token = of_user(tx, scene, reference, member.user.id).await?;
                let first = tokens::revoke(tx, scene.organization, token.id, Some(*by), reason.as_deref()).await?;
                let subject = Subject::new("user_token", token.id, token.public_id.as_str());
                let detail = json!({ "owner": label(&member), "reason": reason, "was_revoked_before": !first });
                scene.audit(tx, "user_token.revoked", subject, detail).await?;
                tokens::find(tx, scene.organization, token.id).await?.ok_or(Error::NotFound("user token"))
            })
        })
        .await
    }
}
