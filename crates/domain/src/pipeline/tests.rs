//! Pipelines as a whole: text to plan.

mod documentation;
mod fields;
mod planning;
mod properties;
mod reading;

use super::*;
use crate::plan::{CommandWork, Dependency, Fact, Fate, Plan, PlannedStep, Situation, Work};

fn read(text: &str) -> Result<Plan, PipelineError> {
    read_in(text, &Situation::default())
}

fn read_in(text: &str, situation: &Situation) -> Result<Plan, PipelineError> {
    Pipeline::parse(text)?.plan(situation)
}

fn good(text: &str) -> Plan {
    read(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn fault(text: &str) -> String {
    match read(text) {
        Ok(plan) => panic!("{text} was taken: {plan:?}"),
        Err(error) => error.to_string(),
    }
}

/// The one step of a plan.
fn only(text: &str) -> PlannedStep {
    let mut plan = good(text);
    assert_eq!(plan.steps.len(), 1, "{text}");
    plan.steps.remove(0)
}

/// A command step with this field beside its command.
fn command(field: &str) -> CommandWork {
    command_of(&only(&format!("steps: [{{command: x, {field}}}]")))
}

fn command_of(step: &PlannedStep) -> CommandWork {
    match &step.work {
        Work::Command(work) => (**work).clone(),
        other => panic!("no command: {other:?}"),
    }
}

fn on(name: &str) -> Dependency {
    Dependency { step: name.to_owned(), allow_failure: false }
}

/// A build of a branch, with a message.
fn situation() -> Situation {
    let text = |text: &str| Fact::Text(text.to_owned());
    Situation {
        facts: [
            ("build.branch", text("main")),
            ("build.message", text("Fix it [skip deploy]")),
            ("build.number", Fact::Number(7)),
            ("build.pull_request.draft", Fact::Bool(true)),
            ("build.creator.teams", Fact::List(vec!["ops".to_owned(), "web".to_owned()])),
        ]
        .map(|(name, fact)| (name.to_owned(), fact))
        .into(),
        env: Env::from([("DEPLOY".to_owned(), "yes".to_owned())]),
        keys: vec!["earlier".to_owned()],
    }
}
