//! Roles in deployments: what each lets its holder do, where, and what nobody can make of it.

use countersign_control::access::actions::{
    ChangeMembersRole, CreateAgentToken, CreateBuild, CreateDeployment, CreateQueue, DeleteDeployment,
    GrantDeploymentRole, PauseQueue, UpdateDeployment, UpdatePipeline, ViewDeploymentRoles,
};
use countersign_control::agent_tokens::NewAgentToken;
use countersign_control::builds::NewBuild;
use countersign_control::deployment_roles::{Held, Holder, HolderReference, NewRole, Place, RoleGrant, RoleRemoval};
use countersign_control::deployments::{Deletion, DeploymentChange, NewDeployment};
use countersign_control::pipelines::PipelineChange;
use countersign_control::queues::{NewQueue, QueueReference};
use countersign_control::{Caller, Control, Error, Result};
use countersign_domain::id::DeploymentId;
use countersign_domain::{DeploymentRole, Role};
use countersign_store::IntoValue;
use countersign_testkit::World;

use crate::acting::{ONE_STEP, another_token, build, deployment, fresh_id, may, next, person};
use crate::dump::Dump;
use crate::members::{change, named, remove};
use crate::sql;

pub const CASES: &[crate::run::Case] = crate::list::cases!["deployment_roles"
    each_role_may_what_the_table_says_in_its_deployment_alone,
    a_grant_for_all_branch_deployments_counts_in_each,
    what_belongs_to_no_deployment_needs_the_role_of_all_members,
    the_most_permissive_counts,
    nobody_gives_what_they_do_not_hold,
    names_of_full_deployments_are_not_for_branch_deployments,
    a_role_goes_with_its_member_and_its_deployment,
    what_is_taken_away_is_gone_on_the_way,
    a_word_that_is_not_known_opens_nothing,
    grants_name_what_is_there,
];

use DeploymentRole::{Admin, Editor, Launcher, Viewer};

/// Everything that a role can be, the least first.
pub const ROLES: [Held; 5] = [
    Held::plain(Viewer),
    Held::plain(Launcher),
    Held::plain(Editor),
    Held::plain(Admin),
    Held { role: Admin, tokens: true },
];

/// Gives somebody a role.
pub async fn give(
    control: &Control,
    by: &Caller,
    holder: HolderReference,
    place: Place,
    held: Held,
) -> Result<RoleGrant> {
    let new = NewRole { holder, place, role: held.role, tokens: held.tokens };
    control.give_deployment_role(&control.grant_own::<GrantDeploymentRole>(by)?, new).await
}

/// Takes one away.
pub async fn take(control: &Control, by: &Caller, holder: HolderReference, place: Place) -> Result<RoleGrant> {
    control.take_deployment_role(&control.grant_own::<GrantDeploymentRole>(by)?, RoleRemoval { holder, place }).await
}

/// A member as a holder.
pub fn holder(who: &Caller) -> HolderReference {
    HolderReference::Member(named(who.user().expect("a person")))
}

/// Whoever it is, as they are from now on: what they hold is read with their credential.
pub async fn again(control: &Control, who: &Caller) -> Caller {
    another_token(control, who).await.1
}

/// A new member.
pub async fn member(world: &World) -> Caller {
    person(&world.control, &world.acme, &format!("r{}@acme.example", next()), Role::Member).await
}

/// A new member with a role.
pub async fn member_with(world: &World, place: Place, held: Held) -> Caller {
    let who = member(world).await;
    give(&world.control, &world.acme.admin, holder(&who), place, held).await.expect("given");
    again(&world.control, &who).await
}

/// From now on all members have no more than this.
pub async fn everybody_is(world: &World, role: DeploymentRole) {
    world.control.change_members_role(&world.admin::<ChangeMembersRole>(), role).await.expect("changed");
}

fn was_let<T>(outcome: Result<T>) -> bool {
    match outcome {
        Ok(_) => true,
        Err(Error::Denied { .. }) => false,
        Err(other) => panic!("neither done nor denied: {other:?}"),
    }
}

/// The first build of a pipeline, somewhere.
async fn first_build(world: &World, who: &Caller, pipeline: &str, deployment: Option<&str>) -> Result<()> {
    let new = NewBuild {
        definition: ONE_STEP.to_owned(),
        pipeline: pipeline.to_owned(),
        deployment: deployment.map(str::to_owned),
        ..NewBuild::default()
    };
    world.control.create_build(&world.control.grant_own::<CreateBuild>(who)?, new).await.map(drop)
}

