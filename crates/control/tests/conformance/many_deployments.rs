//! How many deployments there may be.

use countersign_control::access::actions::{CreateDeployment, ViewOrganization};
use countersign_control::deployment_roles::{Held, Place};
use countersign_control::deployments::{Deployment, MAX_BRANCHES_OF_MEMBERS, MAX_DEPLOYMENTS, NewDeployment};
use countersign_domain::DeploymentRole;
use countersign_domain::id::DeploymentId;
use countersign_store::{Lane, StoreError, deployments};
use countersign_testkit::World;

use crate::acting::{fresh_id, may};
use crate::deployment_roles::{everybody_is, member_with};
use crate::deployments::{conflict, delete, full, make};

pub const CASES: &[crate::run::Case] = crate::list::cases!["many_deployments"
    a_thousand_are_the_most,
    editors_leave_room_for_full_ones,
];

/// Adds deployments without asking anybody, of a full one or full.
async fn add_many(world: &World, count: i64, parent: Option<DeploymentId>) -> DeploymentId {
    let control = &world.control;
    let of = world.acme.created.organization.id;
    let rows: Vec<Deployment> = (0..count)
        .map(|number| Deployment {
            parent,
            ..Deployment::named(fresh_id(control), format!("d{number}"), control.now())
        })
        .collect();
    let last = rows.last().expect("some").id;
    let added: std::result::Result<(), StoreError> = control
        .store()
        .transact(Lane::Normal, rows, move |tx, rows| {
            Box::pin(async move {
                for row in rows {
                    deployments::insert(tx, of, row).await?;
                }
                Ok(())
            })
        })
        .await;
    added.expect("they are added");
    last
}

pub async fn a_thousand_are_the_most(world: &World) {
    let last = add_many(world, MAX_DEPLOYMENTS - 1, None).await;
    let why = conflict(make(world, full("more")).await);
    assert!(why.contains("1000 deployments, the most there may be"), "{why}");
    delete(world, last, false).await.expect("deleted");
    make(world, full("more")).await.expect("there is room again");
}

pub async fn editors_leave_room_for_full_ones(world: &World) {
    let control = &world.control;
    let default = world.acme.created.organization.default_deployment;
    let editor = Held::plain(DeploymentRole::Editor);
    everybody_is(world, DeploymentRole::Viewer).await;
    let who = member_with(world, Place::AllBranches, editor).await;
    let last = add_many(world, MAX_BRANCHES_OF_MEMBERS, Some(default)).await;
    let branch = |name: &str| NewDeployment { parent: Some(default), ..full(name) };
    let grant = may::<CreateDeployment>(control, &who);
    let why = conflict(control.create_deployment(&grant, branch("pull-1")).await);
    assert!(why.contains("500 branch deployments, the most there may be"), "{why}");
    make(world, branch("pull-2")).await.expect("an Organization Admin makes more");
    for gone in [last, make(world, branch("pull-3")).await.expect("made").id] {
        delete(world, gone, true).await.expect("deleted");
    }
    let why = conflict(control.create_deployment(&grant, branch("pull-1")).await);
    assert!(why.contains("500 branch deployments"), "{why}");
    let all = control.deployments(&world.admin::<ViewOrganization>()).await.expect("a read");
    let one = all.iter().find(|it| it.name == "d0").expect("it is there").id;
    delete(world, one, true).await.expect("deleted");
    control.create_deployment(&grant, branch("pull-1")).await.expect("there is room again");
}
