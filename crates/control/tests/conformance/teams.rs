//! Teams: who is in one holds what it was given, for as long as they are.

use std::time::Duration;

use countersign_control::access::actions::{
    ChangeTeamMembers, CreateTeam, DeleteDeployment, DeleteTeam, PauseQueue, UpdateTeam, ViewTeams,
};
use countersign_control::deployment_roles::{Held, HolderReference, MAX_ROLES_AT_PLACE, MAX_ROLES_OF_HOLDER, Place};
use countersign_control::deployments::Deletion;
use countersign_control::members::MemberReference;
use countersign_control::queues::QueueReference;
use countersign_control::teams::{MAX_TEAMS, MAX_TEAMS_OF_MEMBER, NewTeam, Team, TeamChange, TeamReference};
use countersign_control::{Caller, Error, PageRequest, Result};
use countersign_domain::id::TeamId;
use countersign_domain::{DeploymentRole, Role};
use countersign_store::{IntoValue, Lane, Sql, StoreError, params};
use countersign_testkit::World;

use crate::acting::{field_of, fresh_id, may};
use crate::deployment_roles::{again, everybody_is, give, member, take};
use crate::members::{named, remove};
use crate::service_users::service_user;
use crate::sql;

pub const CASES: &[crate::run::Case] = crate::list::cases!["teams"
    one_is_made_changed_and_deleted,
    its_members_hold_what_it_was_given,
    it_goes_with_its_members_and_roles,
    teams_are_of_people,
    there_is_an_end_to_teams,
    there_is_an_end_to_roles,
    what_is_anothers_is_not_there,
];

const MEMBERS: &str = "SELECT COUNT(*) AS n FROM team_members WHERE organization_id = $1";
const ROLES: &str = "SELECT COUNT(*) AS n FROM deployment_roles WHERE organization_id = $1";

async fn try_create(world: &World, name: &str) -> Result<Team> {
    let new = NewTeam { name: name.to_owned(), description: Some("Deploys".to_owned()) };
    world.control.create_team(&world.admin::<CreateTeam>(), new).await
}

/// A team of acme's.
pub async fn team(world: &World, name: &str) -> Team {
    try_create(world, name).await.expect("a team is made")
}

fn by_id(team: &Team) -> TeamReference {
    TeamReference::Id(team.id)
}

/// Lets somebody in.
pub async fn join(world: &World, team: &Team, who: &Caller) {
    let member = named(who.user().expect("a person"));
    let grant = world.admin::<ChangeTeamMembers>();
    world.control.add_team_member(&grant, by_id(team), member).await.expect("they are in it");
}

async fn leave(world: &World, team: &Team, who: &Caller) -> Result<()> {
    let member = named(who.user().expect("a person"));
    let grant = world.admin::<ChangeTeamMembers>();
    world.control.remove_team_member(&grant, by_id(team), member).await.map(drop)
}

/// Whether somebody is an Editor of the default deployment.
async fn edits(world: &World, who: &Caller) -> bool {
    let control = &world.control;
    let who = again(control, who).await;
    let queue = QueueReference { deployment: None, queue: "linux".to_owned() };
    let paused = async { control.pause_queue_dispatch(&control.grant_own::<PauseQueue>(&who)?, queue, None).await };
    match paused.await {
        Ok(_) => true,
        Err(Error::Denied { .. }) => false,
        Err(other) => panic!("neither done nor denied: {other:?}"),
    }
}

pub async fn one_is_made_changed_and_deleted(world: &World) {
    let control = &world.control;
    let made = team(world, "Platform").await;
    assert!(matches!(try_create(world, "Platform").await, Err(Error::Conflict(_))));
    for name in ["", " x", "a/b", "0192f3a1-7c3e-7b21-9f60-3a5c1e0d4b77", "a\u{202e}b"] {
        assert_eq!(field_of(try_create(world, name).await), "name", "{name}");
    }
    let other = team(world, "data").await;
    let change =
        |name: Option<&str>, description| TeamChange { team: by_id(&made), name: name.map(str::to_owned), description };
    let update = async |change| control.update_team(&world.admin::<UpdateTeam>(), change).await;
    assert!(matches!(update(change(Some("data"), None)).await, Err(Error::Conflict(_))));
    let changed = update(change(Some("platform"), Some(None))).await.expect("changed");
    assert_eq!((changed.name.as_str(), changed.description.as_deref()), ("platform", None));
    let listed = control.teams(&world.admin::<ViewTeams>()).await.expect("a list");
    assert_eq!(listed, [other, changed]);
    let by_name = TeamReference::parse("platform").expect("a name");
    assert_eq!(control.team(&world.admin::<ViewTeams>(), by_name.clone()).await.expect("found").id, made.id);
    let gone = control.delete_team(&world.admin::<DeleteTeam>(), by_name.clone()).await.expect("deleted");
    assert_eq!((gone.team.id, gone.members, gone.roles), (made.id, 0, 0));
    let again = control.delete_team(&world.admin::<DeleteTeam>(), by_name).await;
    assert_eq!(again.map(drop), Err(Error::NotFound("team")));
}

