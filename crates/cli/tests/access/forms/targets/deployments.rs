//! Deployments, their queues, and who holds which role in them.

use countersign_control::access::actions::{CreateDeployment, CreateQueue, GrantDeploymentRole, PauseQueue};
use countersign_control::deployment_roles::{HolderReference, NewRole, Place};
use countersign_control::deployments::{Deployment, NewDeployment};
use countersign_control::members::MemberReference;
use countersign_control::queues::{NewQueue, QueueReference};
use countersign_control::teams::TeamReference;
use countersign_domain::DeploymentRole;
use countersign_testkit::World;

use super::Making;
use super::members::member;
use super::teams::team;

/// Makes a deployment.
pub async fn deployment(world: &World, name: &str) -> Deployment {
    let new = NewDeployment { name: name.to_owned(), ..NewDeployment::default() };
    world.control.create_deployment(&world.admin::<CreateDeployment>(), new).await.expect("a deployment")
}

pub async fn deployments(world: &World, making: &mut Making) {
    making.form("/organizations/{organization}/settings/deployments/new", &[], &[("name", "made")]);
    let deleted = deployment(world, "short").await.id.to_string();
    making.form("/organizations/{organization}/settings/deployments/{id}/delete", &[("{id}", &deleted)], &[]);
    let edited = deployment(world, "edited").await.id.to_string();
    let fields = [("name", "other"), ("description", "for a test")];
    making.form("/organizations/{organization}/settings/deployments/{id}/edit", &[("{id}", &edited)], &fields);
    let fields = [("role", "viewer")];
    making.form("/organizations/{organization}/settings/deployments/members-role", &[], &fields);
}

pub async fn queues(world: &World, making: &mut Making) {
    let control = &world.control;
    let of = deployment(world, "queues").await;
    let (grant, id) = (world.admin::<CreateQueue>(), of.id.to_string());
    let queue = async |name: &str| {
        let new = NewQueue { deployment: of.id, key: name.to_owned(), description: None };
        control.create_queue(&grant, new).await.expect("a queue").id.to_string()
    };
    let fields = [("name", "made"), ("description", "for a test")];
    making.form("/organizations/{organization}/settings/deployments/{id}/queues/new", &[("{id}", &id)], &fields);
    let paused = queue("paused").await;
    let reference = QueueReference { deployment: Some(of.name.clone()), queue: "paused".to_owned() };
    control.pause_queue_dispatch(&world.admin::<PauseQueue>(), reference, None).await.expect("it is paused");
    for (route, queue, fields) in [
        (
            "/organizations/{organization}/settings/deployments/{id}/queues/{queue}/edit",
            queue("edited").await,
            &[("description", "for a test")][..],
        ),
        (
            "/organizations/{organization}/settings/deployments/{id}/queues/{queue}/pause",
            queue("runs").await,
            &[("note", "for a while")],
        ),
        ("/organizations/{organization}/settings/deployments/{id}/queues/{queue}/resume", paused, &[]),
        ("/organizations/{organization}/settings/deployments/{id}/queues/{queue}/delete", queue("empty").await, &[]),
    ] {
        making.form(route, &[("{id}", &id), ("{queue}", &queue)], fields);
    }
}

/// Giving and taking roles, on the page of a member, of a team and of a deployment.
pub async fn roles(world: &World, making: &mut Making) {
    let (of, given) = (deployment(world, "roles").await.id, deployment(world, "given").await.id);
    let (who, team) = (member(world, "ron").await, team(world, "roles").await);
    let holders = [
        HolderReference::Member(MemberReference::parse(&who).expect("an id")),
        HolderReference::Team(TeamReference::Id(team)),
    ];
    for holder in holders {
        let new = NewRole { holder, place: Place::Deployment(given), role: DeploymentRole::Editor, tokens: false };
        let given = world.control.give_deployment_role(&world.admin::<GrantDeploymentRole>(), new).await;
        given.expect("it is given");
    }
    let (of, given, team) = (of.to_string(), given.to_string(), team.to_string());
    let new = [("place", of.as_str()), ("role", "admin"), ("tokens", "on")];
    let taken = [("of", given.as_str())];
    let places = [("{member}", who.as_str())];
    making.form("/organizations/{organization}/settings/members/{member}/roles/new", &places, &new);
    making.form("/organizations/{organization}/settings/members/{member}/roles/take", &places, &taken);
    let places = [("{team}", team.as_str())];
    making.form("/organizations/{organization}/settings/teams/{team}/roles/new", &places, &new);
    making.form("/organizations/{organization}/settings/teams/{team}/roles/take", &places, &taken);
    // Of the two that are given there by the forms above, one becomes less and one goes.
    let places = [("{id}", of.as_str())];
    let new = [("team", ""), ("member", "ron@acme.example"), ("role", "launcher")];
    making.form("/organizations/{organization}/settings/deployments/{id}/roles/new", &places, &new);
    let taken = format!("team:{team}");
    let take = "/organizations/{organization}/settings/deployments/{id}/roles/take";
    making.form(take, &places, &[("of", &taken)]);
}
