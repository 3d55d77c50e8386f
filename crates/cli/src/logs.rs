//! Log lines on standard error, as text or JSON.
//!
//! No level logs a secret: the types that hold one show their public id. A panic's message is logged without the values that
//! stood around it.

use std::io::{self, IsTerminal};

use tracing_subscriber::{EnvFilter, filter::LevelFilter, fmt, prelude::*};

use crate::failure::{Failure, Outcome};

/// How log lines are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object per line.
    Json,
}

/// Libraries that write the bytes they send at their finest levels; those bytes hold credentials. The last one only talks too much.
const NEVER_BELOW_INFO: [&str; 7] = [
    "h2=info",
    "hyper=info",
    "hyper_util=info",
    "reqwest=info",
    "rustls=info",
    "tokio_postgres=info",
    "refinery_core=warn",
];

/// A word of a filter that is no level and names none: it would be taken for a part of the program, and nothing but that would be logged.
fn no_level(filter: &str) -> Option<&str> {
    let words = filter.split(',').map(str::trim).filter(|word| !word.is_empty());
    words.into_iter().find(|word| !word.contains(['=', '[']) && word.parse::<LevelFilter>().is_err())
}

/// Starts logging.
///
/// # Errors
/// The filter cannot be read.
pub fn start(filter: &str, format: LogFormat) -> Outcome<()> {
    if let Some(word) = no_level(filter) {
        return Err(Failure::bad_input(format!(
            "--log {filter}: {word} is no level; write off, error, warn, info, debug or trace, or TARGET=LEVEL"
        )));
    }
    let mut wanted = EnvFilter::builder()
        .parse(filter)
        .map_err(|error| Failure::bad_input(format!("--log {filter}: {error}; write for example info or debug")))?;
    for directive in NEVER_BELOW_INFO {
        wanted = wanted.add_directive(directive.parse().map_err(Failure::internal)?);
    }
    let lines = fmt::layer().with_writer(io::stderr);
    let registry = tracing_subscriber::registry().with(wanted);
    // A second start, in one process, keeps the first.
    match format {
        LogFormat::Json => registry.with(lines.json().flatten_event(true)).try_init().ok(),
        LogFormat::Text => registry.with(lines.with_ansi(io::stderr().is_terminal()).with_target(true)).try_init().ok(),
    };
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        let message = panic.payload_as_str().unwrap_or("no message");
        tracing::error!(place, message, "panicked");
    }));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_is_made_of_levels() {
        for good in ["info", "DEBUG", "off", "info,hyper=warn", "countersign_store[query]=trace", "", "3"] {
            assert_eq!(no_level(good), None, "{good}");
        }
        assert_eq!(no_level("zzz"), Some("zzz"));
        assert_eq!(no_level("info, verbose"), Some("verbose"));
    }
}
