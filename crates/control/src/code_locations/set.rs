//! Adding a code location, giving it another definition, or having the same one loaded again: one operation, for who deploys says what is to be
//! there.

use countersign_domain::dagster::Definition;
use countersign_domain::id::{CodeLocationId, DagsterRequestId, DeploymentId};
use countersign_domain::text::CodeLocationName;
use countersign_store::{Lane, Tx, code_locations, deployments};
use serde_json::json;

use crate::access::actions::EditCodeLocations;
use crate::scene::Subject;
use crate::{Control, Error, Grant, Result, Scene, input};

use super::{CodeLocation, MAX_DEFINITIONS, MAX_LOCATIONS, ask_to_check, ask_to_start};

/// What is to be there.
#[derive(Debug, Clone)]
pub struct NewLocation {
    /// In which deployment.
    pub deployment: DeploymentId,
    /// Its name, unique there.
    pub name: String,
    /// How its code is found.
    pub definition: Definition,
    /// Whether one of that name may be there already: true gives it this definition.
    pub may_exist: bool,
}

/// What was done.
#[derive(Debug, Clone)]
pub struct Set {
    /// The code location as it is now.
    pub location: CodeLocation,
    /// Whether it is new.
    pub is_new: bool,
}

struct Input {
    new: NewLocation,
    id: CodeLocationId,
    requests: [DagsterRequestId; 3],
}

impl Control {
    /// Adds a code location, or gives the one of that name another definition; in either case the agents of its queue are asked to load it.
    ///
    /// # Errors
    /// [`Error::NotFound`] for the deployment; [`Error::Denied`] in another one than one's own;
    /// [`Error::Invalid`] at `name` or at a field of the definition; [`Error::Conflict`] when there
    /// is one of that name and it may not be, or there are [`MAX_LOCATIONS`].
    pub async fn set_code_location(&self, grant: &Grant<EditCodeLocations>, new: NewLocation) -> Result<Set> {
        input::field("name", CodeLocationName::parse(&new.name))?;
        new.definition.check().map_err(|fault| Error::invalid(fault.field(), fault))?;
        let input = Input { new, id: self.fresh_id(), requests: [self.fresh_id(), self.fresh_id(), self.fresh_id()] };
        self.write(grant, Lane::Normal, input, |tx, scene| Box::pin(set(tx, scene))).await
    }
}

async fn set(tx: &mut Tx, scene: &Scene<Input>) -> Result<Set> {
    let (of, Input { new, id, requests }) = (scene.organization, &scene.input);
    let by = scene.caller.user().ok_or_else(|| Error::internal("a code location is set by a person"))?;
    // Nobody deletes it meanwhile, and those who set one at the same time come one after the other.
    let deployment = deployments::close(tx, of, new.deployment).await?.ok_or(Error::NotFound("deployment"))?;
    scene.may_in(tx, deployment.id).await?;
    let before = code_locations::find(tx, of, deployment.id, &new.name).await?;
    let is_new = before.is_none();
    match &before {
        Some(_) if !new.may_exist => {
            return Err(Error::Conflict(format!(
                "The deployment {} has a code location {} already; update it, or choose another name.",
                deployment.name, new.name
            )));
        }
        Some(it) => code_locations::change(tx, of, it, &new.definition).await?,
        None => {
            if code_locations::count(tx, of, deployment.id).await? >= MAX_LOCATIONS {
                return Err(Error::Conflict(format!(
                    "The deployment {} has {MAX_LOCATIONS} code locations, the most there may be; remove some.",
                    deployment.name
                )));
            }
            code_locations::insert(tx, of, *id, deployment.id, &new.name, &new.definition, by).await?;
        }
    }
    let weight = code_locations::weight(tx, of, deployment.id).await?;
    if weight > MAX_DEFINITIONS {
        return Err(Error::Conflict(format!(
            "The code locations of the deployment {} would be {weight} bytes together, and may be {MAX_DEFINITIONS}; make their container contexts \
             smaller, or use another deployment.",
            deployment.name
        )));
    }
    let [check, elsewhere, ping] = *requests;
    let queue = new.definition.queue.as_deref();
    ask_to_check(tx, of, check, &deployment, queue, by).await?;
    // Those that had it are to let it go.
    if let Some(other) = before.as_ref().map(|it| it.definition.queue.as_deref()).filter(|other| *other != queue) {
        ask_to_check(tx, of, elsewhere, &deployment, other, by).await?;
    }
    ask_to_start(tx, of, ping, &deployment, (new.name.as_str(), queue), by).await?;
    let location = code_locations::find(tx, of, deployment.id, &new.name).await?;
    let location = location.ok_or_else(|| Error::internal("a code location that was set is not there"))?;
    let subject = Subject::new("code_location", location.id, location.name.as_str());
    let detail = json!({
        "deployment": deployment.name,
        "queue": queue,
        "commit": new.definition.commit_hash,
        "image": new.definition.image,
    });
    scene.audit(tx, if is_new { "code_location.added" } else { "code_location.changed" }, subject, detail).await?;
    Ok(Set { location, is_new })
}
