//! Which writes change who is a member, or what another member holds: one at a time in an organization, each in its turn before
//! it asks whether its caller still stands.
//!
//! Whoever waits for the end of what another member does must not be somebody that this member waits for: two admins who remove each
//! other would wait for ever. And of two who are the last ones, the second is to find that the first has gone.

use super::Action;
use super::actions::{
    AcceptInvitation, ChangeMemberRole, ChangeMembersRole, ChangePassword, ChangeTeamMembers, CreateInvitation,
    CreateServiceUser, CreateServiceUserToken, CreateTeam, DeleteTeam, EndSignIns, GrantDeploymentRole,
    IssueMemberSignInLink, RemoveMember, RevokeMemberToken, UpdateServiceUser, UpdateTeam,
};

/// Their names.
pub(crate) const IN_TURN: [&str; 15] = [
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
    RevokeMemberToken::NAME,
    UpdateServiceUser::NAME,
    UpdateTeam::NAME,
];

/// Those that end sign-ins of their caller: one at a time for one person, each in its turn before it asks whether its caller still stands. Two
/// browsers that sign each other out would wait for each other.
pub(crate) const OF_PERSON: [&str; 2] = [ChangePassword::NAME, EndSignIns::NAME];
