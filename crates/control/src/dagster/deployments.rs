//! Which of the deployments in its configuration an agent may serve, asked once when it starts.

use countersign_store::organizations::{self, Deployment};
use countersign_store::tokens::scopes;

use crate::access::actions::CheckDagsterDeployments;
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

    /// The deployment of an agent whose configuration names none: the token's only one, or the organization's default if that is within reach, or
    /// the only one that is.
    ///
    /// # Errors
    /// [`Error::Invalid`] at `deployment` when that is none or more than one.
    pub async fn only_dagster_deployment(&self, grant: &Grant<CheckDagsterDeployments>) -> Result<Deployment> {
        let token = grant.agent_token()?.token;
        let found = self
            .read(grant, token, |tx, scene| {
                Box::pin(async move {
                    let of = scene.organization;
                    let organization = organizations::find(tx, of).await?.ok_or_else(Error::unknown)?;
                    let scope = scopes::find(tx, of, scene.input).await?.ok_or_else(Error::unknown)?;
                    let mut within = organizations::deployments(tx, of).await?;
                    within.retain(|it| it.parent.is_none() && scope.allows_deployment(it.id, false));
                    let default = within.iter().position(|it| it.id == organization.default_deployment);
                    Ok(match (default, within.len()) {
                        (Some(at), _) => Some(within.swap_remove(at)),
                        (None, 1) => within.pop(),
                        (None, _) => None,
                    })
                })
            })
            .await?;
        let why = "is not named, and the token does not say which one is meant: set `deployment` in dagster.yaml";
        found.ok_or_else(|| Error::invalid("deployment", why))
    }
}
