//! Searching a build's artifacts, from inside a job.

use std::collections::BTreeSet;

use countersign_domain::artifact::{ArtifactState, Query};
use countersign_domain::id::ArtifactId;
use countersign_store::artifacts::{self, Artifact, Choice};
use countersign_store::tokens;

use crate::access::actions::ReadArtifacts;
use crate::{Control, Error, Grant, Result, input};

use super::address::{Purpose, Signature};

/// The most artifacts of one answer.
pub const MAX_FOUND: usize = 10_000;
/// How many rows are looked at in one go.
const ROWS_AT_ONCE: i64 = 1_000;
/// The most bytes of a step's key or label.
const MAX_SCOPE: usize = 1_024;

/// What is searched for.
#[derive(Debug, Clone, Default)]
pub struct Search {
    /// A path or a pattern in which `*` also stands for `/`.
    pub query: String,
    /// A step's key or label, or a job's id; empty: the whole build.
    pub scope: String,
    /// `finished` and the like; empty: any but deleted.
    pub state: String,
    /// Every artifact of a path, not only the newest.
    pub include_duplicates: bool,
    /// Also those of jobs that were run again.
    pub include_retried_jobs: bool,
}

impl Control {
    /// Searches the artifacts of the job's build, newest first; of a path only the newest, unless told otherwise. Each comes with the address
    /// of its bytes.
    ///
    /// # Errors
    /// [`Error::Invalid`] for what cannot be searched for, and for what finds more than [`MAX_FOUND`].
    pub async fn search_artifacts(
        &self,
        grant: &Grant<ReadArtifacts>,
        search: Search,
    ) -> Result<Vec<(Artifact, Option<String>)>> {
        let query = input::field("query", Query::parse(&search.query))?;
        if search.scope.len() > MAX_SCOPE || search.scope.contains('\0') {
            return Err(Error::invalid("scope", format!("must have at most {MAX_SCOPE} bytes and no NUL")));
        }
        let state = match search.state.as_str() {
            "" => None,
            state => Some(input::field("state", state.parse::<ArtifactState>())?),
        };
        let path = query.only_path().map(str::to_owned);
        if path.as_ref().is_some_and(|path| path.contains('\0')) {
            return Ok(Vec::new());
        }
        let scope = Some(search.scope).filter(|it| !it.is_empty());
        let choice = Choice { state, path, scope, include_retried: search.include_retried_jobs };
        let build = grant.job()?.build;
        let all = search.include_duplicates;
        let found = self
            .read(grant, (build, query, choice), move |tx, scene| {
                Box::pin(async move {
                    let (build, query, choice) = &scene.input;
                    let (mut found, mut paths) = (Vec::new(), BTreeSet::new());
                    let mut after: ArtifactId = tokens::newest().cast();
                    loop {
                        let rows = artifacts::page(tx, scene.organization, *build, after, choice, ROWS_AT_ONCE).await?;
                        let is_last = i64::try_from(rows.len()).unwrap_or(i64::MAX) < ROWS_AT_ONCE;
                        after = rows.last().map_or(after, |row| row.id);
                        for row in rows.into_iter().filter(|row| query.matches(&row.path)) {
                            if all || paths.insert(row.path.clone()) {
                                found.push(row);
                            }
                        }
                        if found.len() > MAX_FOUND {
                            let what = format!("finds more than {MAX_FOUND} artifacts; search for fewer");
                            return Err(Error::invalid("query", what));
                        }
                        if is_last {
                            return Ok(found);
                        }
                    }
                })
            })
            .await?;
        let (keys, now) = (self.keys(), self.now());
        Ok(found
            .into_iter()
            .map(|artifact| {
                let address = match (&artifact.upload_destination, artifact.stored_at) {
                    (Some(_), _) => artifact.url.clone(),
                    (None, None) => None,
                    (None, Some(_)) => {
                        let signature = Signature::make(&keys, Purpose::Download(artifact.id), now);
                        Some(self.artifact_address(artifact.id, &signature))
                    }
                };
                (artifact, address)
            })
            .collect())
    }
}
