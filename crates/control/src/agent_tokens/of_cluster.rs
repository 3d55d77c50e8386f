//! The agent tokens that were made for one deployment: Buildkite's tokens of a cluster.

use countersign_domain::Kind;
use countersign_domain::id::{DeploymentId, TokenId};
use countersign_store::tokens;

use crate::access::actions::ViewAgentTokens;
use crate::issuing::CLUSTER_TOKEN;
use crate::{Control, Error, Grant, Page, PageRequest, Result};

use super::AgentToken;
use super::list::{with_scope, with_scopes};

impl AgentToken {
    /// The deployment that it was made for, of a token that was made for one.
    #[must_use]
    pub fn cluster(&self) -> Option<DeploymentId> {
        self.scope.deployments.only_one().filter(|_| self.token.family == CLUSTER_TOKEN)
    }
}

impl Control {
    /// A page of the tokens that were made for one deployment and were not revoked, newest first.
    ///
    /// # Errors
    /// Only [`Error::Unavailable`] and [`Error::Internal`].
    pub async fn cluster_tokens(
        &self,
        grant: &Grant<ViewAgentTokens>,
        deployment: DeploymentId,
        page: PageRequest<TokenId>,
    ) -> Result<Page<AgentToken>> {
        let rows = self
            .read(grant, (deployment, page), |tx, scene| {
                Box::pin(async move {
                    let (deployment, page) = scene.input;
                    let (of, after) = (scene.organization, page.start());
                    let rows =
                        tokens::page_of_deployment(tx, of, deployment, CLUSTER_TOKEN, after, page.rows()).await?;
                    with_scopes(tx, scene, rows).await
                })
            })
            .await?;
        Ok(self.overlaid(rows, &page))
    }

    /// How many those are.
    ///
    /// # Errors
    /// Only [`Error::Unavailable`] and [`Error::Internal`].
    pub async fn count_cluster_tokens(&self, grant: &Grant<ViewAgentTokens>, deployment: DeploymentId) -> Result<i64> {
        self.read(grant, deployment, |tx, scene| {
            Box::pin(async move {
                Ok(tokens::count_of_deployment(tx, scene.organization, scene.input, CLUSTER_TOKEN).await?)
            })
        })
        .await
    }

    /// One of the tokens that were made for a deployment; a revoked one too.
    ///
    /// # Errors
    /// [`Error::NotFound`], also for other agent tokens.
    pub async fn cluster_token(&self, grant: &Grant<ViewAgentTokens>, id: TokenId) -> Result<AgentToken> {
        let mut found = self
            .read(grant, id, |tx, scene| {
                Box::pin(async move {
                    match tokens::find(tx, scene.organization, scene.input).await? {
                        Some(token) if token.kind == Kind::AgentToken && token.family == CLUSTER_TOKEN => {
                            with_scope(tx, scene, token).await
                        }
                        _ => Err(Error::NotFound("cluster agent token")),
                    }
                })
            })
            .await?;
        self.overlay(&mut found.token);
        Ok(found)
    }
}
