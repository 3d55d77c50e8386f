//! What is another organization's, what is not there and what was deleted are one and the same: every operation of every face that names
//! something, by everyone who may call it, is answered byte for byte alike. That the same call succeeds on what is one's own stands in the
//! matrix beside this file.

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use countersign_control::access::actions::{
    CreateDeployment, CreatePipeline, CreateQueue, CreateServiceUser, CreateTeam, DeleteDeployment, DeleteQueue,
    DeleteTeam, RemoveMember,
};
use countersign_control::deployments::{Deletion, NewDeployment};
use countersign_control::members::MemberReference;
use countersign_control::pipelines::NewPipeline;
use countersign_control::queues::NewQueue;
use countersign_control::service_users::NewServiceUser;
use countersign_control::teams::{NewTeam, TeamReference};
use countersign_domain::id::OrganizationId;
use countersign_domain::{Id, Role};
use countersign_store::{IntoValue, Lane, Sql, StoreError};
use countersign_testkit::World;

use crate::callers::{self, Caller, Cast, Operation, outcome};
use crate::words::{Words, global};
use crate::{dagster, graphql, routes};

/// An id that nothing has.
const NOBODYS: &str = "0198f3a1-7c3e-7b21-9f60-3a5c1e0d4b99";
/// Those who may name something.
const CALLERS: [Caller; 5] = [Caller::Admin, Caller::Member, Caller::AgentToken, Caller::Session, Caller::Job];
/// The operations that name nothing of an organization's, and every other is tried: what is new belongs into one of the two.
const LEAST: usize = 130;

/// An organization's rows of one table, counted.
const COUNTED: [&str; 5] = ["audit_events", "refusals", "tokens", "builds", "agents"];

/// A cast, and what there is to name.
struct Stage {
    cast: Cast,
    foreign: Words,
    /// Some of acme's words, for things that were deleted.
    deleted: Vec<(&'static str, String)>,
}

impl Stage {
    async fn set() -> Self {
        let cast = Cast::assemble().await;
        let world = &cast.world;
        let ended = callers::ended(world, &world.globex).await;
        let worker = callers::worker_in(world, &world.globex, None).await;
        let foreign = Words::of(world, &world.globex, &worker, ended.job).await;
        // The two have pipelines of the same names, which is no reference to the other's.
        let new = NewPipeline { name: "theirs".to_owned(), ..NewPipeline::default() };
        world.control.create_pipeline(&world.globex.may::<CreatePipeline>(&world.control), new).await.expect("made");
        let foreign = foreign.with("{pipeline-slug}", "theirs");
        // Globex's admin is a member of acme, so that there is a plain one; somebody whom globex alone has is its service user.
        let robot = foreign.value("{service-user}").expect("globex has one").to_owned();
        let foreign = foreign.with("{admin-user}", &robot);
        let deleted = deleted(world).await;
        Self { cast, foreign, deleted }
    }

    /// What each operation says of what is not the caller's, where it says more than of nothing; and how many operations named something.
    async fn faults(&self) -> (Vec<String>, usize) {
        let (mut faults, mut named) = (Vec::new(), 0);
        for operation in all() {
            let text = format!("{} {}", operation.path, operation.body.as_deref().unwrap_or_default());
            let words = self.cast.words.used(&text);
            named += usize::from(!words.is_empty());
            for (word, caller) in words.iter().flat_map(|word| CALLERS.map(|caller| (*word, caller))) {
                self.tried(&operation, word, caller, &mut faults).await;
            }
        }
        (faults, named)
    }

