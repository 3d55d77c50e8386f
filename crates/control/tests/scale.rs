//! A build of 2,000 jobs, taken to its end by 50 simulated agents: every job runs once, and a job costs no more than in a small build.

#![expect(clippy::print_stdout, reason = "what a job costs is part of the result")]

use countersign_testkit::{Engine, World, fleet};

/// How much dearer a job of the large build may be. Its cost is the same; the rest is what else the machine does meanwhile.
const MOST_GROWTH: f64 = 2.5;

#[tokio::test(flavor = "multi_thread")]
async fn a_job_of_a_large_build_costs_what_one_of_a_small_build_costs() {
    for engine in Engine::all() {
        let world = World::new(engine).await;
        let small = fleet::run(&world, 400, 50).await;
        let large = fleet::run(&world, 2_000, 50).await;
        let (of_small, of_large) = (small.micros_per_job(), large.micros_per_job());
        println!("{}: {of_small:.0} us per job of 400, {of_large:.0} us per job of 2,000", engine.name());
        assert!(of_large < of_small * MOST_GROWTH, "{of_small:.0} us per job grew to {of_large:.0} us");
    }
}
