//! Setting an instance up, once.

use countersign_domain::id::OrganizationId;
use countersign_store::{Lane, instance};

use crate::access::actions::CreateOrganization;
use crate::{Control, Error, Grant, Result, audit};

use super::create::{Created, NewOrganization, make};

impl Control {
    /// Makes the first organization of a fresh database. Of two that try at once one wins.
    ///
    /// # Errors
    /// [`Error::Conflict`] when the database has been set up: then nothing is changed. [`Error::Invalid`] as for any organization.
    pub async fn initialize(&self, grant: &Grant<CreateOrganization>, new: NewOrganization) -> Result<Created> {
        let plan = self.plan(&new)?;
        let secrets = plan.secrets();
        let uuid = self.fresh_id::<Control>().uuid();
        let already = || Error::Conflict("This database has been set up already; nothing was changed.".to_owned());
        let made = self
            .write(grant, Lane::Normal, (plan, uuid), |tx, scene| {
                Box::pin(async move {
                    let (plan, uuid) = &scene.input;
                    instance::insert(tx, *uuid).await?;
                    audit::seal::begin(tx, scene, OrganizationId::nil()).await?;
                    make(tx, scene, plan).await
                })
            })
            .await
            .map_err(|error| if matches!(error, Error::Conflict(_)) { already() } else { error })?;
        Ok(made.with(secrets))
    }

    /// Whether the database has been set up.
    ///
    /// # Errors
    /// Only [`Error::Unavailable`] and [`Error::Internal`].
    pub async fn is_initialized(&self) -> Result<bool> {
        Ok(self.store().read((), |tx, ()| Box::pin(instance::exists(tx))).await?)
    }
}
