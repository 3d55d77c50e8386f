//! People, and those who are invited.

use countersign_control::access::actions::{AcceptInvitation, CreateInvitation};
use countersign_control::invitations::NewInvitation;
use countersign_domain::Role;
use countersign_testkit::World;

use super::{By, Making};
use crate::forms::browser::{PASSWORD, Server};

/// Invites somebody; answers the invitation's id and its value.
pub async fn invite(world: &World, name: &str) -> (String, String) {
    let new = NewInvitation { email: format!("{name}@acme.example"), role: Role::Member, expires_at: None };
    let made = world.control.create_invitation(&world.admin::<CreateInvitation>(), new).await.expect("an invitation");
    (made.invitation.id.to_string(), made.secret.reveal().to_owned())
}

/// Makes somebody a member who has no password; answers their id.
pub async fn member(world: &World, name: &str) -> String {
    let (_, value) = invite(world, name).await;
    let caller = world.authenticate(&value).await.expect("a live invitation");
    let grant = world.control.grant_own::<AcceptInvitation>(&caller).expect("it may");
    let joined = world.control.accept_invitation(&grant, Some(name.to_owned())).await.expect("they join");
    joined.member.user.id.to_string()
}

pub async fn members(server: &Server, making: &mut Making) {
    let world = &server.world;
    let new = [("email", "new@acme.example"), ("role", "admin")];
    making.form("/organizations/{organization}/settings/members/invite", &[], &new);
    for (route, name, fields) in [
        ("/organizations/{organization}/settings/members/{member}/role", "rob", &[("role", "admin")][..]),
        ("/organizations/{organization}/settings/members/{member}/sign-in-link", "lin", &[]),
        ("/organizations/{organization}/settings/members/{member}/remove", "zoe", &[]),
    ] {
        making.form(route, &[("{member}", &member(world, name).await)], fields);
    }
    let (withdrawn, _) = invite(world, "gone").await;
    making.form("/organizations/{organization}/settings/invitations/{id}/withdraw", &[("{id}", &withdrawn)], &[]);
    let (_, invitation) = invite(world, "alan").await;
    let fields = [("link", invitation.as_str()), ("name", "Alan"), ("password", PASSWORD)];
    making.form("/invitation", &[], &fields).by = By::Anyone;
    member(world, "mel").await;
    let link = server.link("mel@acme.example").await;
    making.form("/sign-in/link", &[], &[("link", &link), ("password", PASSWORD)]).by = By::Anyone;
}
