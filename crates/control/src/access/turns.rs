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
    RevokeMemberToken, RevokeUserToken, UpdateServiceUser, UpdateTeam, UpdateUserToken,
};

/// Their names.
pub(crate) const IN_TURN: [&str; 19] = [
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
];

/// Those that end sign-ins of their caller, or change by what they sign in: one at a time for one person, each in its turn before it asks whether
/// its caller still stands. Two browsers that sign each other out would wait for each other.
pub(crate) const OF_PERSON: [&str; 5] =
    [AddPasskey::NAME, ChangePassword::NAME, EndSignIns::NAME, ForgetIdentity::NAME, RemovePasskey::NAME];
