//! A fleet of simulated agents that takes builds to their end, for measurements.

use std::time::Duration;

use countersign_control::access::actions::{
    AcceptJob, ConnectAgent, CreateBuild, Ping, RegisterAgent, ReportJob, ViewBuilds,
};
use countersign_control::agents::{Instruction, Registration};
use countersign_control::builds::NewBuild;
use countersign_control::jobs::Finished;
use countersign_control::{Action, Caller, Control, Grant, Origin, Presented};
use countersign_domain::build::BuildState;
use countersign_domain::id::BuildId;
use tokio::task::JoinSet;

use crate::World;
use crate::harness::moment;

/// How long an agent that was told of no job waits before it asks again: long enough that what is measured is jobs, not questions.
const IDLE: Duration = Duration::from_millis(10);

/// What taking a build to its end came to.
#[derive(Debug, Clone, Copy)]
pub struct Run {
    /// How many jobs ran.
    pub jobs: usize,
    /// How long putting the build in took.
    pub creating: Duration,
    /// How long it took from then to its end.
    pub running: Duration,
}

impl Run {
    /// Microseconds per job, from the putting in to the end.
    #[must_use]
    pub fn micros_per_job(&self) -> f64 {
        (self.creating + self.running).as_secs_f64() * 1e6 / self.jobs.max(1) as f64
    }
}

/// A pipeline of `jobs` jobs: stages of a hundred with a wait behind each, every tenth job also after the one before it. The first step of
/// a stage makes two of its jobs, so that 10,000 jobs and their waits are within what one pipeline may have.
#[must_use]
pub fn pipeline(jobs: usize) -> String {
    let mut steps = Vec::with_capacity(jobs);
    let mut number = 0;
    while number < jobs {
        let in_stage = number % 100;
        if number > 0 && in_stage == 0 {
            steps.push("\"wait\"".to_owned());
        }
        let after = if in_stage % 10 == 9 { format!(", \"depends_on\": \"k{}\"", number - 1) } else { String::new() };
        let of_it = if in_stage == 0 && number + 1 < jobs { 2 } else { 1 };
        let parallel = if of_it > 1 { format!(", \"parallelism\": {of_it}") } else { String::new() };
        steps.push(format!("{{\"command\": \"true\", \"key\": \"k{number}\"{after}{parallel}}}"));
        number += of_it;
    }
    format!("{{\"steps\": [{}]}}", steps.join(", "))
}

/// Takes one build of [`pipeline`] to its end with so many agents.
///
/// # Panics
/// When anything of it fails, or the build does not pass.
#[expect(clippy::disallowed_methods, reason = "a measurement takes real time")]
pub async fn run(world: &World, jobs: usize, agents: usize) -> Run {
    let control = &world.control;
    let mut callers = Vec::with_capacity(agents);
    for _ in 0..agents {
        callers.push(agent(control, world.acme.agent_token()).await);
    }
    let new = NewBuild { definition: pipeline(jobs), pipeline: format!("scale-{jobs}"), ..NewBuild::default() };
    let began = moment::now();
    let build = control.create_build(&world.admin::<CreateBuild>(), new).await.expect("a build").id;
    let creating = began.elapsed();
    let mut fleet = JoinSet::new();
    let began = moment::now();
    for caller in callers {
        fleet.spawn(work(control.clone(), caller, world.acme.admin.clone(), build));
    }
    let done: usize = fleet.join_all().await.into_iter().sum();
    let running = began.elapsed();
    let state = control.build(&world.admin::<ViewBuilds>(), build).await.expect("the build is there").state;
    assert_eq!((state, done), (BuildState::Passed, jobs), "every job ran once");
    Run { jobs, creating, running }
}

fn may<A: Action>(control: &Control, caller: &Caller) -> Grant<A> {
    control.grant_own(caller).expect("the table allows it")
}

async fn shown(control: &Control, value: &str) -> Caller {
    let presented = Presented { value: Some(value), origin: Origin::local() };
    control.authenticate(presented).await.expect("a fresh value is accepted")
}

async fn agent(control: &Control, token: &str) -> Caller {
    let holder = shown(control, token).await;
    let new = Registration { name: "fleet-%random".to_owned(), ..Registration::default() };
    let registered = control.register_agent(&may::<RegisterAgent>(control, &holder), new).await.expect("registered");
    let caller = shown(control, registered.session.reveal()).await;
    control.connect_agent(&may::<ConnectAgent>(control, &caller)).await.expect("connected");
    caller
}

/// Works until the build has ended; answers how many jobs it ran.
async fn work(control: Control, agent: Caller, view: Caller, build: BuildId) -> usize {
    let mut done = 0;
    loop {
        match control.ping(&may::<Ping>(&control, &agent)).await.expect("an answer") {
            Instruction::TakeJob(job) => {
                let accepted = control.accept_job(&may::<AcceptJob>(&control, &agent), job).await.expect("taken");
                let job = shown(&control, accepted.secret.reveal()).await;
                let report = may::<ReportJob>(&control, &job);
                control.start_job(&report).await.expect("started");
                let how = Finished {
                    exit_status: "0".to_owned(),
                    signal: None,
                    signal_reason: None,
                    chunks_failed: 0,
                    ignore_agent_in_dispatches: false,
                };
                control.finish_job(&report, how).await.expect("ended");
                done += 1;
            }
            _ => {
                let state = control.build(&may::<ViewBuilds>(&control, &view), build).await.expect("the build").state;
                if state.is_finished() {
                    return done;
                }
                moment::sleep(IDLE).await;
            }
        }
    }
}
