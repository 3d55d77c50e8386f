//! The table of actions, against a table of its own that was written from the documents and not from the code.

use std::collections::BTreeMap;

use countersign_control::access::Action;
use countersign_control::access::actions::*;
use countersign_control::deployment_roles::{HolderReference, Place};
use countersign_control::signing_in::PROOF;
use countersign_control::teams::TeamReference;
use countersign_control::{Caller, Control, Error, Presented};
use countersign_domain::id::OrganizationId;
use countersign_domain::{DeploymentRole, Refusal, Role};
use countersign_testkit::World;

use crate::acting::{IP, another_token, caller, connect, finish, may, person, running_job};
use crate::deployment_roles::{ROLES, again, everybody_is, give, member_with};
use crate::signing_in::{PASSWORD, by_link, cookie, try_sign_in};

/// Who may do what. What is not here is refused to everybody; an Organization Admin may what a member may, and a
/// service user what a person of its role may, unless people may it alone. Whoever holds a role in some deployment may what those may who hold
/// less; in which deployment is asked by the operation. All members are Viewers here: what belongs to no deployment is for them while they are
/// Launchers, see `deployment_roles`. What is to be *proved* is refused to whoever is signed in and proved nothing of late.
const REFERENCE: &[(&str, &str)] = &[
    ("organization.view", "member"),
    ("organization.create", "operator"),
    ("organization.update", "admin, proved"),
    ("deployment.create", "admin, editor"),
    ("deployment.update", "admin, editor"),
    ("deployment.delete", "admin, editor, proved"),
    ("audit.view", "admin"),
    ("agent_token.create", "admin, token manager, proved"),
    ("agent_token.view", "admin, token manager"),
    ("agent_token.update", "admin, token manager"),
    ("agent_token.reveal", "admin, token manager"),
    ("agent_token.rotate", "admin, token manager, proved"),
    ("agent_token.revoke", "admin, token manager, proved"),
    ("user_token.create", "member, alone, proved"),
    ("user_token.view", "member"),
    ("user_token.update", "member, alone"),
    ("user_token.reveal", "member, alone"),
    ("user_token.revoke", "member, proved"),
    ("member.view", "member"),
    ("member.change_role", "admin, proved"),
    ("member.remove", "admin, proved"),
    ("deployment_role.view", "member"),
    ("deployment_role.grant", "admin, deployment admin, proved"),
    ("deployment_role.change_for_all", "admin, proved"),
    ("team.view", "member"),
    ("team.create", "admin"),
    ("team.update", "admin"),
    ("team.delete", "admin, proved"),
    ("team.change_members", "admin, proved"),
    ("member_token.view", "admin"),
    ("member_token.revoke", "admin, proved"),
    ("invitation.create", "admin, alone, proved"),
    ("invitation.view", "admin"),
    ("invitation.withdraw", "admin"),
    ("invitation.accept", "invitation"),
    ("sign_in_link.issue_for_member", "admin, alone, proved"),
    ("service_user.create", "admin, alone"),
    ("service_user.update", "admin"),
    ("service_user_token.create", "admin, alone, proved"),
    ("service_user_token.reveal", "admin, alone"),
    ("sign_in.begin", "system"),
    ("sign_in.view", "member, alone"),
    ("sign_in.end", "member, alone"),
    ("sign_in.prove", "member, alone"),
    ("password.change", "member, alone"),
    ("passkey.view", "member, alone"),
    ("passkey.add", "member, alone, proved"),
    ("passkey.rename", "member, alone"),
    ("passkey.remove", "member, alone, proved"),
    ("identity.forget", "member, alone, proved"),
    ("sign_in_link.issue", "operator"),
    ("sign_in_link.use", "system"),
    ("operator_token.manage", "operator"),
    ("agent.view", "member"),
    ("agent.stop", "admin, editor"),
    ("agent.pause", "admin, editor"),
    ("build.view", "member"),
    ("build.create", "admin, launcher"),
    ("build.cancel", "admin, launcher"),
    ("job.retry", "admin, launcher"),
    ("job.prioritize", "admin, launcher"),
    ("artifact.delete", "admin, launcher"),
    ("job.cancel", "admin, launcher"),
    ("step.unblock", "admin, launcher"),
    ("pipeline.create", "admin"),
    ("pipeline.update", "admin"),
    ("queue.view", "member"),
    ("queue.create", "admin, editor"),
    ("queue.update", "admin, editor"),
    ("queue.delete", "admin, editor"),
    ("queue.pause", "admin, editor"),
    ("code_location.view", "member"),
    ("code_location.edit", "admin, editor"),
    ("dagster_run.view", "member"),
    ("dagster_run.launch", "admin, launcher"),
    ("dagster_run.terminate", "admin, launcher"),
    ("agent.register", "agent token"),
    ("agent_token.identify", "agent token"),
    ("queue.count", "agent token"),
    ("dagster.agents", "agent token"),
    ("dagster.deployments", "agent token"),
    ("dagster.workspace", "agent token"),
    ("dagster.requests", "agent token"),
    ("dagster.heartbeat", "agent token"),
    ("code_location.tell", "agent token"),
    ("dagster_run.report", "agent token"),
    ("agent.connect", "session"),
    ("agent.heartbeat", "session"),
    ("agent.ping", "session"),
    ("agent.disconnect", "session, ended session"),
    ("job.accept", "session"),
    ("job.report", "job"),
    ("job.append_log", "job, ended job"),
    ("job.update", "job"),
    ("pipeline.upload", "job"),
    ("step.read", "job"),
    ("step.write", "job"),
    ("job.cancel_build", "job"),
    ("job.control_agent", "job"),
    ("meta_data.read", "job"),
    ("meta_data.write", "job"),
    ("annotation.write", "job"),
    ("artifact.upload", "job"),
    ("artifact.read", "job"),
    ("artifact.move", "system"),
    ("oidc_token.request", "job"),
    ("house.keep", "system"),
    ("instance.view", "operator, system"),
];

