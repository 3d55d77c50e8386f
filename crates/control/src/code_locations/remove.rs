//! Removing a code location: agents stop its code server when they look again.

use countersign_domain::id::{DagsterRequestId, DeploymentId};
use countersign_store::{Lane, Tx, code_locations, deployments};
use serde_json::json;

use crate::access::actions::EditCodeLocations;
use crate::scene::Subject;
use crate::{Control, Error, Grant, Result, Scene};

use super::{CodeLocation, ask_to_check};

impl Control {
    /// Removes a code location. What ran of it stays known.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::Denied`] in another deployment than one's own.
    pub async fn remove_code_location(
        &self,
        grant: &Grant<EditCodeLocations>,
        deployment: DeploymentId,
        name: &str,
    ) -> Result<CodeLocation> {
        let input = (deployment, name.to_owned(), self.fresh_id());
        self.write(grant, Lane::Normal, input, |tx, scene| Box::pin(remove(tx, scene))).await
    }
}

async fn remove(tx: &mut Tx, scene: &Scene<(DeploymentId, String, DagsterRequestId)>) -> Result<CodeLocation> {
    let (of, (id, name, fresh)) = (scene.organization, &scene.input);
    let by = scene.caller.user().ok_or_else(|| Error::internal("a code location is removed by a person"))?;
    // Whoever sets it or tells of it meanwhile comes before this or after it.
    let deployment = deployments::close(tx, of, *id).await?.ok_or(Error::NotFound("deployment"))?;
    scene.may_in(tx, deployment.id).await?;
    let found = code_locations::find(tx, of, deployment.id, name).await?.ok_or(Error::NotFound("code location"))?;
    if !code_locations::remove(tx, of, found.id).await? {
        return Err(Error::NotFound("code location"));
    }
    ask_to_check(tx, of, *fresh, &deployment, found.definition.queue.as_deref(), by).await?;
    let subject = Subject::new("code_location", found.id, found.name.as_str());
    scene.audit(tx, "code_location.removed", subject, json!({ "deployment": deployment.name })).await?;
    Ok(found)
}
