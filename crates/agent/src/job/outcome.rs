//! How a job ended, in the protocol's words.

use std::process::ExitStatus;

use countersign_wire::buildkite::signal_reason;

use super::{Cancel, process::signal_name};

/// What the finish of a job says.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Outcome {
    pub exit_status: String,
    pub signal: Option<String>,
    pub signal_reason: Option<&'static str>,
}

impl Outcome {
    /// The command was never run.
    pub fn not_run(signal_reason: &'static str) -> Self {
        Self { exit_status: "-1".to_owned(), signal: None, signal_reason: Some(signal_reason) }
    }

    /// The job was cancelled before the command ran.
    pub fn cancelled_early(cancel: Cancel) -> Self {
        Self::not_run(reason(cancel))
    }

    /// Something after the command failed: what had passed has failed, too.
    pub fn failed(self) -> Self {
        if self.exit_status == "0" { Self { exit_status: "1".to_owned(), ..self } } else { self }
    }

    /// The command ended with `status`, after a cancellation or by itself. A cancelled one never counts as passed.
    pub fn of(status: ExitStatus, cancelled: Option<Cancel>) -> Self {
        let exit_status = match status.code() {
            Some(0) if cancelled.is_some() => "1".to_owned(),
            Some(code) => code.to_string(),
            None => "-1".to_owned(),
        };
        let signal_reason = cancelled.map(reason);
        Self { exit_status, signal: signal_name(status), signal_reason }
    }
}

/// The protocol's word for a cancellation.
fn reason(cancel: Cancel) -> &'static str {
    match cancel {
        Cancel::Server | Cancel::TimedOut => signal_reason::CANCEL,
        Cancel::Agent => signal_reason::AGENT_STOP,
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt;

    use super::*;

    #[test]
    fn statuses_are_text_and_signals_have_names() {
        let shown = |raw, cancelled| {
            let Outcome { exit_status, signal, signal_reason } = Outcome::of(ExitStatus::from_raw(raw), cancelled);
            (exit_status, signal, signal_reason)
        };
        assert_eq!(shown(0, None), ("0".to_owned(), None, None));
        assert_eq!(shown(3 << 8, None), ("3".to_owned(), None, None));
        assert_eq!(shown(15, Some(Cancel::Server)), ("-1".to_owned(), Some("SIGTERM".to_owned()), Some("cancel")));
        assert_eq!(shown(9, Some(Cancel::Agent)), ("-1".to_owned(), Some("SIGKILL".to_owned()), Some("agent_stop")));
        assert_eq!(shown(0, Some(Cancel::Server)), ("1".to_owned(), None, Some("cancel")));
    }
}
