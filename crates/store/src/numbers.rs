//! Numbers of tokens, deployments and members: Dagster's API names them by an `Int`. Each organization has one series, in which nothing is
//! given twice, so a number that names a token names no deployment.

use std::collections::BTreeMap;

use countersign_domain::id::{Id, OrganizationId};

use crate::{StoreError, Tx, params, statements};

statements! {
    /// The next number of an organization; none of what belongs to no organization.
    NEXT = "UPDATE organizations SET last_number = last_number + 1 WHERE id = $1 RETURNING last_number";
    /// Gives a number to what has none; what has one keeps it.
    GIVE = "INSERT INTO numbers (organization_id, number, subject_id) VALUES ($1, $2, $3)
            ON CONFLICT (organization_id, subject_id) DO UPDATE SET subject_id = excluded.subject_id RETURNING number";
    /// The number of one thing.
    OF_SUBJECT = "SELECT number FROM numbers WHERE organization_id = $1 AND subject_id = $2";
    /// What has a number.
    SUBJECT = "SELECT subject_id FROM numbers WHERE organization_id = $1 AND number = $2";
}

/// Gives a new thing of the organization its number, which stays. What belongs to no organization, such as an operator token, gets none.
pub async fn give<T>(tx: &mut Tx, of: OrganizationId, subject: Id<T>) -> Result<Option<i64>, StoreError> {
    let Some(row) = tx.maybe(NEXT, &params![of]).await? else { return Ok(None) };
    let number: i64 = row.get("last_number")?;
    tx.one(GIVE, &params![of, number, subject]).await?.get("number").map(Some)
}

/// The id under which a number stands. Whether it is the id of a `T` is seen when such a one is looked for.
pub async fn subject<T>(tx: &mut Tx, of: OrganizationId, number: i64) -> Result<Option<Id<T>>, StoreError> {
    tx.maybe(SUBJECT, &params![of, number]).await?.map(|row| row.get("subject_id")).transpose()
}

/// The numbers of some things of the organization; what has none is left out.
pub async fn of<T>(tx: &mut Tx, of: OrganizationId, subjects: &[Id<T>]) -> Result<BTreeMap<Id<T>, i64>, StoreError> {
    let mut found = BTreeMap::new();
    for subject in subjects {
        if let Some(row) = tx.maybe(OF_SUBJECT, &params![of, *subject]).await? {
            found.insert(*subject, row.get("number")?);
        }
    }
    Ok(found)
}
