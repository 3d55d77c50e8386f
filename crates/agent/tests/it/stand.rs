//! An agent on a stand: started against a fake server, watched and stopped.

use std::{
    path::PathBuf,
    sync::{Arc, Mutex},
    time::Duration,
};

use countersign_agent::{
    Agent, AgentError, Config, Environment, Event, Finished, Host, Layer, Layers, Reporter, Setting, Stop,
};
use countersign_domain::{Kind, TokenSecret, token::Prefix};
use countersign_wire::SecretText;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{sync::watch, task::JoinHandle};

use crate::{
    clock::{FastClock, Seeded, pause},
    fake::{Fake, State},
};

/// Longest that anything may take on the stand, in the world's time.
const PATIENCE: Duration = Duration::from_secs(30);

/// The token of every job.
pub const JOB_TOKEN: &str = "csnjt_JOBJOBJOB11_0123456789";

/// A fake server, an agent, and a folder for both.
pub struct Stand {
    pub fake: Fake,
    pub folder: TempDir,
    pub token: String,
    pub public_id: String,
    stop: watch::Sender<Stop>,
    events: Arc<Mutex<Vec<String>>>,
    agent: JoinHandle<Result<Finished, AgentError>>,
}

struct Events(Arc<Mutex<Vec<String>>>);
impl Reporter for Events {
    fn report(&self, worker: u32, event: &Event) {
        self.0.lock().expect("no test panics here").push(format!("{worker}: {event}"));
    }
}

impl Stand {
    /// Starts an agent after `prepare` has set the server up. `settings` are flags.
    pub async fn start(settings: &[(Setting, &str)], prepare: impl FnOnce(&mut State)) -> Self {
        let fake = Fake::start().await;
        prepare(&mut fake.state());
        let folder = tempfile::tempdir().expect("a folder");
        let entropy = Arc::new(Seeded::new(7));
        let minted = TokenSecret::mint(&Prefix::default(), Kind::AgentToken, &*entropy);
        let (token, public_id) = (minted.reveal().to_owned(), minted.public_id().to_string());

        let environment: Environment = [
            ("PATH", "/usr/local/bin:/usr/bin:/bin"),
            ("HOME", "/"),
            ("COUNTERSIGN_AGENT_TOKEN", token.as_str()),
            ("COPY", token.as_str()),
        ]
        .into_iter()
        .collect();
        let mut flags = Layer::default();
        flags.set_flag(Setting::Endpoint, fake.endpoint());
        flags.set_flag(Setting::Name, "stand");
        flags.set_flag(Setting::BuildPath, folder.path().join("builds").to_string_lossy());
        for (setting, text) in settings {
            flags.set_flag(*setting, *text);
        }
        let layers = Layers { flags, environment: Layer::from_environment(&environment), file: Layer::default() };
        let config = Config::resolve(&layers, &environment).expect("the settings are good");

        let events = Arc::new(Mutex::new(Vec::new()));
        let (stop, asked) = watch::channel(Stop::No);
        let agent = Agent {
            token: config.token.read().expect("a value"),
            config,
            host: Host {
                hostname: "host".to_owned(),
                os: "test".to_owned(),
                pid: 1,
                executable: PathBuf::from("/bin/echo"),
            },
            environment,
            clock: Arc::new(FastClock::start()),
            entropy,
            reporter: Arc::new(Events(events.clone())),
            stop: asked,
        };
        Self { fake, folder, token, public_id, stop, events, agent: tokio::spawn(agent.run()) }
    }

    pub fn ask(&self, stop: Stop) {
        self.stop.send_replace(stop);
    }

    pub fn events(&self) -> Vec<String> {
        self.events.lock().expect("no test panics here").clone()
    }

    /// Waits until the server's state is as it should be.
    pub async fn until(&self, what: &str, reached: impl Fn(&State) -> bool) {
        let poll = async {
            while !reached(&self.fake.state()) {
                pause(Duration::from_millis(10)).await;
            }
        };
        if tokio::time::timeout(PATIENCE, poll).await.is_err() {
            let state = self.fake.state();
            let calls: Vec<_> = state.calls.iter().map(|call| &call.name).collect();
            panic!("waited in vain until {what}\n{calls:?}\n{:?}", self.events());
        }
    }

    /// Waits until the agent has ended.
    pub async fn ended(&mut self) -> Result<Finished, AgentError> {
        let ended = tokio::time::timeout(PATIENCE, &mut self.agent).await;
        ended
            .unwrap_or_else(|_| panic!("the agent does not end: {:?}", self.events()))
            .expect("the agent does not panic")
    }

    /// Tells the agent to stop and waits for that.
    pub async fn stop(&mut self) {
        self.ask(Stop::AfterJob);
        self.ended().await.expect("a stop is no error");
    }

    /// The folder that jobs work in.
    pub fn checkout(&self) -> PathBuf {
        self.folder.path().join("builds/stand/acme/demo")
    }
}

/// A job that runs `command`.
pub fn job(id: &str, command: &str) -> Value {
    json!({
        "id": id, "token": JOB_TOKEN, "chunks_max_size_bytes": 102_400, "step": {},
        "env": {
            "BUILDKITE_JOB_ID": id, "BUILDKITE_COMMAND": command, "BUILDKITE_REPO": "none", "BUILDKITE_AGENT_NAME": "stand",
            "BUILDKITE_ORGANIZATION_SLUG": "acme", "BUILDKITE_PIPELINE_SLUG": "demo",
        },
    })
}

/// A body that refuses a token.
pub fn refusal(reason: &str, token: &str) -> Value {
    json!({ "message": format!("This token was {reason}."), "reason": reason, "token": token })
}

/// Tokens that no job may ever see: the agent's and every session's.
pub fn kept_from_jobs(stand: &Stand) -> Vec<SecretText> {
    vec![SecretText::new(&stand.token), SecretText::new("session-1"), SecretText::new("session-2")]
}