/// What somebody may do in a deployment: launch, edit, administer, make agent tokens.
async fn tried(world: &World, who: &Caller, at: DeploymentId, name: &str) -> [bool; 4] {
    let control = &world.control;
    // The pipeline is there: to create one needs more.
    first_build(world, &world.acme.admin, "demo", None).await.expect("made");
    let launched = first_build(world, who, "demo", Some(name));
    let queue = NewQueue { deployment: at, key: format!("k{}", next()), description: None };
    let edited = async { control.create_queue(&control.grant_own::<CreateQueue>(who)?, queue).await };
    let other = member(world).await;
    let given = give(control, who, holder(&other), Place::Deployment(at), Held::plain(Viewer));
    let token = async {
        let grant = control.grant_own::<CreateAgentToken>(who)?;
        control.create_cluster_token(&grant, at, NewAgentToken::default()).await
    };
    [was_let(launched.await), was_let(edited.await), was_let(given.await), was_let(token.await)]
}

/// What a role may, of those four.
fn wanted(held: Held) -> [bool; 4] {
    [held.role >= Launcher, held.role >= Editor, held.role >= Admin, held.tokens]
}

pub async fn each_role_may_what_the_table_says_in_its_deployment_alone(world: &World) {
    let (control, acme) = (&world.control, &world.acme);
    everybody_is(world, Viewer).await;
    let prod = deployment(control, acme, "prod", None).await;
    let other = deployment(control, acme, "other", None).await;
    for held in ROLES {
        let who = member_with(world, Place::Deployment(prod), held).await;
        assert_eq!(tried(world, &who, prod, "prod").await, wanted(held), "{held:?}");
        assert_eq!(tried(world, &who, other, "other").await, [false; 4], "{held:?} elsewhere");
        let grant = may::<ViewDeploymentRoles>(control, &who);
        let seen = control.held_in(&grant, named(who.user().expect("a person")), prod).await;
        assert_eq!(seen, Ok(held));
    }
    // Without any.
    assert_eq!(tried(world, &member(world).await, prod, "prod").await, [false; 4]);
    assert_eq!(tried(world, &acme.admin, prod, "prod").await, [true; 4]);
}

pub async fn a_grant_for_all_branch_deployments_counts_in_each(world: &World) {
    let (control, acme) = (&world.control, &world.acme);
    everybody_is(world, Viewer).await;
    let prod = deployment(control, acme, "prod", None).await;
    let pull = deployment(control, acme, "pull-1", Some(prod)).await;
    let who = member_with(world, Place::AllBranches, Held::plain(Editor)).await;
    assert_eq!(tried(world, &who, pull, "pull-1").await, wanted(Held::plain(Editor)));
    assert_eq!(tried(world, &who, prod, "prod").await, [false; 4]);

    let create = may::<CreateDeployment>(control, &who);
    let branch = |name: &str, parent| NewDeployment { name: name.to_owned(), parent, ..NewDeployment::default() };
    let made = control.create_deployment(&create, branch("pull-2", Some(prod))).await.expect("a branch deployment");
    assert_eq!(tried(world, &who, made.id, "pull-2").await, wanted(Held::plain(Editor)), "also in one made later");
    assert!(!was_let(control.create_deployment(&create, branch("full", None)).await));
    let update = may::<UpdateDeployment>(control, &who);
    let renamed = DeploymentChange { name: Some("pull-3".to_owned()), ..DeploymentChange::of(made.id) };
    assert!(!was_let(control.update_deployment(&update, renamed).await), "agents may name it");
    let described = DeploymentChange { description: Some(Some("d".to_owned())), ..DeploymentChange::of(made.id) };
    assert!(was_let(control.update_deployment(&update, described).await));
    let delete = may::<DeleteDeployment>(control, &who);
    let deletion = |deployment| Deletion { deployment, force: true };
    assert!(was_let(control.delete_deployment(&delete, deletion(made.id)).await));
    assert!(!was_let(control.delete_deployment(&delete, deletion(prod)).await));

    // An Editor of a full one says what it is for, and leaves its name as it is.
    let editor = member_with(world, Place::Deployment(prod), Held::plain(Editor)).await;
    let update = may::<UpdateDeployment>(control, &editor);
    let described = DeploymentChange { description: Some(Some("live".to_owned())), ..DeploymentChange::of(prod) };
    assert!(was_let(control.update_deployment(&update, described).await));
    let renamed = DeploymentChange { name: Some("live".to_owned()), ..DeploymentChange::of(prod) };
    assert!(!was_let(control.update_deployment(&update, renamed).await));
}

