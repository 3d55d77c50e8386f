//! What a job is called, without the rest of it.

use countersign_domain::id::{JobId, OrganizationId};

use crate::{Row, StoreError, Tx, params, statements};

use super::Job;

statements! {
    /// What one of the organization's jobs is called.
    FIND = "SELECT label, step_key, position FROM jobs WHERE organization_id = $1 AND id = $2";
}

/// The [name](Job::name) of the job of a row that has those columns.
pub(super) fn read(row: &Row) -> Result<String, StoreError> {
    Ok(naming(row.get("label")?, row.get("step_key")?, row.get("position")?))
}

fn naming(label: Option<String>, step_key: Option<String>, position: i64) -> String {
    label.or(step_key).unwrap_or_else(|| format!("#{}", position + 1))
}

impl Job {
    /// What it goes by where there is room for a name: its label, or else its step's key, or else its number in its build, from 1.
    #[must_use]
    pub fn name(&self) -> String {
        naming(self.label.clone(), self.step_key.clone(), self.position)
    }
}

/// The [name](Job::name) of one of the organization's jobs.
///
/// # Errors
/// Of the database.
pub async fn find(tx: &mut Tx, of: OrganizationId, id: JobId) -> Result<Option<String>, StoreError> {
    tx.maybe(FIND, &params![of, id]).await?.as_ref().map(read).transpose()
}
