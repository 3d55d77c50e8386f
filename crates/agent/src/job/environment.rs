//! The variables that a job's process starts with.
//!
//! The agent's own, without everything that is Countersign's or Buildkite's and without any value that holds a token of the
//! agent; over them the job's; over those what the agent itself must say.

use std::{
    collections::BTreeMap,
    ffi::{OsStr, OsString},
    path::Path,
    time::Duration,
};

use countersign_wire::SecretText;

use crate::{
    Environment, Setting,
    local::job_api::{self, Place},
};

/// Names that begin so are the agent's own configuration, or that of a job around the agent; no job inherits them.
const NOT_INHERITED: [&str; 2] = ["COUNTERSIGN_", "BUILDKITE_"];

/// Where programs are looked for when the agent itself has no `PATH`.
const DEFAULT_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// The names of variables that hold headers begin so.
pub(crate) const REQUEST_HEADER_VARIABLE: &str = "BUILDKITE_REQUEST_HEADER_";

/// What a job's environment is made of.
pub(super) struct Ingredients<'a> {
    /// The agent's own variables.
    pub inherited: &'a Environment,
    /// The job's, as the server sent them.
    pub job: &'a BTreeMap<String, String>,
    /// The job token, the only credential that a job gets.
    pub job_token: &'a SecretText,
    /// Tokens of the agent. A variable that holds one is left out, whoever set it.
    pub kept_from_job: &'a [SecretText],
    pub endpoint: &'a str,
    pub build_path: &'a Path,
    pub checkout_path: &'a Path,
    pub sockets_path: &'a Path,
    /// Where the job's own Job API is.
    pub job_api: &'a Place,
    /// A signal's name.
    pub cancel_signal: &'static str,
    pub cancel_grace: Duration,
    /// Headers that the server asked for: the commands of the job send them too.
    pub request_headers: &'a [(String, String)],
    /// Appended to `PATH`, so that the job finds the commands.
    pub bin_folders: &'a [&'a Path],
    pub shell: &'a str,
    pub redacted_vars: &'a str,
    pub agent_pid: u32,
}

impl Ingredients<'_> {
    /// Puts the environment together.
    pub fn build(&self) -> Environment {
        let mut made = self.inherited.clone();
        made.retain(|name, _| !NOT_INHERITED.iter().any(|prefix| name.to_string_lossy().starts_with(prefix)));
        for (name, value) in self.job {
            made.set(name, value);
        }
        let own = self.own(&made);
        let ignored: Vec<&str> =
            own.iter().map(|(name, _)| name.as_str()).filter(|name| self.job.contains_key(*name)).collect();
        made.set("BUILDKITE_IGNORED_ENV", ignored.join(","));
        for (name, value) in own {
            made.set(name, value);
        }
        for name in Setting::Token.variables() {
            made.remove(name);
        }
        made.retain(|name, value| {
            let holds_token = self.kept_from_job.iter().any(|token| contains(value, token) || contains(name, token));
            if holds_token {
                tracing::warn!("a variable that holds a token of the agent is kept from the job");
            }
            !holds_token
        });
        made
    }

    /// What the agent says, whatever the server said.
    fn own(&self, made: &Environment) -> Vec<(String, OsString)> {
        let text = |text: &str| OsString::from(text);
        let mut path = OsString::from(made.get("PATH").unwrap_or(DEFAULT_PATH));
        for folder in self.bin_folders {
            path.push(":");
            path.push(folder);
        }
        let mut own = vec![
            ("BUILDKITE_AGENT_ACCESS_TOKEN", text(self.job_token.reveal())),
            ("BUILDKITE_AGENT_ENDPOINT", text(self.endpoint)),
            (job_api::SOCKET_VARIABLE, self.job_api.socket.clone().into()),
            (job_api::TOKEN_VARIABLE, text(self.job_api.token.reveal())),
            ("BUILDKITE_AGENT_JOB_TIMEOUT_FILE", self.job_api.timeout_file.clone().into()),
            ("BUILDKITE_AGENT_PID", text(&self.agent_pid.to_string())),
            ("BUILDKITE_BUILD_CHECKOUT_PATH", self.checkout_path.into()),
            ("BUILDKITE_BUILD_PATH", self.build_path.into()),
            ("BUILDKITE_CANCEL_GRACE_PERIOD", text(&self.cancel_grace.as_secs().to_string())),
            ("BUILDKITE_CANCEL_SIGNAL", text(self.cancel_signal)),
            ("BUILDKITE_REDACTED_VARS", text(self.redacted_vars)),
            ("BUILDKITE_SHELL", text(self.shell)),
            ("BUILDKITE_SOCKETS_PATH", self.sockets_path.into()),
            ("GIT_TERMINAL_PROMPT", text("0")),
        ];
        if let Some(bin) = self.bin_folders.first() {
            own.push(("BUILDKITE_BIN_PATH", (*bin).into()));
        }
        own.push(("PATH", path));
        let mut own: Vec<_> = own.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        for (name, value) in self.request_headers {
            let name = name.to_ascii_uppercase().replace('-', "_");
            own.push((format!("{REQUEST_HEADER_VARIABLE}{name}"), text(value)));
        }
        own
    }
}

