//! Meta-data, from inside a job: words that the jobs of its build share.

use std::collections::BTreeMap;

use countersign_domain::id::BuildId;
use countersign_domain::metadata;
use countersign_domain::text::FieldError;
use countersign_store::builds::meta_data;
use countersign_store::{Lane, Tx};
use serde_json::json;

use crate::access::actions::{ReadMetaData, WriteMetaData};
use crate::scene::Subject;
use crate::{Control, Error, Grant, Result, input};

/// The most keys that a build may have.
pub const MAX_KEYS: i64 = 10_000;
/// The most bytes that a build's keys and values may have together: whoever looks at the build gets all of them in one answer.
pub const MAX_META_DATA: i64 = 16 * 1024 * 1024;
/// How many keys of a call with several the audit log names.
const NAMED: usize = 10;

impl Control {
    /// Sets a key of the job's build, over what it was.
    ///
    /// # Errors
    /// [`Error::Invalid`] at `key` or `value`; [`Error::Conflict`] when the build has [`MAX_KEYS`] or [`MAX_META_DATA`].
    pub async fn set_meta_data(&self, grant: &Grant<WriteMetaData>, key: String, value: String) -> Result<()> {
        input::field("key", metadata::check_key(&key))?;
        input::field("value", metadata::check_value(&value))?;
        let build = grant.job()?.build;
        self.write(grant, Lane::Normal, (build, key, value), |tx, scene| {
            Box::pin(async move {
                let (build, key, value) = &scene.input;
                meta_data::set(tx, *build, key, value).await?;
                has_room(tx, *build).await?;
                let subject = Subject::find_build(tx, scene.organization, *build).await?;
                scene.audit(tx, "meta_data.set", subject, json!({ "key": key })).await
            })
        })
        .await
    }

    /// Sets several keys of the job's build: all of them, or none. Of a key that is there several times the last value counts.
    ///
    /// # Errors
    /// [`Error::Invalid`] at `items[N].key` or `items[N].value`, each that is wrong; [`Error::Conflict`] as for one key.
    pub async fn set_meta_data_batch(&self, grant: &Grant<WriteMetaData>, items: Vec<(String, String)>) -> Result<()> {
        let mut faults = Vec::new();
        for (at, (key, value)) in items.iter().enumerate() {
            if let Err(fault) = metadata::check_key(key) {
                faults.push(FieldError::new(format!("items[{at}].key"), fault));
            }
            if let Err(fault) = metadata::check_value(value) {
                faults.push(FieldError::new(format!("items[{at}].value"), fault));
            }
        }
        if !faults.is_empty() {
            return Err(Error::Invalid(faults));
        }
        if items.is_empty() {
            return Ok(());
        }
        let items: BTreeMap<String, String> = items.into_iter().collect();
        let build = grant.job()?.build;
        self.write(grant, Lane::Normal, (build, items), |tx, scene| {
            Box::pin(async move {
                let (build, items) = &scene.input;
                for (key, value) in items {
                    meta_data::set(tx, *build, key, value).await?;
                }
                has_room(tx, *build).await?;
                let keys: Vec<&String> = items.keys().take(NAMED).collect();
                let subject = Subject::find_build(tx, scene.organization, *build).await?;
                scene.audit(tx, "meta_data.set", subject, json!({ "count": items.len(), "keys": keys })).await
            })
        })
        .await
    }

    /// The value of a key of the job's build.
    ///
    /// # Errors
    /// [`Error::NotFound`] when it is not set.
    pub async fn get_meta_data(&self, grant: &Grant<ReadMetaData>, key: String) -> Result<String> {
        let build = grant.job()?.build;
        self.read(grant, (build, key), |tx, scene| {
            Box::pin(async move {
                let (build, key) = &scene.input;
                // NUL is in no key, and no engine takes it as text.
                if key.contains('\0') {
                    return Err(Error::NotFound("meta-data key"));
                }
                meta_data::get(tx, *build, key).await?.ok_or(Error::NotFound("meta-data key"))
            })
        })
        .await
    }

    /// The keys of the job's build, sorted.
    ///
    /// # Errors
    /// Only [`Error::Unavailable`] and [`Error::Internal`].
    pub async fn meta_data_keys(&self, grant: &Grant<ReadMetaData>) -> Result<Vec<String>> {
        let build = grant.job()?.build;
        self.read(grant, build, |tx, scene| Box::pin(async move { Ok(meta_data::keys(tx, scene.input).await?) })).await
    }
}

/// Whether what was set has room in its build.
async fn has_room(tx: &mut Tx, build: BuildId) -> Result<()> {
    if meta_data::count(tx, build).await? > MAX_KEYS {
        return Err(Error::Conflict(format!("The build has {MAX_KEYS} keys, the most there may be.")));
    }
    if meta_data::size(tx, build).await? > MAX_META_DATA {
        let what = "The build's meta-data would have more than 16 MiB; upload what is large as an artifact.";
        return Err(Error::Conflict(what.to_owned()));
    }
    Ok(())
}
