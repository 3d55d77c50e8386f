//! Revoking against sixteen connections that use the credential: after the answer nothing is accepted, and after the
//! revocation's commit nothing is committed. On each engine; the controls show that either check catches what it is for.

#![expect(clippy::expect_used, reason = "a test that cannot go on must say where")]

mod faulty;
mod served;

use std::sync::Arc;

use countersign_testkit::harness::figures::tell;
use countersign_testkit::harness::race::{self, Gate, Tally};
use countersign_testkit::harness::setting::Size;
use countersign_testkit::harness::witness::{self, Order};
use countersign_testkit::{Engine, World};

use faulty::{Fault, FaultyGate};
use served::{AgentTokens, Served, UserTokens};

/// How many rounds a control runs: each round alone is nearly certain to show its fault.
const CONTROL_ROUNDS: usize = 10;

fn rounds() -> usize {
    Size::asked().pick(100, 2_000)
}

fn report(what: &str, engine: Engine, tally: &Tally, order: &Order) {
    tell(format_args!(
        "{what} on {}: {} rounds, {} accepted, {} refused; started after the answer {}, of those accepted {}; \
         committed before the revocation {}, after it {}; slowest revocation {} ms",
        engine.name(),
        tally.rounds,
        tally.accepted,
        tally.refused,
        tally.started_after,
        tally.accepted_after,
        order.before,
        order.after,
        tally.slowest_revoke.as_millis(),
    ));
}

/// Runs the race against a real server and holds it to both promises.
async fn hold<G: Gate>(what: &str, engine: Engine, served: &Served, gate: G, write: &str, revocation: &str) {
    let tally = race::run(&Arc::new(gate), rounds()).await;
    let order = witness::order(&witness::audit_rows(served.database()).await, write, revocation);
    report(what, engine, &tally, &order);
    tally.must_be_a_race();
    assert_eq!(order.revoked, tally.rounds, "the witness saw every revocation");
    assert_eq!(order.before + order.after, tally.accepted, "the witness saw every use that was accepted, and no other");
    assert_eq!(tally.accepted_after, 0, "accepted although it started after the revocation was answered");
    assert_eq!(order.after, 0, "committed after the revocation was committed");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_agent_registers_with_a_revoked_token() {
    for engine in Engine::all() {
        let served = Served::new(engine).await;
        let gate = AgentTokens::new(&served);
        hold("agent tokens", engine, &served, gate, "agent.registered", "agent_token.revoked").await;
        served.end().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_write_of_its_holder_commits_after_a_user_token_is_revoked() {
    for engine in Engine::all() {
        let served = Served::new(engine).await;
        let gate = UserTokens::new(&served);
        hold("user tokens", engine, &served, gate, "agent_token.created", "user_token.revoked").await;
        served.end().await;
    }
}

async fn control(engine: Engine, fault: Fault) -> (Tally, Order) {
    let world = World::new(engine).await;
    let gate = Arc::new(FaultyGate::new(world, fault));
    let tally = race::run(&gate, CONTROL_ROUNDS).await;
    let rows = witness::audit_rows(&gate.world().database.database).await;
    let order = witness::order(&rows, "agent.registered", "agent_token.revoked");
    report(&format!("control, {}", fault.name()), engine, &tally, &order);
    tally.must_be_a_race();
    (tally, order)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cache_of_accepted_credentials_is_caught() {
    for engine in Engine::all() {
        let (tally, _) = control(engine, Fault::Cache).await;
        assert!(tally.accepted_after > 0, "a cache of 50 ms went unnoticed");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_look_that_is_overtaken_is_caught() {
    for engine in Engine::all() {
        let (_, order) = control(engine, Fault::CheckThenInsert).await;
        assert!(order.after > 0, "a registration that was looked at before and committed after went unnoticed");
    }
}
