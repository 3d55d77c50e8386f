//! A build to look at: a job that has written, noted something and announced a file, and a block that asks.

use countersign_control::access::actions::{
    AcceptJob, Annotate, AppendLog, ConnectAgent, CreateBuild, DagsterHeartbeat, Ping, RegisterAgent, ReportJob,
    UploadArtifacts, ViewAgents, ViewBuilds,
};
use countersign_control::agents::{Instruction, Registration};
use countersign_control::artifacts::{NewArtifact, NewBatch};
use countersign_control::builds::{NewAnnotation, NewBuild};
use countersign_control::dagster::{CodeServer, Heartbeat, Task, Trouble};
use countersign_control::jobs::NewChunk;
use countersign_control::{Caller, PageRequest};
use countersign_domain::graph::Kind;
use countersign_domain::id::{AgentId, ArtifactId, DagsterAgentId, JobId, StepId};
use countersign_testkit::World;
use tokio::sync::Mutex;

/// Whose name the build has in addresses: the first of its pipeline.
pub const PIPELINE: &str = "demo";
pub const BUILD: &str = "1";

const DEFINITION: &str = "steps:
  - {command: make test, label: ':hammer: Unit', key: unit}
  - {command: make lint, label: Lint, parallelism: 3}
  - wait
  - block: Release
    prompt: Really?
    fields:
      - {text: Version, key: version, required: true, hint: As in the changelog}
      - {select: Where, key: where, multiple: true, required: false, options: [{label: Here, value: here}, {label: There, value: there}]}
  - {block: Look at it, key: look, depends_on: []}
  - {command: make ship, label: Ship}
";
const LOG: &str =
    "--- Getting ready\n\u{1b}[32mready\u{1b}[0m\n+++ Tests\n\u{1b}[1;31merror\u{1b}[0m: the gate is open\nplain\n";
const NOTE: &str =
    "**2 of 40** tests failed.\n\n| test | seconds |\n|---|---|\n| gate | 0.2 |\n\n```\nexpected shut\n```\n";

/// What its addresses name.
pub struct Work {
    pub agent: AgentId,
    pub dagster_agent: DagsterAgentId,
    pub job: JobId,
    pub step: StepId,
    pub artifact: ArtifactId,
    /// The job as the server knows it, and how much it has written, in pieces and in bytes.
    inside: Caller,
    written: Mutex<(i64, i64)>,
}

