//! From the texts of a heartbeat to what is kept of it.

use countersign_control::Error;
use countersign_control::dagster::{CodeServer, Heartbeat, RunWorker, Task, Trouble};
use countersign_domain::Timestamp;
use countersign_wire::dagster::{self as wire, ErrorInfo, read_error, read_heartbeat};

use crate::failure::Failure;
use crate::mutation::AgentHeartbeatInput;

/// The most bytes of one heartbeat's text.
pub const MAX_HEARTBEAT: usize = 1024 * 1024;
/// The most bytes of the text of one of an agent's own errors; agents cut them to 10,000 characters.
pub const MAX_ERROR_TEXT: usize = 128 * 1024;
/// The most errors of one call; agents send 25.
const MAX_ERRORS: usize = 100;

/// Of a worker of which nothing sure is known.
const UNKNOWN: &str = "UNKNOWN";

/// In the place of a text that holds the value of a token.
const LEFT_OUT: &str = "(left out: a token's value stood in it)";

const HEARTBEATS: &str = "serializedAgentHeartbeats";
const ERRORS: &str = "serializedErrors";

/// What one call says of one agent. None when it says nothing: of an agent's errors alone it is not known whose they are.
///
/// # Errors
/// [`Failure::TooLarge`], and [`Error::Invalid`] for a text that cannot be read and for a call that speaks for two agents.
pub(crate) fn read(beats: Vec<AgentHeartbeatInput>, errors: &[String]) -> Result<Option<Heartbeat>, Failure> {
    if errors.len() > MAX_ERRORS {
        return Err(Failure::TooLarge(format!(
            "{ERRORS} has {} entries; at most {MAX_ERRORS} are taken.",
            errors.len()
        )));
    }
    let mut whole: Option<Heartbeat> = None;
    for AgentHeartbeatInput { deployment_name, serialized_agent_heartbeat: text } in beats {
        within(HEARTBEATS, &text, MAX_HEARTBEAT)?;
        let beat = read_heartbeat(&text).map_err(|why| Error::invalid(HEARTBEATS, why))?;
        match &mut whole {
            None => {
                let mut first = agent(&beat);
                first.tasks.push(task(deployment_name, beat));
                whole = Some(first);
            }
            Some(first) if first.process == beat.agent_id => first.tasks.push(task(deployment_name, beat)),
            Some(_) => {
                let why =
                    "speak for two agents; one call is for one agent, with one heartbeat for each of its deployments";
                return Err(Error::invalid(HEARTBEATS, why).into());
            }
        }
    }
    let mut told = Vec::with_capacity(errors.len());
    for text in errors {
        within(ERRORS, text, MAX_ERROR_TEXT)?;
        let error = read_error(text).map_err(|why| Error::invalid(ERRORS, why))?;
        told.push(trouble(error.timestamp, &error.error));
    }
    Ok(whole.map(|it| Heartbeat { errors: told, ..it }))
}

fn within(field: &str, text: &str, most: usize) -> Result<(), Failure> {
    let count = text.len();
    let why = || format!("An entry of {field} has {count} bytes; at most {most} are taken.");
    if count > most { Err(Failure::TooLarge(why())) } else { Ok(()) }
}

fn agent(beat: &wire::AgentHeartbeat) -> Heartbeat {
    Heartbeat {
        process: beat.agent_id.clone(),
        label: beat.agent_label.clone().map(quiet),
        launcher: beat.agent_type.clone().map(quiet),
        version: beat.metadata.version.clone().map(quiet),
        image_tag: beat.metadata.image_tag.clone().map(quiet),
        ..Heartbeat::default()
    }
}

fn task(deployment: String, beat: wire::AgentHeartbeat) -> Task {
    let queues = beat.agent_queues_config;
    let code_server = |it: wire::CodeServer| CodeServer {
        status: quiet(it.server_status.name().to_owned()),
        error: it.error.as_ref().map(|error| trouble(None, error)),
        location: quiet(it.location_name),
    };
    let run_worker = |it: wire::RunWorker| RunWorker {
        // What may be otherwise in a moment is not known.
        status: if it.transient == Some(true) { UNKNOWN.to_owned() } else { quiet(it.status_type.name().to_owned()) },
        run: quiet(it.run_id),
        message: it.message.map(quiet),
    };
    Task {
        deployment,
        default_queue: queues.as_ref().is_none_or(|it| it.include_default_queue),
        queues: queues.and_then(|it| it.additional_queues).unwrap_or_default().into_iter().map(quiet).collect(),
        code_servers: beat.code_server_heartbeats.unwrap_or_default().into_iter().map(code_server).collect(),
        run_workers: beat
            .run_worker_statuses
            .map_or_else(Vec::new, |it| it.statuses)
            .into_iter()
            .map(run_worker)
            .collect(),
    }
}

