//! Teams, and who is in them.

use countersign_control::access::actions::{ChangeTeamMembers, CreateTeam};
use countersign_control::members::MemberReference;
use countersign_control::teams::{NewTeam, TeamReference};
use countersign_domain::id::TeamId;
use countersign_testkit::World;

use super::Making;
use super::members::member;

/// Makes a team.
pub async fn team(world: &World, name: &str) -> TeamId {
    let new = NewTeam { name: name.to_owned(), description: None };
    world.control.create_team(&world.admin::<CreateTeam>(), new).await.expect("a team").id
}

pub async fn teams(world: &World, making: &mut Making) {
    let control = &world.control;
    making.form("/organizations/{organization}/settings/teams/new", &[], &[("name", "made")]);
    let (joined, left, deleted) =
        (team(world, "joined").await, team(world, "left").await, team(world, "deleted").await);
    let who = member(world, "tom").await;
    let reference = MemberReference::parse(&who).expect("an id");
    let added = control.add_team_member(&world.admin::<ChangeTeamMembers>(), TeamReference::Id(left), reference).await;
    added.expect("they are let in");
    let (joined, left, deleted) = (joined.to_string(), left.to_string(), deleted.to_string());
    let fields = [("member", who.as_str())];
    making.form("/organizations/{organization}/settings/teams/{team}/members", &[("{team}", &joined)], &fields);
    let remove = "/organizations/{organization}/settings/teams/{team}/members/{member}/remove";
    making.form(remove, &[("{team}", &left), ("{member}", &who)], &[]);
    making.form("/organizations/{organization}/settings/teams/{team}/delete", &[("{team}", &deleted)], &[]);
    let (edited, fields) =
        (team(world, "edited").await.to_string(), [("name", "other"), ("description", "for a test")]);
    making.form("/organizations/{organization}/settings/teams/{team}/edit", &[("{team}", &edited)], &fields);
}
