//! Which writes change who is a member, or take back what another member holds: one at a time in an organization, each in its turn before
//! it asks whether its caller still stands.
//!
//! Whoever waits for the end of what another member does must not be somebody that this member waits for: two admins who remove each
//! other would wait for ever. And of two who are the last ones, the second is to find that the first has gone.

use super::Action;
use super::actions::{
    AcceptInvitation, ChangeMemberRole, CreateInvitation, CreateServiceUser, CreateServiceUserToken, RemoveMember,
    RevokeMemberToken, UpdateServiceUser,
};

/// Their names.
pub(crate) const IN_TURN: [&str; 8] = [
    AcceptInvitation::NAME,
    ChangeMemberRole::NAME,
    CreateInvitation::NAME,
    CreateServiceUser::NAME,
    CreateServiceUserToken::NAME,
    RemoveMember::NAME,
    RevokeMemberToken::NAME,
    UpdateServiceUser::NAME,
];
