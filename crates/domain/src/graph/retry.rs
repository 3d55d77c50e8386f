//! Whether a job that failed is run again by itself, and whether its failure counts.

use crate::plan::{RetryRule, SoftFail};

/// How a job failed.
#[derive(Debug, Clone, Copy)]
pub struct Failure<'a> {
    /// Its exit status; `-1` when its agent was lost or the command did not run to its end.
    pub exit_status: i32,
    /// The signal that ended it, as `SIGTERM`.
    pub signal: Option<&'a str>,
    /// Why it was ended, as `agent_stop`.
    pub signal_reason: Option<&'a str>,
}

/// Whether a job that has been run again `so_far` times is run once more. The first rule that fits decides; what was canceled is not
/// run again.
#[must_use]
pub fn retries(rules: &[RetryRule], how: &Failure<'_>, so_far: u32) -> bool {
    let fits = |rule: &&RetryRule| {
        rule.exit_status.as_ref().map_or(how.exit_status != 0, |all| all.contains(&how.exit_status))
            && rule.signal.as_deref().is_none_or(|wanted| is_signal(how.signal, wanted))
            && rule.signal_reason.as_deref().is_none_or(|wanted| is_reason(how.signal_reason, wanted))
    };
    how.exit_status != 0 && rules.iter().find(fits).is_some_and(|rule| so_far < rule.limit)
}

/// Whether a failure with this exit status leaves the build as it is.
#[must_use]
pub fn soft_fails(rule: &SoftFail, exit_status: i32) -> bool {
    match rule {
        SoftFail::Never => false,
        SoftFail::Always => true,
        SoftFail::On(statuses) => statuses.contains(&exit_status),
    }
}

/// `SIGTERM`, `sigterm` and `TERM` are the same; `none` is no signal and `*` any.
fn is_signal(signal: Option<&str>, wanted: &str) -> bool {
    let bare = |name: &str| {
        let upper = name.to_ascii_uppercase();
        upper.strip_prefix("SIG").map_or(upper.clone(), ToOwned::to_owned)
    };
    match wanted {
        "*" => signal.is_some(),
        "none" => signal.is_none(),
        _ => signal.is_some_and(|signal| bare(signal) == bare(wanted)),
    }
}

fn is_reason(reason: Option<&str>, wanted: &str) -> bool {
    match wanted {
        "*" => reason.is_some(),
        "none" => reason.is_none(),
        _ => reason == Some(wanted),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(exit_status: Option<Vec<i32>>, limit: u32) -> RetryRule {
        RetryRule { exit_status, signal: None, signal_reason: None, limit }
    }

    fn exit(exit_status: i32) -> Failure<'static> {
        Failure { exit_status, signal: None, signal_reason: None }
    }

    #[test]
    fn the_first_rule_that_fits_decides() {
        let rules = [rule(Some(vec![-1]), 2), rule(Some(vec![3, 4]), 0), rule(None, 1)];
        assert!(retries(&rules, &exit(-1), 0) && retries(&rules, &exit(-1), 1) && !retries(&rules, &exit(-1), 2));
        assert!(!retries(&rules, &exit(4), 0), "its rule says never, and the one for all is not asked");
        assert!(retries(&rules, &exit(9), 0) && !retries(&rules, &exit(9), 1));
        assert!(!retries(&rules, &exit(0), 0), "what passed is never run again by itself");
        assert!(!retries(&[], &exit(1), 0));
    }

    #[test]
    fn signals_and_reasons_must_hold_too() {
        let named = |signal: Option<&str>, reason: Option<&str>| RetryRule {
            signal: signal.map(ToOwned::to_owned),
            signal_reason: reason.map(ToOwned::to_owned),
            ..rule(None, 1)
        };
        let killed = Failure { exit_status: -1, signal: Some("SIGTERM"), signal_reason: Some("agent_stop") };
        for (signal, reason, expected) in [
            (Some("TERM"), None, true),
            (Some("sigterm"), Some("agent_stop"), true),
            (Some("SIGKILL"), None, false),
            (Some("none"), None, false),
            (Some("*"), Some("*"), true),
            (None, Some("cancel"), false),
            (None, Some("none"), false),
        ] {
            assert_eq!(retries(&[named(signal, reason)], &killed, 0), expected, "{signal:?} {reason:?}");
        }
        assert!(retries(&[named(Some("none"), Some("none"))], &exit(1), 0));
    }

    #[test]
    fn soft_failures_are_named_or_all() {
        assert!(!soft_fails(&SoftFail::Never, 1) && soft_fails(&SoftFail::Always, -1));
        assert!(soft_fails(&SoftFail::On(vec![2, 3]), 3) && !soft_fails(&SoftFail::On(vec![2, 3]), 4));
    }
}
