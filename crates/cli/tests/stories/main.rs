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
mod artifacts;
mod idle;
mod paths;
mod restart;
mod revoked;
mod smoke;
mod stage;
mod strangers;
mod ten_restarts;
mod told;
mod wire;

use std::future::Future;

use countersign_testkit::Engine;
use countersign_testkit::harness::{figures::tell, moment};
use futures_util::StreamExt;
use futures_util::future::LocalBoxFuture;
use futures_util::stream;

use agents::Kind;
use idle::Way;
use stage::Stage;

/// How many tellings of a story go on at one time: agents wait more than they work.
const SIDE_BY_SIDE: usize = 2;
/// One engine is enough for what concerns the agent more than the rows.
const ONE: &[Engine] = &[Engine::Sqlite];

/// One telling of a story: with whom, and the story itself.
type Telling<'a> = (String, LocalBoxFuture<'a, ()>);

/// Tells a story in each of these ways, and how long each took.
async fn tell_all(name: &str, at_once: usize, tellings: Vec<Telling<'_>>) {
    if Kind::all().iter().all(Kind::is_native) {
        tell(format_args!(
            "stories: NO REAL buildkite-agent TAKES PART in `{name}`: COUNTERSIGN_TEST_BUILDKITE_AGENT names none"
        ));
    }
    let all = tellings.into_iter().map(async |(with, story)| {
        tell(format_args!("stories: {name}: {with} begins"));
        let began = moment::now();
        story.await;
        tell(format_args!("stories: {name}: {with} took {:.1} s", moment::since(began).as_secs_f64()));
    });
    stream::iter(all).buffer_unordered(at_once).collect::<Vec<()>>().await;
}

/// Tells a story with every agent, on these engines.
async fn tell_it<F>(name: &str, engines: &[Engine], story: impl Fn(Stage) -> F)
where
    F: Future<Output = ()>,
{
    let (kinds, story) = (Kind::all(), &story);
    let pairs = engines.iter().flat_map(|engine| kinds.iter().map(|kind| (*engine, kind.clone())));
    let tellings = pairs.map(|(engine, kind)| {
        let with = format!("{} on {}", kind.name(), engine.name());
        let told: LocalBoxFuture<'_, ()> =
            Box::pin(async move { Box::pin(story(Stage::set(engine, kind).await)).await });
        (with, told)
    });
    tell_all(name, SIDE_BY_SIDE, tellings.collect()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_does_a_days_work() {
    tell_it("smoke", &Engine::all(), smoke::story).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn steps_that_a_job_uploads_run_on_two_agents_and_hand_files_over() {
    tell_it("artifacts", &Engine::all(), artifacts::story).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_idle_agent_hears_of_a_job_and_a_busy_one_of_its_end() {
    let ways = Kind::all().into_iter().flat_map(|kind| Way::of(&kind).into_iter().map(move |way| (kind.clone(), way)));
    let tellings = ways.map(|(kind, way)| {
        let told: LocalBoxFuture<'_, ()> = Box::pin(idle::story(kind.clone(), way.clone()));
        (format!("{}, {}", kind.name(), way.name), told)
    });
    tell_all("idle", SIDE_BY_SIDE, tellings.collect()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a5_two_jobs_are_strangers() {
    tell_it("strangers", &Engine::all(), strangers::story).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a16_no_artifact_leads_out_of_its_folder() {
    tell_it("paths", ONE, paths::story).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_revoked() {
    tell_it("revoked", ONE, revoked::story).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_server_restarts_in_mid_job() {
    tell_it("restart", ONE, restart::story).await;
}

/// One after the other: each has the machine's work for itself.
#[tokio::test(flavor = "multi_thread")]
async fn the_server_is_killed_ten_times_during_a_build_of_two_hundred_jobs() {
    let tellings = Kind::all().into_iter().map(|kind| {
        let told: LocalBoxFuture<'_, ()> = Box::pin(ten_restarts::story(kind.clone()));
        (format!("{} on sqlite", kind.name()), told)
    });
    tell_all("ten restarts", 1, tellings.collect()).await;
}
