//! Seeing agent tokens: what they are, what they reach, who uses them, who was refused.

use std::collections::BTreeMap;

use countersign_domain::Kind;
use countersign_domain::id::{AgentId, TokenId};
use countersign_store::Tx;
use countersign_store::agents::{self, Agent};
use countersign_store::refusals::{self, Refused};
use countersign_store::tokens::{self, Liveness, Token, managed, scopes, secrets};

use crate::access::actions::ViewAgentTokens;
use crate::{Control, Error, Grant, MAX_PAGE, Page, PageRequest, Result, Scene};

use super::AgentToken;
use super::reference::visible;

/// With its scope, which is part of the same snapshot.
pub(super) async fn with_scope<I: Sync>(tx: &mut Tx, scene: &Scene<I>, token: Token) -> Result<AgentToken> {
    let scope = scopes::find(tx, scene.organization, token.id).await?;
    Ok(AgentToken { scope: scope.ok_or(Error::NotFound("agent token"))?, token })
}

/// The same of several, by one statement per table.
pub(super) async fn with_scopes<I: Sync>(tx: &mut Tx, scene: &Scene<I>, all: Vec<Token>) -> Result<Vec<AgentToken>> {
    let ids: Vec<_> = all.iter().map(|token| token.id).collect();
    let mut scopes = scopes::find_many(tx, scene.organization, &ids).await?;
    let with = all.into_iter().map(|token| {
        let scope = scopes.remove(&token.id).ok_or(Error::NotFound("agent token"));
        scope.map(|scope| AgentToken { token, scope })
    });
    with.collect()
}

impl Control {
    /// A page of the organization's agent tokens, newest first.
    ///
    /// # Errors
    /// Only [`Error::Unavailable`] and [`Error::Internal`].
    pub async fn agent_tokens(
        &self,
        grant: &Grant<ViewAgentTokens>,
        which: Liveness,
        page: PageRequest<TokenId>,
    ) -> Result<Page<AgentToken>> {
        let rows = self
            .read(grant, (which, page), |tx, scene| {
                Box::pin(async move {
                    let (which, page) = scene.input;
                    let after = page.start();
                    let (of, rows) = (scene.organization, page.rows());
                    let rows = match scene.selected_by_roles_of() {
                        None => tokens::page(tx, of, Kind::AgentToken, which, after, rows).await?,
                        Some(user) => managed::page(tx, of, user, which, after, rows).await?,
                    };
                    with_scopes(tx, scene, rows).await
                })
            })
            .await?;
        Ok(self.overlaid(rows, &page))
    }

    /// How several of the organization's agent tokens are described, of those that the caller may see.
    ///
    /// # Errors
    /// Only [`Error::Unavailable`] and [`Error::Internal`].
    pub async fn agent_token_descriptions(
        &self,
        grant: &Grant<ViewAgentTokens>,
        ids: Vec<TokenId>,
    ) -> Result<BTreeMap<TokenId, Option<String>>> {
        self.read(grant, ids, |tx, scene| {
            Box::pin(async move {
                let by = scene.selected_by_roles_of();
                Ok(managed::descriptions(tx, scene.organization, by, &scene.input).await?)
            })
        })
        .await
    }

    /// How many agent tokens the organization has.
    ///
    /// # Errors
    /// Only [`Error::Unavailable`] and [`Error::Internal`].
    pub async fn count_agent_tokens(&self, grant: &Grant<ViewAgentTokens>, which: Liveness) -> Result<i64> {
        self.read(grant, which, |tx, scene| {
            Box::pin(async move {
                let (of, which) = (scene.organization, scene.input);
                Ok(match scene.selected_by_roles_of() {
                    None => tokens::count(tx, of, Kind::AgentToken, which).await?,
                    Some(user) => managed::count(tx, of, user, which).await?,
                })
            })
        })
        .await
    }