pub async fn names_of_full_deployments_are_not_for_branch_deployments(world: &World) {
    let (control, acme) = (&world.control, &world.acme);
    everybody_is(world, Viewer).await;
    let gone = deployment(control, acme, "gone", None).await;
    let prod = deployment(control, acme, "prod", None).await;
    let deletion = |deployment| Deletion { deployment, force: true };
    control.delete_deployment(&may(control, &acme.admin), deletion(gone)).await.expect("deleted");
    let renamed = DeploymentChange { name: Some("live".to_owned()), ..DeploymentChange::of(prod) };
    control.update_deployment(&may(control, &acme.admin), renamed).await.expect("renamed");
    let who = member_with(world, Place::AllBranches, Held::plain(Editor)).await;
    let create = may::<CreateDeployment>(control, &who);
    let branch = |name: &str| NewDeployment { name: name.to_owned(), parent: Some(prod), ..NewDeployment::default() };
    for name in ["gone", "prod", "live", "default"] {
        let made = control.create_deployment(&create, branch(name)).await;
        assert!(matches!(made, Err(Error::Conflict(_))), "{name}: {made:?}");
    }
    // That of a branch deployment is free again, and an Organization Admin knows what they do.
    let pull = control.create_deployment(&create, branch("pull-1")).await.expect("made");
    control.delete_deployment(&may(control, &who), deletion(pull.id)).await.expect("deleted");
    control.create_deployment(&create, branch("pull-1")).await.expect("made again");
    control.create_deployment(&may(control, &acme.admin), branch("gone")).await.expect("made");
}

pub async fn what_belongs_to_no_deployment_needs_the_role_of_all_members(world: &World) {
    let (control, acme) = (&world.control, &world.acme);
    build(control, acme, ONE_STEP).await;
    let default = acme.created.organization.default_deployment;
    let rename = async |who: &Caller| {
        let change =
            PipelineChange { slug: "demo".to_owned(), name: Some("Demo".to_owned()), ..PipelineChange::default() };
        control.update_pipeline(&control.grant_own::<UpdatePipeline>(who)?, change).await
    };
    let plain = member(world).await;
    assert!(was_let(rename(&plain).await), "a member is a Launcher everywhere unless somebody says otherwise");
    assert_eq!(control.members_role(&may::<ViewDeploymentRoles>(control, &plain)).await, Ok(Launcher));
    assert!(control.grant_own::<ChangeMembersRole>(&plain).is_err());
    everybody_is(world, Viewer).await;
    assert!(!was_let(rename(&again(control, &plain).await).await));
    let admin = member_with(world, Place::Deployment(default), ROLES[4]).await;
    assert!(!was_let(rename(&admin).await), "its steps would run in other deployments too");
    assert!(control.grant_own::<UpdatePipeline>(&admin).is_err(), "and they are told so by whoever only asks");
    // Nor is one made on the way.
    let pipelines = async || -> i64 {
        let text = "SELECT COUNT(*) AS n FROM pipelines WHERE organization_id = $1";
        sql::value(control, text, vec![acme.created.organization.id.into_value()], "n").await
    };
    let created = async || -> i64 {
        let text = "SELECT COUNT(*) AS n FROM audit_events WHERE organization_id = $1 AND action = 'pipeline.created'";
        sql::value(control, text, vec![acme.created.organization.id.into_value()], "n").await
    };
    let before = (pipelines().await, created().await);
    assert!(!was_let(first_build(world, &admin, "mine", None).await));
    assert_eq!((pipelines().await, created().await), before);
    assert!(was_let(first_build(world, &acme.admin, "mine", None).await));
    assert_eq!((pipelines().await, created().await), (before.0 + 1, before.1 + 1), "and it is in the audit log");
    everybody_is(world, Editor).await;
    assert_eq!(tried(world, &again(control, &plain).await, default, "default").await, wanted(Held::plain(Editor)));
}

