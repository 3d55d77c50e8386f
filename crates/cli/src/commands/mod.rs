//! One file per command: its flags, what it does, an example.

mod agent;
mod agent_control;
mod agent_settings;
mod annotate;
mod annotation;
mod artifact;
mod audit;
mod build;
mod dagster;
mod demo;
mod deployment;
mod doctor;
mod env;
mod init;
mod invitation;
mod job;
mod job_flags;
mod key_ring;
mod lock;
mod login;
mod member;
mod meta_data;
mod oidc;
mod operator_token;
mod organization;
mod pipeline;
mod queue;
mod reach;
mod redactor;
mod roles;
mod secret;
mod server;
mod service_user;
mod sign_in_link;
mod step;
mod team;
mod token;
mod told;
mod user;
mod workdir;

use clap::Subcommand;

use crate::{
    Ambient,
    failure::{Failure, Outcome},
    flags::{Cli, OutputArgs},
    logs,
    output::Printer,
};

/// What commands other than servers log unless they are told otherwise: only what people should know.
const DEFAULT_LOG: &str = "warn";

/// Every command.
#[derive(Debug, Subcommand)]
pub enum Command {
    Demo(demo::Demo),
    Init(init::Init),
    Server(Box<server::Server>),
    Agent(agent::Agent),
    Token(token::Token),
    User(user::User),
    Member(member::Member),
    Invitation(invitation::Invitation),
    ServiceUser(service_user::ServiceUser),
    Team(team::Team),
    Build(build::Build),
    Queue(queue::Queue),
    Deployment(deployment::DeploymentCommand),
    Dagster(dagster::Dagster),
    Login(login::Login),
    Logout(login::Logout),
    Organization(organization::Organization),
    OperatorToken(operator_token::OperatorToken),
    SignInLink(sign_in_link::SignInLink),
    KeyRing(key_ring::KeyRingCommand),
    Audit(audit::Audit),
    Doctor(doctor::Doctor),
    MetaData(meta_data::MetaData),
    Annotate(annotate::Annotate),
    Annotation(annotation::AnnotationCommand),
    Pipeline(pipeline::PipelineCommand),
    Step(step::Step),
    Job(job::Job),
    Oidc(oidc::Oidc),
    Secret(secret::Secret),
    Env(env::Env),
    Redactor(redactor::Redactor),
    Workdir(workdir::Workdir),
    Lock(lock::Lock),
    Stop(agent_control::Stop),
    Pause(agent_control::Pause),
    Resume(agent_control::Resume),
    Artifact(artifact::Artifact),
}

/// Runs a command to its end.
///
/// # Errors
/// Why it did not do what it was asked.
pub fn run(cli: Cli, ambient: &Ambient, printer: Printer) -> Outcome {
    let Cli { command, output } = cli;
    // A server's log may be set in its configuration file, and an agent starts itself again before anything else.
    match command {
        Command::Server(command) => command.run(&output, ambient),
        Command::Agent(command) => command.run(&output, ambient, printer),
        other => {
            start_logs(&output, DEFAULT_LOG)?;
            block_on(other.dispatch(ambient, printer))
        }
    }
}

impl Command {
    async fn dispatch(self, ambient: &Ambient, printer: Printer) -> Outcome {
        match self {
            Self::Demo(it) => it.run(ambient, printer).await,
            Self::Init(it) => it.run(ambient, printer).await,
            Self::Token(it) => it.run(ambient, printer).await,
            Self::User(it) => it.run(ambient, printer).await,
            Self::Member(it) => it.run(ambient, printer).await,
            Self::Invitation(it) => it.run(ambient, printer).await,
            Self::ServiceUser(it) => it.run(ambient, printer).await,
            Self::Team(it) => it.run(ambient, printer).await,
            Self::Build(it) => it.run(ambient, printer).await,
            Self::Queue(it) => it.run(ambient, printer).await,
            Self::Deployment(it) => it.run(ambient, printer).await,
            Self::Dagster(it) => it.run(ambient, printer).await,
            Self::Login(it) => it.run(ambient, printer).await,
            Self::Logout(it) => it.run(ambient, printer),
            Self::Organization(it) => it.run(ambient, printer).await,
            Self::OperatorToken(it) => it.run(ambient, printer).await,
            Self::SignInLink(it) => it.run(ambient, printer).await,
            Self::KeyRing(it) => it.run(ambient, printer).await,
            Self::Audit(it) => it.run(ambient, printer).await,
            Self::Doctor(it) => it.run(ambient, printer).await,
            Self::MetaData(it) => it.run(ambient, printer).await,
            Self::Annotate(it) => it.run(ambient).await,
            Self::Annotation(it) => it.run(ambient).await,
            Self::Pipeline(it) => it.run(ambient, printer).await,
            Self::Step(it) => it.run(ambient, printer).await,
            Self::Job(it) => it.run(ambient, printer).await,
            Self::Oidc(it) => it.run(ambient, printer).await,
            Self::Secret(it) => it.run(ambient, printer).await,
            Self::Env(it) => it.run(ambient, printer).await,
            Self::Redactor(it) => it.run(ambient).await,
            Self::Workdir(it) => it.run(ambient, printer).await,
            Self::Lock(it) => it.run(ambient, printer).await,
            Self::Stop(it) => it.run(ambient).await,
            Self::Pause(it) => it.run(ambient).await,
            Self::Resume(it) => it.run(ambient).await,
            Self::Artifact(it) => it.run(ambient, printer).await,
            Self::Server(_) | Self::Agent(_) => Err(Failure::internal("this command starts its own runtime")),
        }
    }
}

/// Starts logging as the flags say.
fn start_logs(output: &OutputArgs, default: &str) -> Outcome<()> {
    logs::start(output.log.as_deref().unwrap_or(default), output.log_format.unwrap_or_default())
}

/// Runs a command on a runtime of its own.
fn block_on(command: impl Future<Output = Outcome>) -> Outcome {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::internal(format!("the runtime cannot be started: {error}")))?;
    let outcome = runtime.block_on(command);
    // What still waits on a file or a pipe must not hold the program.
    runtime.shutdown_background();
    outcome
}