    /// One of the organization's agent tokens.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn agent_token(&self, grant: &Grant<ViewAgentTokens>, id: TokenId) -> Result<AgentToken> {
        let mut found = self
            .read(grant, id, |tx, scene| {
                Box::pin(async move {
                    visible(tx, scene, scene.input).await?;
                    match tokens::find(tx, scene.organization, scene.input).await? {
                        Some(token) if token.kind == Kind::AgentToken => with_scope(tx, scene, token).await,
                        _ => Err(Error::NotFound("agent token")),
                    }
                })
            })
            .await?;
        self.overlay(&mut found.token);
        Ok(found)
    }

    /// The secrets of one of the organization's agent tokens, newest first: who still uses which is seen here during a rotation.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn agent_token_secrets(
        &self,
        grant: &Grant<ViewAgentTokens>,
        id: TokenId,
    ) -> Result<Vec<secrets::Secret>> {
        let mut found = self
            .read(grant, id, |tx, scene| {
                Box::pin(async move {
                    visible(tx, scene, scene.input).await?;
                    match tokens::find(tx, scene.organization, scene.input).await? {
                        Some(token) if token.kind == Kind::AgentToken => Ok(secrets::of_token(tx, token.id).await?),
                        _ => Err(Error::NotFound("agent token")),
                    }
                })
            })
            .await?;
        for secret in &mut found {
            if let Some((at, ip)) = self.usage().secret_used(secret.id) {
                secret.last_used_at = Some(at);
                secret.last_used_ip = Some(ip.to_string());
            }
            // The sealed copy is nothing to list.
            secret.sealed = None;
        }
        Ok(found)
    }

    /// The connected agents of one of the organization's tokens, newest first.
    ///
    /// # Errors
    /// Only [`Error::Unavailable`] and [`Error::Internal`]; a token that is not the organization's has none.
    pub async fn agent_token_agents(
        &self,
        grant: &Grant<ViewAgentTokens>,
        id: TokenId,
        page: PageRequest<AgentId>,
    ) -> Result<Page<Agent>> {
        let rows = self
            .read(grant, (id, page), |tx, scene| {
                Box::pin(async move {
                    let (id, page) = scene.input;
                    visible(tx, scene, id).await?;
                    let after = page.start();
                    Ok(agents::connected_of_token(tx, scene.organization, id, after, page.rows()).await?)
                })
            })
            .await?;
        let mut page = Page::of(rows, &page);
        for agent in &mut page.items {
            self.overlay_agent(agent);
        }
        Ok(page)
    }

    /// How many connected agents one of the organization's tokens has.
    ///
    /// # Errors
    /// Only [`Error::Unavailable`] and [`Error::Internal`].
    pub async fn count_agent_token_agents(&self, grant: &Grant<ViewAgentTokens>, id: TokenId) -> Result<i64> {
        self.read(grant, id, |tx, scene| {
            Box::pin(async move {
                visible(tx, scene, scene.input).await?;
                Ok(agents::count_connected_of_token(tx, scene.organization, scene.input).await?)
            })
        })
        .await
    }

    /// Refused attempts with one of the organization's tokens, by reason and address, newest first.
    ///
    /// # Errors
    /// Only [`Error::Unavailable`] and [`Error::Internal`].
    pub async fn agent_token_refusals(&self, grant: &Grant<ViewAgentTokens>, id: TokenId) -> Result<Vec<Refused>> {
        self.flush_usage().await?;
        self.read(grant, id, |tx, scene| {
            Box::pin(async move {
                visible(tx, scene, scene.input).await?;
                Ok(refusals::of_token(tx, scene.organization, scene.input, i64::from(MAX_PAGE)).await?)
            })
        })
        .await
    }

    /// A page of tokens, each with what is known of its use and not written yet.
    pub(super) fn overlaid(&self, rows: Vec<AgentToken>, page: &PageRequest<TokenId>) -> Page<AgentToken> {
        let mut page = Page::of(rows, page);
        for it in &mut page.items {
            self.overlay(&mut it.token);
        }
        page
    }

    /// What is known of a token's use and not written yet.
    pub(crate) fn overlay(&self, token: &mut Token) {
        if let Some((at, ip)) = self.usage().used(token.id) {
            token.last_used_at = Some(at);
            token.last_used_ip = Some(ip.to_string());
        }
    }
}
