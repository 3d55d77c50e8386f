//! `countersign build retry` and `unblock`: what people do with one job.

use clap::Args;
use countersign_domain::id::JobId;
use serde_json::{Map, Value, json};

use super::{create::pair, follow::name_of};
use crate::{
    Ambient,
    api::{
        Api, build_documents as documents, global_id,
        shapes::{self, text},
    },
    failure::{Exit, Failure, Outcome},
    flags::ServerArgs,
    output::{Printer, harmless},
};

/// Run a job again that has ended, as another one
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  countersign build retry 0192f3a1-7c3e-7b21-9f60-3a5c1e0d4b77")]
pub(super) struct Retry {
    /// The job's uuid: see build show
    job: JobId,
    #[command(flatten)]
    server: ServerArgs,
}

/// Answer a block or an input, so that what waits for it goes on
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  countersign build unblock 0192f3a1-7c3e-7b21-9f60-3a5c1e0d4b77 --field where=oslo --field where=rome"
)]
pub(super) struct Unblock {
    /// The job's uuid: see build show
    job: JobId,
    /// What is answered; may be given several times, also for one key where several values can be chosen
    #[arg(long, value_name = "KEY=VALUE", value_parser = pair)]
    field: Vec<(String, String)>,
    #[command(flatten)]
    server: ServerArgs,
}

impl Retry {
    pub async fn run(self, ambient: &Ambient, printer: Printer) -> Outcome {
        let api = Api::for_user(&self.server, &ambient.environment)?;
        let input = json!({ "id": global_id("Job", self.job) });
        let mut answer: Value = api.call(documents::RETRY, json!({ "input": input })).await?;
        let fresh = answer["jobTypeCommandRetry"]["retriedInJobTypeCommand"].take();
        let fresh = shapes::there(Some(fresh), "job")?;
        printer.result(&fresh, || format!("{} runs again: {}", harmless(&name_of(&fresh)), text(&fresh, "uuid")))?;
        Ok(Exit::Done)
    }
}

impl Unblock {
    pub async fn run(self, ambient: &Ambient, printer: Printer) -> Outcome {
        let api = Api::for_user(&self.server, &ambient.environment)?;
        let mut answer: Value = api.call(documents::QUESTION, json!({ "uuid": self.job })).await?;
        let asked = shapes::there(Some(answer["job"].take()), "job")?;
        if asked["__typename"] != "JobTypeBlock" {
            return Err(Failure::new(Exit::Conflict, "the job is neither a block nor an input; it asks nobody"));
        }
        let input = json!({ "id": asked["id"], "fields": answers(&self.field) });
        let mut answer: Value = api
            .call(documents::UNBLOCK, json!({ "input": input }))
            .await
            .map_err(|failure| explained(failure, &asked))?;
        let block = shapes::there(Some(answer["jobTypeBlockUnblock"]["jobTypeBlock"].take()), "job")?;
        printer.result(&block, || format!("{} is unblocked.", harmless(&name_of(&asked))))?;
        Ok(Exit::Done)
    }
}

/// By key; a key that is given several times has a list.
fn answers(given: &[(String, String)]) -> Value {
    let mut fields: Map<String, Value> = Map::new();
    for (key, value) in given {
        match fields.get_mut(key) {
            None => {
                fields.insert(key.clone(), json!(value));
            }
            Some(Value::Array(list)) => list.push(json!(value)),
            Some(one) => *one = json!([one.take(), value]),
        }
    }
    Value::Object(fields)
}

/// What is asked for, behind what was wrong with the answer.
fn explained(failure: Failure, asked: &Value) -> Failure {
    let fields = asked["fields"].as_array().map(Vec::as_slice).unwrap_or_default();
    if failure.exit != Exit::BadInput || fields.is_empty() {
        return failure;
    }
    let fields: Vec<String> = fields.iter().map(described).collect();
    Failure::new(failure.exit, format!("{failure}\nIt asks for:\n{}", fields.join("\n")))
}

/// One field, as a flag.
fn described(field: &Value) -> String {
    let options = field["options"].as_array().map(Vec::as_slice).unwrap_or_default();
    let values: Vec<&str> = options.iter().map(|option| text(option, "value")).collect();
    let mut notes = Vec::new();
    if field["multiple"] == true {
        notes.push("also several times".to_owned());
    }
    match field["default"].as_str() {
        Some(default) => notes.push(format!("else {}", default.replace('\n', ", "))),
        None if field["required"] == false => notes.push("may be left out".to_owned()),
        None => {}
    }
    let what = if values.is_empty() { "TEXT".to_owned() } else { values.join("|") };
    let notes = if notes.is_empty() { String::new() } else { format!(" ({})", notes.join("; ")) };
    harmless(&format!("  --field {}={what}{notes}", text(field, "key")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_given_twice_has_a_list() {
        let given =
            [("a", "1"), ("b", "2"), ("a", "3"), ("a", "4")].map(|(key, value)| (key.to_owned(), value.to_owned()));
        assert_eq!(answers(&given), json!({ "a": ["1", "3", "4"], "b": "2" }));
        assert_eq!(answers(&[]), json!({}));
    }

    #[test]
    fn a_field_is_shown_as_the_flag_that_answers_it() {
        let field = json!({ "key": "where", "required": true, "default": "oslo", "multiple": true,
            "options": [{ "value": "oslo" }, { "value": "rome" }] });
        assert_eq!(described(&field), "  --field where=oslo|rome (also several times; else oslo)");
        let field = json!({ "key": "why\u{1b}", "required": false, "default": null, "multiple": false, "options": [] });
        assert_eq!(described(&field), "  --field why\\u{1b}=TEXT (may be left out)");
    }
}
