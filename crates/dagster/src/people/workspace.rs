//! Code locations as agents see them, for people.

use async_graphql::SimpleObject;
use countersign_control::Result;
use countersign_control::code_locations::{CodeLocation, Entry, state};

use crate::call::Call;
use crate::workspace::WorkspaceEntry;

use super::locations;

/// What is to be loaded in a deployment.
#[derive(SimpleObject)]
pub(crate) struct WorkspaceQuery {
    /// Its code locations, by name.
    workspace_entries: Vec<WorkspaceEntry>,
}

/// That of the deployment that the call is about.
pub(crate) async fn of_current(call: &Call) -> Result<WorkspaceQuery> {
    let all = locations::all(call).await?;
    Ok(WorkspaceQuery { workspace_entries: all.into_iter().map(entry).map(WorkspaceEntry::from).collect() })
}

/// A code location as agents see it.
pub(super) fn entry(it: CodeLocation) -> Entry {
    Entry { state: state(&it), name: it.name, definition: it.definition, changed_at: it.changed_at }
}
