//! Rights never grow: whatever a member who is no Organization Admin does, nobody holds more afterwards than they could give.
//!
//! Steps are taken at random through the operations themselves. After each, the rows are read by code that shares nothing with what decides, and
//! compared with those before. An Organization Admin moves things in between, so that there is something to take hold of.

#![expect(clippy::expect_used, reason = "a fault of the test's own ends it")]

mod attempts;
mod state;

use countersign_control::access::actions::{AcceptInvitation, CreateInvitation, CreateServiceUserToken, CreateTeam};
use countersign_control::deployments::NewDeployment;
use countersign_control::invitations::NewInvitation;
use countersign_control::members::MemberReference;
use countersign_control::service_users::NewServiceUser;
use countersign_control::teams::NewTeam;
use countersign_control::user_tokens::NewUserToken;
use countersign_control::{Caller, Control, Error, Origin, Presented};
use countersign_domain::id::{TokenId, UserId};
use countersign_domain::{DeploymentRole, Role, TokenSecret};
use countersign_store::{IntoValue, Lane, Sql, StoreError, Value};
use countersign_testkit::harness::figures::tell;
use countersign_testkit::harness::setting::Size;
use countersign_testkit::{Engine, SeededEntropy, World};
use std::sync::Arc;

use attempts::{Dice, SORTS, Step};
use state::{Known, State, violations};

/// How many members there are who are no Organization Admins.
const MEMBERS: usize = 6;
/// Every how many steps the Organization Admin takes one.
const ADMIN_EVERY: usize = 4;

async fn caller(control: &Control, value: &str) -> Caller {
    let presented = Presented { value: Some(value), origin: Origin::local() };
    control.authenticate(presented).await.expect("the value is accepted")
}

/// Members, and a service user, by the values of their user tokens.
async fn members(world: &World) -> Vec<Arc<TokenSecret>> {
    let control = &world.control;
    let mut all = Vec::new();
    for number in 0..MEMBERS - 1 {
        let email = format!("m{number}@acme.example");
        let new = NewInvitation { email, role: Role::Member, expires_at: None };
        let invited = control.create_invitation(&world.admin::<CreateInvitation>(), new).await.expect("invited");
        let holder = caller(control, invited.secret.reveal()).await;
        let grant = control.grant_own::<AcceptInvitation>(&holder).expect("an invitation");
        all.push(control.accept_invitation(&grant, None).await.expect("a member").user_secret);
        // Invitations are tried at a rate.
        world.clock.advance(std::time::Duration::from_secs(2));
    }
    let new = NewServiceUser { name: "robot".to_owned(), description: None, role: Role::Member };
    let robot = control.create_service_user(&world.admin(), new).await.expect("a service user").user.id;
    let grant = world.admin::<CreateServiceUserToken>();
    let issued = control.create_service_user_token(&grant, MemberReference::Id(robot), NewUserToken::default()).await;
    all.push(issued.expect("a token").secret);
    all
}

/// What there is to begin with: deployments, branch deployments, teams; and members are Viewers.
async fn furnish(world: &World) {
    let control = &world.control;
    let default = world.acme.created.organization.default_deployment;
    for (name, parent) in [("prod", None), ("pull-1", Some(default)), ("pull-2", Some(default))] {
        let new = NewDeployment { name: name.to_owned(), parent, ..NewDeployment::default() };
        control.create_deployment(&world.admin(), new).await.expect("a deployment");
    }
    for name in ["one", "two"] {
        let new = NewTeam { name: name.to_owned(), description: None };
        control.create_team(&world.admin::<CreateTeam>(), new).await.expect("a team");
    }
    control.change_members_role(&world.admin(), DeploymentRole::Viewer).await.expect("changed");
}

/// What the Organization Admin does in between: roles, teams and tokens, and no more than there is room for.
const OF_ADMIN: [usize; 16] = [0, 0, 0, 2, 6, 6, 7, 13, 14, 16, 16, 16, 17, 19, 20, 20];

/// What the others try twice as often as the rest: of tokens and deployments, where they need a role that few have.
const OFTEN: [usize; 6] = [13, 16, 16, 18, 19, 22];

#[derive(Default)]
struct Counts {
    tried: usize,
    done: usize,
    grown: usize,
    /// How often an Organization Admin gave a token another scope.
    moved: usize,
    by_sort: [usize; SORTS],
}

