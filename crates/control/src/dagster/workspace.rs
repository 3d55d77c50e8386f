//! What an agent is to load for each of its deployments, asked every five seconds.

use countersign_store::code_locations::{self, Entry};
use countersign_store::tokens::scopes;

use crate::access::actions::ReadDagsterWorkspace;
use crate::{Control, Error, Grant, Result};

use super::reach::{self, Reached, Wanted};

/// The most bytes of definitions that one call is answered with: what is large at once is held in memory.
pub const MAX_WORKSPACE: i64 = 16 * 1024 * 1024;

/// What an agent is to load.
#[derive(Debug, Clone, Default)]
pub struct Workspace {
    /// The deployments that it may serve. One that is missing is dropped by the agent, with its code servers.
    pub reached: Reached,
    /// The code locations of each of them, by name: those of the queues that both the agent and its token serve.
    pub entries: Vec<Vec<Entry>>,
}

impl Control {
    /// What the agent is to load for those of these deployments that it may serve.
    ///
    /// # Errors
    /// [`Error::Invalid`] at `deployments` or `agentQueues` for too many, and at `deploymentNames` for more than [`MAX_WORKSPACE`].
    pub async fn read_dagster_workspace(
        &self,
        grant: &Grant<ReadDagsterWorkspace>,
        wanted: Wanted,
    ) -> Result<Workspace> {
        let token = grant.agent_token()?;
        let input = (token.token, wanted.checked()?);
        let workspace = self
            .read(grant, input, |tx, scene| {
                Box::pin(async move {
                    let (of, (token, wanted)) = (scene.organization, &scene.input);
                    let scope = scopes::find(tx, of, *token).await?.ok_or_else(Error::unknown)?;
                    let reached = reach::within(tx, of, &scope, wanted).await?;
                    let served = reach::served(&scope, wanted);
                    let mut entries = Vec::with_capacity(reached.served.len());
                    let mut weight = 0;
                    for deployment in &reached.served {
                        weight += code_locations::weight(tx, of, deployment.id).await?;
                        if weight > MAX_WORKSPACE {
                            let why = format!(
                                "have code locations of more than {MAX_WORKSPACE} bytes together; let each agent serve fewer of them"
                            );
                            return Err(Error::invalid("deploymentNames", why));
                        }
                        let mut all = code_locations::entries(tx, of, deployment.id).await?;
                        all.retain(|it| served.has(it.definition.queue.as_deref()));
                        entries.push(all);
                    }
                    Ok(Workspace { reached, entries })
                })
            })
            .await?;
        self.note_refused(token, &workspace.reached);
        Ok(workspace)
    }
}
