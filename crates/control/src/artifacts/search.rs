//! Searching a build's artifacts, from inside a job.

use std::collections::BTreeSet;

use countersign_domain::artifact::{ArtifactState, Query};
use countersign_domain::id::ArtifactId;
use countersign_store::artifacts::{self, Artifact, Choice};

use crate::access::actions::ReadArtifacts;
use crate::{Control, Error, Grant, Result, input};

use super::address::{Purpose, Signature};

/// The most artifacts of one answer.
pub const MAX_FOUND: usize = 10_000;
/// The most bytes that the artifacts of one answer take: with paths and places of a hundred characters, ten thousand need 5 MB.
pub const MAX_FOUND_BYTES: usize = 16 * 1024 * 1024;
/// How many rows are looked at in one go: some milliseconds.
const ROWS_AT_ONCE: i64 = 1_000;
/// What an artifact takes beside its texts: ids, sums, times and a signed address.
const ROW_BYTES: usize = 512;
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
    /// [`Error::Invalid`] for what cannot be searched for, and for what finds more than [`MAX_FOUND`] or
    /// [`MAX_FOUND_BYTES`].
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
        // One at a time: each holds its whole answer in memory. It is read in stretches, so that others read in between, for as long as a
        // request may take.
        let _turn = self.searches().enter(grant.job()?.job).await;
        let (mut found, mut paths, mut bytes) = (Vec::new(), BTreeSet::new(), 0_usize);
        let mut after = ArtifactId::last();
        loop {
            let (rows, last) = self
                .read(grant, (build, after, choice.clone()), |tx, scene| {
                    Box::pin(async move {
                        let (build, after, choice) = &scene.input;
                        Ok(artifacts::stretch(tx, scene.organization, *build, *after, choice, ROWS_AT_ONCE).await?)
                    })
                })
                .await?;
            for row in rows.into_iter().filter(|row| query.matches(&row.path)) {
                if all || paths.insert(row.path.clone()) {
                    bytes += weight(&row);
                    found.push(row);
                }
            }
            if found.len() > MAX_FOUND || bytes > MAX_FOUND_BYTES {
                let what = format!(
                    "finds more than {MAX_FOUND} artifacts, or such as take more than {MAX_FOUND_BYTES} bytes to name; search for fewer"
                );
                return Err(Error::invalid("query", what));
            }
            match last {
                Some(last) => after = last,
                None => break,
            }
        }
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

/// How many bytes an artifact takes in an answer.
fn weight(artifact: &Artifact) -> usize {
    let optional = |text: &Option<String>| text.as_ref().map_or(0, String::len);
    let texts = [&artifact.path, &artifact.absolute_path, &artifact.content_type].map(String::len);
    ROW_BYTES + texts.into_iter().sum::<usize>() + optional(&artifact.url) + optional(&artifact.upload_destination)
}