async fn attempts(world: &World, wanted: usize) -> Counts {
    let (control, of) = (&world.control, world.acme.created.organization.id);
    furnish(world).await;
    let members = members(world).await;
    let dice = Dice(SeededEntropy::new(17));
    let mut counts = Counts::default();
    let mut known = Known::default();
    let mut state = State::read(control, of).await;
    for number in 0_usize.. {
        if counts.tried >= wanted {
            break;
        }
        let is_admin = number % ADMIN_EVERY == 0;
        let by = if is_admin {
            world.acme.admin.clone()
        } else {
            caller(control, members[dice.below(members.len())].reveal()).await
        };
        let sort = match is_admin {
            true => OF_ADMIN[dice.below(OF_ADMIN.len())],
            false if dice.below(3) == 0 => OFTEN[dice.below(OFTEN.len())],
            false => dice.below(SORTS),
        };
        // There is an end to deployments and tokens, and a state that grows for ever is slow to read.
        let is_full = state.deployments.len() > 12 || state.tokens.len() > 40;
        if is_full && is_admin {
            thin_out(control, of).await;
            state = State::read(control, of).await;
        }
        let step = Step { control, by: &by, state: &state, dice: &dice, number };
        let outcome = step.take(sort).await;
        let after = State::read(control, of).await;
        let told = outcome.as_ref().ok().copied().flatten();
        if let Some(token) = told.filter(|_| sort == 19) {
            // The step ends all other values.
            known.forget(token);
        }
        if let Some(token) = told.filter(|_| !is_admin) {
            known.learn(by.user().expect("a person"), token, &after);
        }
        let grown = known.grown(&after);
        assert!(grown.is_empty(), "step {number} of sort {sort}: {grown:#?}\nbefore: {state:#?}");
        if is_admin {
            counts.moved += usize::from(matches!(sort, 16 | 17) && state.tokens != after.tokens);
        } else {
            counts.tried += 1;
            match outcome {
                Ok(learned) => {
                    counts.done += 1;
                    counts.by_sort[sort] += 1;
                    let user = by.user().expect("a person");
                    let found = violations(&state, &after, user, learned);
                    assert!(found.is_empty(), "step {number} of sort {sort} by {user}: {found:#?}\nbefore: {state:#?}");
                    counts.grown += usize::from(state != after);
                }
                Err(Error::Internal(why)) => panic!("step {number} of sort {sort}: {why}"),
                Err(_) => assert_eq!(state, after, "step {number} of sort {sort} was refused and changed something"),
            }
        }
        state = after;
    }
    counts
}

async fn change(control: &Control, texts: &'static [&'static str], values: Vec<Value>) {
    let answer: Result<(), StoreError> = control
        .store()
        .transact(Lane::Normal, values, move |tx, values| {
            Box::pin(async move {
                for text in texts {
                    tx.execute(Sql { name: "rights", text }, values).await?;
                }
                Ok(())
            })
        })
        .await;
    answer.expect("the rows are changed");
}