fn trouble(at: Option<f64>, error: &ErrorInfo) -> Trouble {
    Trouble {
        at: at.map(|seconds| moment(seconds).as_micros()),
        class: error.cls_name.clone().map(quiet),
        message: quiet(error.message.trim_end().to_owned()),
        trace: quiet(error.trace()),
    }
}

/// A text of an agent's, unless a token's value stands in it: whoever may see agents need not be one who may see their tokens.
fn quiet(text: String) -> String {
    if countersign_http::holds_a_token(&text) { LEFT_OUT.to_owned() } else { text }
}

/// A moment from seconds since the epoch, held at the ends of what a time may be.
pub(crate) fn moment(seconds: f64) -> Timestamp {
    // A number that does not fit becomes the nearest that does.
    let micros = (seconds * 1_000_000.0) as i64;
    Timestamp::from_micros(micros.clamp(Timestamp::EPOCH.as_micros(), Timestamp::LATEST.as_micros()))
}

/// Seconds since the epoch from a moment, as agents count.
pub(crate) fn seconds(at: Timestamp) -> f64 {
    // Whole microseconds until the year 2255; beyond, the nearest.
    at.as_micros() as f64 / 1_000_000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn beat(agent: &str, deployment: &str) -> AgentHeartbeatInput {
        let text =
            format!(r#"{{"__class__":"AgentHeartbeat","timestamp":1.5,"agent_id":"{agent}","agent_label":"north"}}"#);
        AgentHeartbeatInput { deployment_name: deployment.to_owned(), serialized_agent_heartbeat: text }
    }

    #[test]
    fn one_call_is_for_one_agent_and_its_deployments() {
        let whole = read(vec![beat("a", "prod"), beat("a", "staging")], &[]).expect("reads").expect("a heartbeat");
        let names: Vec<_> = whole.tasks.iter().map(|task| (task.deployment.as_str(), task.default_queue)).collect();
        assert_eq!((whole.process.as_str(), whole.label.as_deref()), ("a", Some("north")));
        assert_eq!(names, [("prod", true), ("staging", true)]);
        assert!(read(vec![beat("a", "prod"), beat("b", "staging")], &[]).is_err());
        assert!(read(vec![], &[]).expect("reads").is_none());
    }

    #[test]
    fn what_is_too_large_is_told_apart_from_what_cannot_be_read() {
        let with = |text: String| vec![AgentHeartbeatInput { serialized_agent_heartbeat: text, ..beat("a", "prod") }];
        let large = read(with(" ".repeat(MAX_HEARTBEAT + 1)), &[]).expect_err("too large");
        assert!(matches!(large, Failure::TooLarge(_)), "{large}");
        let other = read(with("{}".to_owned()), &[]).expect_err("another class");
        assert!(matches!(&other, Failure::Of(Error::Invalid(_))), "{other}");
        for errors in [vec!["x".repeat(MAX_ERROR_TEXT + 1)], vec![String::new(); MAX_ERRORS + 1]] {
            assert!(matches!(read(vec![], &errors), Err(Failure::TooLarge(_))));
        }
        assert!(matches!(read(vec![], &["[]".to_owned()]), Err(Failure::Of(_))));
    }

    #[test]
    fn a_moment_is_held_within_what_a_time_may_be() {
        assert_eq!(moment(1.5).as_micros(), 1_500_000);
        assert_eq!(seconds(moment(1_767_323_045.25)).to_bits(), 1_767_323_045.25_f64.to_bits());
        assert_eq!((moment(-1.0), moment(f64::NAN)), (Timestamp::EPOCH, Timestamp::EPOCH));
        assert_eq!((moment(1e300), moment(f64::INFINITY)), (Timestamp::LATEST, Timestamp::LATEST));
    }
}
