//! Forms that whoever holds a role in deployments may send too: they ask for nothing that is an Organization Admin's alone.

use countersign_control::access::actions::{CreateDeployment, GrantDeploymentRole};
use countersign_control::deployment_roles::{HolderReference, NewRole, Place};
use countersign_control::deployments::NewDeployment;
use countersign_control::members::MemberReference;
use countersign_domain::DeploymentRole;
use countersign_domain::id::DeploymentId;
use countersign_testkit::World;

use super::deployments::deployment;
use super::members::member;
use super::teams::team;
use super::{Form, Making, Targets, tokens};
use crate::forms::browser::Server;

impl Targets {
    /// The deployment that nothing is in.
    pub const ELSEWHERE: &str = "elsewhere";

    /// Makes them, and what they name.
    pub async fn narrow(server: &Server, ada: &str) -> Vec<Form> {
        let world = &server.world;
        let mut making = Making { made: Vec::new(), ada: ada.to_owned() };
        deployment(world, Self::ELSEWHERE).await;
        let full = deployment(world, "narrow").await.id;
        tokens::of_agents(server, &mut making, Some(full)).await;
        full_one(world, &mut making, full).await;
        for form in &mut making.made {
            form.of = " of one deployment";
        }
        let rest = making.made.len();
        branches(world, &mut making, full).await;
        for form in &mut making.made[rest..] {
            form.of = " of a branch deployment";
        }
        making.made
    }
}

/// What is said of a full deployment, and roles in it without agent tokens.
async fn full_one(world: &World, making: &mut Making, full: DeploymentId) {
    let id = full.to_string();
    let places = [("{id}", id.as_str())];
    making.form(
        "/organizations/{organization}/settings/deployments/{id}/edit",
        &places,
        &[("description", "for a test")],
    );
    let (who, team) = (member(world, "nell").await, team(world, "narrow").await.to_string());
    let new = [("place", id.as_str()), ("role", "admin")];
    let of_member = "/organizations/{organization}/settings/members/{member}/roles/new";
    making.form(of_member, &[("{member}", &who)], &new);
    let of_team = "/organizations/{organization}/settings/teams/{team}/roles/new";
    making.form(of_team, &[("{team}", &team)], &new);
    let given = member(world, "olga").await;
    let new = NewRole {
        holder: HolderReference::Member(MemberReference::parse(&given).expect("an id")),
        place: Place::Deployment(full),
        role: DeploymentRole::Editor,
        tokens: false,
    };
    let made = world.control.give_deployment_role(&world.admin::<GrantDeploymentRole>(), new).await;
    made.expect("it is given");
    let taken = format!("member:{given}");
    making.form("/organizations/{organization}/settings/deployments/{id}/roles/take", &places, &[("of", &taken)]);
}

/// Making, changing and deleting branch deployments, and a token of all.
async fn branches(world: &World, making: &mut Making, parent: DeploymentId) {
    let branch = async |name: &str| {
        let new = NewDeployment { name: name.to_owned(), parent: Some(parent), ..NewDeployment::default() };
        let made = world.control.create_deployment(&world.admin::<CreateDeployment>(), new).await;
        made.expect("a branch deployment").id.to_string()
    };
    let (edited, deleted, parent) = (branch("pull-1").await, branch("pull-2").await, parent.to_string());
    let places = [("{id}", edited.as_str())];
    let fields = [("name", "pull-3"), ("parent", parent.as_str())];
    making.form("/organizations/{organization}/settings/deployments/new", &[], &fields);
    let fields = [("description", "for a test"), ("expires_at", "2099-01-01T00:00")];
    making.form("/organizations/{organization}/settings/deployments/{id}/edit", &places, &fields);
    making.form("/organizations/{organization}/settings/deployments/{id}/queues/new", &places, &[("name", "made")]);
    let fields = [("member", "ron@acme.example"), ("role", "launcher")];
    making.form("/organizations/{organization}/settings/deployments/{id}/roles/new", &places, &fields);
    making.form("/organizations/{organization}/settings/deployments/{id}/delete", &[("{id}", &deleted)], &[]);
    let fields = [("description", "made"), ("all_branches", "on"), ("reveal_policy", "always")];
    making.form("/organizations/{organization}/settings/tokens/new", &[], &fields);
}
