//! What a job asks to be checked out, read from its variables. Values come from whoever can start a build; what git could take for
//! something else than an address, a name or a commit is refused.

use std::collections::BTreeMap;

use percent_encoding::percent_decode_str;
use url::Url;

/// Longest value that is taken, in bytes.
const MAX_VALUE: usize = 2048;

/// Addresses that git may be given. `ext::` and its like would run a program of the address's choosing.
const SCHEMES: [&str; 5] = ["https", "http", "ssh", "git", "file"];

/// Flags of clone and fetch that are understood: how much history to fetch.
const DEPTH: &str = "--depth";

/// Which commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::job) enum Wanted {
    /// Whatever the branch, or the refspec, leads to.
    Newest,
    /// This one: 7 to 64 hexadecimal digits.
    Commit(String),
    /// What this name leads to.
    Named(String),
}

/// A repository and a commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::job) struct Source {
    /// The address, perhaps with a password in it.
    pub repository: String,
    pub wanted: Wanted,
    /// `None`: the repository's own default.
    pub branch: Option<String>,
    /// What to fetch instead of branch and commit.
    pub refspecs: Vec<String>,
    /// `refs/pull/N/head`, for pull requests.
    pub pull_request: Option<String>,
    pub submodules: bool,
    /// Begin with an empty folder.
    pub clean: bool,
    /// Fetch so many commits of history only.
    pub depth: Option<u32>,
    /// Things that were asked for and are not done, for the log.
    pub notes: Vec<String>,
}

/// A variable that is set and not empty.
fn text<'a>(env: &'a BTreeMap<String, String>, name: &str) -> Option<&'a str> {
    env.get(name).map(|value| value.trim()).filter(|value| !value.is_empty())
}

fn switch(env: &BTreeMap<String, String>, name: &str) -> bool {
    text(env, name).is_some_and(|value| matches!(value, "true" | "1"))
}

/// Whether a job asks for a checkout at all.
fn is_asked_for(env: &BTreeMap<String, String>) -> bool {
    let skipped = switch(env, "BUILDKITE_SKIP_CHECKOUT");
    let without_phase = text(env, "BUILDKITE_BOOTSTRAP_PHASES")
        .is_some_and(|phases| phases.split(',').all(|phase| phase.trim() != "checkout"));
    !skipped && !without_phase && text(env, "BUILDKITE_REPO").is_some_and(|repository| repository != "none")
}

impl Source {
    /// Reads the variables of a job. `None`: it asks for no checkout.
    ///
    /// # Errors
    /// A value could mislead git; the message names its variable, and the value where it is no address.
    pub fn of(env: &BTreeMap<String, String>) -> Result<Option<Self>, String> {
        if !is_asked_for(env) {
            return Ok(None);
        }
        let repository = env.get("BUILDKITE_REPO").map(String::as_str).unwrap_or_default();
        check_address(repository).map_err(|problem| format!("BUILDKITE_REPO {problem}"))?;
        let name = |variable: &str| match env.get(variable).map(String::as_str).filter(|value| !value.is_empty()) {
            Some(value) => {
                check_name(value).map_err(|problem| format!("{variable} {problem}: {value:?}"))?;
                Ok::<_, String>(Some(value.to_owned()))
            }
            None => Ok(None),
        };
        let wanted = match name("BUILDKITE_COMMIT")? {
            None => Wanted::Newest,
            Some(commit) if commit == "HEAD" => Wanted::Newest,
            Some(commit) if is_commit(&commit) => Wanted::Commit(commit.to_ascii_lowercase()),
            Some(other) => Wanted::Named(other),
        };
        let mut refspecs = Vec::new();
        for refspec in env.get("BUILDKITE_REFSPEC").map(String::as_str).unwrap_or_default().split(' ') {
            if !refspec.is_empty() {
                check_refspec(refspec).map_err(|problem| format!("BUILDKITE_REFSPEC {problem}: {refspec:?}"))?;
                refspecs.push(refspec.to_owned());
            }
        }
        let is_github = text(env, "BUILDKITE_PIPELINE_PROVIDER").is_some_and(|provider| provider.contains("github"));
        let number = text(env, "BUILDKITE_PULL_REQUEST").filter(|it| it.bytes().all(|byte| byte.is_ascii_digit()));
        let mut notes = Vec::new();
        Ok(Some(Self {
            repository: repository.to_owned(),
            wanted,
            branch: name("BUILDKITE_BRANCH")?,
            refspecs,
            pull_request: number.filter(|_| is_github).map(|number| format!("refs/pull/{number}/head")),
            submodules: switch(env, "BUILDKITE_GIT_SUBMODULES"),
            clean: switch(env, "BUILDKITE_CLEAN_CHECKOUT"),
            depth: depth(env, &mut notes),
            notes,
        }))
    }

    /// The address without user and password.
    pub fn shown(&self) -> String {
        match Url::parse(&self.repository) {
            Ok(mut url) if url.has_host() => {
                // Neither can fail where there is a host.
                let _ = url.set_username("");
                let _ = url.set_password(None);
                url.into()
            }
            _ => self.repository.clone(),
        }
    }

