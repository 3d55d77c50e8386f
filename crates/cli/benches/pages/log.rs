//! Jobs that run and write much, and builds beside theirs.

use countersign_control::access::actions::{
    AcceptJob, AppendLog, ConnectAgent, CreateBuild, Ping, RegisterAgent, ReportJob,
};
use countersign_control::agents::{Instruction, Registration};
use countersign_control::builds::NewBuild;
use countersign_control::jobs::NewChunk;
use countersign_control::{Action, Caller, Grant};
use countersign_domain::id::AgentId;
use countersign_testkit::World;
use futures_util::StreamExt;

/// Lines of each log.
const LINES: usize = 1_000_000;
/// Lines of one piece: of a job that writes as fast as it can, and of one that writes all the time. An agent sends what there is once a second.
const LARGE: usize = 1_600;
const SMALL: usize = 50;
/// Pieces, or builds, that are under way at one time.
const AT_ONCE: usize = 64;
/// Builds of a pipeline.
const BUILDS: usize = 1_000;

/// A job with its log.
pub struct Job {
    /// The address of its page.
    pub path: String,
    /// How many lines its log has.
    pub lines: usize,
}

/// What is looked at.
pub struct Written {
    /// An agent that has had a job.
    pub agent: AgentId,
    /// A log in large pieces.
    pub large: Job,
    /// A log in small pieces.
    pub small: Job,
}

/// Makes builds, and lets two jobs write.
pub async fn write(world: &World, part: usize) -> Written {
    let definition = "steps: [{command: make, label: Build}, wait, {command: make test}]";
    let builds = (0..(BUILDS / part).max(1)).map(|_| build(world, "many", definition));
    futures_util::stream::iter(builds).buffer_unordered(AT_ONCE).collect::<Vec<i64>>().await;
    let (agent, large) = job(world, "large", LARGE, part).await;
    let (_, small) = job(world, "small", SMALL, part).await;
    Written { agent, large, small }
}

async fn build(world: &World, pipeline: &str, definition: &str) -> i64 {
    let new = NewBuild {
        definition: definition.to_owned(),
        pipeline: pipeline.to_owned(),
        message: Some("Mend the gate".to_owned()),
        ..NewBuild::default()
    };
    world.control.create_build(&world.admin::<CreateBuild>(), new).await.expect("a build").number
}

fn may<A: Action>(world: &World, caller: &Caller) -> Grant<A> {
    world.control.grant_own(caller).expect("the table allows it")
}

/// A job of a queue of its own that a fresh agent takes, starts, and writes the log of.
async fn job(world: &World, name: &str, each: usize, part: usize) -> (AgentId, Job) {
    let control = &world.control;
    let definition = format!("steps: [{{command: make, label: Long, agents: {{queue: {name}}}}}]");
    let number = build(world, name, &definition).await;
    let token = world.authenticate(world.acme.agent_token()).await.expect("the token is accepted");
    let tags = vec![format!("queue={name}")];
    let new = Registration { name: "builder".to_owned(), tags, ..Registration::default() };
    let registered = control.register_agent(&may::<RegisterAgent>(world, &token), new).await.expect("an agent");
    let agent = world.authenticate(registered.session.reveal()).await.expect("a session");
    control.connect_agent(&may::<ConnectAgent>(world, &agent)).await.expect("connected");
    let told = control.ping(&may::<Ping>(world, &agent)).await.expect("an answer");
    let Instruction::TakeJob(id) = told else { panic!("no job is offered: {told:?}") };
    let accepted = control.accept_job(&may::<AcceptJob>(world, &agent), id).await.expect("the job is taken");
    let caller = world.authenticate(accepted.secret.reveal()).await.expect("the job's token");
    control.start_job(&may::<ReportJob>(world, &caller)).await.expect("the job starts");

    let lines = LINES / part;
    let pieces = pieces(lines, each).into_iter().map(|chunk| {
        let grant = may::<AppendLog>(world, &caller);
        async move { control.append_log(&grant, chunk).await.expect("a piece is kept") }
    });
    futures_util::stream::iter(pieces).buffer_unordered(AT_ONCE).collect::<Vec<()>>().await;
    let path = format!("/organizations/acme/builds/{name}/{number}/jobs/{id}");
    (registered.agent.id, Job { path, lines })
}

/// A log of some 60 bytes a line, with a group here and there and a few colours.
fn pieces(lines: usize, each: usize) -> Vec<NewChunk> {
    let (mut sequence, mut offset, mut all) = (0, 0, Vec::new());
    let numbers: Vec<usize> = (1..=lines).collect();
    for some in numbers.chunks(each) {
        let text: String = some.iter().map(|number| line(*number)).collect();
        let content = text.into_bytes();
        sequence += 1;
        let size = i64::try_from(content.len()).expect("a length");
        all.push(NewChunk { sequence, offset, content });
        offset += size;
    }
    all
}

fn line(number: usize) -> String {
    match number % 500 {
        0 => format!("--- part {}\n", number / 500),
        250 => format!("\u{1b}[31mwarning\u{1b}[0m: unused import at line {number} of the crate\n"),
        _ => format!("[{number:>9}] compiling module of the project, line {number}\n"),
    }
}
