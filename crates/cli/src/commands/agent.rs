//! `countersign agent start`: the native agent.

use std::{
    ffi::OsString,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
};

use clap::{Args, Subcommand};
use countersign_agent::{
    Agent as Worker, Config, ConfigFile, Event, Layer, Layers, Reporter, Stop, config_file_candidates, hide_token,
    passed_over, refuse_lost_restrictions,
};
use tokio::sync::watch;

use super::{agent_settings::AgentSettings, block_on, start_logs};
use crate::{
    Ambient, ambient,
    failure::{Exit, Failure, Outcome},
    flags::{OutputArgs, is_buildkite_agent, variables},
    output::{Printer, harmless},
    server::Signals,
};

/// What an agent logs unless it is told otherwise. What happens is told to people in any case.
const DEFAULT_LOG: &str = "warn";
/// Largest configuration file that is read.
const MAX_CONFIG: u64 = 1024 * 1024;

/// Run an agent
#[derive(Debug, Args)]
pub struct Agent {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Register with an agent token, and run jobs until told to stop
    ///
    /// The first SIGTERM or Ctrl-C lets a running job end, the second cancels it. A refused session is registered anew; a refused token
    /// ends the agent with exit code 3, its reason and its public id. A flag wins over a variable, a variable over the configuration
    /// file: buildkite-agent.cfg beside the program, in ~/.buildkite-agent, /usr/local/etc/buildkite-agent or /etc/buildkite-agent.
    #[command(
        after_help = "Example:\n  countersign agent start --token file:///run/secrets/agent-token --tags queue=default"
    )]
    Start(Start),
}

#[derive(Debug, Args)]
struct Start {
    /// The configuration file [default: the first buildkite-agent.cfg that is found] [env: COUNTERSIGN_AGENT_CONFIG, BUILDKITE_AGENT_CONFIG]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(flatten)]
    settings: AgentSettings,
    #[command(flatten)]
    accepted: AcceptedSwitches,
}

/// Switches of `buildkite-agent` that say what this agent does in any case.
#[derive(Debug, Args)]
struct AcceptedSwitches {
    #[arg(long, hide = true)]
    no_plugins: bool,
    #[arg(long, hide = true)]
    no_local_hooks: bool,
    #[arg(long, hide = true)]
    no_pty: bool,
    #[arg(long, hide = true)]
    no_ssh_keyscan: bool,
    #[arg(long, hide = true)]
    no_git_submodules: bool,
    #[arg(long, hide = true)]
    debug: bool,
}

impl Agent {
    pub(super) fn run(self, output: &OutputArgs, ambient: &Ambient, printer: Printer) -> Outcome {
        let Command::Start(start) = self.command;
        keep_secrets_out_of_sight(ambient)?;
        start_logs(output, DEFAULT_LOG)?;
        block_on(start.run(ambient, printer))
    }
}

/// Secrets of other commands, which an agent has no use for.
const OTHER_SECRETS: [&str; 3] = [variables::USER_TOKEN, variables::OPERATOR_TOKEN, variables::DATABASE_URL];

/// What stands among the arguments and variables of a process, its jobs could read: so the program starts itself again, with the
/// token in a pipe.
fn keep_secrets_out_of_sight(ambient: &Ambient) -> Outcome<()> {
    // Under its own name again, with the arguments that this name takes.
    let is_theirs = is_buildkite_agent(&ambient.program);
    let arguments: &[OsString] = if is_theirs { &ambient.arguments[1..] } else { &ambient.arguments };
    let mut environment = ambient.environment.clone();
    OTHER_SECRETS.iter().for_each(|name| environment.remove(name));
    let hidden = hide_token(arguments, &environment, 0);
    let (arguments, token) = match &hidden {
        Some(hidden) => {
            environment.clone_from(&hidden.environment);
            (hidden.arguments.as_slice(), hidden.token.as_ref().map(|token| token.reveal()))
        }
        None if environment == ambient.environment => return Ok(()),
        None => (arguments, None),
    };
    let error = ambient::start_again(&ambient.executable, &ambient.program, arguments, &environment, token);
    Err(Failure::internal(format!("cannot start again with its secrets out of sight: {error}")))
}