    async fn tried(&self, operation: &Operation, word: &'static str, caller: Caller, faults: &mut Vec<String>) {
        let own = &self.cast.words;
        let foreign = self.foreign.value(word).expect("both organizations have it");
        if foreign == own.value(word).expect("it is used") {
            return;
        }
        let missing = self.ask(operation, word, &nobodys(foreign), caller).await;
        let deleted = self.deleted.iter().find(|(of, _)| *of == word).map(|(_, value)| value.as_str());
        for (sort, value) in [("foreign", Some(foreign)), ("deleted", deleted)] {
            let Some(value) = value else { continue };
            let met = self.ask(operation, word, value, caller).await;
            if met.1 != missing.1 || succeeded(&met) {
                let (who, name) = (caller.name(), &operation.name);
                faults.push(format!("{name}: {who}, {sort} {word}: {} {}\n    and not {}", met.0, met.1, missing.1));
            }
        }
        for wrong in malformed(foreign) {
            let met = self.ask(operation, word, wrong, caller).await;
            if succeeded(&met) || met.0.starts_with('5') {
                faults.push(format!("{}: {}, {word} is {wrong}: {} {}", operation.name, caller.name(), met.0, met.1));
            }
        }
    }

    /// What the caller meets, in short and as a whole.
    async fn ask(&self, operation: &Operation, word: &str, value: &str, caller: Caller) -> (String, String) {
        let words = self.cast.words.with(word, value);
        let (status, text) = self.cast.ask(operation, self.cast.value(caller), &words).await;
        (outcome(status, &text), format!("{} {text}", status.as_u16()))
    }

    /// How many rows the other organization has.
    async fn rows(&self) -> Vec<i64> {
        let of = self.cast.world.globex.created.organization.id;
        let mut rows = Vec::new();
        for table in COUNTED {
            let text = format!("SELECT COUNT(*) AS n FROM {table} WHERE organization_id = $1").leak();
            rows.push(count(&self.cast.world, Sql { name: "rows", text }, of).await);
        }
        rows
    }
}

fn all() -> Vec<Operation> {
    routes::all().into_iter().chain(graphql::all()).chain(dagster::all()).collect()
}

/// Whether what the caller met is a success without any word to it, and more than nulls.
fn succeeded((outcome, whole): &(String, String)) -> bool {
    fn is_nothing(value: &serde_json::Value) -> bool {
        value.is_null() || value.as_object().is_some_and(|fields| fields.values().all(is_nothing))
    }
    let data = whole.split_once(' ').and_then(|(_, body)| serde_json::from_str::<serde_json::Value>(body).ok());
    let says_nothing = data.is_some_and(|body| body.get("data").is_some_and(is_nothing));
    outcome.starts_with('2') && outcome.len() == 3 && !says_nothing
}

/// A reference of the same form to what is not there.
fn nobodys(like: &str) -> String {
    if like.len() == NOBODYS.len() && like.contains('-') {
        return NOBODYS.to_owned();
    }
    if like.bytes().all(|byte| byte.is_ascii_digit()) {
        return "999".to_owned();
    }
    let text = BASE64.decode(like).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    match text.as_deref().and_then(|text| text.split_once("---")) {
        Some((kind, _)) => global(kind, NOBODYS),
        // A name: of the same length, for places in documents are told too.
        None => "nobody".repeat(2)[..like.len()].to_owned(),
    }
}

/// References of no form.
fn malformed(like: &str) -> &'static [&'static str] {
    if like.bytes().all(|byte| byte.is_ascii_digit()) { &["-1", "2147483648"] } else { &["not-an-id", "x'--"] }
}

