//! Keeps the agent token out of the process list.
//!
//! Whoever may list processes can read the arguments and, as the same user, the variables that a process was started with: a
//! job can. So the program starts itself again without them, and hands the token over in a pipe.

use std::ffi::{OsStr, OsString};

use countersign_wire::SecretText;

use crate::{Environment, Setting};

/// How to start the program again: same program, these arguments and variables, and a pipe that holds `token`.
#[derive(Debug)]
pub struct HiddenToken {
    /// Arguments without the program's name; `--token fd://N` stands in for the value.
    pub arguments: Vec<OsString>,
    /// Variables without the token.
    pub environment: Environment,
    /// What to write into the pipe. `None` when only a variable that was not used had to go.
    pub token: Option<SecretText>,
}

/// Rewrites the arguments (without the program's name) and variables of `agent start` so that neither holds a token value.
/// `None` when neither does. `descriptor` is the reading end of the pipe, as the new process will see it: 0 is best, because a
/// job's standard input is empty and so does not inherit it.
///
/// The order of sources is kept: a flag wins over the variables, `COUNTERSIGN_AGENT_TOKEN` over `BUILDKITE_AGENT_TOKEN`.
#[must_use]
pub fn hide_token(arguments: &[OsString], environment: &Environment, descriptor: u32) -> Option<HiddenToken> {
    let stand_in = OsString::from(format!("fd://{descriptor}"));
    let mut rewritten: Vec<OsString> = Vec::with_capacity(arguments.len() + 2);
    let mut flag: Option<OsString> = None;
    let mut waiting = false;
    let mut options_ended = false;
    for argument in arguments {
        let joined = argument.to_str().and_then(|text| text.strip_prefix("--token="));
        if waiting {
            waiting = false;
            flag = Some(argument.clone());
            rewritten.push(if is_value(argument) { stand_in.clone() } else { argument.clone() });
        } else if let Some(value) = joined.filter(|_| !options_ended) {
            flag = Some(value.into());
            let shown = if is_value(OsStr::new(value)) { stand_in.clone() } else { value.into() };
            rewritten.extend([OsString::from("--token"), shown]);
        } else {
            waiting = !options_ended && argument == "--token";
            options_ended = options_ended || argument == "--";
            rewritten.push(argument.clone());
        }
    }

    let mut kept = environment.clone();
    let mut variable = None;
    for name in Setting::Token.variables() {
        let value = environment.get(name);
        if value.is_some_and(|value| is_value(OsStr::new(value))) {
            kept.remove(name);
        }
        variable = variable.or(value);
    }
    let variable_is_value = variable.is_some_and(|value| is_value(OsStr::new(value)));
    let token = match (&flag, variable) {
        (Some(value), _) if is_value(value) => value.to_str().map(SecretText::new),
        (None, Some(value)) if variable_is_value => {
            let end = rewritten.iter().position(|argument| argument == "--").unwrap_or(rewritten.len());
            rewritten.splice(end..end, [OsString::from("--token"), stand_in]);
            Some(SecretText::new(value))
        }
        _ => None,
    };
    (token.is_some() || kept != *environment).then_some(HiddenToken { arguments: rewritten, environment: kept, token })
}

/// Whether this is a token itself, not the place of one.
fn is_value(text: &OsStr) -> bool {
    let text = text.to_string_lossy();
    !text.is_empty() && !text.starts_with("fd://") && !text.starts_with("file://")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hide(arguments: &[&str], variables: &[(&str, &str)]) -> Option<HiddenToken> {
        let arguments: Vec<OsString> = arguments.iter().map(OsString::from).collect();
        hide_token(&arguments, &variables.iter().copied().collect(), 0)
    }

    fn shown(hidden: &HiddenToken) -> String {
        let arguments: Vec<_> = hidden.arguments.iter().map(|a| a.to_string_lossy()).collect();
        arguments.join(" ")
    }

    #[test]
    fn a_flag_becomes_a_pipe_in_both_spellings() {
        for given in [
            &["agent", "start", "--token", "secret", "--spawn", "2"][..],
            &["agent", "start", "--token=secret", "--spawn", "2"],
        ] {
            let hidden = hide(given, &[]).expect("something to hide");
            assert_eq!(shown(&hidden), "agent start --token fd://0 --spawn 2");
            assert_eq!(hidden.token.expect("a token").reveal(), "secret");
        }
    }

    #[test]
    fn a_variable_becomes_a_flag_and_leaves_the_environment() {
        let hidden = hide(
            &["agent", "start"],
            &[("BUILDKITE_AGENT_TOKEN", "older"), ("COUNTERSIGN_AGENT_TOKEN", "secret"), ("HOME", "/h")],
        )
        .expect("something to hide");
        assert_eq!(shown(&hidden), "agent start --token fd://0");
        assert_eq!(hidden.token.as_ref().expect("a token").reveal(), "secret");
        assert_eq!(hidden.environment, [("HOME", "/h")].into_iter().collect());
    }

    #[test]
    fn a_flag_wins_and_the_unused_variable_goes_all_the_same() {
        let hidden = hide(&["agent", "start", "--token", "file:///t"], &[("BUILDKITE_AGENT_TOKEN", "secret")])
            .expect("a variable");
        assert_eq!(shown(&hidden), "agent start --token file:///t");
        assert!(hidden.token.is_none());
        assert!(hidden.environment.get("BUILDKITE_AGENT_TOKEN").is_none());
    }

    #[test]
    fn places_of_tokens_are_nothing_to_hide() {
        assert!(hide(&["agent", "start", "--token", "fd://3"], &[]).is_none());
        assert!(hide(&["agent", "start"], &[("COUNTERSIGN_AGENT_TOKEN", "file:///t")]).is_none());
        assert!(hide(&["agent", "start", "--", "--token", "x"], &[]).is_none());
    }
}