pub async fn the_most_permissive_counts(world: &World) {
    let (control, acme) = (&world.control, &world.acme);
    everybody_is(world, Viewer).await;
    let prod = deployment(control, acme, "prod", None).await;
    let pull = deployment(control, acme, "pull-1", Some(prod)).await;
    let who = member_with(world, Place::Deployment(pull), Held::plain(Launcher)).await;
    give(control, &acme.admin, holder(&who), Place::AllBranches, Held::plain(Admin)).await.expect("given");
    let who = again(control, &who).await;
    assert_eq!(tried(world, &who, pull, "pull-1").await, wanted(Held::plain(Admin)));
    take(control, &acme.admin, holder(&who), Place::AllBranches).await.expect("taken");
    assert_eq!(tried(world, &again(control, &who).await, pull, "pull-1").await, wanted(Held::plain(Launcher)));
    // Another grant at the same place takes the place of the first.
    give(control, &acme.admin, holder(&who), Place::Deployment(pull), Held::plain(Viewer)).await.expect("given");
    let grant = may::<ViewDeploymentRoles>(control, &who);
    let listed = control.deployment_roles_of(&grant, holder(&who)).await.expect("a list");
    assert_eq!(listed.iter().map(|it| (it.place, it.held)).collect::<Vec<_>>(), [(Place::Deployment(pull), ROLES[0])]);
    let listed = control.deployment_roles_in(&grant, pull).await.expect("a list");
    let own = Holder::Member(who.user().expect("a person"));
    assert_eq!(listed.iter().filter(|it| it.holder == own).count(), 1);
}

pub async fn nobody_gives_what_they_do_not_hold(world: &World) {
    let (control, acme) = (&world.control, &world.acme);
    everybody_is(world, Viewer).await;
    let prod = deployment(control, acme, "prod", None).await;
    let other = deployment(control, acme, "other", None).await;
    let (here, there) = (Place::Deployment(prod), Place::Deployment(other));
    let target = member(world).await;
    for held in [Held::plain(Admin), ROLES[4]] {
        let admin = member_with(world, here, held).await;
        assert!(was_let(give(control, &admin, holder(&target), here, Held::plain(Admin)).await));
        assert!(was_let(take(control, &admin, holder(&target), here).await));
        for (place, what) in [(here, ROLES[4]), (there, ROLES[0]), (Place::AllBranches, ROLES[0])] {
            assert!(
                !was_let(give(control, &admin, holder(&target), place, what).await),
                "{held:?}: {what:?} at {place:?}"
            );
            assert!(!was_let(give(control, &admin, holder(&admin), place, what).await), "{held:?} to themself");
        }
        for role in [Viewer, Admin] {
            assert!(
                !was_let(give(control, &admin, holder(&admin), here, Held::plain(role)).await),
                "{role} to themself"
            );
        }
        // What came with agent tokens is an Organization Admin's to change, or it could not be given back.
        let other_admin = member_with(world, here, ROLES[4]).await;
        assert!(!was_let(take(control, &admin, holder(&other_admin), here).await));
        assert!(!was_let(give(control, &admin, holder(&other_admin), here, Held::plain(Admin)).await));
        assert!(was_let(take(control, &acme.admin, holder(&other_admin), here).await));
    }
    let tokens_alone = give(control, &acme.admin, holder(&target), here, Held { role: Editor, tokens: true }).await;
    assert_eq!(crate::acting::field_of(tokens_alone), "manageAgentTokens");
    let all = control.change_members_role(&world.admin::<ChangeMembersRole>(), Admin).await;
    assert_eq!(crate::acting::field_of(all), "role");
    let editor = member_with(world, here, Held::plain(Editor)).await;
    assert!(control.grant_own::<GrantDeploymentRole>(&editor).is_err(), "an Editor gives nothing anywhere");
}

pub async fn a_role_goes_with_its_member_and_its_deployment(world: &World) {
    let (control, acme) = (&world.control, &world.acme);
    let of = acme.created.organization.id;
    let count = async || -> i64 {
        let text = "SELECT COUNT(*) AS n FROM deployment_roles WHERE organization_id = $1";
        sql::value(control, text, vec![of.into_value()], "n").await
    };
    let prod = deployment(control, acme, "prod", None).await;
    let pull = deployment(control, acme, "pull-1", Some(prod)).await;
    let who = member_with(world, Place::Deployment(prod), Held::plain(Editor)).await;
    give(control, &acme.admin, holder(&who), Place::Deployment(pull), Held::plain(Editor)).await.expect("given");
    give(control, &acme.admin, holder(&who), Place::AllBranches, Held::plain(Editor)).await.expect("given");
    assert_eq!(count().await, 3);
    // A role in the organization takes nothing away, and gives nothing back.
    change(control, &acme.admin, who.user().expect("a person"), Role::Admin).await.expect("promoted");
    change(control, &acme.admin, who.user().expect("a person"), Role::Member).await.expect("demoted");
    assert_eq!(count().await, 3);
    let grant = may::<DeleteDeployment>(control, &acme.admin);
    control.delete_deployment(&grant, Deletion { deployment: prod, force: true }).await.expect("deleted");
    assert_eq!(count().await, 1);
    // One of the same name is another one.
    deployment(control, acme, "prod", None).await;
    remove(control, &acme.admin, who.user().expect("a person")).await.expect("removed");
    assert_eq!(count().await, 0);
}

