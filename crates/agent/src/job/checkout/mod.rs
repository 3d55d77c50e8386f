//! A commit of a repository in a job's working folder.
//!
//! The folder is kept from job to job of one agent and pipeline. Each job gets it clean: what the commit does not hold is taken away.
//! The program `git` does the work; its configuration (credentials, keys) is that of the agent's user.

mod git;
mod leftovers;
mod source;
mod turn;

use std::time::Duration;

use countersign_domain::metadata::COMMIT_KEY;
use countersign_wire::buildkite::{DataKey, DataSet};
use tokio::sync::watch;

use self::git::{Failure, Git};
pub(super) use self::{
    source::{Source, Wanted},
    turn::Turn,
};
use super::{Cancel, log::Log, process::Task};
use crate::{
    ambient::Ambient,
    api::{Api, Halt, Owner, Retry},
};

/// How often a checkout is tried.
const ATTEMPTS: u32 = 3;

/// Wait before the second try; the third waits twice as long.
const WAIT: Duration = Duration::from_secs(5);

/// Longest description of a commit that is sent, in bytes.
const MAX_DESCRIPTION: usize = 64 * 1024;

/// A job whose working folder is prepared.
pub(super) struct Checkout<'a> {
    pub source: &'a Source,
    pub ambient: &'a Ambient,
    /// How processes of the job are run; only its folder, its environment and the rules of cancelling count.
    pub task: &'a Task<'a>,
    pub cancelled: &'a watch::Receiver<Option<Cancel>>,
}

/// Why there is no checkout.
pub(super) enum NoCheckout {
    Cancelled(Cancel),
    Failed(String),
}

/// What one try came to.
enum Tried {
    /// The commit's full id.
    Done(String),
    /// Trying again cannot help.
    Final(String),
}