pub async fn its_members_hold_what_it_was_given(world: &World) {
    let (control, acme) = (&world.control, &world.acme);
    everybody_is(world, DeploymentRole::Viewer).await;
    let here = Place::Deployment(acme.created.organization.default_deployment);
    let editor = Held::plain(DeploymentRole::Editor);
    let bob = member(world).await;
    world.clock.advance(Duration::from_millis(1));
    let eve = member(world).await;
    let platform = team(world, "platform").await;
    join(world, &platform, &bob).await;
    assert!(!edits(world, &bob).await);
    let holder = || HolderReference::Team(by_id(&platform));
    give(control, &acme.admin, holder(), here, editor).await.expect("given");
    assert!(edits(world, &bob).await);
    assert!(!edits(world, &eve).await);
    join(world, &platform, &eve).await;
    join(world, &platform, &eve).await;
    assert!(edits(world, &eve).await);
    let grant = may::<ViewTeams>(control, &bob);
    let page = control.team_members(&grant, platform.id, PageRequest::first(1)).await.expect("a page");
    assert_eq!((page.items[0].user.id, page.items.len()), (eve.user().expect("a person"), 1));
    assert_eq!(control.count_team_members(&grant, platform.id).await, Ok(2));
    let empty = team(world, "empty").await;
    let counts = control.count_members_of_teams(&grant, vec![platform.id, empty.id]).await.expect("counts");
    assert_eq!(counts.into_iter().collect::<Vec<_>>(), [(platform.id, 2)]);
    let of_bob = control.teams_of_member(&grant, bob.user().expect("a person")).await.expect("a list");
    assert_eq!(of_bob, std::slice::from_ref(&platform));

    // What was begun before the role went commits nothing after it.
    let begun = may::<PauseQueue>(control, &again(control, &eve).await);
    leave(world, &platform, &eve).await.expect("out");
    let queue = QueueReference { deployment: None, queue: "linux".to_owned() };
    let late = control.pause_queue_dispatch(&begun, queue, None).await;
    assert!(matches!(late, Err(Error::Denied { .. })), "{late:?}");
    assert!(!edits(world, &eve).await);
    assert_eq!(leave(world, &platform, &eve).await, Err(Error::NotFound("member of the team")));
    // By another team they hold more.
    let second = team(world, "second").await;
    join(world, &second, &bob).await;
    give(control, &acme.admin, HolderReference::Team(by_id(&second)), here, editor).await.expect("given");
    take(control, &acme.admin, holder(), here).await.expect("taken");
    assert!(edits(world, &bob).await);
    control.delete_team(&world.admin::<DeleteTeam>(), by_id(&second)).await.expect("deleted");
    assert!(!edits(world, &bob).await);
    // Nobody but an Organization Admin says who is in a team: that would give what it was given.
    let admin = Held::plain(DeploymentRole::Admin);
    give(control, &acme.admin, crate::deployment_roles::holder(&bob), here, admin).await.expect("given");
    let bob = again(control, &bob).await;
    assert!(control.grant_own::<ChangeTeamMembers>(&bob).is_err());
    // They give a team what they hold themself, and none that they are in: it would be theirs after the end of what they hold.
    let own = give(control, &bob, holder(), here, admin).await;
    assert!(matches!(own, Err(Error::Denied { .. })), "{own:?}");
    leave(world, &platform, &bob).await.expect("out");
    give(control, &again(control, &bob).await, holder(), here, admin).await.expect("given");
}

