//! What an agent tells of a code location: that it has loaded it, or why it could not.

use countersign_domain::text::CodeLocationName;
use countersign_store::{Lane, Tx, code_locations};
use serde_json::json;

use crate::access::actions::TellCodeLocation;
use crate::dagster::reach::{self, Wanted};
use crate::scene::Subject;
use crate::{Control, Error, Grant, Result, Scene, input};

/// The most bytes that are kept of an error; the rest is cut off.
pub const MAX_ERROR: usize = 64 * 1024;
/// The most bytes of a manifest: it names repositories and where their snapshots are, and holds none of them.
pub const MAX_MANIFEST: usize = 1024 * 1024;

/// What is told.
#[derive(Debug, Clone)]
pub struct Told {
    /// Of which deployment, by name.
    pub deployment: String,
    /// Of which code location.
    pub location: String,
    /// Why it could not be loaded.
    pub error: Option<String>,
    /// What was loaded, in Dagster's own form of JSON.
    pub manifest: Option<String>,
}

impl Control {
    /// Keeps it, in the place of what was told before.
    ///
    /// # Errors
    /// [`Error::Unauthenticated`] with `scope` for a deployment that the token does not reach; [`Error::NotFound`] for a code location that
    /// was removed meanwhile; [`Error::Invalid`] at `location_name` or `manifest`.
    pub async fn tell_code_location(&self, grant: &Grant<TellCodeLocation>, mut told: Told) -> Result<()> {
        input::field("location_name", CodeLocationName::parse(&told.location))?;
        if told.manifest.as_ref().is_some_and(|it| it.len() > MAX_MANIFEST) {
            return Err(Error::invalid("manifest", format!("has more than {MAX_MANIFEST} bytes")));
        }
        if told.error.is_none() == told.manifest.is_none() {
            return Err(Error::invalid("manifest", "must be there without an error, and not beside one"));
        }
        if let Some(error) = &mut told.error {
            let end = (0..=MAX_ERROR.min(error.len())).rev().find(|at| error.is_char_boundary(*at));
            error.truncate(end.unwrap_or(0));
        }
        let token = grant.agent_token()?;
        let outcome = self.write(grant, Lane::Normal, (token.token, told), |tx, scene| Box::pin(tell(tx, scene))).await?;
        outcome.map_err(|reached| {
            self.note_refused(token, &reached);
            Error::refused(countersign_domain::Refusal::Scope, token.public_id.clone())
        })
    }
}

async fn tell(
    tx: &mut Tx,
    scene: &Scene<(countersign_domain::id::TokenId, Told)>,
) -> Result<std::result::Result<(), reach::Reached>> {
    let (of, (token, told)) = (scene.organization, &scene.input);
    let wanted = Wanted { deployments: vec![told.deployment.clone()], ..Wanted::default() };
    let reached = reach::reach(tx, of, *token, &wanted).await?;
    let Some(deployment) = reached.served.first() else { return Ok(Err(reached)) };
    let found = code_locations::find(tx, of, deployment.id, &told.location).await?;
    let found = found.ok_or(Error::NotFound("code location"))?;
    code_locations::tell(tx, of, found.id, told.error.as_deref(), told.manifest.as_deref()).await?;
    let subject = Subject::new("code_location", found.id, found.name.as_str());
    let (action, detail) = match &told.error {
        None => ("code_location.loaded", json!({ "deployment": deployment.name })),
        Some(_) => ("code_location.failed", json!({ "deployment": deployment.name })),
    };
    scene.audit(tx, action, subject, detail).await?;
    Ok(Ok(()))
}