/// Most tokens and deployments go, behind the system's back: this is not what is tried.
async fn thin_out(control: &Control, of: countersign_domain::id::OrganizationId) {
    let texts = &[
        "UPDATE tokens SET revoked_at = 1 WHERE organization_id = $1 AND kind = 'at' AND revoked_at IS NULL",
        "UPDATE deployments SET deleted_at = 1, cleared_at = 1 WHERE organization_id = $1 AND name LIKE 'd%' AND name <> 'default'",
        "DELETE FROM deployment_roles WHERE organization_id = $1
         AND deployment_id IN (SELECT id FROM deployments WHERE organization_id = $1 AND deleted_at IS NOT NULL)",
    ];
    change(control, texts, vec![of.into_value()]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_ends_up_with_more_than_whoever_stepped_could_give() {
    Engine::side_by_side(async |engine| {
        let size = Size::asked();
        let wanted = if engine == Engine::Sqlite { size.pick(2_000, 100_000) } else { size.pick(800, 10_000) };
        let world = World::new(engine).await;
        let counts = attempts(&world, wanted).await;
        let name = engine.name();
        tell(format_args!(
            "{name}: {} steps of members, {} let, {} changed something; by sort {:?}",
            counts.tried, counts.done, counts.grown, counts.by_sort
        ));
        // The steps are worth something: many are let, and of those many change who holds what.
        assert!(counts.done > wanted / 50 && counts.grown > wanted / 100, "{name}: {} of {wanted} let", counts.done);
        assert!(counts.moved > 0, "{name}: no token was given another scope");
        let wanted: &[usize] =
            if engine == Engine::Sqlite { &[0, 2, 13, 16, 18, 19, 21, 22, 23] } else { &[0, 2, 13, 16, 18, 19] };
        for &sort in wanted {
            assert!(counts.by_sort[sort] > 0, "{name}: no step of sort {sort} was let");
        }
    })
    .await;
}

/// A role that nobody gave.
const GIVE: &[&str] =
    &["INSERT INTO deployment_roles (id, organization_id, user_id, deployment_id, role, tokens, created_at)
                         VALUES ($1, $2, $3, $4, $5, $6, 1)"];

/// Each fault that a step could have is found: made behind the system's back, it is told.
#[tokio::test(flavor = "multi_thread")]
async fn a_rule_that_is_broken_is_found() {
    let world = World::new(Engine::Sqlite).await;
    let (control, of) = (&world.control, world.acme.created.organization.id);
    furnish(&world).await;
    let members = members(&world).await;
    let (bob, eve) = (caller(control, members[0].reveal()).await, caller(control, members[1].reveal()).await);
    let (bob, eve) = (bob.user().expect("a person"), eve.user().expect("a person"));
    let (id, default) = (world.acme.created.agent_token.id, world.acme.created.organization.default_deployment);
    let grant = |who: UserId, number: u8, role: &str, tokens: bool| {
        let id = countersign_domain::id::RoleGrantId::from_bytes([number; 16]);
        vec![
            id.into_value(),
            of.into_value(),
            who.into_value(),
            default.into_value(),
            role.into_value(),
            tokens.into_value(),
        ]
    };
    // Bob is an Admin of the default deployment, as an Organization Admin has made him.
    change(control, GIVE, grant(bob, 1, "admin", false)).await;
    let start = State::read(control, of).await;
    assert!(violations(&start, &start, bob, None).is_empty());
    let faults: [(&'static [&'static str], Vec<Value>, UserId); 11] = [
        // Eve makes herself a Launcher; Bob lets himself manage agent tokens, then Eve.
        (GIVE, grant(eve, 2, "launcher", false), eve),
        (&["UPDATE deployment_roles SET tokens = TRUE WHERE user_id = $1"], vec![bob.into_value()], bob),
        (&["UPDATE deployment_roles SET role = 'admin', tokens = TRUE WHERE user_id = $1"], vec![eve.into_value()], bob),
        // Bob gives what he has, where he has nothing.
        (
            &["INSERT INTO deployment_roles (id, organization_id, user_id, deployment_id, role, tokens, created_at)
               SELECT $2, $1, $3, NULL, 'viewer', FALSE, 1 UNION ALL SELECT $3, $1, $3, id, 'launcher', FALSE, 1 FROM deployments
               WHERE organization_id = $1 AND name = 'prod'"],
            vec![of.into_value(), default.into_value(), eve.into_value()],
            bob,
        ),
        (&["UPDATE organizations SET members_role = 'editor' WHERE id = $1"], vec![of.into_value()], bob),
        (&["UPDATE members SET role = 'admin' WHERE user_id = $1"], vec![eve.into_value()], bob),
        (&["INSERT INTO team_members (organization_id, team_id, user_id, created_at) SELECT $1, id, $2, 1 FROM teams
            WHERE organization_id = $1 AND name = 'one'"], vec![of.into_value(), eve.into_value()], bob),
        (&["UPDATE deployments SET name = 'renamed' WHERE id = $1"], vec![default.into_value()], bob),
        (&["INSERT INTO token_networks (token_id, position, network) VALUES ($1, 0, '10.0.0.0/8')"], vec![id.into_value()], bob),
        (&["UPDATE deployments SET deleted_at = 1, cleared_at = 1 WHERE organization_id = $1 AND name = 'prod'"],
            vec![of.into_value()], bob),
        (&["UPDATE tokens SET every_deployment = FALSE, all_branches = TRUE WHERE id = $1"], vec![id.into_value()], bob),
    ];
    let mut before = start;
    for (number, (texts, values, by)) in faults.into_iter().enumerate() {
        change(control, texts, values).await;
        let after = State::read(control, of).await;
        assert!(!violations(&before, &after, by, None).is_empty(), "fault {number} is not found");
        before = after;
    }
    // A value that is told is a token that one has.
    let told: Option<TokenId> = Some(id);
    assert!(!violations(&before, &before, bob, told).is_empty());
    // One that comes to reach more is found once somebody knows it, and not after its values have ended.
    let mut known = Known::default();
    known.learn(bob, id, &before);
    assert!(known.grown(&before).is_empty());
    change(control, &["UPDATE tokens SET every_deployment = TRUE WHERE id = $1"], vec![id.into_value()]).await;
    let wider = State::read(control, of).await;
    assert_eq!(known.grown(&wider).len(), 1);
    known.forget(id);
    assert!(known.grown(&wider).is_empty());
}
