//! Settings of Buildkite's agent that this one does not have.

use super::{ConfigFile, Setting};
use crate::{AgentError, Environment};

/// What this agent does, or leaves alone, in any case: nobody needs to hear that they were passed over.
const TRUE_ANYWAY: [&str; 10] = [
    "no-plugins",
    "no-local-hooks",
    "no-pty",
    "no-ssh-keyscan",
    "no-git-submodules",
    "no-plugin-validation",
    "no-feature-reporting",
    "debug",
    "log-level",
    "log-format",
];

/// Settings that forbid something. Whoever sets one relies on it, so an agent that cannot keep it does not start: key, variable, and
/// whether it is a switch.
const RESTRICTIONS: [(&str, &str, bool); 5] = [
    ("no-command-eval", "BUILDKITE_NO_COMMAND_EVAL", true),
    ("allowed-repositories", "BUILDKITE_ALLOWED_REPOSITORIES", false),
    ("allowed-environment-variables", "BUILDKITE_ALLOWED_ENVIRONMENT_VARIABLES", false),
    ("enable-environment-variable-allowlist", "BUILDKITE_ENABLE_ENVIRONMENT_VARIABLE_ALLOWLIST", true),
    ("verification-jwks-file", "BUILDKITE_AGENT_VERIFICATION_JWKS_FILE", false),
];

/// The keys of a configuration file that have no effect here, each once, in the order of the file.
#[must_use]
pub fn passed_over(file: &ConfigFile) -> Vec<String> {
    let mut keys: Vec<String> = Vec::new();
    for (key, value) in file.entries() {
        let is_set = !value.is_empty() && !keys.iter().any(|known| known == key);
        if is_set && Setting::from_key(key).is_none() && !TRUE_ANYWAY.contains(&key) {
            keys.push(key.to_owned());
        }
    }
    keys
}

/// Refuses restrictions that this agent could not keep.
///
/// # Errors
/// The file or the variables hold one; the message names it.
pub fn refuse_lost_restrictions(file: &ConfigFile, environment: &Environment) -> Result<(), AgentError> {
    for (key, variable, is_switch) in RESTRICTIONS {
        let in_file = file.entries().filter(|(found, _)| *found == key).last().map(|(_, value)| value);
        let is_off = |value: &str| is_switch && matches!(value.trim(), "false" | "0");
        let holds = |value: &&str| !value.is_empty() && !is_off(value);
        let named = in_file.filter(holds).map(|_| key).or(environment.get(variable).filter(holds).map(|_| variable));
        if let Some(named) = named {
            return Err(AgentError::bad_input(format!(
                "{named} restricts what jobs may do, and this agent cannot keep that promise; take it away, or use the Buildkite agent"
            )));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(text: &str) -> ConfigFile {
        ConfigFile::parse(text, "agent.cfg").expect("parses")
    }

    #[test]
    fn only_what_is_set_and_has_no_effect_is_named() {
        let text = "token=x\nhooks-path=/h\nplugins-path=\nno-pty=true\nspawn=2\nnonsense=1\nhooks-path=/i\n";
        assert_eq!(passed_over(&file(text)), ["hooks-path", "nonsense"]);
    }

    #[test]
    fn a_restriction_is_kept_or_the_agent_does_not_start() {
        let none = Environment::default();
        for text in ["no-command-eval=true", "allowed-repositories=\"^git@\"", "verification-jwks-file=/k"] {
            let error = refuse_lost_restrictions(&file(text), &none).expect_err(text);
            assert!(text.starts_with(error.to_string().split(' ').next().expect("words")), "{error}");
        }
        refuse_lost_restrictions(&file("no-command-eval=false\nallowed-repositories=\n"), &none)
            .expect("nothing is lost");
        let set: Environment = [("BUILDKITE_NO_COMMAND_EVAL", "1")].into_iter().collect();
        assert!(refuse_lost_restrictions(&file(""), &set).is_err());
    }
}
