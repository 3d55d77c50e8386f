//! What a job costs from the putting in of its build to its end, with 50 simulated agents: in ten builds of 1,000 jobs one after another, and
//! in one build of 10,000. The ratio is what counts: the cost per job does not grow with the build. Both begin with an empty database and
//! leave as many rows in it, so that what a larger database costs is on both sides; the first of the ten shows how much that is.

#![expect(clippy::print_stdout, reason = "a measurement's result is what it prints")]
#![expect(clippy::expect_used, reason = "a failed measurement stops the run")]

use countersign_testkit::{Engine, World, fleet};

/// How many agents work.
const AGENTS: usize = 50;
/// How many jobs either side runs.
const JOBS: usize = 10_000;
/// In how many builds the one side runs them.
const BUILDS: usize = 10;

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    println!("{:<40} {:>12} {:>12} {:>14}", "builds, 50 agents", "creating s", "running s", "us per job");
    for engine in Engine::all() {
        let small = runtime.block_on(measure(engine, BUILDS));
        let large = runtime.block_on(measure(engine, 1));
        println!("{:<40} {:>40.2}", "ratio of the one build to the ten", large / small);
    }
}

/// Runs the jobs in so many builds; answers the microseconds per job of all.
async fn measure(engine: Engine, builds: usize) -> f64 {
    let world = World::new(engine).await;
    let each = JOBS / builds;
    let mut runs = Vec::with_capacity(builds);
    for _ in 0..builds {
        runs.push(fleet::run(&world, each, AGENTS).await);
    }
    let line = |what: &str, runs: &[fleet::Run]| {
        let count = runs.len() as f64;
        let creating: f64 = runs.iter().map(|run| run.creating.as_secs_f64()).sum();
        let running: f64 = runs.iter().map(|run| run.running.as_secs_f64()).sum();
        let micros = runs.iter().map(fleet::Run::micros_per_job).sum::<f64>() / count;
        println!("{what:<40} {creating:>12.2} {running:>12.2} {micros:>14.0}");
        micros
    };
    if builds > 1 {
        line(&format!("the first of them, {}", engine.name()), runs.get(..1).unwrap_or_default());
    }
    line(&format!("{builds} of {each} jobs, {}", engine.name()), &runs)
}
