//! Who works while somebody looks: agents and the jobs that they run.

use countersign_control::access::actions::{
    AcceptJob, Annotate, AppendLog, ConnectAgent, CreateBuild, Ping, RegisterAgent, ReportJob, WriteMetaData,
};
use countersign_control::agents::{Instruction, Registration};
use countersign_control::builds::{Build, NewAnnotation, NewBuild};
use countersign_control::jobs::{Finished, NewChunk};
use countersign_control::{Action, Grant};
use countersign_domain::id::{AgentId, JobId};
use countersign_testkit::World;

/// Makes a build of acme's pipeline `demo`.
pub async fn build(world: &World, definition: &str) -> Build {
    let new = NewBuild {
        definition: definition.to_owned(),
        pipeline: "demo".to_owned(),
        message: Some("Mend the gate".to_owned()),
        ..NewBuild::default()
    };
    world.control.create_build(&world.admin::<CreateBuild>(), new).await.expect("a build")
}

/// A job that runs.
pub struct Job {
    pub id: JobId,
    pub agent: AgentId,
    secret: String,
}

impl Job {
    async fn may<A: Action>(&self, world: &World) -> Grant<A> {
        let caller = world.authenticate(&self.secret).await.expect("the job's token");
        world.control.grant_own(&caller).expect("the table allows it")
    }

    /// Writes a piece of its log.
    pub async fn writes(&self, world: &World, sequence: i64, offset: i64, text: &str) {
        let chunk = NewChunk { sequence, offset, content: text.as_bytes().to_vec() };
        world.control.append_log(&self.may::<AppendLog>(world).await, chunk).await.expect("a piece is kept");
    }

    /// Notes something on its build.
    pub async fn notes(&self, world: &World, body: &str) {
        let new = NewAnnotation { body: Some(body.to_owned()), ..NewAnnotation::default() };
        world.control.annotate(&self.may::<Annotate>(world).await, new).await.expect("an annotation");
    }

    /// Sets a key of its build.
    pub async fn sets(&self, world: &World, key: &str, value: &str) {
        let grant = self.may::<WriteMetaData>(world).await;
        world.control.set_meta_data(&grant, key.to_owned(), value.to_owned()).await.expect("meta-data");
    }

    /// Ends.
    pub async fn ends(&self, world: &World, exit_status: &str) {
        let finished = Finished {
            exit_status: exit_status.to_owned(),
            signal: None,
            signal_reason: None,
            chunks_failed: 0,
            ignore_agent_in_dispatches: false,
        };
        world.control.finish_job(&self.may::<ReportJob>(world).await, finished).await.expect("a job ends");
    }
}

/// A fresh agent takes the next job, and starts it.
pub async fn running(world: &World) -> Job {
    let control = &world.control;
    let token = world.authenticate(world.acme.agent_token()).await.expect("the token is accepted");
    let grant: Grant<RegisterAgent> = control.grant_own(&token).expect("it registers agents");
    let registration = Registration {
        name: "builder".to_owned(),
        version: Some("3.137.0".to_owned()),
        hostname: Some("host".to_owned()),
        ..Registration::default()
    };
    let registered = control.register_agent(&grant, registration).await.expect("an agent");
    let agent = world.authenticate(registered.session.reveal()).await.expect("a session");
    control.connect_agent(&control.grant_own::<ConnectAgent>(&agent).expect("it connects")).await.expect("connected");
    let told = control.ping(&control.grant_own::<Ping>(&agent).expect("it pings")).await.expect("an answer");
    let Instruction::TakeJob(id) = told else { panic!("no job is offered: {told:?}") };
    let grant = control.grant_own::<AcceptJob>(&agent).expect("it takes jobs");
    let accepted = control.accept_job(&grant, id).await.expect("the job is taken");
    let job = Job { id, agent: registered.agent.id, secret: accepted.secret.reveal().to_owned() };
    control.start_job(&job.may::<ReportJob>(world).await).await.expect("the job starts");
    job
}
