//! Which of the deployments in its configuration an agent may serve, asked once when it starts.

use countersign_store::deployments::{self, Deployment};
use countersign_store::tokens::scopes;

use crate::access::actions::CheckDagsterDeployments;
use crate::agents::joining;
use crate::{Control, Error, Grant, Result};

use super::{Reached, Wanted};

impl Control {
    /// What of these deployments the agent may serve. An agent ends when one is missing, so a face refuses the whole with its name.
    ///
    /// # Errors
    /// [`Error::Invalid`] at `deployments` for too many.
    pub async fn check_dagster_deployments(
        &self,
        grant: &Grant<CheckDagsterDeployments>,
        names: Vec<String>,
    ) -> Result<Reached> {
        self.reached(grant, Wanted { deployments: names, ..Wanted::default() }).await
    }

    /// The deployment of an agent whose configuration names none: as for a Buildkite agent without the tag.
    ///
    /// # Errors
    /// [`Error::Invalid`] at `deployment` when that is none or more than one.
    pub async fn only_dagster_deployment(&self, grant: &Grant<CheckDagsterDeployments>) -> Result<Deployment> {
        let token = grant.agent_token()?.token;
        let found = self
            .read(grant, token, |tx, scene| {
                Box::pin(async move {
                    let of = scene.organization;
                    let scope = scopes::find(tx, of, scene.input).await?.ok_or_else(Error::unknown)?;
                    let Some(joined) = joining::wanted(tx, of, &scope, None).await? else { return Ok(None) };
                    let found = deployments::find(tx, of, joined.id).await?;
                    Ok(found.filter(|it| scope.allows_deployment(it.id, it.parent.is_some())))
                })
            })
            .await?;
        let why = "is not named, and the token does not say which one is meant: set `deployment` in dagster.yaml";
        found.ok_or_else(|| Error::invalid("deployment", why))
    }
}