/// What is answered to somebody who asks.
#[derive(Debug, PartialEq, Eq, Clone, Copy)]
enum Answer {
    Granted,
    Denied,
    Kind,
    Expired,
    Unknown,
    NotFound,
    Unproved,
}

/// A caller as the reference sees them.
struct Asking {
    who: &'static str,
    /// Whether a token was shown, which is then named in the refusal.
    shows_token: bool,
    caller: Caller,
}

/// Members who are no Organization Admins, by what they hold in some deployment.
const HOLDING: [&str; 5] = ["member", "launcher", "editor", "deployment admin", "token manager"];

/// How much somebody holds who is such a member.
fn held(who: &str) -> Option<usize> {
    HOLDING.iter().position(|it| *it == who)
}

fn sort(who: &str) -> &str {
    match who {
        "admin" | "service user" | "signed in" => "person",
        who if held(who).is_some() => "person",
        "session" | "ended session" => "agent",
        "job" | "ended job" => "job",
        other => other,
    }
}

/// What the reference says.
fn wanted(allowed: &str, asking: &Asking, own_organization: bool) -> Answer {
    let allowed: Vec<&str> = allowed.split(", ").collect();
    let is_for_such = allowed.iter().any(|it| sort(it) == sort(asking.who));
    let has_organization = !["anonymous", "operator"].contains(&asking.who);
    match asking.who {
        _ if !is_for_such && asking.shows_token => Answer::Kind,
        _ if !is_for_such => Answer::Unknown,
        _ if has_organization && !own_organization => Answer::NotFound,
        // This one is an Organization Admin.
        "service user" if allowed.contains(&"alone") => Answer::Denied,
        "service user" if allowed.contains(&"member") || allowed.contains(&"admin") => Answer::Granted,
        // An Organization Admin too.
        "signed in" if allowed.contains(&"proved") => Answer::Unproved,
        "signed in" if allowed.contains(&"member") || allowed.contains(&"admin") => Answer::Granted,
        who if allowed.contains(&who) => Answer::Granted,
        who if held(who).is_some_and(|most| allowed.iter().any(|it| held(it).is_some_and(|least| least <= most))) => {
            Answer::Granted
        }
        "admin" if allowed.contains(&"member") => Answer::Granted,
        "ended session" | "ended job" => Answer::Expired,
        _ => Answer::Denied,
    }
}