    /// What in the address is to be kept out of the log: its password, and its user, in whose place a token can stand; as they are written and
    /// as they are meant.
    pub fn secrets(&self) -> Vec<String> {
        let Ok(url) = Url::parse(&self.repository) else { return Vec::new() };
        let user = Some(url.username()).filter(|user| !matches!(*user, "" | "git"));
        let parts = user.into_iter().chain(url.password());
        parts.flat_map(|part| [part.to_owned(), percent_decode_str(part).decode_utf8_lossy().into_owned()]).collect()
    }
}

/// The depth among the flags of clone and fetch; of other flags the log says that they are not used.
fn depth(env: &BTreeMap<String, String>, notes: &mut Vec<String>) -> Option<u32> {
    let mut depth = None;
    for variable in ["BUILDKITE_GIT_CLONE_FLAGS", "BUILDKITE_GIT_FETCH_FLAGS"] {
        let mut words = text(env, variable).unwrap_or_default().split_whitespace();
        while let Some(word) = words.next() {
            let value = match word.split_once('=') {
                Some((DEPTH, value)) => Some(value),
                None if word == DEPTH => words.next(),
                _ if matches!(word, "-v" | "--prune") => continue,
                _ => None,
            };
            match value.and_then(|value| value.parse().ok()).filter(|depth| *depth > 0) {
                Some(found) => depth = Some(found),
                None => notes.push(format!("this agent does not use {word:?} of {variable}")),
            }
        }
    }
    for variable in ["BUILDKITE_GIT_CHECKOUT_FLAGS", "BUILDKITE_GIT_SPARSE_CHECKOUT_PATHS", "BUILDKITE_GIT_SSH_KEY"] {
        if text(env, variable).is_some_and(|value| value != "-f") {
            notes.push(format!("this agent does not use {variable}"));
        }
    }
    depth
}

fn is_commit(text: &str) -> bool {
    (7..=64).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn check_plain(text: &str) -> Result<(), &'static str> {
    if text.len() > MAX_VALUE {
        Err("is too long")
    } else if text.starts_with('-') {
        Err("begins with a dash, which git would take for a flag")
    } else if text.chars().any(|c| c.is_control()) {
        Err("holds a line break or another control character")
    } else {
        Ok(())
    }
}

fn check_address(address: &str) -> Result<(), &'static str> {
    check_plain(address)?;
    if address.contains("::") && !address.contains("://") && !address.starts_with('/') {
        return Err("names a program to fetch with (before '::'), which is not allowed");
    }
    if let Some((scheme, rest)) = address.split_once("://") {
        if !SCHEMES.contains(&scheme) {
            return Err("must begin with https://, http://, ssh://, git:// or file://, or be a path or user@host:path");
        }
        let authority = rest.split('/').next().unwrap_or_default();
        let host = authority.rsplit('@').next().unwrap_or_default();
        return if host.starts_with('-') || authority.starts_with('-') {
            Err("names a host that begins with a dash")
        } else {
            Ok(())
        };
    }
    let before_path = address.split_once(':').map(|(host, _)| host).filter(|host| !host.contains('/'));
    match before_path {
        Some(host) if host.is_empty() || host.rsplit('@').next().is_some_and(|host| host.starts_with('-')) => {
            Err("names no host before the colon, or one that begins with a dash")
        }
        Some(_) => Ok(()),
        None if address.starts_with('/') => Ok(()),
        None => Err("must begin with https://, http://, ssh://, git:// or file://, or be a path or user@host:path"),
    }
}

/// The rules of git for names, as far as they keep a name from being something else.
fn check_name(name: &str) -> Result<(), &'static str> {
    check_plain(name)?;
    if name.starts_with('+') || name.contains("..") || name.contains("@{") {
        return Err("is no name of a branch or a commit");
    }
    if name.contains([' ', ':', '^', '~', '?', '*', '[', '\\']) {
        return Err("holds a character that no branch or commit has");
    }
    Ok(())
}

