//! The twin organization: it has one of everything, under the same names where names need not differ, and must never be noticed.

use countersign_control::access::actions::{Annotate, AppendLog, RevokeAgentToken, WriteMetaData};
use countersign_control::agent_tokens::{NewAgentToken, Revocation, TokenReference};
use countersign_control::agents::Reach;
use countersign_control::builds::NewAnnotation;
use countersign_control::code_locations::{Definition, NewLocation};
use countersign_control::dagster::Heartbeat;
use countersign_control::dagster_runs::NewRun;
use countersign_control::deployment_roles::{Held, HolderReference, Place};
use countersign_control::invitations::NewInvitation;
use countersign_control::jobs::NewChunk;
use countersign_control::members::MemberReference;
use countersign_control::service_users::NewServiceUser;
use countersign_control::teams::{NewTeam, TeamReference};
use countersign_control::user_tokens::NewUserToken;
use countersign_control::{Caller, Control};
use countersign_domain::id::DeploymentId;
use countersign_domain::{
    DeploymentRole, DeploymentScope, Kind, QueueScope, Refusal, Role, Scope, Timestamp, TokenSecret,
};
use countersign_store::IntoValue;
use countersign_testkit::{SeededEntropy, Tenant, World};

use crate::acting::{build, caller, deployment, fresh_id, may, next, person, refusal, running_job};
use crate::deployment_roles::give;
use crate::{artifacts, code_locations, dagster, dagster_runs, sql};

/// A word that stands in every text of the twin's own.
pub const WORD: &str = "globex";

/// Gives the twin one of everything. What the server does by itself for every organization finds nothing to do for it afterwards.
pub async fn furnish(world: &World) {
    let (control, globex) = (&world.control, &world.globex);
    let hank = person(control, globex, "hank@globex.example", Role::Member).await;
    let prod = tokens(control, globex).await;
    team(control, globex, &hank).await;
    sign_ins(control, globex, &hank).await;
    let new = NewInvitation { email: "iris@globex.example".to_owned(), role: Role::Admin, expires_at: None };
    control.create_invitation(&may(control, &globex.admin), new).await.expect("an invitation is made");
    let new = NewServiceUser { name: WORD.to_owned(), description: Some(WORD.to_owned()), role: Role::Member };
    let robot = control.create_service_user(&may(control, &globex.admin), new).await.expect("a service user is made");
    let new = NewUserToken { description: Some(WORD.to_owned()), ..NewUserToken::default() };
    let owner = MemberReference::Id(robot.user.id);
    control.create_service_user_token(&may(control, &globex.admin), owner, new).await.expect("a token is made");
    let job = running_job(control, globex).await;
    let grant = may::<AppendLog>(control, &job.caller);
    let chunk = NewChunk { sequence: 1, offset: 0, content: WORD.into() };
    control.append_log(&grant, chunk).await.expect("a log grows");
    let grant = may::<WriteMetaData>(control, &job.caller);
    control.set_meta_data(&grant, "release".to_owned(), WORD.to_owned()).await.expect("a key is set");
    let grant = may::<Annotate>(control, &job.caller);
    let note = NewAnnotation { body: Some(WORD.to_owned()), ..NewAnnotation::default() };
    control.annotate(&grant, note).await.expect("a build is annotated");
    let holder = caller(control, globex.agent_token()).await;
    let told =
        Heartbeat { label: Some(WORD.to_owned()), ..dagster::heartbeat(&dagster::process(control), &["default"]) };
    dagster::beat(control, &holder, told).await.expect("it is kept");
    let new = NewLocation {
        definition: Definition { module_name: Some(WORD.to_owned()), ..Definition::default() },
        ..code_locations::module(prod, WORD)
    };
    control.set_code_location(&may(control, &globex.admin), new).await.expect("a code location is set");
    let definition = Definition { module_name: Some(WORD.to_owned()), ..Definition::default() };
    dagster_runs::told(control, &holder, "prod", WORD, definition).await;
    let new = NewRun { location: WORD.to_owned(), ..dagster_runs::new_run(prod, WORD) };
    control.launch_run(&may(control, &globex.admin), new).await.expect("a run is launched");
    artifacts::leave(control, &job, &["globex/globex.txt"]).await;
    // One more waits, in a queue that agents of the first organization serve too.
    build(control, globex, "steps: [{command: echo globex, label: globex}]").await;

    let of = globex.created.organization.id;
    let text = "UPDATE tokens SET reveal_policy = 'always', reveal_until = NULL WHERE organization_id = $1 AND revoked_at IS NULL";
    sql::change(control, text, vec![of.into_value()]).await;
    let text = "UPDATE agents SET last_seen_at = $2 WHERE organization_id = $1";
    control.flush_usage().await.expect("what has gathered is written");
    sql::change(control, text, vec![of.into_value(), Timestamp::LATEST.into_value()]).await;
    let text = "UPDATE dagster_agents SET heartbeat_at = $2 WHERE organization_id = $1";
    sql::change(control, text, vec![of.into_value(), Timestamp::LATEST.into_value()]).await;
    let text = "UPDATE dagster_requests SET expires_at = $2 WHERE organization_id = $1";
    sql::change(control, text, vec![of.into_value(), Timestamp::LATEST.into_value()]).await;
    let text = "UPDATE jobs SET runnable_at = $2 WHERE organization_id = $1 AND state = 'scheduled'";
    sql::change(control, text, vec![of.into_value(), Timestamp::LATEST.into_value()]).await;
    control.seal_audit().await.expect("the audit log is sealed");
}

