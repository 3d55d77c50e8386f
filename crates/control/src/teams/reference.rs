//! The ways to name a team: by id and by name.

use countersign_domain::id::TeamId;
use countersign_domain::text::TeamName;
use countersign_store::{Tx, teams};

use crate::{Error, Result, Scene};

use super::Team;

/// How a caller names a team of their organization.
#[derive(Debug, Clone)]
pub enum TeamReference {
    /// By id.
    Id(TeamId),
    /// By its name.
    Name(TeamName),
}

impl TeamReference {
    /// Reads a UUID or a name. Global ids are the face's to decode.
    ///
    /// # Errors
    /// [`Error::NotFound`] for anything else, as for a team that is not there.
    pub fn parse(text: &str) -> Result<Self> {
        let text = text.trim();
        if let Ok(id) = text.parse() {
            return Ok(Self::Id(id));
        }
        TeamName::parse(text).map(Self::Name).map_err(|_| Error::NotFound("team"))
    }
}

/// The organization's team of that name.
pub(crate) async fn resolve<I: Sync>(tx: &mut Tx, scene: &Scene<I>, reference: &TeamReference) -> Result<Team> {
    let found = match reference {
        TeamReference::Id(id) => teams::find(tx, scene.organization, *id).await?,
        TeamReference::Name(name) => teams::find_by_name(tx, scene.organization, name.as_str()).await?,
    };
    found.ok_or(Error::NotFound("team"))
}
