//! Runs: their rows, and what is said of them beside events.

use std::collections::BTreeMap;

use async_graphql::{Context, Object, Result, SimpleObject};
use countersign_control::Error;
use countersign_control::dagster_runs::{DagsterRun, RunsWanted};
use countersign_http::holds_a_token;
use countersign_wire::dagster::{CodeOrigin, CodePlace, JobOrigin, Member, STATUS_ENUM, SerializedRun};
use serde_json::Value;

use crate::call::Call;
use crate::failure::Failure;
use crate::heartbeat::seconds;

use super::deployment;
use super::events::Stored;
use super::input::{JsonString, RunBucket, RunsFilter};

/// What is read of runs.
pub(crate) struct Runs;

#[Object]
impl Runs {
    /// Those of the runs that the token took, with when what happened.
    #[expect(clippy::too_many_arguments, reason = "agents send them all")]
    async fn get_run_records(
        &self,
        ctx: &Context<'_>,
        filters: Option<RunsFilter>,
        limit: Option<i32>,
        #[graphql(name = "orderBy")] _order: Option<String>,
        #[graphql(name = "ascending")] _ascending: Option<bool>,
        cursor: Option<String>,
        bucket_by: Option<RunBucket>,
    ) -> Result<Vec<RunRecord>> {
        beyond(&[("cursor", cursor.is_some()), ("bucketBy", bucket_by.is_some())])?;
        Ok(found(Call::of(ctx), filters, limit).await?.iter().map(record).collect())
    }

    /// The same in Dagster's own form of JSON alone.
    async fn get_runs(
        &self,
        ctx: &Context<'_>,
        filters: Option<RunsFilter>,
        cursor: Option<String>,
        limit: Option<i32>,
        bucket_by: Option<RunBucket>,
        #[graphql(name = "ascending")] _ascending: Option<bool>,
    ) -> Result<Vec<String>> {
        beyond(&[("cursor", cursor.is_some()), ("bucketBy", bucket_by.is_some())])?;
        Ok(found(Call::of(ctx), filters, limit).await?.iter().map(text).collect())
    }

    /// One of them.
    async fn get_run_by_id(&self, ctx: &Context<'_>, run_id: String) -> Result<Option<String>> {
        Ok(one(Call::of(ctx), run_id).await?.iter().map(text).next())
    }

    /// Whether it is one of them.
    async fn has_run(&self, ctx: &Context<'_>, run_id: String) -> Result<bool> {
        Ok(!one(Call::of(ctx), run_id).await?.is_empty())
    }
}

/// What is written of runs beside events.
pub(crate) struct RunsByAgents;

#[Object]
impl RunsByAgents {
    /// Adds tags to a run.
    async fn add_run_tags(
        &self,
        ctx: &Context<'_>,
        run_id: String,
        #[graphql(name = "jsonNewTags")] tags: JsonString,
    ) -> Result<Stored> {
        let call = Call::of(ctx);
        let grant = call.may()?;
        let tags: BTreeMap<String, String> = serde_json::from_str(&tags.0)
            .map_err(|_| Failure::from(Error::invalid("jsonNewTags", "must be an object of texts")))?;
        if tags.iter().any(|(key, value)| holds_a_token(key) || holds_a_token(value)) {
            return Err(Failure::from(Error::invalid("jsonNewTags", "holds the value of a token")).into());
        }
        let added = call.control.add_run_tags(&grant, deployment(call)?, &run_id, tags).await;
        call.left(added.map_err(Failure::Of)?)?;
        Ok(Stored { ok: true })
    }
}

/// A run, and when what happened.
#[derive(SimpleObject)]
pub(crate) struct RunRecord {
    /// Grows from run to run.
    storage_id: i64,
    /// The run in Dagster's own form of JSON.
    serialized_pipeline_run: String,
    /// When it was launched, in seconds since the epoch.
    create_timestamp: f64,
    /// When something was last changed of it.
    update_timestamp: f64,
    /// When its worker ran.
    start_time: Option<f64>,
    /// When it ended.
    end_time: Option<f64>,
}

/// Refuses what is set and not looked at: an answer without it would be another one.
fn beyond(set: &[(&'static str, bool)]) -> std::result::Result<(), Failure> {
    match set.iter().find(|(_, is_set)| *is_set) {
        Some((name, _)) => Err(Failure::NotOffered { operation: "runs".to_owned(), field: (*name).to_owned() }),
        None => Ok(()),
    }
}

async fn found(call: &Call, filters: Option<RunsFilter>, limit: Option<i32>) -> Result<Vec<DagsterRun>> {
    let grant = call.may()?;
    let filters = filters.unwrap_or_default();
    if let Some(name) = filters.beyond() {
        beyond(&[(name, true)])?;
    }
    let wanted = RunsWanted {
        ids: filters.run_ids,
        statuses: filters.statuses.unwrap_or_default(),
        job: filters.pipeline_name,
        limit: limit.map(|limit| usize::try_from(limit).unwrap_or_default()),
    };
    let records = call.control.run_records(&grant, deployment(call)?, wanted).await.map_err(Failure::Of)?;
    call.left(records.reached)?;
    Ok(records.it.unwrap_or_default())
}

async fn one(call: &Call, id: String) -> Result<Vec<DagsterRun>> {
    let filters = RunsFilter { run_ids: Some(vec![id]), ..RunsFilter::default() };
    found(call, Some(filters), None).await
}

fn record(it: &DagsterRun) -> RunRecord {
    RunRecord {
        storage_id: it.created_at.as_millis(),
        serialized_pipeline_run: text(it),
        create_timestamp: seconds(it.created_at),
        update_timestamp: seconds(it.updated_at),
        start_time: it.started_at.map(seconds),
        end_time: it.ended_at.map(seconds),
    }
}

fn text(it: &DagsterRun) -> String {
    serde_json::to_string(&serialized(it)).unwrap_or_default()
}

/// A run as agents and its worker read it.
pub(crate) fn serialized(it: &DagsterRun) -> SerializedRun {
    // Both were JSON when they were kept.
    let place: CodePlace = serde_json::from_str(&it.origin).unwrap_or_default();
    let config: Value = serde_json::from_str(&it.config).unwrap_or_default();
    SerializedRun {
        pipeline_name: it.job.clone(),
        run_id: it.id.to_string(),
        run_config: config,
        tags: it.tags.clone(),
        status: Member::new(STATUS_ENUM, it.status.of_dagster()),
        external_pipeline_origin: JobOrigin::new(&it.location, &it.repository, &it.job),
        pipeline_code_origin: CodeOrigin::new(&it.job, place),
    }
}
