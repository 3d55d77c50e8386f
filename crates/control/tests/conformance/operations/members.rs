//! The operations on members, invitations, service users and user tokens that change something.

use countersign_control::access::actions::{
    ChangeMemberRole, ChangePassword, CreateInvitation, CreateServiceUser, CreateServiceUserToken, CreateUserToken,
    EndSignIns, ForgetIdentity, IssueMemberSignInLink, RemoveMember, RemovePasskey, RenamePasskey,
    RevealServiceUserToken, RevealUserToken, RevokeMemberToken, RevokeUserToken, UpdateServiceUser, UpdateUserToken,
    WithdrawInvitation,
};
use countersign_control::invitations::{InvitationReference, NewInvitation};
use countersign_control::members::{MemberReference, RoleChange};
use countersign_control::service_users::{NewServiceUser, ServiceUserChange};
use countersign_control::user_tokens::{NewUserToken, UserTokenChange, UserTokenReference};
use countersign_control::{Caller, Control};
use countersign_domain::{Password, Role};
use countersign_store::IntoValue;
use countersign_testkit::World;

use crate::acting::{another_token, may, next, person};
use crate::cast::Cast;
use crate::signing_in::PASSWORD;

use super::{By, Operation, operations, pending};

/// Another user token of the person's.
async fn some_user_token(control: &Control, cast: &Cast) -> UserTokenReference {
    UserTokenReference::PublicId(another_token(control, &cast.person).await.0.public_id().clone())
}

/// Somebody else who is a member.
async fn somebody(world: &World, role: Role) -> MemberReference {
    let who = person(&world.control, &world.acme, &format!("m{}@acme.example", next()), role).await;
    MemberReference::Id(who.user().expect("a person"))
}

fn an_invitation() -> NewInvitation {
    NewInvitation { email: format!("i{}@acme.example", next()), role: Role::Member, expires_at: None }
}

fn a_service_user() -> NewServiceUser {
    NewServiceUser { name: format!("s{}", next()), description: None, role: Role::Member }
}

fn email_of(cast: &Cast) -> String {
    let Caller::User(person) = &cast.person else { panic!("a person") };
    person.email.clone()
}

async fn some_service_user(control: &Control, cast: &Cast) -> MemberReference {
    let grant = may::<CreateServiceUser>(control, &cast.person);
    MemberReference::Id(control.create_service_user(&grant, a_service_user()).await.expect("made").user.id)
}

