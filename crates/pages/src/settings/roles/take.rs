//! Taking a role in a deployment away.

use countersign_control::Error;
use countersign_control::access::actions::GrantDeploymentRole;
use countersign_control::deployment_roles::{HolderReference, Place, RoleRemoval};
use countersign_control::members::MemberReference;
use countersign_control::teams::TeamReference;

use crate::form::Posted;
use crate::frame::{self, Answer};
use crate::notice::{Notice, then};
use crate::visit::Visit;

use super::give::place;
use super::of::Of;

/// A holder, as a row of a deployment names one.
fn holder(text: &str) -> Result<HolderReference, Error> {
    match text.split_once(':') {
        Some(("team", id)) => Ok(HolderReference::Team(TeamReference::parse(id)?)),
        Some(("member", id)) => Ok(HolderReference::Member(MemberReference::parse(id)?)),
        _ => Err(Error::NotFound("member")),
    }
}

/// Takes away what the row names.
pub(crate) async fn submit(visit: Visit, form: Posted) -> Answer {
    let of = Of::address(&visit).await?;
    let grant = visit.may::<GrantDeploymentRole>()?;
    let said = form.text("of");
    let removal = match &of {
        Of::Deployment(it) => RoleRemoval { holder: holder(said)?, place: Place::Deployment(it.id) },
        Of::Team(it) => RoleRemoval { holder: HolderReference::Team(TeamReference::Id(it.id)), place: place(said)? },
        Of::Member(it) => {
            RoleRemoval { holder: HolderReference::Member(MemberReference::Id(it.user.id)), place: place(said)? }
        }
    };
    let notice = match visit.control().take_deployment_role(&grant, removal).await {
        Err(Error::NotFound("role in that deployment")) => Notice::RoleGone,
        outcome => outcome.map(|_| Notice::RoleTaken)?,
    };
    Ok(then(&visit.site, &of.path(&visit, ""), notice))
}

/// Asking for the address of the form leads to the page that it is on.
pub(crate) async fn back(visit: Visit) -> Answer {
    Ok(frame::to(&Of::address(&visit).await?.path(&visit, "")))
}