/// What acme had.
async fn deleted(world: &World) -> Vec<(&'static str, String)> {
    let control = &world.control;
    let new = NewDeployment { name: "gone".to_owned(), ..NewDeployment::default() };
    let deployment = control.create_deployment(&world.admin::<CreateDeployment>(), new).await.expect("made").id;
    let default = world.acme.created.organization.default_deployment;
    let new = NewQueue { deployment: default, key: "gone".to_owned(), description: None };
    let queue = control.create_queue(&world.admin::<CreateQueue>(), new).await.expect("made").id;
    let new = NewServiceUser { name: "gone".to_owned(), description: None, role: Role::Member };
    let robot = control.create_service_user(&world.admin::<CreateServiceUser>(), new).await.expect("made").user.id;
    let new = NewTeam { name: "gone".to_owned(), description: None };
    let team = control.create_team(&world.admin::<CreateTeam>(), new).await.expect("made").id;
    control.delete_team(&world.admin::<DeleteTeam>(), TeamReference::Id(team)).await.expect("deleted");
    let deletion = Deletion { deployment, force: false };
    control.delete_deployment(&world.admin::<DeleteDeployment>(), deletion).await.expect("deleted");
    control.delete_queue(&world.admin::<DeleteQueue>(), queue).await.expect("deleted");
    control.remove_member(&world.admin::<RemoveMember>(), MemberReference::Id(robot)).await.expect("removed");
    vec![
        ("{cluster}", deployment.to_string()),
        ("{kept}", deployment.to_string()),
        ("{global-deployment}", global("Deployment", deployment)),
        ("{global-cluster}", global("Cluster", deployment)),
        ("{global-kept}", global("Cluster", deployment)),
        ("{queue}", queue.to_string()),
        ("{paused-queue}", queue.to_string()),
        ("{global-queue}", global("ClusterQueue", queue)),
        ("{global-idle-queue}", global("ClusterQueue", queue)),
        ("{service-user}", robot.to_string()),
        ("{team}", team.to_string()),
        ("{lasting-team}", team.to_string()),
        ("{global-team}", global("Team", team)),
        ("{global-lasting-team}", global("Team", team)),
    ]
}

async fn count(world: &World, sql: Sql, of: OrganizationId) -> i64 {
    let read: Result<i64, StoreError> = world
        .control
        .store()
        .read((sql, vec![of.into_value()]), |tx, (sql, values)| {
            Box::pin(async move { tx.one(*sql, values).await?.get("n") })
        })
        .await;
    read.expect("a count")
}

#[tokio::test]
async fn what_is_anothers_is_as_if_it_were_not_there() {
    let stage = Stage::set().await;
    let before = stage.rows().await;
    let (faults, named) = stage.faults().await;
    assert!(faults.is_empty(), "{} answers tell more than that nothing is there:\n{}", faults.len(), faults.join("\n"));
    assert!(named >= LEAST, "only {named} operations name something");
    assert_eq!(stage.rows().await, before, "the other organization's rows: {COUNTED:?}");
}

/// The control: rows that the filter by organization lets through, as a query without it would, are found out.
#[tokio::test]
async fn a_query_without_its_organization_is_found_out() {
    let stage = Stage::set().await;
    let of = stage.cast.world.acme.created.organization.id;
    for (table, word) in [("agents", "{agent}"), ("tokens", "{agent-token}")] {
        let id: Id<()> = stage.foreign.value(word).expect("it has one").parse().expect("an id");
        let text = format!("UPDATE {table} SET organization_id = $1 WHERE id = $2").leak();
        let values = vec![of.into_value(), id.into_value()];
        let moved: Result<(), StoreError> = stage
            .cast
            .world
            .control
            .store()
            .transact(Lane::Normal, (Sql { name: "move", text }, values), |tx, (sql, values)| {
                Box::pin(async move { tx.execute(*sql, values).await.map(drop) })
            })
            .await;
        moved.expect("the row is moved");
    }
    let mut found = BTreeSet::new();
    for operation in all() {
        let mut faults = Vec::new();
        let text = format!("{} {}", operation.path, operation.body.as_deref().unwrap_or_default());
        for word in ["{agent}", "{agent-token}"].into_iter().filter(|word| text.contains(word)) {
            stage.tried(&operation, word, Caller::Admin, &mut faults).await;
        }
        if !faults.is_empty() {
            found.insert(operation.name);
        }
    }
    for name in ["query agent", "query agentToken", "GET /v2/organizations/{organization}/agents/{agent}"] {
        assert!(found.contains(name), "{name} is not found out, only {found:?}");
    }
}
