//! Which writes change who is a member, what a member holds, or one of members' credentials: one at a time in an organization, each in its turn
//! before it asks whether its caller still stands.
//!
//! Whoever waits for the end of what another member does must not be somebody that this member waits for: two admins who remove each
//! other would wait for ever. And of two who are the last ones, the second is to find that the first has gone.
//! What has a member's credential alone is here too: its holder may be changing roles by it, and waits for all who write by what they hold.

use super::Action;
use super::actions::{
    AcceptInvitation, AddPasskey, ChangeMemberRole, ChangeMembersRole, ChangePassword, ChangeTeamMembers,
    CreateInvitation, CreateServiceUser, CreateServiceUserToken, CreateTeam, DeleteTeam, EndSignIns, ForgetIdentity,
    GrantDeploymentRole, IssueMemberSignInLink, RemoveMember, RemovePasskey, RevealServiceUserToken, RevealUserToken,
    RevokeMemberToken, RevokeUserToken, UpdateServiceUser, UpdateTeam, UpdateUserToken, WithdrawInvitation,
};

/// Their names.
pub(crate) const IN_TURN: [&str; 20] = [
    AcceptInvitation::NAME,
    ChangeMemberRole::NAME,
    ChangeMembersRole::NAME,
    ChangeTeamMembers::NAME,
    CreateInvitation::NAME,
    CreateServiceUser::NAME,
    CreateServiceUserToken::NAME,
    CreateTeam::NAME,
    DeleteTeam::NAME,
    GrantDeploymentRole::NAME,
    IssueMemberSignInLink::NAME,
    RemoveMember::NAME,
    RevealServiceUserToken::NAME,
    RevealUserToken::NAME,
    RevokeMemberToken::NAME,
    RevokeUserToken::NAME,
    UpdateServiceUser::NAME,
    UpdateTeam::NAME,
    UpdateUserToken::NAME,
    WithdrawInvitation::NAME,
];

/// Those that end sign-ins of their caller, or change by what they sign in: one at a time for one person, each in its turn before it asks whether
/// its caller still stands. Two browsers that sign each other out would wait for each other.
pub(crate) const OF_PERSON: [&str; 5] =
    [AddPasskey::NAME, ChangePassword::NAME, EndSignIns::NAME, ForgetIdentity::NAME, RemovePasskey::NAME];

#[cfg(test)]
mod tests {
    use super::{IN_TURN, OF_PERSON};
    use crate::access::actions::TABLE;

    #[test]
    fn what_changes_an_invitation_has_its_turn() {
        // Whoever removes a member ends what they have made, and waits for what they do: they must not wait for that one invitation meanwhile.
        let changes = TABLE.iter().map(|row| row.name).filter(|name| name.starts_with("invitation."));
        let out_of_turn: Vec<_> = changes.filter(|name| !IN_TURN.contains(name)).collect();
        assert_eq!(out_of_turn, ["invitation.view"]);
        assert!(IN_TURN.iter().chain(&OF_PERSON).all(|name| TABLE.iter().any(|row| row.name == *name)));
    }
}
