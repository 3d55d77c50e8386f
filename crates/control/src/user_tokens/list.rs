//! Seeing one's own user tokens.

use countersign_domain::id::TokenId;
use countersign_store::tokens::{self, Token};

use crate::access::actions::ViewUserTokens;
use crate::{Control, Grant, Page, PageRequest, Result};

use super::{UserTokenReference, own_seen};

impl Control {
    /// A page of the caller's own user tokens, newest first.
    ///
    /// # Errors
    /// Only [`crate::Error::Unavailable`] and [`crate::Error::Internal`].
    pub async fn user_tokens(&self, grant: &Grant<ViewUserTokens>, page: PageRequest<TokenId>) -> Result<Page<Token>> {
        let user = grant.user()?.user;
        let rows = self
            .read(grant, (user, page), |tx, scene| {
                Box::pin(async move {
                    let (user, page) = scene.input;
                    let after = page.start();
                    Ok(tokens::page_of_user(tx, scene.organization, user, after, page.rows()).await?)
                })
            })
            .await?;
        let mut page = Page::of(rows, &page);
        for token in &mut page.items {
            self.overlay(token);
        }
        Ok(page)
    }

    /// One of the caller's own user tokens.
    ///
    /// # Errors
    /// [`crate::Error::NotFound`].
    pub async fn user_token(&self, grant: &Grant<ViewUserTokens>, token: UserTokenReference) -> Result<Token> {
        let mut token = self.read(grant, token, |tx, scene| Box::pin(own_seen(tx, scene, &scene.input))).await?;
        self.overlay(&mut token);
        Ok(token)
    }
}
