//! A build of 2,000 jobs, taken to its end by 50 simulated agents: every job runs once. What a job costs is printed beside that of a
//! small build, and is no assertion: the machine may do something else meanwhile. `make bench` measures it.

use countersign_testkit::harness::figures::tell;
use countersign_testkit::{Engine, World, fleet};

#[tokio::test(flavor = "multi_thread")]
async fn fifty_agents_take_a_large_build_to_its_end() {
    Engine::side_by_side(async |engine| {
        let world = World::new(engine).await;
        let small = fleet::run(&world, 400, 50).await;
        let large = fleet::run(&world, 2_000, 50).await;
        assert_eq!((small.jobs, large.jobs), (400, 2_000));
        tell(format_args!(
            "{}: {:.0} us per job of 400, {:.0} us per job of 2,000",
            engine.name(),
            small.micros_per_job(),
            large.micros_per_job()
        ));
    })
    .await;
}
