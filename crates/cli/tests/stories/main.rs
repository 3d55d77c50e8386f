//! Stories: agents do real work on a real server. One set, told with each agent that takes part.
//!
//! ```text
//! native                                    always
//! a real buildkite-agent, or several        COUNTERSIGN_TEST_BUILDKITE_AGENT=/path/to/one:/path/to/another
//! ```
//!
//! Every agent is started as `buildkite-agent` with that agent's own variables, so a story does not know which one it is told with. What
//! happened is asked of the server, not read from what an agent logs.

#![expect(clippy::expect_used, reason = "a test that cannot go on must say where")]

mod agents;
mod restart;
mod revoked;
mod smoke;
mod stage;
mod strangers;

use std::future::Future;

use countersign_testkit::Engine;
use countersign_testkit::harness::figures::tell;

use agents::Kind;
use stage::Stage;

/// Tells a story with every agent, on these engines.
async fn tell_it<F>(name: &str, engines: &[Engine], story: impl Fn(Stage) -> F)
where
    F: Future<Output = ()>,
{
    let kinds = Kind::all();
    if kinds.iter().all(Kind::is_native) {
        tell(format_args!(
            "stories: NO REAL buildkite-agent TAKES PART in `{name}`: COUNTERSIGN_TEST_BUILDKITE_AGENT names none"
        ));
    }
    for engine in engines {
        for kind in &kinds {
            tell(format_args!("stories: {name}: {} on {}", kind.name(), engine.name()));
            story(Stage::set(*engine, kind.clone()).await).await;
        }
    }
}

/// One engine is enough for what concerns the agent more than the rows.
const ONE: &[Engine] = &[Engine::Sqlite];

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_does_a_days_work() {
    tell_it("smoke", &Engine::all(), smoke::story).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_jobs_are_strangers() {
    tell_it("strangers", &Engine::all(), strangers::story).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_revoked() {
    tell_it("revoked", ONE, revoked::story).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_server_restarts_in_mid_job() {
    tell_it("restart", ONE, restart::story).await;
}
