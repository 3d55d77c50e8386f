//! Having a code location loaded again as it is, for code that has changed under the same definition.

use countersign_domain::id::{DagsterRequestId, DeploymentId};
use countersign_store::{Lane, Tx, code_locations, deployments};
use serde_json::json;

use crate::access::actions::EditCodeLocations;
use crate::scene::Subject;
use crate::{Control, Error, Grant, Result, Scene};

use super::{CodeLocation, ask_to_check, ask_to_start};

impl Control {
    /// Asks the agents of its queue to load a code location again. It waits until one has told of it.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::Denied`] in another deployment than one's own.
    pub async fn reload_code_location(
        &self,
        grant: &Grant<EditCodeLocations>,
        deployment: DeploymentId,
        name: &str,
    ) -> Result<CodeLocation> {
        let input = (deployment, name.to_owned(), [self.fresh_id(), self.fresh_id()]);
        self.write(grant, Lane::Normal, input, |tx, scene| Box::pin(reload(tx, scene))).await
    }
}

async fn reload(tx: &mut Tx, scene: &Scene<(DeploymentId, String, [DagsterRequestId; 2])>) -> Result<CodeLocation> {
    let (of, (id, name, [check, ping])) = (scene.organization, &scene.input);
    let by = scene.caller.user().ok_or_else(|| Error::internal("a code location is loaded again for a person"))?;
    // Whoever gives it another definition meanwhile comes before this or after it.
    let deployment = deployments::close(tx, of, *id).await?.ok_or(Error::NotFound("deployment"))?;
    scene.may_in(tx, deployment.id).await?;
    let found = code_locations::find(tx, of, deployment.id, name).await?.ok_or(Error::NotFound("code location"))?;
    code_locations::change(tx, of, &found, &found.definition).await?;
    let queue = found.definition.queue.as_deref();
    ask_to_check(tx, of, *check, &deployment, queue, by).await?;
    ask_to_start(tx, of, *ping, &deployment, (found.name.as_str(), queue), by).await?;
    let subject = Subject::new("code_location", found.id, found.name.as_str());
    scene.audit(tx, "code_location.reloaded", subject, json!({ "deployment": deployment.name })).await?;
    let found = code_locations::find(tx, of, deployment.id, name).await?;
    found.ok_or_else(|| Error::internal("a code location that is to be loaded again is not there"))
}