fn given<A: Action>(control: &Control, caller: &Caller, of: OrganizationId) -> Answer {
    match control.grant::<A>(caller, of) {
        Ok(grant) => {
            assert_eq!(grant.organization(), of);
            Answer::Granted
        }
        Err(Error::Denied { action, .. }) if action == A::NAME => Answer::Denied,
        Err(Error::Unauthenticated { reason: Refusal::Kind, token: Some(_) }) => Answer::Kind,
        Err(Error::Unauthenticated { reason: Refusal::Expired, token: Some(_) }) => Answer::Expired,
        Err(Error::Unauthenticated { reason: Refusal::Unknown, token: None }) => Answer::Unknown,
        Err(Error::NotFound("organization")) => Answer::NotFound,
        Err(Error::Unproved) => Answer::Unproved,
        Err(other) => panic!("{}: {other:?}", A::NAME),
    }
}

type Ask = fn(&Control, &Caller, OrganizationId) -> Answer;

macro_rules! asks {
    ($($action:ident)*) => { vec![$(($action::NAME, given::<$action> as Ask)),*] };
}

fn every_action() -> Vec<(&'static str, Ask)> {
    asks![
        ViewOrganization CreateOrganization UpdateOrganization CreateDeployment UpdateDeployment DeleteDeployment ViewAudit
        CreateAgentToken ViewAgentTokens UpdateAgentToken RevealAgentToken RotateAgentToken RevokeAgentToken
        CreateUserToken ViewUserTokens UpdateUserToken RevealUserToken RevokeUserToken
        ViewDeploymentRoles GrantDeploymentRole ChangeMembersRole ViewTeams CreateTeam UpdateTeam DeleteTeam ChangeTeamMembers
        ViewMembers ChangeMemberRole RemoveMember ViewMemberTokens RevokeMemberToken
        CreateInvitation ViewInvitations WithdrawInvitation AcceptInvitation
        BeginSignIn ViewSignIns EndSignIns ProveAgain ChangePassword ViewPasskeys AddPasskey RenamePasskey RemovePasskey ForgetIdentity IssueSignInLink IssueMemberSignInLink UseSignInLink
        CreateServiceUser UpdateServiceUser CreateServiceUserToken RevealServiceUserToken
        ManageOperatorTokens
        ViewAgents StopAgent PauseAgent
        ViewBuilds CreateBuild CancelBuild RetryJob CancelJob PrioritizeJob DeleteArtifact UnblockStep CreatePipeline UpdatePipeline
        ViewQueues CreateQueue UpdateQueue DeleteQueue PauseQueue
        RegisterAgent IdentifyAgentToken ConnectAgent Heartbeat Ping DisconnectAgent AcceptJob
        SeeDagsterAgents CheckDagsterDeployments ReadDagsterWorkspace TakeDagsterRequests DagsterHeartbeat
        ViewCodeLocations EditCodeLocations TellCodeLocation
        ViewDagsterRuns LaunchDagsterRun TerminateDagsterRun ReportDagsterRun
        ReportJob AppendLog UpdateJob UploadPipeline ReadSteps WriteSteps CancelOwnBuild ControlOwnAgent ReadMetaData WriteMetaData Annotate
        UploadArtifacts ReadArtifacts MoveArtifacts CountQueues RequestOidcToken
        KeepHouse ViewInstance
    ]
}