impl Checkout<'_> {
    /// Checks the commit out and answers its full id.
    pub async fn run(&self, log: &mut Log) -> Result<String, NoCheckout> {
        let git = Git::new(self.ambient, self.task, self.cancelled);
        log.line(&format!("~~~ Checking out {}", self.source.shown())).await;
        for note in &self.source.notes {
            log.line(&format!("Note: {note}.")).await;
        }
        let mut wipe = self.source.clean;
        let mut attempt = 1;
        loop {
            let mut fetched = false;
            let failure = match self.attempt(&git, log, wipe, &mut fetched).await {
                Ok(Tried::Done(commit)) => return Ok(commit),
                Ok(Tried::Final(problem)) => return Err(NoCheckout::Failed(problem)),
                Err(Failure::Cancelled(cancel)) => return Err(NoCheckout::Cancelled(cancel)),
                Err(Failure::Local(error)) => {
                    let missing = error.kind() == std::io::ErrorKind::NotFound;
                    let hint = if missing { "; is the program git installed?" } else { "" };
                    return Err(NoCheckout::Failed(format!("git cannot be used here: {error}{hint}")));
                }
                Err(Failure::Git(problem)) => problem,
            };
            if attempt == ATTEMPTS {
                return Err(NoCheckout::Failed(format!("{failure}, {ATTEMPTS} times in a row")));
            }
            // The server of the repository may be away for a while. What fails after the fetch, or twice, is more likely in the folder.
            wipe = fetched || attempt + 1 == ATTEMPTS;
            log.line(&format!("{failure}; trying again.")).await;
            let wait = WAIT * attempt + self.ambient.jitter(WAIT);
            tokio::select! {
                () = self.ambient.clock.sleep(wait) => {}
                cancel = Cancel::comes(self.cancelled) => return Err(NoCheckout::Cancelled(cancel)),
            }
            attempt += 1;
        }
    }

    async fn attempt(&self, git: &Git<'_>, log: &mut Log, wipe: bool, fetched: &mut bool) -> Result<Tried, Failure> {
        if wipe || !leftovers::make_plain(git.folder).map_err(Failure::Local)? {
            turn::wipe(git.folder).map_err(Failure::Local)?;
            git.run(log, &["init", "--quiet"]).await?;
        }
        git.run(log, &["config", "remote.origin.url", &self.source.repository]).await?;
        let target = self.fetch(git, log).await?;
        *fetched = true;
        let object = format!("{target}^{{commit}}");
        if git.ask(&["cat-file", "-e", &object]).await?.is_none() {
            return Ok(Tried::Final(match &self.source.wanted {
                Wanted::Commit(commit) => {
                    format!("the commit {commit} is not in the repository, or on no branch or tag that can be fetched")
                }
                _ => "what was fetched is no commit".to_owned(),
            }));
        }
        git.run(log, &["clean", "-ffdxq"]).await?;
        git.run(log, &["checkout", "--quiet", "--force", "--detach", &target, "--"]).await?;
        if self.source.submodules && git.folder.join(".gitmodules").exists() {
            git.run(log, &["submodule", "--quiet", "sync", "--recursive"]).await?;
            git.run(log, &["submodule", "--quiet", "update", "--init", "--recursive", "--force"]).await?;
            git.run(
                log,
                &["submodule", "--quiet", "foreach", "--recursive", "git reset --quiet --hard && git clean -ffdxq"],
            )
            .await?;
        }
        git.run(log, &["clean", "-ffdxq"]).await?;
        let commit = git.ask(&["rev-parse", "--verify", "HEAD^{commit}"]).await?;
        commit.map(Tried::Done).ok_or_else(|| Failure::Git("git rev-parse failed".to_owned()))
    }

    /// Fetches what is wanted and answers what to check out.
    async fn fetch(&self, git: &Git<'_>, log: &mut Log) -> Result<String, Failure> {
        let Source { wanted, branch, refspecs, pull_request, depth, .. } = self.source;
        let depth = depth.map(|depth| format!("--depth={depth}"));
        let fetch = async |log: &mut Log, what: &[&str]| {
            let mut arguments = vec!["fetch", "--force", "--prune", "--quiet"];
            arguments.extend(depth.as_deref());
            arguments.extend(["--", "origin"]);
            arguments.extend(what);
            log.line(&format!("$ git {}", arguments.join(" "))).await;
            git.run(log, &arguments).await
        };
        let newest = "FETCH_HEAD".to_owned();
        if !refspecs.is_empty() {
            let refspecs: Vec<&str> = refspecs.iter().map(String::as_str).collect();
            fetch(log, &refspecs).await?;
            return Ok(if let Wanted::Commit(commit) = wanted { commit.clone() } else { newest });
        }
        let commit = match wanted {
            Wanted::Newest => {
                let what = pull_request.as_deref().or(branch.as_deref()).unwrap_or("HEAD");
                return fetch(log, &[what]).await.map(|()| newest);
            }
            Wanted::Named(name) => return fetch(log, &[name]).await.map(|()| newest),
            Wanted::Commit(commit) => commit,
        };
        let object = format!("{commit}^{{commit}}");
        // A pull request's commit is on no branch of the repository; any other is asked for by itself, which not every server allows.
        let first = pull_request.as_deref().or((commit.len() >= 40).then_some(commit.as_str()));
        if let Some(first) = first {
            match fetch(log, &[first]).await {
                Ok(()) if git.ask(&["cat-file", "-e", &object]).await?.is_some() => return Ok(commit.clone()),
                Ok(()) => {}
                Err(Failure::Git(problem)) => {
                    log.line(&format!("{problem}; fetching every branch and tag instead.")).await;
                }
                Err(failure) => return Err(failure),
            }
        }
        let all =
            ["fetch", "--force", "--prune", "--quiet", "--tags", "--", "origin", "+refs/heads/*:refs/remotes/origin/*"];
        log.line(&format!("$ git {}", all.join(" "))).await;
        git.run(log, &all).await?;
        Ok(commit.clone())
    }

    /// Tells the build which commit it is, unless it knows already. That nobody can be told is no reason to fail the job.
    pub async fn announce(&self, api: &Api, job: &str, halt: &Halt, log: &mut Log) {
        let git = Git::new(self.ambient, self.task, self.cancelled);
        let format = "--format=commit %H%nabbrev-commit %h%nAuthor: %an <%ae>%n%n%w(0,4,4)%B";
        let asked = git.ask(&["show", "--no-patch", "--no-color", "--no-show-signature", format, "HEAD"]).await;
        let Ok(Some(description)) = asked else { return };
        let key = DataKey { key: COMMIT_KEY.to_owned() };
        let owner = Owner::Job(job.to_owned());
        let told = async {
            let exists =
                Retry::ANNOTATE.run(self.ambient, halt, |_| (), || api.data_exists(&owner, &key)).await?.exists;
            if exists {
                return Ok(());
            }
            let end = description.floor_char_boundary(MAX_DESCRIPTION);
            let value = description.get(..end).unwrap_or_default().to_owned();
            let request = DataSet { key: key.key.clone(), value };
            Retry::ANNOTATE.run(self.ambient, halt, |_| (), || api.data_set(job, &request)).await
        };
        if let Err(error) = told.await {
            log.line(&format!("Note: the build was not told which commit this is: {error}")).await;
        }
    }
}