/// A team with a role, and a member of it with another.
async fn team(control: &Control, globex: &Tenant, hank: &Caller) {
    let new = NewTeam { name: WORD.to_owned(), description: Some(WORD.to_owned()) };
    let team =
        TeamReference::Id(control.create_team(&may(control, &globex.admin), new).await.expect("a team is made").id);
    let hank = MemberReference::Id(hank.user().expect("a person"));
    let added = control.add_team_member(&may(control, &globex.admin), team.clone(), hank.clone()).await;
    added.expect("somebody is in it");
    for (holder, place) in [
        (HolderReference::Team(team), Place::AllBranches),
        (HolderReference::Member(hank), Place::Deployment(globex.created.organization.default_deployment)),
    ] {
        let held = Held { role: DeploymentRole::Admin, tokens: true };
        give(control, &globex.admin, holder, place, held).await.expect("a role is given");
    }
}

/// A password, a passkey, an identity of a provider's, a sign-in that nobody uses, and a link. They are written behind the system's back: hashing takes its time, and each case would
/// take it.
async fn sign_ins(control: &Control, globex: &Tenant, hank: &Caller) {
    let user = hank.user().expect("a person");
    let text = "INSERT INTO passwords (user_id, phc, key_id, changed_at) VALUES ($1, $2, $3, 0)";
    let key = control.keys().newest().to_string();
    sql::change(control, text, vec![user.into_value(), WORD.into_value(), key.into_value()]).await;
    crate::passkeys::row(control, hank, WORD).await;
    let text = "INSERT INTO sign_in_answers (challenge_id, user_id, expires_at) VALUES ($1, $2, $3)";
    let challenge = fresh_id::<countersign_domain::id::of::Challenge>(control);
    let values = vec![challenge.into_value(), user.into_value(), Timestamp::LATEST.into_value()];
    sql::change(control, text, values).await;
    let text = "INSERT INTO identities (issuer, subject, user_id, created_at, used_at) VALUES ($1, $1, $2, 0, 0)";
    sql::change(control, text, vec![WORD.into_value(), user.into_value()]).await;
    let secret = TokenSecret::mint(&control.settings().prefix, Kind::SignIn, &SeededEntropy::new(next()));
    let digest = control.keys().digest(&secret);
    let text =
        "INSERT INTO sign_ins (id, user_id, organization_id, public_id, digest, key_id, method, created_at, seen_at, expires_at, ip, user_agent)
        VALUES ($1, $2, $3, $4, $5, $6, 'password', 0, $7, $7, '192.0.2.99', $8)";
    let values = vec![
        fresh_id::<countersign_domain::id::of::SignIn>(control).into_value(),
        user.into_value(),
        globex.created.organization.id.into_value(),
        secret.public_id().as_str().into_value(),
        digest.as_bytes().as_slice().into_value(),
        digest.key().to_string().into_value(),
        Timestamp::LATEST.into_value(),
        WORD.into_value(),
    ];
    sql::change(control, text, values).await;
    let member = MemberReference::Id(user);
    control.issue_member_sign_in_link(&may(control, &globex.admin), member).await.expect("a link is made");
    let text = "UPDATE sign_in_links SET expires_at = $1 WHERE user_id = $2";
    sql::change(control, text, vec![Timestamp::LATEST.into_value(), user.into_value()]).await;
}

/// A token with a scope, and one that was taken back and tried afterwards.
async fn tokens(control: &Control, globex: &Tenant) -> DeploymentId {
    let prod = deployment(control, globex, "prod", None).await;
    deployment(control, globex, "branch", Some(prod)).await;
    let scope = Scope {
        deployments: DeploymentScope::Only { deployments: [prod].into(), all_branches: true },
        queues: QueueScope::Only(["linux".parse().expect("a queue")].into()),
        networks: vec!["192.0.2.0/24".parse().expect("a network")],
    };
    let create = || may(control, &globex.admin);
    let new = NewAgentToken { description: Some(WORD.to_owned()), scope: Some(scope), ..NewAgentToken::default() };
    control.create_agent_token(&create(), new).await.expect("a token is made");
    let taken = control.create_agent_token(&create(), NewAgentToken::default()).await.expect("a token is made");
    let revocation = Revocation {
        token: TokenReference::Id(taken.token.token.id),
        reason: WORD.to_owned(),
        connected_agents: Reach::Keep,
        expected: None,
    };
    let grant = may::<RevokeAgentToken>(control, &globex.admin);
    control.revoke_agent_token(&grant, revocation).await.expect("a token is taken back");
    assert_eq!(refusal(control, taken.secret.reveal()).await, Refusal::Revoked);
    prod
}