async fn everybody(world: &World) -> Vec<Asking> {
    let control = &world.control;
    let acme = &world.acme;
    let anonymous = Presented { value: None, origin: countersign_control::Origin::local() };
    let anonymous = control.authenticate(anonymous).await.expect("nobody in particular");
    let ada = "ada@acme.example";
    let long_ago = by_link(world, ada, PASSWORD).await;
    world.clock.advance(PROOF);
    let just_now = try_sign_in(control, ada, PASSWORD, IP).await.expect("signed in");
    everybody_is(world, DeploymentRole::Viewer).await;
    let member = person(control, acme, "bob@acme.example", Role::Member).await;
    let here = Place::Deployment(acme.created.organization.default_deployment);
    let mut holding = Vec::new();
    for (who, what) in HOLDING.into_iter().zip(ROLES).skip(1) {
        holding.push((who, member_with(world, here, what).await));
    }
    let by_team = crate::deployment_roles::member(world).await;
    let team = crate::teams::team(world, "platform").await;
    let holder = HolderReference::Team(TeamReference::Id(team.id));
    give(control, &acme.admin, holder, Place::AllBranches, ROLES[2]).await.expect("given");
    crate::teams::join(world, &team, &by_team).await;
    holding.push(("editor", again(control, &by_team).await));
    let agent = connect(control, acme.agent_token(), &[]).await;
    let gone = connect(control, acme.agent_token(), &[]).await;
    control.disconnect_agent(&may::<DisconnectAgent>(control, &gone.caller)).await.expect("gone");
    let manage = may::<ManageOperatorTokens>(control, &world.operator);
    let (_, robot) = control.create_operator_token(&manage, "robot").await.expect("made");
    let ended = running_job(control, acme).await;
    finish(control, &ended, "0").await;
    let service = crate::service_users::acting(world, "service", Role::Admin).await;
    let invited = crate::invitations::invite(world, "carol@acme.example").await;
    let asking = |who, shows_token, caller| Asking { who, shows_token, caller };
    let holding = holding.into_iter().map(|(who, caller)| Asking { who, shows_token: true, caller });
    let others = vec![
        asking("anonymous", false, anonymous),
        asking("admin", true, acme.admin.clone()),
        asking("admin", true, another_token(control, &acme.admin).await.1),
        asking("admin", true, cookie(control, &just_now).await),
        asking("signed in", true, cookie(control, &long_ago).await),
        asking("member", true, member),
        asking("service user", true, service),
        asking("agent token", true, caller(control, acme.agent_token()).await),
        asking("session", true, agent.caller),
        asking("ended session", true, caller(control, gone.session.reveal()).await),
        asking("job", true, running_job(control, acme).await.caller),
        asking("ended job", true, caller(control, ended.secret.reveal()).await),
        asking("operator", false, control.local_operator()),
        asking("operator", true, caller(control, robot.reveal()).await),
        asking("invitation", true, caller(control, invited.secret.reveal()).await),
    ];
    others.into_iter().chain(holding).collect()
}

pub async fn every_caller_and_every_action_as_the_reference_says(world: &World) {
    let reference: BTreeMap<_, _> = REFERENCE.iter().copied().collect();
    let everybody = everybody(world).await;
    let own = world.acme.created.organization.id;
    let others = [world.globex.created.organization.id, crate::acting::fresh_id(&world.control), OrganizationId::nil()];
    let mut compared = 0;
    for (name, ask) in every_action() {
        for asking in &everybody {
            let allowed = reference[name];
            let who = asking.who;
            assert_eq!(ask(&world.control, &asking.caller, own), wanted(allowed, asking, true), "{who} and {name}");
            for other in others {
                let given = ask(&world.control, &asking.caller, other);
                assert_eq!(given, wanted(allowed, asking, false), "{who} and {name} in another organization");
            }
            compared += 1;
        }
    }
    assert_eq!(compared, 108 * 20);
}

/// The reference, the table and the types name the same actions.
pub fn the_reference_is_complete() {
    let mut listed: Vec<_> = REFERENCE.iter().map(|(name, _)| *name).collect();
    let mut typed: Vec<_> = every_action().iter().map(|(name, _)| *name).collect();
    let mut table: Vec<_> = TABLE.iter().map(|row| row.name).collect();
    for names in [&mut listed, &mut typed, &mut table] {
        names.sort_unstable();
    }
    assert_eq!(listed, table);
    assert_eq!(typed, table);
}

/// A wrong cell would be noticed: each cell of the table changes what the reference answers to somebody.
pub fn every_cell_of_the_reference_decides_something() {
    let origin = countersign_control::Origin::local();
    let everybody = ["admin", "agent token", "session", "ended session", "job", "ended job", "operator", "invitation"];
    for who in everybody.into_iter().chain(HOLDING) {
        let asking = Asking { who, shows_token: true, caller: Caller::Anonymous(origin.clone()) };
        for (name, allowed) in REFERENCE {
            let is_allowed = wanted(allowed, &asking, true) == Answer::Granted;
            let flipped = if is_allowed { "nobody".to_owned() } else { format!("{allowed}, {who}") };
            assert_ne!(wanted(&flipped, &asking, true), wanted(allowed, &asking, true), "{who} and {name}");
        }
    }
}