fn check_refspec(refspec: &str) -> Result<(), &'static str> {
    check_plain(refspec)?;
    let plain = refspec.strip_prefix('+').unwrap_or(refspec);
    let mut sides = plain.split(':');
    let fits = |side: &str| side.is_empty() || check_name(&side.replace('*', "x")).is_ok();
    match (sides.next(), sides.next(), sides.next()) {
        (Some(from), to, None) if !from.is_empty() && fits(from) && to.is_none_or(fits) => Ok(()),
        _ => Err("is no refspec"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pairs: &[(&str, &str)]) -> Result<Option<Source>, String> {
        let mut env: BTreeMap<String, String> = BTreeMap::from([
            ("BUILDKITE_REPO".to_owned(), "https://git.example/a.git".to_owned()),
            ("BUILDKITE_COMMIT".to_owned(), "HEAD".to_owned()),
            ("BUILDKITE_BRANCH".to_owned(), "main".to_owned()),
        ]);
        env.extend(pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        Source::of(&env)
    }

    #[test]
    fn good_values_are_taken_as_they_are() {
        for repository in [
            "https://git.example/a.git",
            "git@git.example:a/b.git",
            "ssh://git@git.example:22/a.git",
            "file:///srv/a.git",
            "/srv/a.git",
            "host:path",
        ] {
            assert_eq!(
                read(&[("BUILDKITE_REPO", repository)]).expect(repository).expect("asked").repository,
                repository
            );
        }
        let source = read(&[
            ("BUILDKITE_COMMIT", "ABCDEF0123"),
            ("BUILDKITE_BRANCH", "feature/x-1.2_ü"),
            ("BUILDKITE_REFSPEC", "+refs/heads/*:refs/remotes/origin/*  refs/tags/v1"),
            ("BUILDKITE_PULL_REQUEST", "17"),
            ("BUILDKITE_PIPELINE_PROVIDER", "github"),
            ("BUILDKITE_GIT_CLONE_FLAGS", "-v --depth=3 --mirror"),
        ])
        .expect("good")
        .expect("asked");
        assert_eq!(source.wanted, Wanted::Commit("abcdef0123".to_owned()));
        assert_eq!(source.refspecs.len(), 2);
        assert_eq!((source.pull_request.as_deref(), source.depth), (Some("refs/pull/17/head"), Some(3)));
        assert!(source.notes[0].contains("--mirror"), "{:?}", source.notes);
        assert_eq!(read(&[("BUILDKITE_PULL_REQUEST", "false")]).expect("good").expect("asked").pull_request, None);
    }

    #[test]
    fn no_checkout_is_no_source_whatever_else_is_said() {
        for (name, value) in [
            ("BUILDKITE_REPO", "none"),
            ("BUILDKITE_SKIP_CHECKOUT", "true"),
            ("BUILDKITE_BOOTSTRAP_PHASES", "plugin,command"),
        ] {
            assert_eq!(read(&[("BUILDKITE_BRANCH", "--x"), (name, value)]), Ok(None), "{name}");
        }
    }

    #[test]
    fn hostile_values_are_refused_and_their_variable_is_named() {
        for repository in [
            "--upload-pack=touch /tmp/x",
            "-x",
            "ext::sh -c touch% /tmp/x",
            "fd::17",
            "javascript://x/y",
            "ssh://-oProxyCommand=x/y",
            "ssh://a@-oProxyCommand=x/y",
            "-oProxyCommand=x:y",
            "a@-oProxyCommand=x:y",
            ":x",
            "relative/path",
            "https://git.example/a\nb",
        ] {
            let error = read(&[("BUILDKITE_REPO", repository)]).expect_err(repository);
            assert!(error.starts_with("BUILDKITE_REPO "), "{error}");
        }
        for (variable, value) in [
            ("BUILDKITE_BRANCH", "--upload-pack=x"),
            ("BUILDKITE_BRANCH", "a b"),
            ("BUILDKITE_BRANCH", "a\nb"),
            ("BUILDKITE_BRANCH", "a..b"),
            ("BUILDKITE_BRANCH", "+a:b"),
            ("BUILDKITE_COMMIT", "-h"),
            ("BUILDKITE_COMMIT", "HEAD~1"),
            ("BUILDKITE_COMMIT", "x@{1}"),
            ("BUILDKITE_REFSPEC", "-a"),
            ("BUILDKITE_REFSPEC", "good --upload-pack=x"),
            ("BUILDKITE_REFSPEC", "a:b:c"),
            ("BUILDKITE_REFSPEC", ":b"),
            ("BUILDKITE_REFSPEC", "a\tb"),
        ] {
            let error = read(&[(variable, value)]).expect_err(value);
            assert!(error.starts_with(variable), "{error}");
        }
    }

    #[test]
    fn a_password_is_known_and_not_shown() {
        let source =
            read(&[("BUILDKITE_REPO", "https://ada:hunter22@git.example/a.git")]).expect("good").expect("asked");
        assert_eq!(source.shown(), "https://git.example/a.git");
        assert!(source.secrets().contains(&"hunter22".to_owned()));
        let source = read(&[("BUILDKITE_REPO", "https://ghp_token@git.example/a.git")]).expect("good").expect("asked");
        assert_eq!(source.shown(), "https://git.example/a.git");
        assert_eq!(source.secrets()[0], "ghp_token");
        // The token in the user's place, and a password that says nothing; and a password as it is written and as it is meant.
        let source = read(&[("BUILDKITE_REPO", "https://ghp_token:x%2Dbasic@git.example/a.git")]);
        let secrets = source.expect("good").expect("asked").secrets();
        assert!(
            ["ghp_token", "x%2Dbasic", "x-basic"].iter().all(|it| secrets.contains(&(*it).to_owned())),
            "{secrets:?}"
        );
        assert_eq!(read(&[("BUILDKITE_REPO", "git@h:a")]).expect("good").expect("asked").shown(), "git@h:a");
    }
}
