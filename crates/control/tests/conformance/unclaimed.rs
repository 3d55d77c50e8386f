//! Jobs that nobody takes, and concurrency groups that nobody told of an end.

use std::time::Duration;

use countersign_control::access::actions::ViewBuilds;
use countersign_control::agents::Instruction;
use countersign_domain::build::{BuildState as B, JobState as J};
use countersign_domain::id::BuildId;
use countersign_store::IntoValue;
use countersign_testkit::World;

use crate::acting::{ONE_STEP, build, connect, finish, ping, take};
use crate::sql;

const MICROSECOND: Duration = Duration::from_micros(1);
const MONTH: Duration = Duration::from_secs(30 * 24 * 3600);
const IN_GROUP: &str = "steps: [{command: a, concurrency: 1, concurrency_group: g}]";

async fn states(world: &World, id: BuildId) -> (B, Vec<J>) {
    let view = || world.admin::<ViewBuilds>();
    let state = world.control.build(&view(), id).await.expect("the build is there").state;
    let jobs = world.control.build_jobs(&view(), id).await.expect("its jobs");
    (state, jobs.iter().map(|job| job.state).collect())
}

pub async fn a_job_that_no_agent_takes_expires_and_fails_its_build(world: &World) {
    let control = &world.control;
    let first =
        build(control, &world.acme, "steps: [{command: a, retry: {automatic: true}}, wait, {command: b}]").await.id;
    // The oldest is taken first.
    world.clock.advance(MICROSECOND);
    let held = build(control, &world.acme, "steps: [{command: held}]").await.id;
    let agent = connect(control, world.acme.agent_token(), &[]).await;
    let taken = take(control, &agent).await;
    assert_eq!(taken.build, first);
    world.clock.advance(MONTH);
    assert_eq!(control.expire_jobs().await, Ok(0), "to the last moment");
    let late = build(control, &world.acme, ONE_STEP).await.id;
    world.clock.advance(MICROSECOND);
    assert_eq!(control.expire_jobs().await, Ok(1));
    assert_eq!(states(world, held).await, (B::Failed, vec![J::Expired]));
    assert_eq!(states(world, late).await, (B::Scheduled, vec![J::Scheduled]));
    assert_eq!(states(world, first).await.1[0], J::Accepted, "an agent has it");
    assert_eq!(control.expire_jobs().await, Ok(0), "once");
    let Instruction::TakeJob(_) = ping(control, &connect(control, world.acme.agent_token(), &[]).await).await else {
        panic!("the late one is offered")
    };
}

pub async fn an_expired_job_makes_room_in_its_group_and_may_fail_softly(world: &World) {
    let control = &world.control;
    let first = build(control, &world.acme, IN_GROUP).await.id;
    world.clock.advance(Duration::from_secs(1));
    let second = build(control, &world.acme, IN_GROUP).await.id;
    let soft = build(control, &world.acme, "steps: [{command: a, soft_fail: true}]").await.id;
    world.clock.advance(MONTH - Duration::from_millis(500));
    assert_eq!(control.expire_jobs().await, Ok(1));
    assert_eq!(states(world, first).await, (B::Failed, vec![J::Expired]));
    assert_eq!(states(world, second).await, (B::Scheduled, vec![J::Scheduled]), "its time begins now");
    world.clock.advance(Duration::from_secs(1));
    assert_eq!(control.expire_jobs().await, Ok(1));
    assert_eq!(states(world, soft).await, (B::Passed, vec![J::Expired]));
    assert_eq!(states(world, second).await.1, [J::Scheduled]);
}

pub async fn a_group_whose_last_job_ended_unheard_is_freed(world: &World) {
    let control = &world.control;
    let first = build(control, &world.acme, IN_GROUP).await.id;
    world.clock.advance(Duration::from_secs(1));
    let second = build(control, &world.acme, IN_GROUP).await.id;
    world.clock.advance(Duration::from_secs(1));
    let third = build(control, &world.acme, IN_GROUP).await.id;
    let agent = connect(control, world.acme.agent_token(), &[]).await;
    let job = take(control, &agent).await;
    assert_eq!(control.free_groups().await, Ok(0), "it is held for a reason");
    // The fault: it has ended, and nobody said so.
    let text = "UPDATE jobs SET state = 'finished', finished_at = $2 WHERE id = $1";
    let values = vec![job.id.into_value(), control.now().into_value()];
    assert_eq!(sql::change(control, text, values).await, 1);
    assert_eq!(states(world, second).await.1, [J::Limited]);
    assert_eq!(control.sweep().await.expect("a round").groups_freed, 1);
    assert_eq!((states(world, second).await.1, states(world, third).await.1), (vec![J::Scheduled], vec![J::Limited]));
    assert_eq!(control.free_groups().await, Ok(0));
    let other = connect(control, world.acme.agent_token(), &[]).await;
    let job = take(control, &other).await;
    assert_eq!(job.build, second);
    finish(control, &job, "0").await;
    assert_eq!(states(world, third).await.1, [J::Scheduled]);
    assert_eq!(states(world, first).await.1, [J::Finished]);
}
