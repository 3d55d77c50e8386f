//! A job that tells all it knows in a file of the story's own, so that the test can do what a hostile job could, and then waits.

use std::fs;
use std::path::{Path, PathBuf};

use crate::agents::Agent;
use crate::stage::Stage;

/// How many tenths of a second it waits: it does not outlive a story that failed.
const WAIT: u32 = 3_000;

/// What a job knows.
#[derive(Debug, Clone)]
pub struct Told {
    /// Its own token.
    pub token: String,
    /// The id of its step.
    pub step: String,
    /// The id of its agent.
    pub agent: String,
    /// The name of its agent.
    pub agent_name: String,
    /// The socket of its Job API.
    pub socket: PathBuf,
    /// What it shows there.
    pub socket_token: String,
}

/// A command that does this: tells, waits for [`go_on`], and then goes on with `then`.
pub fn command(folder: &Path, name: &str, then: &str) -> String {
    let at = folder.join(name);
    let at = at.display();
    format!(
        "{{ echo \"$BUILDKITE_AGENT_ACCESS_TOKEN\"; echo \"$BUILDKITE_STEP_ID\"; echo \"$BUILDKITE_AGENT_ID\"
echo \"$BUILDKITE_AGENT_NAME\"; echo \"$BUILDKITE_AGENT_JOB_API_SOCKET\"; echo \"$BUILDKITE_AGENT_JOB_API_TOKEN\"; }} > {at}.part
mv {at}.part {at}.told
for i in $(seq {WAIT}); do test -e {at}.go && break; sleep 0.1; done
{then}
"
    )
}

/// What the job of this name tells.
pub async fn told(stage: &Stage, name: &str, agent: &Agent) -> Told {
    let text = stage.until_file(&stage.folder().join(format!("{name}.told")), agent).await;
    let lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let [token, step, agent, agent_name, socket, socket_token] =
        lines.try_into().unwrap_or_else(|lines: Vec<_>| panic!("{name} told {} lines", lines.len()));
    assert!(token.starts_with("csnjt_"), "a job has a job token and no other");
    Told { token, step, agent, agent_name, socket: PathBuf::from(socket), socket_token }
}

/// Lets the job of this name go on.
pub fn go_on(folder: &Path, name: &str) {
    fs::write(folder.join(format!("{name}.go")), "").expect("the file can be made");
}