fn contains(text: &OsStr, token: &SecretText) -> bool {
    let token = token.reveal().as_bytes();
    !token.is_empty() && text.as_encoded_bytes().windows(token.len()).any(|part| part == token)
}

#[cfg(test)]
mod tests {
    use super::*;

    const AGENT: &str = "csnat_AGENTAGENT1_secret";
    const SESSION: &str = "csnst_SESSIONSES1_secret";
    const JOB: &str = "csnjt_JOBJOBJOB11_secret";

    fn build(inherited: &[(&str, &str)], job: &[(&str, &str)]) -> Environment {
        let ingredients = Ingredients {
            inherited: &inherited.iter().copied().collect(),
            job: &job.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
            job_token: &SecretText::new(JOB),
            kept_from_job: &[SecretText::new(AGENT), SecretText::new(SESSION)],
            endpoint: "http://127.0.0.1:1/v3",
            build_path: Path::new("/builds"),
            checkout_path: Path::new("/builds/a/o/p"),
            sockets_path: Path::new("/builds/.sockets"),
            job_api: &Place {
                socket: "/builds/.sockets/job-1".into(),
                token: SecretText::new("job api"),
                timeout_file: "/builds/.sockets/job-1.t".into(),
            },
            cancel_signal: "SIGTERM",
            cancel_grace: Duration::from_secs(10),
            request_headers: &[("Buildkite-Region".to_owned(), "eu".to_owned())],
            bin_folders: &[Path::new("/opt/countersign"), Path::new("/builds/.bin")],
            shell: "/bin/sh -e -c",
            redacted_vars: "*_TOKEN",
            agent_pid: 7,
        };
        ingredients.build()
    }

    #[test]
    fn no_token_of_the_agent_reaches_a_job_by_any_way() {
        let inherited = [
            ("HOME", "/home/ada"),
            ("COUNTERSIGN_AGENT_TOKEN", AGENT),
            ("BUILDKITE_AGENT_TOKEN", AGENT),
            ("COUNTERSIGN_USER_TOKEN", "csnut_USERUSERUS1_secret"),
            ("BUILDKITE_AGENT_ACCESS_TOKEN", "of a job around the agent"),
            ("BUILDKITE_AGENT_NAME", "configured"),
            ("MY_COPY", AGENT),
            ("HEADER", "Authorization: Token csnat_AGENTAGENT1_secret"),
        ];
        let job =
            [("A", "1"), ("FROM_SERVER", SESSION), ("BUILDKITE_AGENT_TOKEN", "x"), ("BUILDKITE_AGENT_NAME", "a-1")];
        let made = build(&inherited, &job);
        for (name, value) in made.iter() {
            let line = format!("{}={}", name.to_string_lossy(), value.to_string_lossy());
            for token in [AGENT, SESSION, "csnut_USERUSERUS1_secret", "of a job around"] {
                assert!(!line.contains(token), "{line}");
            }
        }
        for name in [
            "COUNTERSIGN_AGENT_TOKEN",
            "BUILDKITE_AGENT_TOKEN",
            "COUNTERSIGN_USER_TOKEN",
            "MY_COPY",
            "HEADER",
            "FROM_SERVER",
        ] {
            assert_eq!(made.get(name), None, "{name}");
        }
        assert_eq!(made.get("BUILDKITE_AGENT_ACCESS_TOKEN"), Some(JOB));
        assert_eq!(
            (made.get("HOME"), made.get("A"), made.get("BUILDKITE_AGENT_NAME")),
            (Some("/home/ada"), Some("1"), Some("a-1"))
        );
    }

    #[test]
    fn what_the_agent_says_wins_and_the_job_is_told() {
        let made = build(
            &[("PATH", "/bin")],
            &[("BUILDKITE_AGENT_ENDPOINT", "http://elsewhere"), ("BUILDKITE_BUILD_PATH", "/etc")],
        );
        assert_eq!(made.get("BUILDKITE_AGENT_ENDPOINT"), Some("http://127.0.0.1:1/v3"));
        assert_eq!(made.get("BUILDKITE_BUILD_PATH"), Some("/builds"));
        assert_eq!(made.get("BUILDKITE_IGNORED_ENV"), Some("BUILDKITE_AGENT_ENDPOINT,BUILDKITE_BUILD_PATH"));
        assert_eq!(made.get("PATH"), Some("/bin:/opt/countersign:/builds/.bin"));
        assert_eq!(made.get("BUILDKITE_REQUEST_HEADER_BUILDKITE_REGION"), Some("eu"));
        assert_eq!(made.get("BUILDKITE_AGENT_JOB_API_SOCKET"), Some("/builds/.sockets/job-1"));
    }

    #[test]
    fn a_job_may_choose_its_path_and_the_commands_are_still_found() {
        let made = build(&[("PATH", "/bin")], &[("PATH", "/custom")]);
        assert_eq!(made.get("PATH"), Some("/custom:/opt/countersign:/builds/.bin"));
        assert!(build(&[], &[]).get("PATH").is_some_and(|path| path.starts_with(DEFAULT_PATH)));
    }
}
