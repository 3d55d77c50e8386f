//! What the page about pipelines shows is what the reader takes.

use super::*;

const PAGE: &str = include_str!("../../../../../docs/pipelines.md");

/// The texts between ```` ```yaml ```` and ```` ``` ````.
fn examples() -> Vec<&'static str> {
    PAGE.split("```yaml\n").skip(1).filter_map(|rest| rest.split("```").next()).collect()
}

#[test]
fn each_example_is_a_pipeline_with_a_plan() {
    let examples = examples();
    assert!(examples.len() >= 8, "only {} examples", examples.len());
    for example in examples {
        if let Err(error) = read_in(example, &situation()) {
            panic!("{example}\n{error}");
        }
    }
}

#[test]
fn each_limit_is_there() {
    for (name, limit) in [
        ("steps", MAX_STEPS),
        ("jobs", MAX_JOBS),
        ("uploaded jobs", MAX_UPLOADED_JOBS),
        ("aliases", MAX_ALIASES),
        ("values", MAX_NODES),
        ("values of aliases", MAX_ALIASED),
        ("dependencies", MAX_DEPENDENCIES),
        ("variables", MAX_ENV),
        ("condition", MAX_CONDITION),
        ("regular expressions", MAX_REGEXES),
        ("matrix", MAX_MATRIX_JOBS),
    ] {
        let digits = limit.to_string();
        let written = digits
            .as_bytes()
            .rchunks(3)
            .rev()
            .map(|chunk| String::from_utf8_lossy(chunk))
            .collect::<Vec<_>>()
            .join(",");
        assert!(PAGE.contains(&written), "the limit of {name}, {written}, is not on the page");
    }
}
