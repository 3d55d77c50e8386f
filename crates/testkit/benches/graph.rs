//! What a job costs from the putting in of its build to its end, with 50 simulated agents: for a build of 1,000 jobs and for one of 10,000.
//! The ratio is what counts: the cost per job does not grow with the build.

#![expect(clippy::print_stdout, reason = "a measurement's result is what it prints")]
#![expect(clippy::expect_used, reason = "a failed measurement stops the run")]

use countersign_testkit::{Engine, World, fleet};

/// How many agents work.
const AGENTS: usize = 50;

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    println!("{:<28} {:>12} {:>12} {:>14}", "builds, 50 agents", "creating s", "running s", "us per job");
    for engine in Engine::all() {
        let costs: Vec<f64> = [1_000, 10_000].into_iter().map(|jobs| runtime.block_on(measure(engine, jobs))).collect();
        if let [small, large] = costs[..] {
            println!("{:<28} {:>40.2}", "ratio of 10,000 to 1,000", large / small);
        }
    }
}

async fn measure(engine: Engine, jobs: usize) -> f64 {
    let world = World::new(engine).await;
    let run = fleet::run(&world, jobs, AGENTS).await;
    let (creating, running) = (run.creating.as_secs_f64(), run.running.as_secs_f64());
    println!(
        "{:<28} {creating:>12.2} {running:>12.2} {:>14.0}",
        format!("{jobs} jobs, {}", engine.name()),
        run.micros_per_job()
    );
    run.micros_per_job()
}
