//! Taking away what somebody could sign in with: a password, links, sign-ins.
//!
//! Whoever invites an address can have been the one who set its first password. So what an address was given in one place opens nothing that is
//! given to it in another: the first Organization Admin of a new organization, and whoever belongs to nothing and is invited again, begin anew.

use countersign_domain::id::OrganizationId;
use countersign_store::sign_ins::{self, Ended, links};
use countersign_store::users::User;
use countersign_store::{Tx, passwords};
use serde_json::json;

use crate::scene::Subject;
use crate::{Result, Scene};

/// Takes the password of a person, whose turn the transaction holds alone, and ends their links and sign-ins. The row about it, if there was
/// anything, is written in `of`. User tokens stay: each is for the organization that it was made in.
pub(crate) async fn take_ways_in<I: Sync>(
    tx: &mut Tx,
    scene: &Scene<I>,
    of: OrganizationId,
    user: &User,
) -> Result<()> {
    let had_password = passwords::drop_of(tx, user.id).await?;
    let links = links::end_of_user(tx, user.id).await?;
    let sign_ins = sign_ins::end_others(tx, user.id, None, Ended::PasswordDropped).await?;
    if !had_password && links == 0 && sign_ins == 0 {
        return Ok(());
    }
    let subject = Subject::new("user", user.id, user.email.as_str());
    let detail = json!({ "links_ended": links, "sign_ins_ended": sign_ins });
    scene.audit_in(tx, of, "password.dropped", subject, detail).await
}
