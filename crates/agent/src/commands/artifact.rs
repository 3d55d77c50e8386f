//! `artifact …`: leaving files behind for other jobs and for people, and fetching them.

use std::path::Path;

use countersign_wire::buildkite::{Artifact, ArtifactQuery};

use super::JobAccess;
use crate::{
    AgentError, ErrorKind, Progress,
    api::{Halt, Retry},
    artifacts::{self, Fetching, Line, Sending, Wanted},
};

/// The flags of `artifact upload`.
#[derive(Debug, Clone)]
pub struct Upload {
    /// Patterns, separated by `delimiter`.
    pub patterns: String,
    /// The user's own place; `None`: the server's store, the only one that this agent sends to.
    pub destination: Option<String>,
    /// `--content-type`: the type of every file.
    pub content_type: Option<String>,
    /// `--literal`: patterns are paths.
    pub literal: bool,
    /// `--delimiter`.
    pub delimiter: String,
    /// `--glob-resolve-follow-symlinks`.
    pub follow_links: bool,
    /// `--upload-skip-symlinks`.
    pub skip_links: bool,
    /// Not `--no-multipart-artifact-upload`.
    pub by_parts: bool,
    /// `--concurrency`: how many files at once, from 1.
    pub at_once: usize,
}

/// What artifacts are looked for with.
#[derive(Debug, Clone, Default)]
pub struct Search {
    /// A path or a pattern.
    pub query: String,
    /// `--step`: a step's key or label, or a job's id.
    pub step: Option<String>,
    /// `--include-retried-jobs`.
    pub include_retried_jobs: bool,
}

/// Uploads files; answers how many there were. Nothing found is no error.
///
/// # Errors
/// A pattern is none, a file cannot be read, or the server refuses or cannot be reached.
pub async fn upload(
    access: &JobAccess,
    upload: &Upload,
    folder: &Path,
    progress: Progress,
) -> Result<usize, AgentError> {
    if let Some(destination) = upload.destination.as_deref().filter(|it| !it.is_empty()) {
        return Err(AgentError::bad_input(format!(
            "this agent uploads to the server only, not to {destination:?}; use another agent for that"
        )));
    }
    let wanted = Wanted {
        patterns: &upload.patterns,
        delimiter: &upload.delimiter,
        literal: upload.literal,
        follow_links: upload.follow_links,
        skip_links: upload.skip_links,
        folder,
    };
    let files = artifacts::collect(&wanted)?;
    let count = files.len();
    let how = Sending {
        job: access.job()?,
        content_type: upload.content_type.as_deref().filter(|it| !it.is_empty()),
        by_parts: upload.by_parts,
        at_once: upload.at_once,
        progress,
    };
    artifacts::send(&line(access, &Halt::never()), files, &how).await?;
    Ok(count)
}

/// Downloads what a query finds; answers how many files it was.
///
/// # Errors
/// Nothing was found, a place cannot be written to, or the server refuses or cannot be reached.
pub async fn download(
    access: &JobAccess,
    search: &Search,
    destination: &str,
    progress: Progress,
) -> Result<usize, AgentError> {
    let found = find(access, search, false).await?;
    if found.is_empty() {
        return Err(nothing(search));
    }
    artifacts::fetch(&line(access, &Halt::never()), &found, &Fetching { destination, progress }).await?;
    Ok(found.len())
}

/// What a query finds, every artifact of a path; `None` when it finds nothing and that is allowed.
///
/// # Errors
/// Nothing was found and that is not allowed, or the server refuses or cannot be reached.
pub async fn search(access: &JobAccess, search: &Search, empty_is_fine: bool) -> Result<Vec<Artifact>, AgentError> {
    let found = find(access, search, true).await?;
    if found.is_empty() && !empty_is_fine { Err(nothing(search)) } else { Ok(found) }
}

/// The SHA-1 of the one artifact that a query finds, or its SHA-256.
///
/// # Errors
/// Nothing or more than one was found, or the server refuses or cannot be reached.
pub async fn shasum(access: &JobAccess, search: &Search, sha256: bool) -> Result<String, AgentError> {
    let mut found = find(access, search, false).await?;
    let Some(artifact) = found.pop() else { return Err(nothing(search)) };
    if !found.is_empty() {
        let count = found.len() + 1;
        return Err(AgentError::bad_input(format!("{:?} finds {count} artifacts; name one of them", search.query)));
    }
    let sum = if sha256 { artifact.sha256sum } else { artifact.sha1sum };
    if sum.is_empty() {
        return Err(AgentError::new(ErrorKind::NotFound, format!("{:?} was uploaded without that sum", artifact.path)));
    }
    Ok(sum)
}

/// An artifact in the words of `--format`: `%i` id, `%p` path, `%c` when it was made, `%j` job, `%s` size, `%S` SHA-1, `%T` SHA-256, `%u`
/// address; `\n` and `\t` for a line break and a tab, `%%` for `%`.
#[must_use]
pub fn formatted(artifact: &Artifact, format: &str) -> String {
    let mut text = String::new();
    let mut rest = format.chars();
    while let Some(c) = rest.next() {
        match (c, rest.clone().next()) {
            ('%', Some(word)) => {
                let word = match word {
                    'i' => &artifact.id,
                    'p' => &artifact.path,
                    'c' => &artifact.created_at,
                    'j' => &artifact.job_id,
                    's' => &artifact.file_size.to_string(),
                    'S' => &artifact.sha1sum,
                    'T' => &artifact.sha256sum,
                    'u' => &artifact.url,
                    '%' => "%",
                    _ => {
                        text.push(c);
                        continue;
                    }
                };
                text.push_str(word);
                rest.next();
            }
            ('\\', Some(escaped @ ('n' | 't' | '\\'))) => {
                text.push(match escaped {
                    'n' => '\n',
                    't' => '\t',
                    other => other,
                });
                rest.next();
            }
            _ => text.push(c),
        }
    }
    text
}

async fn find(access: &JobAccess, search: &Search, include_duplicates: bool) -> Result<Vec<Artifact>, AgentError> {
    let build = access.build()?;
    let asked = ArtifactQuery {
        query: search.query.clone(),
        scope: search.step.clone().unwrap_or_default(),
        state: "finished".to_owned(),
        include_retried_jobs: search.include_retried_jobs,
        include_duplicates,
    };
    Ok(access.call(Retry::ARTIFACT_SEARCH, || access.api.search_artifacts(build, &asked)).await?)
}

fn nothing(search: &Search) -> AgentError {
    let of = search.step.as_ref().map(|step| format!(" of {step:?}")).unwrap_or_default();
    AgentError::new(ErrorKind::NotFound, format!("no artifact{of} matches {:?}", search.query))
}

const fn line<'a>(access: &'a JobAccess, halt: &'a Halt) -> Line<'a> {
    Line { api: &access.api, ambient: &access.ambient, halt }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_format_names_what_is_printed() {
        let artifact = Artifact {
            id: "i1".to_owned(),
            job_id: "j1".to_owned(),
            path: "a%i.txt".to_owned(),
            file_size: 5,
            sha1sum: "s1".to_owned(),
            sha256sum: "s256".to_owned(),
            created_at: "2026-01-02T03:04:05Z".to_owned(),
            url: "http://x".to_owned(),
            ..Artifact::default()
        };
        assert_eq!(formatted(&artifact, r"%j %p %c\n"), "j1 a%i.txt 2026-01-02T03:04:05Z\n");
        assert_eq!(formatted(&artifact, r"%i|%s|%S|%T|%u|%%|%x|\t|\\n|%"), "i1|5|s1|s256|http://x|%|%x|\t|\\n|%");
    }
}
