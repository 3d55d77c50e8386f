//! Every operation that is done in a deployment asks for the role there.

use countersign_control::Error;
use countersign_control::access::actions::{PauseAgent, StopAgent, TABLE, ViewDeploymentRoles};
use countersign_control::deployment_roles::{Held, Place};
use countersign_domain::DeploymentRole;
use countersign_testkit::World;

use crate::acting::deployment;
use crate::cast::Cast;
use crate::deployment_roles::{ROLES, everybody_is, member_with};
use crate::dump::Dump;
use crate::operations::{By, all};

pub const CASES: &[crate::run::Case] = crate::list::cases!["asked"
    no_operation_forgets_to_ask,
    what_is_offered_is_what_is_let,
];

/// The operations that are done in a deployment, and those of them that an Organization Admin alone does to a full one or to all.
const WITHIN: [(&str, bool); 31] = [
    ("create_agent_token", false),
    ("update_agent_token", false),
    ("reveal_agent_token", false),
    ("rotate_agent_token", false),
    ("revoke_agent_token", false),
    ("create_cluster_token", true),
    ("stop_agent", true),
    ("pause_agent", true),
    ("resume_agent", true),
    ("create_build", true),
    ("rebuild", true),
    ("retry_job", true),
    ("cancel_job", true),
    ("prioritize_job", true),
    ("delete_artifact", true),
    ("unblock_step", true),
    ("cancel_build", true),
    ("pause_queue_dispatch", true),
    ("resume_queue_dispatch", true),
    ("create_queue", true),
    ("update_queue", true),
    ("delete_queue", true),
    ("set_code_location", true),
    ("ping_code_location", true),
    ("reload_code_location", true),
    ("remove_code_location", true),
    ("launch_run", true),
    ("terminate_run", true),
    ("create_deployment", false),
    ("update_deployment", false),
    ("delete_deployment", false),
];

/// Every operation that is done in a deployment is refused to whoever holds everything in another one, and done by whoever holds everything in
/// this one: had one not asked, it would be an error of ours.
pub async fn no_operation_forgets_to_ask(world: &World) {
    let (control, acme) = (&world.control, &world.acme);
    everybody_is(world, DeploymentRole::Viewer).await;
    let default = acme.created.organization.default_deployment;
    let elsewhere = deployment(control, acme, "elsewhere", None).await;
    let everything = ROLES[4];
    let names: Vec<&str> = WITHIN.iter().map(|(name, _)| *name).collect();
    let operations: Vec<_> = all().filter(|it| names.contains(&it.name)).collect();
    assert_eq!(operations.len(), WITHIN.len());
    // What gives roles, what only looks, and what belongs to no deployment is tried by cases of its own.
    assert_eq!(
        TABLE.iter().filter(|row| row.within.is_some()).count(),
        28,
        "an action of a deployment: add its operations"
    );
    for operation in operations {
        let (name, here) = WITHIN.iter().find(|(name, _)| *name == operation.name).expect("it is listed");
        assert_eq!(operation.by, By::Person);
        let mut cast = Cast::new(world).await;
        // The other one is tried first, and changes nothing; its pause would be what there is to resume.
        if *name != "resume_agent" {
            let own =
                std::mem::replace(&mut cast.person, member_with(world, Place::Deployment(elsewhere), everything).await);
            let pending = (operation.prepare)(world, &mut cast).await;
            let before = Dump::whole(control).await;
            let outcome = pending.go().await;
            let refused = matches!(outcome, Err(Error::Denied { .. } | Error::NotFound("agent token")));
            assert!(refused, "{name} by somebody of another deployment: {outcome:?}");
            assert_eq!(before.changes(&Dump::whole(control).await, &[]), [""; 0], "{name}");
            drop(own);
        }
        let mut cast = Cast::new(world).await;
        cast.person = member_with(world, Place::Deployment(default), everything).await;
        let outcome = (operation.prepare)(world, &mut cast).await.go().await;
        match (&outcome, here) {
            (Ok(()), true) | (Err(Error::Denied { .. } | Error::NotFound("agent token")), false) => {}
            _ => panic!("{name} by somebody who holds everything in its deployment: {outcome:?}"),
        }
    }
}

/// What whoever calls holds is told for each deployment, so that a list offers to do to a row only what is let there.
pub async fn what_is_offered_is_what_is_let(world: &World) {
    let (control, acme) = (&world.control, &world.acme);
    everybody_is(world, DeploymentRole::Viewer).await;
    let default = acme.created.organization.default_deployment;
    let elsewhere = deployment(control, acme, "elsewhere", None).await;
    let editor = member_with(world, Place::Deployment(elsewhere), Held::plain(DeploymentRole::Editor)).await;
    let of_branches = member_with(world, Place::AllBranches, Held::plain(DeploymentRole::Editor)).await;
    for (who, here, there, in_branches) in
        [(&acme.admin, true, true, true), (&editor, false, true, false), (&of_branches, false, false, true)]
    {
        let grant = control.grant_own::<ViewDeploymentRoles>(who).expect("every member may");
        let held = control.own_deployment_roles(&grant).await.expect("a read");
        assert_eq!(held.are_enough_for::<PauseAgent>(default, false), here);
        assert_eq!(held.are_enough_for::<StopAgent>(elsewhere, false), there);
        assert_eq!(held.are_enough_for::<StopAgent>(default, true), in_branches);
        assert!(held.are_enough_for::<ViewDeploymentRoles>(default, false), "it needs no role");
    }
}