impl Start {
    async fn run(self, ambient: &Ambient, printer: Printer) -> Outcome {
        // Before the token is read: a signal from here on ends the agent in order.
        let signals = Signals::listen()?;
        let (file, path) = self.file(ambient)?;
        refuse_lost_restrictions(&file, &ambient.environment)?;
        let layers = Layers {
            flags: self.settings.layer(),
            environment: Layer::from_environment(&ambient.environment),
            file: Layer::from_file(&file, &path),
        };
        let passed_over = passed_over(&file);
        if !passed_over.is_empty() {
            printer.say(format_args!("warning: {path}: this agent does not have {}", passed_over.join(", ")));
        }
        let config = Config::resolve(&layers, &ambient.environment)?;
        let token = config.token.read()?;
        let several = config.spawn > 1;
        let endpoint = config.endpoint.clone();
        let reflects = config.reflect_exit_status;
        let (raise, stop) = watch::channel(Stop::No);
        let agent = Worker {
            config,
            token,
            host: ambient.host(),
            environment: ambient.environment.clone(),
            clock: ambient.clock.clone(),
            entropy: ambient.entropy.clone(),
            reporter: Arc::new(Teller { printer, several, looks_at: Mutex::new(Some(endpoint)) }),
            stop,
        };
        tokio::spawn(raise_on_signals(signals, raise, printer));
        let finished = agent.run().await?;
        Ok(match finished.acquired.filter(|_| reflects) {
            // What does not fit, such as -1 after a signal, is still no success.
            Some(status) => Exit::OfJob(u8::try_from(status).unwrap_or(1)),
            None => Exit::Done,
        })
    }

    /// The configuration file, and its path for messages.
    fn file(&self, ambient: &Ambient) -> Outcome<(ConfigFile, String)> {
        let in_variable = || {
            [variables::AGENT_CONFIG, variables::THEIR_AGENT_CONFIG]
                .into_iter()
                .find_map(|name| ambient.environment.get(name))
        };
        let named = self.config.clone().or_else(|| in_variable().map(PathBuf::from));
        let path = match named {
            Some(path) => path,
            None => match found(ambient) {
                Some(path) => path,
                None => return Ok((ConfigFile::default(), String::new())),
            },
        };
        let shown = path.display().to_string();
        let size = std::fs::metadata(&path).map(|found| found.len());
        if size.is_ok_and(|size| size > MAX_CONFIG) {
            return Err(Failure::bad_input(format!("the configuration file {shown} is larger than 1 MiB")));
        }
        let text = std::fs::read_to_string(&path)
            .map(zeroize::Zeroizing::new)
            .map_err(|error| Failure::bad_input(format!("the configuration file {shown}: {error}")))?;
        Ok((ConfigFile::parse(&text, &shown)?, shown))
    }
}

fn found(ambient: &Ambient) -> Option<PathBuf> {
    let candidates = config_file_candidates(&ambient.environment, ambient.executable.parent());
    candidates.into_iter().find(|path| path.is_file())
}

/// First signal: leave after the job. Second: leave now.
async fn raise_on_signals(mut signals: Signals, raise: watch::Sender<Stop>, printer: Printer) {
    let name = signals.stop().await;
    printer
        .say(format_args!("{name}: the running job is finished, then this agent leaves. Once more cancels the job."));
    raise.send_replace(Stop::AfterJob);
    let name = signals.stop().await;
    printer.say(format_args!("{name} again: the running job is cancelled."));
    raise.send_replace(Stop::Now);
    // Signals are heard for as long as the agent runs, and the sender must live until it has ended.
    std::future::pending::<()>().await;
}

/// Tells people what happens.
struct Teller {
    printer: Printer,
    several: bool,
    /// Where the server is looked for, until it was found or this was said.
    looks_at: Mutex<Option<String>>,
}

impl Reporter for Teller {
    fn report(&self, worker: u32, event: &Event) {
        let text = event.to_string();
        let text = harmless(&text);
        if self.several {
            self.printer.say(format_args!("[{worker}] {text}"));
        } else {
            self.printer.say(text);
        }
        let hint = match event {
            Event::Waiting { .. } => self.looks_at.lock().unwrap_or_else(PoisonError::into_inner).take(),
            Event::Registered { .. } => {
                *self.looks_at.lock().unwrap_or_else(PoisonError::into_inner) = None;
                None
            }
            _ => None,
        };
        if let Some(endpoint) = hint {
            self.printer.say(format_args!(
                "The server is looked for at {}; --endpoint, COUNTERSIGN_AGENT_ENDPOINT or COUNTERSIGN_SERVER names another address.",
                harmless(&endpoint)
            ));
        }
    }
}