pub async fn what_is_taken_away_is_gone_on_the_way(world: &World) {
    let (control, acme) = (&world.control, &world.acme);
    everybody_is(world, Viewer).await;
    let prod = deployment(control, acme, "prod", None).await;
    let who = member_with(world, Place::Deployment(prod), Held::plain(Editor)).await;
    // The grant was made; the operation has not begun.
    let pause = may::<PauseQueue>(control, &who);
    take(control, &acme.admin, holder(&who), Place::Deployment(prod)).await.expect("taken");
    let queue = QueueReference { deployment: Some("prod".to_owned()), queue: "linux".to_owned() };
    let before = Dump::whole(control).await;
    assert!(!was_let(control.pause_queue_dispatch(&pause, queue.clone(), None).await));
    assert_eq!(before.changes(&Dump::whole(control).await, &[]), [""; 0]);
    // The same for what all members have.
    everybody_is(world, Editor).await;
    let pause = may::<PauseQueue>(control, &again(control, &who).await);
    everybody_is(world, Viewer).await;
    assert!(!was_let(control.pause_queue_dispatch(&pause, queue, None).await));
}

pub async fn a_word_that_is_not_known_opens_nothing(world: &World) {
    let (control, acme) = (&world.control, &world.acme);
    let of = acme.created.organization.id;
    everybody_is(world, Viewer).await;
    let prod = deployment(control, acme, "prod", None).await;
    let who = member_with(world, Place::Deployment(prod), ROLES[4]).await;
    for word in ["owner", "Admin", "", "ADMIN ", "agent"] {
        let values = || vec![of.into_value(), word.into_value()];
        sql::change(control, "UPDATE deployment_roles SET role = $2 WHERE organization_id = $1", values()).await;
        assert_eq!(tried(world, &again(control, &who).await, prod, "prod").await, [false; 4], "{word}");
        sql::change(control, "UPDATE organizations SET members_role = $2 WHERE id = $1", values()).await;
        assert_eq!(tried(world, &member(world).await, prod, "prod").await, [false; 4], "{word} for all");
    }
    // Such a grant can be replaced and taken away, by whoever could have given whatever it was.
    let here = Place::Deployment(prod);
    let admin = member_with(world, here, Held::plain(Admin)).await;
    assert!(!was_let(take(control, &admin, holder(&who), here).await));
    let given = give(control, &acme.admin, holder(&who), here, ROLES[0]).await.expect("replaced");
    let listed = control.deployment_roles_of(&may::<ViewDeploymentRoles>(control, &who), holder(&who)).await;
    assert_eq!(listed, Ok(vec![given]));
    let values = vec![of.into_value(), who.user().expect("a person").into_value()];
    let text = "UPDATE deployment_roles SET role = 'owner' WHERE organization_id = $1 AND user_id = $2";
    sql::change(control, text, values).await;
    take(control, &acme.admin, holder(&who), here).await.expect("taken");
    assert_eq!(take(control, &acme.admin, holder(&who), here).await, Err(Error::NotFound("role in that deployment")));
}

pub async fn grants_name_what_is_there(world: &World) {
    let (control, acme) = (&world.control, &world.acme);
    let globex = &world.globex.created;
    let who = member(world).await;
    let here = Place::Deployment(acme.created.organization.default_deployment);
    let viewer = Held::plain(Viewer);
    for place in [Place::Deployment(globex.organization.default_deployment), Place::Deployment(fresh_id(control))] {
        let given = give(control, &acme.admin, holder(&who), place, viewer).await;
        assert_eq!(given, Err(Error::NotFound("deployment")));
        assert_eq!(take(control, &acme.admin, holder(&who), place).await, Err(Error::NotFound("deployment")));
    }
    for user in [globex.admin.id, fresh_id(control)] {
        let given = give(control, &acme.admin, HolderReference::Member(named(user)), here, viewer).await;
        assert_eq!(given, Err(Error::NotFound("member")));
    }
    assert_eq!(take(control, &acme.admin, holder(&who), here).await, Err(Error::NotFound("role in that deployment")));
    // The same again is no change, and leaves no row.
    give(control, &acme.admin, holder(&who), here, viewer).await.expect("given");
    let before = Dump::without(control, "members").await;
    give(control, &acme.admin, holder(&who), here, viewer).await.expect("nothing is changed");
    assert_eq!(before.changes(&Dump::without(control, "members").await, &[]), [""; 0]);
}
