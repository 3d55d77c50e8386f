//! Which files a build changes, as git in the current folder knows them: what `if_changed` of an uploaded pipeline is decided on.

use std::{path::PathBuf, process::Stdio};

use tokio::process::Command;

use crate::{AgentError, Environment};

/// What is compared with when nothing names another branch.
const USUAL_BASE: &str = "origin/main";
/// Variables that name the branch that is compared with, of the remote `origin`; the first one counts.
const BASE_VARIABLES: [&str; 2] = ["BUILDKITE_PULL_REQUEST_BASE_BRANCH", "BUILDKITE_PIPELINE_DEFAULT_BRANCH"];

/// How the changed files are found.
#[derive(Debug, Clone, Default)]
pub struct ChangedFiles {
    /// The commit or branch that is compared with.
    pub base: Option<String>,
    /// Whether that is fetched first.
    pub fetch: bool,
    /// A file that lists them, one per line; then git is not asked.
    pub list: Option<PathBuf>,
}

impl ChangedFiles {
    /// Their paths, from the top of the repository: what differs between the place where the base and `HEAD` parted and what is checked
    /// out, or, where they are the same commit, what its last commit changed against its first parent.
    ///
    /// # Errors
    /// The list cannot be read, or git does not know the base.
    pub async fn find(&self, environment: &Environment) -> Result<Vec<String>, AgentError> {
        if let Some(list) = &self.list {
            let text = tokio::fs::read_to_string(list).await;
            let text = text.map_err(|error| AgentError::bad_input(format!("{}: {error}", list.display())))?;
            return Ok(text.lines().map(str::trim_end).filter(|path| !path.is_empty()).map(str::to_owned).collect());
        }
        let base = self.base(environment);
        if base.starts_with('-') {
            return Err(AgentError::bad_input(format!("{base:?} names no commit (--git-diff-base)")));
        }
        let git = Git { environment };
        if self.fetch {
            let (remote, branch) = base.split_once('/').unwrap_or(("origin", &base));
            if let Err(error) = git.ask(&["fetch", "--", remote, branch]).await {
                tracing::warn!(%error, "going on with what was fetched before");
            }
        }
        let commit = git.ask(&["rev-parse", "--verify", &format!("{base}^{{commit}}")]).await?;
        let head = git.ask(&["rev-parse", "--verify", "HEAD^{commit}"]).await?;
        let paths = if commit == head {
            tracing::warn!(base, "if_changed is decided on the last commit alone, which is the one to compare with");
            git.ask(&["log", "--first-parent", "-m", "-1", "--name-only", "-z", "--pretty=format:"]).await?
        } else {
            let parted = git.ask(&["merge-base", commit.trim(), "HEAD"]).await?;
            git.ask(&["diff", "--name-only", "-z", parted.trim()]).await?
        };
        Ok(paths.split('\0').map(str::trim).filter(|path| !path.is_empty()).map(str::to_owned).collect())
    }

    fn base(&self, environment: &Environment) -> String {
        let named = || BASE_VARIABLES.iter().find_map(|name| environment.get(name)).map(|it| format!("origin/{it}"));
        self.base.clone().filter(|base| !base.is_empty()).or_else(named).unwrap_or_else(|| USUAL_BASE.to_owned())
    }
}

/// Git in the current folder.
struct Git<'a> {
    environment: &'a Environment,
}

impl Git<'_> {
    /// What git answers.
    async fn ask(&self, arguments: &[&str]) -> Result<String, AgentError> {
        let call = arguments.first().copied().unwrap_or_default();
        let mut command = Command::new("git");
        command.args(arguments).env_clear().envs(self.environment.iter());
        command.stdin(Stdio::null()).kill_on_drop(true);
        let output = command.output().await;
        let output = output.map_err(|error| AgentError::bad_input(format!("git {call} cannot be started: {error}")))?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            return Err(AgentError::bad_input(format!(
                "git {call} ended with {}: {}; --git-diff-base names another commit, and --fetch-diff-base fetches it",
                output.status,
                said.trim()
            )));
        }
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_base_is_what_is_named_first() {
        let base = |given: Option<&str>, variables: &[(&str, &str)]| {
            let environment = variables.iter().copied().collect();
            ChangedFiles { base: given.map(str::to_owned), ..ChangedFiles::default() }.base(&environment)
        };
        let both = [("BUILDKITE_PULL_REQUEST_BASE_BRANCH", "dev"), ("BUILDKITE_PIPELINE_DEFAULT_BRANCH", "trunk")];
        assert_eq!(base(Some("v1"), &both), "v1");
        assert_eq!(base(None, &both), "origin/dev");
        assert_eq!(base(Some(""), &both[1..]), "origin/trunk");
        assert_eq!(base(None, &[]), "origin/main");
    }
}
