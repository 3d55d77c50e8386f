//! Asking an agent whether the code server of a location is there.

use countersign_domain::dagster::RequestKind;
use countersign_domain::id::{DagsterRequestId, DeploymentId};
use countersign_store::dagster_requests::{self, NewRequest};
use countersign_store::{Lane, Tx, code_locations, deployments};
use serde_json::json;

use crate::access::actions::EditCodeLocations;
use crate::scene::Subject;
use crate::{Control, Error, Grant, Result, Scene};

use super::DagsterRequest;

impl Control {
    /// Asks. The answer is seen in the request; for a branch deployment the question starts the code server.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::Denied`] in another deployment than one's own.
    pub async fn ping_code_location(
        &self,
        grant: &Grant<EditCodeLocations>,
        deployment: DeploymentId,
        name: &str,
    ) -> Result<DagsterRequest> {
        let input = (deployment, name.to_owned(), self.fresh_id());
        self.write(grant, Lane::Normal, input, |tx, scene| Box::pin(ping(tx, scene))).await
    }
}

async fn ping(tx: &mut Tx, scene: &Scene<(DeploymentId, String, DagsterRequestId)>) -> Result<DagsterRequest> {
    let (of, (id, name, fresh)) = (scene.organization, &scene.input);
    let deployment = deployments::enter(tx, of, *id).await?.ok_or(Error::NotFound("deployment"))?;
    scene.may_in(tx, deployment.id).await?;
    let found = code_locations::find(tx, of, deployment.id, name).await?.ok_or(Error::NotFound("code location"))?;
    let new = NewRequest {
        id: *fresh,
        deployment: deployment.id,
        kind: RequestKind::Ping,
        location: Some(name),
        queue: found.definition.queue.as_deref(),
        by: scene.caller.user(),
        run: None,
        only_for: None,
    };
    dagster_requests::insert(tx, of, &new).await?;
    let subject = Subject::new("code_location", found.id, found.name.as_str());
    scene.audit(tx, "code_location.pinged", subject, json!({ "deployment": deployment.name })).await?;
    let made = dagster_requests::find(tx, of, *fresh).await?;
    made.ok_or_else(|| Error::internal("a request that was made is not there"))
}
