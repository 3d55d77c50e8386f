//! What an agent is given of a job's step besides its variables.

use countersign_domain::pipeline::SIGNED_STEP;
use countersign_domain::plan::CommandWork;
use serde_json::{Map, Value};

use super::environment::Variables;

/// Parts of a step that agents read.
const READ: [&str; 3] = ["secrets", "cache", "checkout"];
/// What agents give `git clone` and `git fetch` when nobody says otherwise; a depth is added to it.
const CLONE_FLAGS: &str = "-v";
/// The same for `git fetch`.
const FETCH_FLAGS: &str = "-v --prune";

/// The step as its agent reads it. A signed one goes back as it came, with all that its signature is over: the agent checks it against
/// the job. Nothing that the pipeline says for all steps is added to such a one, for nobody has signed that.
pub(super) fn given(work: &CommandWork) -> Map<String, Value> {
    if let Some(Value::Object(signed)) = work.passed_on.get(SIGNED_STEP) {
        return signed.clone();
    }
    let parts = work.passed_on.iter().filter(|(name, value)| READ.contains(&name.as_str()) && !value.is_null());
    parts.map(|(name, value)| (name.clone(), value.clone())).collect()
}

/// How the step is to be checked out, in the variables that agents know for it. Whether an agent follows them is its operator's choice.
pub(super) fn check_out(env: &mut Variables, work: &CommandWork) {
    let Some(checkout) = work.passed_on.get("checkout") else { return };
    let flag = |name: &str| checkout.get(name).and_then(Value::as_bool);
    let words = |value: &Value| match value {
        Value::String(text) => Some(text.clone()),
        Value::Array(list) => Some(list.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" ")),
        _ => None,
    };
    for (name, variable) in [
        ("skip", "BUILDKITE_SKIP_CHECKOUT"),
        ("submodules", "BUILDKITE_GIT_SUBMODULES"),
        ("lfs", "BUILDKITE_GIT_LFS_ENABLED"),
    ] {
        env.set_some(variable, flag(name));
    }
    let depth = checkout.get("depth").and_then(Value::as_u64).filter(|depth| *depth > 0);
    for (name, variable, usual) in [
        ("clone", "BUILDKITE_GIT_CLONE_FLAGS", Some(CLONE_FLAGS)),
        ("fetch", "BUILDKITE_GIT_FETCH_FLAGS", Some(FETCH_FLAGS)),
        ("checkout", "BUILDKITE_GIT_CHECKOUT_FLAGS", None),
        ("clean", "BUILDKITE_GIT_CLEAN_FLAGS", None),
    ] {
        let said = checkout.get("flags").and_then(|flags| flags.get(name)).and_then(words);
        let flags = match (said, usual, depth) {
            (said, Some(usual), Some(depth)) => Some(format!("{} --depth={depth}", said.as_deref().unwrap_or(usual))),
            (said, ..) => said,
        };
        env.set_some(variable, flags);
    }
    let paths = checkout.get("sparse").and_then(|sparse| sparse.get("paths")).and_then(Value::as_array);
    let paths = paths.map(|paths| paths.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(","));
    env.set_some("BUILDKITE_GIT_SPARSE_CHECKOUT_PATHS", paths);
}