pub async fn it_goes_with_its_members_and_roles(world: &World) {
    let (control, acme) = (&world.control, &world.acme);
    let of = acme.created.organization.id;
    let count = async |text: &'static str| -> i64 { sql::value(control, text, vec![of.into_value()], "n").await };
    let here = Place::Deployment(acme.created.organization.default_deployment);
    let platform = team(world, "platform").await;
    let (bob, eve) = (member(world).await, member(world).await);
    join(world, &platform, &bob).await;
    join(world, &platform, &eve).await;
    let holder = HolderReference::Team(by_id(&platform));
    give(control, &acme.admin, holder.clone(), here, Held::plain(DeploymentRole::Admin)).await.expect("given");
    give(control, &acme.admin, holder, Place::AllBranches, Held::plain(DeploymentRole::Admin)).await.expect("given");
    assert_eq!((count(MEMBERS).await, count(ROLES).await), (2, 2));
    // What ends with something else is in the audit log.
    let told = async |action: &str| -> String {
        let text =
            "SELECT detail FROM audit_events WHERE organization_id = $1 AND action = $2 ORDER BY id DESC LIMIT 1";
        sql::value(control, text, vec![of.into_value(), action.into_value()], "detail").await
    };
    let prod = crate::acting::deployment(control, acme, "prod", None).await;
    let own = crate::deployment_roles::holder(&eve);
    for place in [here, Place::Deployment(prod)] {
        give(control, &acme.admin, own.clone(), place, Held::plain(DeploymentRole::Editor)).await.expect("given");
    }
    let deletion = Deletion { deployment: prod, force: false };
    control.delete_deployment(&world.admin::<DeleteDeployment>(), deletion).await.expect("deleted");
    let (id, said) = (eve.user().expect("a person").to_string(), told("deployment.deleted").await);
    assert!(said.contains(&id) && said.contains(r#""role":"editor""#), "{said}");
    remove(control, &acme.admin, eve.user().expect("a person")).await.expect("removed");
    let said = told("member.removed").await;
    assert!(said.contains(r#""teams":["platform"]"#) && said.contains(r#""role":"editor""#), "{said}");
    assert_eq!((count(MEMBERS).await, count(ROLES).await), (1, 2));
    let gone = control.delete_team(&world.admin::<DeleteTeam>(), by_id(&platform)).await.expect("deleted");
    assert_eq!((gone.members, gone.roles), (1, 2));
    let said = told("team.deleted").await;
    let bob = bob.user().expect("a person").to_string();
    assert!(said.contains(&bob) && said.contains(r#""deployment":"all branch deployments""#), "{said}");
    assert_eq!((count(MEMBERS).await, count(ROLES).await), (0, 0));
}

pub async fn teams_are_of_people(world: &World) {
    let control = &world.control;
    let platform = team(world, "platform").await;
    let robot = named(service_user(world, "robot", Role::Member).await);
    let outcome = control.add_team_member(&world.admin::<ChangeTeamMembers>(), by_id(&platform), robot.clone()).await;
    assert_eq!(field_of(outcome), "member");
    // It is given roles of its own.
    let here = Place::Deployment(world.acme.created.organization.default_deployment);
    let given =
        give(control, &world.acme.admin, HolderReference::Member(robot), here, Held::plain(DeploymentRole::Editor));
    given.await.expect("given");
}

/// So many teams; none of them has members.
pub async fn many_teams(world: &World, count: i64) -> Vec<TeamId> {
    let control = &world.control;
    let of = world.acme.created.organization.id;
    let ids: Vec<TeamId> = (0..count).map(|_| fresh_id(control)).collect();
    let added: std::result::Result<(), StoreError> = control
        .store()
        .transact(Lane::Normal, ids.clone(), move |tx, ids| {
            Box::pin(async move {
                let text = "INSERT INTO teams (id, organization_id, name, created_at) VALUES ($1, $2, $3, $4)";
                for (number, id) in ids.iter().enumerate() {
                    let now = tx.now();
                    let values = params![*id, of, format!("t{number}"), now];
                    tx.execute(Sql { name: "conformance", text }, &values).await?;
                }
                Ok(())
            })
        })
        .await;
    added.expect("teams are added");
    ids
}

pub async fn there_is_an_end_to_roles(world: &World) {
    let (control, acme) = (&world.control, &world.acme);
    let (of, default) = (acme.created.organization.id, acme.created.organization.default_deployment);
    let viewer = Held::plain(DeploymentRole::Viewer);
    let give_to = async |holder: HolderReference, place| give(control, &acme.admin, holder, place, viewer).await;
    // Those of one place: of teams, each of which has one.
    let last = many_teams(world, MAX_ROLES_AT_PLACE).await.pop().expect("some");
    let text = "INSERT INTO deployment_roles (id, organization_id, team_id, deployment_id, role, tokens, created_at)
         SELECT t.id, t.organization_id, t.id, o.default_deployment_id, 'viewer', FALSE, 1 FROM teams t
         JOIN organizations o ON o.id = t.organization_id WHERE t.organization_id = $1";
    sql::change(control, text, vec![of.into_value()]).await;
    let bob = member(world).await;
    let who = || crate::deployment_roles::holder(&bob);
    let here = Place::Deployment(default);
    let outcome = give_to(who(), here).await;
    assert!(
        matches!(&outcome, Err(Error::Conflict(why)) if why.contains("1000 roles were given there")),
        "{outcome:?}"
    );
    // One that is there is replaced, and another place has room.
    let launcher = Held::plain(DeploymentRole::Launcher);
    give(control, &acme.admin, HolderReference::Team(TeamReference::Id(last)), here, launcher).await.expect("replaced");
    give_to(who(), Place::AllBranches).await.expect("given");
    take(control, &acme.admin, HolderReference::Team(TeamReference::Id(last)), here).await.expect("taken");
    give_to(who(), here).await.expect("there is room again");
    // Those of one member.
    for number in 2..MAX_ROLES_OF_HOLDER {
        let at = crate::acting::deployment(control, acme, &format!("d{number}"), None).await;
        give_to(who(), Place::Deployment(at)).await.expect("given");
    }
    let more = Place::Deployment(crate::acting::deployment(control, acme, "more", None).await);
    let outcome = give_to(who(), more).await;
    assert!(matches!(&outcome, Err(Error::Conflict(why)) if why.contains("100 roles in deployments")), "{outcome:?}");
    give_to(crate::deployment_roles::holder(&member(world).await), more).await.expect("somebody else has none");
}

pub async fn there_is_an_end_to_teams(world: &World) {
    let control = &world.control;
    let ids = many_teams(world, MAX_TEAMS - 1).await;
    team(world, "last").await;
    assert!(matches!(try_create(world, "more").await, Err(Error::Conflict(_))));
    let bob = member(world).await;
    let grant = world.admin::<ChangeTeamMembers>();
    let who = named(bob.user().expect("a person"));
    for id in &ids[..MAX_TEAMS_OF_MEMBER] {
        control.add_team_member(&grant, TeamReference::Id(*id), who.clone()).await.expect("they are in it");
    }
    let one_more = control.add_team_member(&grant, TeamReference::Id(ids[MAX_TEAMS_OF_MEMBER]), who).await;
    assert!(matches!(&one_more, Err(Error::Conflict(why)) if why.contains("100 teams")), "{one_more:?}");
}

pub async fn what_is_anothers_is_not_there(world: &World) {
    let control = &world.control;
    let text = "SELECT id FROM teams WHERE organization_id = $1";
    let of = vec![world.globex.created.organization.id.into_value()];
    let theirs: TeamId = sql::value(control, text, of, "id").await;
    let platform = team(world, "platform").await;
    let missing = || Some(Error::NotFound("team"));
    for id in [theirs, fresh_id(control)] {
        let it = || TeamReference::Id(id);
        let bob = named(world.acme.created.admin.id);
        assert_eq!(control.team(&world.admin::<ViewTeams>(), it()).await.err(), missing());
        let change = TeamChange { team: it(), name: Some("x".to_owned()), description: None };
        assert_eq!(control.update_team(&world.admin::<UpdateTeam>(), change).await.err(), missing());
        assert_eq!(control.delete_team(&world.admin::<DeleteTeam>(), it()).await.err(), missing());
        let grant = world.admin::<ChangeTeamMembers>();
        assert_eq!(control.add_team_member(&grant, it(), bob.clone()).await.err(), missing());
        assert_eq!(control.remove_team_member(&grant, it(), bob).await.err(), missing());
        assert_eq!(control.count_team_members(&world.admin::<ViewTeams>(), id).await, Ok(0));
    }
    let grant = world.admin::<ChangeTeamMembers>();
    let hank = MemberReference::Id(world.globex.created.admin.id);
    let outcome = control.add_team_member(&grant, by_id(&platform), hank).await;
    assert_eq!(outcome.err(), Some(Error::NotFound("member")));
}
