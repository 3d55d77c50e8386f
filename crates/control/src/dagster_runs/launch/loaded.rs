//! What an agent told of a code location, as far as a run needs it: where its worker finds the code, and which jobs there are.

use countersign_domain::dagster::{MAX_RUN_ORIGIN, names_of_jobs};
use countersign_domain::id::{DagsterSnapshotId, OrganizationId};
use countersign_store::code_locations::CodeLocation;
use countersign_store::dagster_snapshots;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::dagster::named;
use crate::{Control, Error, Result};

use super::NewRun;
use super::plain;

/// The most bytes of a snapshot in which a job is looked for, unpacked; in a larger one every job is taken to be there, and the agent says if it is
/// not.
const MAX_LOOKED_AT: usize = 16 * 1024 * 1024;
/// How many names a refusal repeats.
const NAMES_SHOWN: usize = 10;

/// What was loaded.
#[derive(Deserialize)]
pub(super) struct Loaded {
    repositories: Vec<Repository>,
    #[serde(default)]
    container_image: Option<String>,
    #[serde(default)]
    executable_path: Option<String>,
}

/// A repository that was loaded.
#[derive(Deserialize)]
pub(super) struct Repository {
    pub name: String,
    code_pointer: Value,
    stored_snapshot: Stored,
}

#[derive(Deserialize)]
struct Stored {
    uri: String,
}

impl Loaded {
    /// # Errors
    /// [`Error::Conflict`] for what no run can be made of.
    pub(super) fn read(manifest: &str, location: &CodeLocation) -> Result<Self> {
        serde_json::from_str(manifest).map_err(|_| {
            let name = &location.name;
            Error::Conflict(format!(
                "What an agent told of the code location {name} says not how to run it; have it loaded again."
            ))
        })
    }

    /// The repository of this name, or the only one.
    ///
    /// # Errors
    /// [`Error::Invalid`] at `repository`.
    pub(super) fn repository(&self, name: Option<&str>) -> Result<&Repository> {
        let names: Vec<&str> = self.repositories.iter().map(|it| it.name.as_str()).collect();
        let found = match (name, self.repositories.as_slice()) {
            (Some(name), all) => all.iter().find(|it| it.name == name),
            (None, [only]) => Some(only),
            (None, _) => None,
        };
        let why = match name {
            Some(_) => "is none of the code location's",
            None => "must be given",
        };
        found.ok_or_else(|| Error::invalid("repository", format!("{why}; it has {}", listed(&names))))
    }

    /// Where a worker finds the code of a repository.
    ///
    /// # Errors
    /// [`Error::Conflict`] for what agents could not read, with all that they are given beside it.
    pub(super) fn origin(&self, repository: &Repository, location: &CodeLocation) -> Result<String> {
        if !plain::is_code_pointer(&repository.code_pointer) {
            return Err(Error::Conflict(format!(
                "Where an agent told that the code of the repository {} is cannot be read by other agents; have {} loaded again.",
                repository.name, location.name
            )));
        }
        let context = location.definition.container_context.as_deref();
        let context: Value = context.and_then(|it| serde_json::from_str(it).ok()).unwrap_or_else(|| json!({}));
        if let Some(key) = plain::reserved_in(&context) {
            return Err(Error::Conflict(format!(
                "The container context of the code location {} has the key {key}, which agents would read as something else than data.",
                location.name
            )));
        }
        let origin = json!({
            "code_pointer": repository.code_pointer,
            "executable_path": self.executable_path,
            "container_image": self.container_image,
            "container_context": context,
        });
        let origin = origin.to_string();
        if origin.len() > MAX_RUN_ORIGIN {
            return Err(Error::Conflict(format!(
                "What says where the code of {} is has {} bytes; at most {MAX_RUN_ORIGIN} are given to a run. See its container context.",
                location.name,
                origin.len()
            )));
        }
        Ok(origin)
    }
}

fn listed(names: &[&str]) -> String {
    let mut text = names.iter().take(NAMES_SHOWN).copied().collect::<Vec<_>>().join(", ");
    match names.len() {
        0 => "none".clone_into(&mut text),
        more if more > NAMES_SHOWN => text = format!("{text} and {} more", more - NAMES_SHOWN),
        _ => {}
    }
    text
}

/// The words for it that a repository with these jobs has not this one; none where it has.
fn lacks(names: &[String], job: &str) -> Option<String> {
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    (!names.contains(&job)).then(|| format!("is none of the repository's; it has {}", listed(&names)))
}

impl Control {
    /// # Errors
    /// [`Error::Invalid`] at `job` for one that the repository's snapshot has not; [`Error::Unavailable`].
    pub(super) async fn must_have_job(&self, of: OrganizationId, repository: &Repository, new: &NewRun) -> Result<()> {
        let (Ok(blobs), Ok(id)) = (self.blobs(), named(&repository.stored_snapshot.uri)) else { return Ok(()) };
        let id: DagsterSnapshotId = id;
        let found = self.store().read(id, |tx, id| Box::pin(dagster_snapshots::by_id(tx, *id))).await?;
        let found = found.filter(|it| it.organization == of && it.deployment == new.deployment);
        let Some(it) = found.filter(|it| usize::try_from(it.size).is_ok_and(|size| size <= MAX_LOOKED_AT)) else {
            return Ok(());
        };
        let packed = blobs.read(&it.blob(), 0..it.packed.unsigned_abs()).await?;
        let names = tokio::task::spawn_blocking(move || names_of_jobs(&packed, MAX_LOOKED_AT));
        let names = names.await.map_err(|_| Error::internal("a snapshot was not read to its end"))?;
        // One that cannot be read says nothing.
        match names.and_then(|names| lacks(&names, &new.job)) {
            Some(why) => Err(Error::invalid("job", why)),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_there_is_instead_is_named() {
        let names = ["sell".to_owned()];
        assert_eq!(lacks(&names, "sell"), None);
        assert_eq!(lacks(&names, "buy").as_deref(), Some("is none of the repository's; it has sell"));
        assert_eq!(lacks(&[], "buy").as_deref(), Some("is none of the repository's; it has none"));
        let many: Vec<String> = (0..30).map(|it| it.to_string()).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        assert_eq!(listed(&many), "0, 1, 2, 3, 4, 5, 6, 7, 8, 9 and 20 more");
    }
}
