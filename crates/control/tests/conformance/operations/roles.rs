//! The operations on roles in deployments and on teams.

use countersign_control::access::actions::{
    ChangeMembersRole, ChangeTeamMembers, CreateTeam, DeleteTeam, GrantDeploymentRole, UpdateTeam,
};
use countersign_control::deployment_roles::{HolderReference, NewRole, Place, RoleRemoval};
use countersign_control::members::MemberReference;
use countersign_control::teams::{NewTeam, TeamChange, TeamReference};
use countersign_domain::{DeploymentRole, Role};
use countersign_testkit::World;

use crate::acting::{may, next, person};

use super::{By, Operation, operations, pending};

async fn somebody(world: &World) -> MemberReference {
    let who = person(&world.control, &world.acme, &format!("t{}@acme.example", next()), Role::Member).await;
    MemberReference::Id(who.user().expect("a person"))
}

async fn some_team(world: &World) -> TeamReference {
    TeamReference::Id(crate::teams::team(world, &format!("t{}", next())).await.id)
}

async fn a_role(world: &World) -> NewRole {
    let holder = HolderReference::Member(somebody(world).await);
    NewRole { holder, place: Place::AllBranches, role: DeploymentRole::Editor, tokens: false }
}

operations! {
    "give_deployment_role" by Person writes ["deployment_role.given"] |control, world, cast| {
        let (new, grant) = (a_role(world).await, may::<GrantDeploymentRole>(&control, &cast.person));
        pending(async move { control.give_deployment_role(&grant, new).await.map(drop) })
    }
    "take_deployment_role" by Person writes ["deployment_role.taken"] |control, world, cast| {
        let new = a_role(world).await;
        let removal = RoleRemoval { holder: new.holder.clone(), place: new.place };
        control.give_deployment_role(&world.admin::<GrantDeploymentRole>(), new).await.expect("given");
        let grant = may::<GrantDeploymentRole>(&control, &cast.person);
        pending(async move { control.take_deployment_role(&grant, removal).await.map(drop) })
    }
    "change_members_role" by Person writes ["organization.members_role_changed"] |control, world, cast| {
        // Another one than the last time.
        let before = control.members_role(&may(&control, &cast.person)).await.expect("a read");
        let role = if before == DeploymentRole::Launcher { DeploymentRole::Editor } else { DeploymentRole::Launcher };
        let grant = may::<ChangeMembersRole>(&control, &cast.person);
        pending(async move { control.change_members_role(&grant, role).await })
    }
    "create_team" by Person writes ["team.created"] |control, world, cast| {
        let new = NewTeam { name: format!("t{}", next()), description: None };
        let grant = may::<CreateTeam>(&control, &cast.person);
        pending(async move { control.create_team(&grant, new).await.map(drop) })
    }
    "update_team" by Person writes ["team.updated"] |control, world, cast| {
        let change = TeamChange { team: some_team(world).await, name: Some(format!("u{}", next())), description: None };
        let grant = may::<UpdateTeam>(&control, &cast.person);
        pending(async move { control.update_team(&grant, change).await.map(drop) })
    }
    "delete_team" by Person writes ["team.deleted"] |control, world, cast| {
        let (team, grant) = (some_team(world).await, may::<DeleteTeam>(&control, &cast.person));
        pending(async move { control.delete_team(&grant, team).await.map(drop) })
    }
    "add_team_member" by Person writes ["team.member_added"] |control, world, cast| {
        let (team, who) = (some_team(world).await, somebody(world).await);
        let grant = may::<ChangeTeamMembers>(&control, &cast.person);
        pending(async move { control.add_team_member(&grant, team, who).await.map(drop) })
    }
    "remove_team_member" by Person writes ["team.member_removed"] |control, world, cast| {
        let (team, who) = (some_team(world).await, somebody(world).await);
        let grant = world.admin::<ChangeTeamMembers>();
        control.add_team_member(&grant, team.clone(), who.clone()).await.expect("they are in it");
        let grant = may::<ChangeTeamMembers>(&control, &cast.person);
        pending(async move { control.remove_team_member(&grant, team, who).await.map(drop) })
    }
}
