//! The flags of `agent start`, one for each setting that the agent knows.

use clap::{Arg, ArgMatches, Args, Command, FromArgMatches, builder::NonEmptyStringValueParser};
use countersign_agent::{Layer, Setting};

/// What was given as flags. Variables and the configuration file are read by the agent itself, in their order.
#[derive(Clone, Default)]
pub(super) struct AgentSettings(Vec<(Setting, String)>);

impl std::fmt::Debug for AgentSettings {
    /// Which, and not what: one of them is the token.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.0.iter().map(|(setting, _)| setting.key())).finish()
    }
}

impl AgentSettings {
    /// As the agent takes them.
    pub fn layer(&self) -> Layer {
        let mut layer = Layer::default();
        for (setting, text) in &self.0 {
            layer.set_flag(*setting, text.clone());
        }
        layer
    }
}

/// What a setting is, for its flag's help.
const fn help(setting: Setting) -> &'static str {
    match setting {
        Setting::Token => "The agent token: the value, file://PATH or fd://N",
        Setting::Endpoint => {
            "The server's agent address [default: /v3 below COUNTERSIGN_SERVER, else http://127.0.0.1:8420/v3]"
        }
        Setting::Name => {
            "The agent's name; %hostname, %spawn, %pid and %random are replaced [default: %hostname-%spawn]"
        }
        Setting::Priority => "A whole number; agents with a higher one get jobs first",
        Setting::Queue => "The queue, as the tag queue=…",
        Setting::Tags => "Tags, key=value, separated by commas",
        Setting::Spawn => "How many jobs to run at one time, 1 to 1000 [default: 1]",
        Setting::BuildPath => "The folder that builds happen in [default: ~/.countersign/builds]",
        Setting::Shell => "The command line that a command is appended to [default: /bin/bash -e -c]",
        Setting::DisconnectAfterJob => "Leave after one job",
        Setting::DisconnectAfterIdleTimeout => "Leave after so many seconds without a job; 0 means never [default: 0]",
        Setting::AcquireJob => "Run this one job, by its id, and leave",
        Setting::ReflectExitStatus => "End with the exit status of the acquired job",
        Setting::CancelSignal => "What a cancelled job is sent first [default: SIGTERM]",
        Setting::CancelGracePeriod => "Seconds between that signal and SIGKILL [default: 10]",
        Setting::SocketsPath => "The folder for unix sockets [default: .sockets in the build path]",
        Setting::HealthCheckAddr => {
            "Answer questions about the agent's health on this address; without a host on this machine alone"
        }
        Setting::RedactedVars => "Names of variables whose values are taken out of the log, separated by commas",
        Setting::NoColor => "Write no colours",
    }
}

const fn value_name(setting: Setting) -> Option<&'static str> {
    match setting {
        Setting::DisconnectAfterJob | Setting::ReflectExitStatus | Setting::NoColor => None,
        Setting::AcquireJob => Some("UUID"),
        Setting::CancelSignal => Some("SIGNAL"),
        Setting::HealthCheckAddr => Some("ADDRESS"),
        Setting::Token => Some("TOKEN"),
        Setting::Endpoint => Some("URL"),
        Setting::Name | Setting::Queue => Some("NAME"),
        Setting::Priority | Setting::Spawn => Some("NUMBER"),
        Setting::Tags => Some("TAGS"),
        Setting::BuildPath | Setting::SocketsPath => Some("DIR"),
        Setting::Shell => Some("COMMAND"),
        Setting::DisconnectAfterIdleTimeout | Setting::CancelGracePeriod => Some("SECONDS"),
        Setting::RedactedVars => Some("PATTERNS"),
    }
}

fn flag(setting: Setting) -> Arg {
    let [ours, theirs] = setting.variables();
    let help = format!("{} [env: {ours}, {theirs}]", help(setting));
    let arg = Arg::new(setting.key()).long(setting.key()).help(help).value_parser(NonEmptyStringValueParser::new());
    match value_name(setting) {
        Some(name) => arg.value_name(name).allow_hyphen_values(matches!(setting, Setting::Priority)),
        // A switch, which may be written out: --no-color=false.
        None => arg.num_args(0..=1).require_equals(true).default_missing_value("true").value_name("BOOL"),
    }
}

impl Args for AgentSettings {
    fn augment_args(command: Command) -> Command {
        command.args(Setting::ALL.map(flag))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for AgentSettings {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let given = Setting::ALL
            .into_iter()
            .filter_map(|setting| Some((setting, matches.get_one::<String>(setting.key())?.clone())));
        Ok(Self(given.collect()))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}
