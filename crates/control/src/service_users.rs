//! Service users: members that are programs. They never sign in and are never invited; Organization Admins make them, describe them, and
//! make, see, reveal and revoke their tokens. What an Organization Admin does to any member they do to these too: see [`crate::members`].

mod create;
mod tokens;
mod update;

use countersign_domain::id::UserId;
use countersign_domain::text::ServiceUserName;
use countersign_store::{Tx, members};

use crate::members::{Member, MemberReference, resolve};
use crate::{Error, Result, Scene, input};

pub use create::NewServiceUser;
pub use update::ServiceUserChange;

/// The service user of that name.
async fn service_user<I: Sync>(tx: &mut Tx, scene: &Scene<I>, reference: &MemberReference) -> Result<Member> {
    let not_found = |_| Error::NotFound("service user");
    resolve(tx, scene, reference)
        .await
        .map_err(|error| if error == Error::NotFound("member") { not_found(()) } else { error })
        .and_then(|it| if it.user.is_service { Ok(it) } else { Err(not_found(())) })
}

fn name(text: &str) -> Result<String> {
    Ok(input::field("name", ServiceUserName::parse(text))?.as_str().to_owned())
}

/// Refuses a name that another one has, in whatever case of letters. `besides` is the one that is to have it.
async fn not_taken<I: Sync>(tx: &mut Tx, scene: &Scene<I>, name: &str, besides: UserId) -> Result<()> {
    match members::find_alike_service_user(tx, scene.organization, name, besides).await? {
        Some(found) => Err(input::taken("service user", name, &found.user.name)),
        None => Ok(()),
    }
}