operations! {
    "issue_member_sign_in_link" by Person writes ["sign_in_link.issued"] |control, world, cast| {
        let member = somebody(world, Role::Member).await;
        let grant = may::<IssueMemberSignInLink>(&control, &cast.person);
        pending(async move { control.issue_member_sign_in_link(&grant, member).await.map(drop) })
    }
    "end_sign_in" by Person writes ["sign_in.ended"] |control, world, cast| {
        let made = crate::signing_in::by_link(world, &email_of(cast), PASSWORD).await;
        let grant = may::<EndSignIns>(&control, &cast.person);
        pending(async move { control.end_sign_in(&grant, made.sign_in.public_id).await })
    }
    "sign_out_everywhere" by Person writes ["sign_in.all_ended"] |control, world, cast| {
        crate::signing_in::by_link(world, &email_of(cast), PASSWORD).await;
        let grant = may::<EndSignIns>(&control, &cast.person);
        pending(async move { control.sign_out_everywhere(&grant).await.map(drop) })
    }
    "rename_passkey" by Person writes ["passkey.renamed"] |control, world, cast| {
        let id = crate::passkeys::row(&control, &cast.person, "before").await;
        let grant = may::<RenamePasskey>(&control, &cast.person);
        pending(async move { control.rename_passkey(&grant, id, "after").await.map(drop) })
    }
    "remove_passkey" by Person writes ["passkey.removed"] |control, world, cast| {
        let id = crate::passkeys::row(&control, &cast.person, "before").await;
        let grant = may::<RemovePasskey>(&control, &cast.person);
        pending(async move { control.remove_passkey(&grant, id).await })
    }
    "forget_identity" by Person writes ["identity.forgotten"] |control, world, cast| {
        let text = "INSERT INTO identities (issuer, subject, user_id, created_at, used_at) VALUES ('somewhere', $1, $2, 0, 0)";
        let user = cast.person.user().expect("a person");
        let subject = format!("subject {}", next());
        assert_eq!(crate::sql::change(&control, text, vec![subject.into_value(), user.into_value()]).await, 1);
        let grant = may::<ForgetIdentity>(&control, &cast.person);
        pending(async move { control.forget_identity(&grant, "somewhere").await })
    }
    "change_password" by Person writes ["password.changed"] |control, world, cast| {
        crate::signing_in::by_link(world, &email_of(cast), PASSWORD).await;
        let grant = may::<ChangePassword>(&control, &cast.person);
        let old = Password::shown(PASSWORD);
        pending(async move { control.change_password(&grant, old, "another one altogether").await.map(drop) })
    }
    "create_user_token" by Person writes ["user_token.created"] |control, world, cast| {
        let grant = may::<CreateUserToken>(&control, &cast.person);
        pending(async move { control.create_user_token(&grant, NewUserToken::default()).await.map(drop) })
    }
    "update_user_token" by Person writes ["user_token.updated"] |control, world, cast| {
        let token = some_user_token(&control, cast).await;
        let grant = may::<UpdateUserToken>(&control, &cast.person);
        let change = UserTokenChange { token, description: Some(Some("new".to_owned())), expires_at: None };
        pending(async move { control.update_user_token(&grant, change).await.map(drop) })
    }
    "reveal_user_token" by Person writes ["user_token.revealed"] |control, world, cast| {
        let token = some_user_token(&control, cast).await;
        let grant = may::<RevealUserToken>(&control, &cast.person);
        pending(async move { control.reveal_user_token(&grant, token).await.map(drop) })
    }
    "revoke_user_token" by Person writes ["user_token.revoked"] |control, world, cast| {
        let token = some_user_token(&control, cast).await;
        let grant = may::<RevokeUserToken>(&control, &cast.person);
        pending(async move { control.revoke_user_token(&grant, token, None).await.map(drop) })
    }
    "change_member_role" by Person writes ["member.role_changed"] |control, world, cast| {
        let change = RoleChange { member: somebody(world, Role::Admin).await, role: Role::Member, keep_tokens: false };
        let grant = may::<ChangeMemberRole>(&control, &cast.person);
        pending(async move { control.change_member_role(&grant, change).await.map(drop) })
    }
    "remove_member" by Person writes ["member.removed"] |control, world, cast| {
        let member = somebody(world, Role::Member).await;
        let grant = may::<RemoveMember>(&control, &cast.person);
        pending(async move { control.remove_member(&grant, member).await.map(drop) })
    }
    "revoke_member_token" by Person writes ["user_token.revoked"] |control, world, cast| {
        let owner = MemberReference::Id(world.acme.created.admin.id);
        let token = UserTokenReference::PublicId(another_token(&control, &world.acme.admin).await.0.public_id().clone());
        let grant = may::<RevokeMemberToken>(&control, &cast.person);
        pending(async move { control.revoke_member_token(&grant, owner, token, None).await.map(drop) })
    }
    "create_invitation" by Person writes ["invitation.created"] |control, world, cast| {
        let grant = may::<CreateInvitation>(&control, &cast.person);
        pending(async move { control.create_invitation(&grant, an_invitation()).await.map(drop) })
    }
    "withdraw_invitation" by Person writes ["invitation.withdrawn"] |control, world, cast| {
        let grant = may::<CreateInvitation>(&control, &cast.person);
        let issued = control.create_invitation(&grant, an_invitation()).await.expect("made");
        let grant = may::<WithdrawInvitation>(&control, &cast.person);
        let wanted = InvitationReference::Id(issued.invitation.id);
        pending(async move { control.withdraw_invitation(&grant, wanted).await.map(drop) })
    }
    "create_service_user" by Person writes ["service_user.created"] |control, world, cast| {
        let grant = may::<CreateServiceUser>(&control, &cast.person);
        pending(async move { control.create_service_user(&grant, a_service_user()).await.map(drop) })
    }
    "update_service_user" by Person writes ["service_user.updated"] |control, world, cast| {
        let service_user = some_service_user(&control, cast).await;
        let grant = may::<UpdateServiceUser>(&control, &cast.person);
        let change = ServiceUserChange { service_user, name: None, description: Some(Some("new".to_owned())) };
        pending(async move { control.update_service_user(&grant, change).await.map(drop) })
    }
    "create_service_user_token" by Person writes ["user_token.created"] |control, world, cast| {
        let owner = some_service_user(&control, cast).await;
        let grant = may::<CreateServiceUserToken>(&control, &cast.person);
        pending(async move { control.create_service_user_token(&grant, owner, NewUserToken::default()).await.map(drop) })
    }
    "reveal_service_user_token" by Person writes ["user_token.revealed"] |control, world, cast| {
        let owner = some_service_user(&control, cast).await;
        let grant = may::<CreateServiceUserToken>(&control, &cast.person);
        let made = control.create_service_user_token(&grant, owner.clone(), NewUserToken::default()).await.expect("made");
        let (grant, token) = (may::<RevealServiceUserToken>(&control, &cast.person), UserTokenReference::Id(made.token.id));
        pending(async move { control.reveal_service_user_token(&grant, owner, token).await.map(drop) })
    }
}
