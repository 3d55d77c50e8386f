//! Canceling jobs, running them again, and answering those that ask.

use std::collections::BTreeMap;

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};
use countersign_control::steps::Answer;
use countersign_control::{Error, Result};
use countersign_domain::id::{JobId, StepId};
use countersign_domain::text::shown;
use serde_json::Value;

use crate::call::Call;
use crate::global_id::{Sort, expect};
use crate::nullable::{Nullable, answered};
use crate::types::job::{self, JobTypeCommand};
use crate::types::step_job::JobTypeBlock;

/// Which job is to be canceled.
#[derive(InputObject)]
pub(crate) struct JobTypeCommandCancelInput {
    /// Comes back with the answer.
    client_mutation_id: Option<String>,
    /// The job's global id.
    id: ID,
}

/// A job that was canceled.
#[derive(SimpleObject)]
pub(crate) struct JobTypeCommandCancelPayload {
    /// As in the input.
    client_mutation_id: Option<String>,
    /// The job.
    job_type_command: JobTypeCommand,
}

/// Which job is to be run again.
#[derive(InputObject)]
pub(crate) struct JobTypeCommandRetryInput {
    /// Comes back with the answer.
    client_mutation_id: Option<String>,
    /// The job's global id.
    id: ID,
}

/// A job that is run again.
#[derive(SimpleObject)]
pub(crate) struct JobTypeCommandRetryPayload {
    /// As in the input.
    client_mutation_id: Option<String>,
    /// The job that has run.
    job_type_command: JobTypeCommand,
    /// The job that runs in its place.
    retried_in_job_type_command: JobTypeCommand,
}

/// What a block or an input is answered.
#[derive(InputObject)]
pub(crate) struct JobTypeBlockUnblockInput {
    /// Comes back with the answer.
    client_mutation_id: Option<String>,
    /// By the fields' keys: a text, or a list of texts where several can be chosen. An object, or a text that holds one in JSON.
    fields: Option<Value>,
    /// The job's global id.
    id: ID,
}

/// A block or an input that was answered.
#[derive(SimpleObject)]
pub(crate) struct JobTypeBlockUnblockPayload {
    /// As in the input.
    client_mutation_id: Option<String>,
    /// The job.
    job_type_block: JobTypeBlock,
}

#[derive(Default)]
pub(crate) struct JobMutations;

#[Object]
impl JobMutations {
    /// Answers a block or an input: what it asks for becomes meta-data, and what waits for it goes on.
    async fn job_type_block_unblock(
        &self,
        ctx: &Context<'_>,
        input: JobTypeBlockUnblockInput,
    ) -> Nullable<JobTypeBlockUnblockPayload> {
        answered(unblock(Call::of(ctx), input).await)
    }

    /// Cancels a job that could run or does; the rest of its build goes on as after a failure.
    async fn job_type_command_cancel(
        &self,
        ctx: &Context<'_>,
        input: JobTypeCommandCancelInput,
    ) -> Nullable<JobTypeCommandCancelPayload> {
        answered(cancel(Call::of(ctx), input).await)
    }

    /// Runs a job again as another one; steps that had given up because of it wait again.
    async fn job_type_command_retry(
        &self,
        ctx: &Context<'_>,
        input: JobTypeCommandRetryInput,
    ) -> Nullable<JobTypeCommandRetryPayload> {
        answered(retry(Call::of(ctx), input).await)
    }
}

async fn cancel(call: &Call, input: JobTypeCommandCancelInput) -> Result<JobTypeCommandCancelPayload> {
    let id = expect(&input.id, Sort::Job)?;
    let job_type_command = call.control.cancel_job(&call.may()?, id).await?.into();
    Ok(JobTypeCommandCancelPayload { client_mutation_id: input.client_mutation_id, job_type_command })
}

async fn retry(call: &Call, input: JobTypeCommandRetryInput) -> Result<JobTypeCommandRetryPayload> {
    let id: JobId = expect(&input.id, Sort::Job)?;
    let retried_in_job_type_command = call.control.retry_job(&call.may()?, id).await?.into();
    let job_type_command = job::by_id(call, id).await?;
    let client_mutation_id = input.client_mutation_id;
    Ok(JobTypeCommandRetryPayload { client_mutation_id, job_type_command, retried_in_job_type_command })
}

async fn unblock(call: &Call, input: JobTypeBlockUnblockInput) -> Result<JobTypeBlockUnblockPayload> {
    // A block is shown as a job under its step's id.
    let id: JobId = expect(&input.id, Sort::Job)?;
    let grant = call.may()?;
    let answer = Answer { fields: fields(input.fields.unwrap_or_default())? };
    let id: StepId = id.cast();
    let row = call.control.unblock_step(&grant, id, answer).await.map_err(|error| match error {
        Error::NotFound(_) => Error::NotFound(Sort::Job.words()),
        other => other,
    })?;
    let client_mutation_id = input.client_mutation_id;
    Ok(JobTypeBlockUnblockPayload { client_mutation_id, job_type_block: JobTypeBlock(row) })
}

/// The answers by key; several chosen values become lines.
fn fields(given: Value) -> Result<BTreeMap<String, String>> {
    let wrong = || Error::invalid("fields", "is no object such as {\"KEY\": \"value\"}, nor a text that holds one");
    let given = match given {
        Value::String(text) if text.trim().is_empty() => Value::Null,
        Value::String(text) => serde_json::from_str(&text).map_err(|_| wrong())?,
        other => other,
    };
    let Value::Object(given) = given else {
        return if given.is_null() { Ok(BTreeMap::new()) } else { Err(wrong()) };
    };
    let mut answers = BTreeMap::new();
    for (key, value) in given {
        let text = match value {
            Value::String(text) => Some(text),
            Value::Array(texts) => {
                let texts: Option<Vec<&str>> = texts.iter().map(Value::as_str).collect();
                texts.map(|texts| texts.join("\n"))
            }
            _ => None,
        };
        let field = format!("fields.{}", shown(&key));
        let text = text.ok_or_else(|| Error::invalid(&field, "is neither a text nor a list of texts"))?;
        answers.insert(key, text);
    }
    Ok(answers)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn answers_are_texts_and_lists_of_texts() {
        let read = |given| fields(given).map(|answers| answers.into_iter().collect::<Vec<_>>());
        let two = vec![("a".to_owned(), "1".to_owned()), ("b".to_owned(), "x\ny".to_owned())];
        assert_eq!(read(json!({ "a": "1", "b": ["x", "y"] })), Ok(two.clone()));
        assert_eq!(read(json!("{\"a\": \"1\", \"b\": [\"x\", \"y\"]}")), Ok(two));
        for nothing in [json!(null), json!(""), json!({}), json!("{}"), json!("null")] {
            assert_eq!(read(nothing.clone()), Ok(vec![]), "{nothing}");
        }
        for wrong in [json!(1), json!([]), json!("["), json!("[]"), json!({ "a": 1 }), json!({ "a": [1] }), json!(true)]
        {
            assert!(read(wrong.clone()).is_err(), "{wrong}");
        }
    }
}
