//! `meta-data set|set-batch|get|exists|keys`: small values that the jobs of a build share.

use countersign_wire::buildkite::{DataKey, DataSet, DataSetBatch};

use super::JobAccess;
use crate::{AgentError, ErrorKind, api::Retry};

/// Sets a value. Values of secret variables are taken out of it first.
///
/// # Errors
/// The key or the value is blank, or the server refuses or cannot be reached.
pub async fn set(access: &JobAccess, key: &str, value: &str) -> Result<(), AgentError> {
    not_blank("key", key)?;
    not_blank("value", value)?;
    let job = access.job()?;
    let request = DataSet { key: key.to_owned(), value: access.redact(value) };
    Ok(access.call(Retry::DATA_SET, || access.api.data_set(job, &request)).await?)
}

/// Sets several values, all or none of them. Values of secret variables are taken out first.
///
/// # Errors
/// There is none, a key or a value is blank, or the server refuses or cannot be reached.
pub async fn set_batch(access: &JobAccess, values: Vec<(String, String)>) -> Result<(), AgentError> {
    if values.is_empty() {
        return Err(AgentError::bad_input("there is nothing to set; give at least one key=value"));
    }
    let mut items = Vec::new();
    for (key, value) in values {
        not_blank("key", &key)?;
        not_blank(&format!("value of {key:?}"), &value)?;
        items.push(DataSet { key, value: access.redact(&value) });
    }
    let job = access.job()?;
    let request = DataSetBatch { items };
    Ok(access.call(Retry::DATA_SET, || access.api.data_set_batch(job, &request)).await?)
}

/// The value of a key; printed without a line end. `default` stands in for a key that is not set.
///
/// # Errors
/// The key is not set and there is no default, or the server refuses or cannot be reached.
pub async fn get(access: &JobAccess, key: &str, default: Option<&str>) -> Result<String, AgentError> {
    not_blank("key", key)?;
    let (owner, request) = (access.owner()?, DataKey { key: key.to_owned() });
    match access.call(Retry::DATA_READ, || access.api.data_get(&owner, &request)).await {
        Ok(found) => Ok(found.value),
        Err(error) if error.status() == Some(404) => default.map(str::to_owned).ok_or_else(|| {
            AgentError::new(
                ErrorKind::NotFound,
                format!("no meta-data is set for the key {key:?}; give --default for such a case"),
            )
        }),
        Err(error) => Err(error.into()),
    }
}

/// Whether a key is set.
///
/// # Errors
/// The server refuses or cannot be reached.
pub async fn exists(access: &JobAccess, key: &str) -> Result<bool, AgentError> {
    not_blank("key", key)?;
    let (owner, request) = (access.owner()?, DataKey { key: key.to_owned() });
    Ok(access.call(Retry::DATA_READ, || access.api.data_exists(&owner, &request)).await?.exists)
}

/// Every key that is set; printed one per line.
///
/// # Errors
/// The server refuses or cannot be reached.
pub async fn keys(access: &JobAccess) -> Result<Vec<String>, AgentError> {
    let owner = access.owner()?;
    Ok(access.call(Retry::DATA_READ, || access.api.data_keys(&owner)).await?)
}

fn not_blank(what: &str, text: &str) -> Result<(), AgentError> {
    if text.trim().is_empty() {
        Err(AgentError::bad_input(format!("the {what} is blank; give one that is not")))
    } else {
        Ok(())
    }
}