impl Work {
    pub async fn of(world: &World) -> Self {
        let control = &world.control;
        let new = NewBuild {
            definition: DEFINITION.to_owned(),
            pipeline: PIPELINE.to_owned(),
            message: Some("Mend the gate".to_owned()),
            branch: Some("main".to_owned()),
            ..NewBuild::default()
        };
        let build = control.create_build(&world.admin::<CreateBuild>(), new).await.expect("a build");
        let steps = control.build_steps(&world.admin::<ViewBuilds>(), build.id, None).await.expect("its steps");
        // The one that waits for nothing asks from the beginning.
        let asks = |kind: &Kind| matches!(kind, Kind::Block);
        let step = steps.iter().rfind(|row| asks(&row.step.kind)).expect("a block").id;

        let token = world.authenticate(world.acme.agent_token()).await.expect("the token is accepted");
        let registration = Registration {
            name: "builder".to_owned(),
            version: Some("3.137.0".to_owned()),
            hostname: Some("host".to_owned()),
            ..Registration::default()
        };
        let grant = control.grant_own::<RegisterAgent>(&token).expect("it registers agents");
        let registered = control.register_agent(&grant, registration).await.expect("an agent");
        let agent = world.authenticate(registered.session.reveal()).await.expect("a session");
        control
            .connect_agent(&control.grant_own::<ConnectAgent>(&agent).expect("it connects"))
            .await
            .expect("connected");
        let told = control.ping(&control.grant_own::<Ping>(&agent).expect("it pings")).await.expect("an answer");
        let Instruction::TakeJob(job) = told else { panic!("no job is offered: {told:?}") };
        let grant = control.grant_own::<AcceptJob>(&agent).expect("it takes jobs");
        let accepted = control.accept_job(&grant, job).await.expect("the job is taken");

        let inside = world.authenticate(accepted.secret.reveal()).await.expect("the job's token");
        control.start_job(&control.grant_own::<ReportJob>(&inside).expect("it reports")).await.expect("it starts");
        let note = NewAnnotation { body: Some(NOTE.to_owned()), ..NewAnnotation::default() };
        control.annotate(&control.grant_own::<Annotate>(&inside).expect("it notes"), note).await.expect("noted");
        let file = NewArtifact {
            path: "reports/unit.xml".to_owned(),
            absolute_path: "/build/reports/unit.xml".to_owned(),
            size: 5,
            sha1: "aaf4c61ddcc5e8a2dabede0f3b482cd9aea9434d".to_owned(),
            ..NewArtifact::default()
        };
        let batch = NewBatch {
            id: "0192f3a1-7c3e-7b21-9f60-3a5c1e0d4b77".to_owned(),
            artifacts: vec![file],
            ..NewBatch::default()
        };
        let grant = control.grant_own::<UploadArtifacts>(&inside).expect("it uploads");
        let announced = control.announce_artifacts(&grant, batch).await.expect("announced");
        let artifact = *announced.ids.first().expect("one");
        let written = Mutex::new((0, 0));
        let dagster_agent = dagster_agent(world, &token).await;
        let work = Self { agent: registered.agent.id, dagster_agent, job, step, artifact, inside, written };
        work.write(world, LOG).await;
        work
    }

    /// The job writes more.
    pub async fn write(&self, world: &World, text: &str) {
        let mut written = self.written.lock().await;
        let (sequence, offset) = *written;
        let chunk = NewChunk { sequence: sequence + 1, offset, content: text.as_bytes().to_vec() };
        let grant = world.control.grant_own::<AppendLog>(&self.inside).expect("it writes");
        world.control.append_log(&grant, chunk).await.expect("kept");
        *written = (sequence + 1, offset + i64::try_from(text.len()).expect("a length"));
    }
}

/// A Dagster+ agent with one code location that is served, one that is not, and a fault of its own.
async fn dagster_agent(world: &World, token: &Caller) -> DagsterAgentId {
    let trouble = |class: &str, message: &str| Trouble {
        at: Some(world.control.now().as_micros()),
        class: Some(class.to_owned()),
        message: message.to_owned(),
        trace: format!("  File \"launcher.py\", line 7, in start\n{class}: {message}"),
    };
    let server = |location: &str, error: Option<Trouble>| CodeServer {
        location: location.to_owned(),
        status: if error.is_some() { "FAILED" } else { "RUNNING" }.to_owned(),
        error,
    };
    let task = Task {
        deployment: "default".to_owned(),
        default_queue: true,
        queues: vec!["gpu".to_owned()],
        code_servers: vec![
            server("sales", None),
            server("etl", Some(trouble("ModuleNotFoundError", "No module named 'etl'"))),
        ],
        run_workers: Vec::new(),
    };
    let new = Heartbeat {
        process: "0198f3a1-7c3e-4b21-9f60-3a5c1e0d4b77".to_owned(),
        label: Some("north".to_owned()),
        launcher: Some("ProcessUserCodeLauncher".to_owned()),
        version: Some("1.13.27".to_owned()),
        image_tag: None,
        errors: vec![trouble("ConnectionError", "The code server did not answer")],
        tasks: vec![task],
    };
    let control = &world.control;
    let grant = control.grant_own::<DagsterHeartbeat>(token).expect("it tells of itself");
    control.dagster_heartbeat(&grant, new).await.expect("kept");
    let page = control.dagster_agents(&world.admin::<ViewAgents>(), false, PageRequest::first(1)).await;
    page.expect("a list").items.first().expect("one").id
}
