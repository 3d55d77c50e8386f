//! Regular expressions of strangers: matched in linear time, compiled within bounds, and with a bound on what all matches of one pipeline cost.
//!
//! Linear time alone is not enough: a match takes as long as its text times its program, and both are the stranger's.

use std::collections::HashMap;

use regex_automata::{meta, util::syntax};

use crate::pipeline::{MAX_MATCHED, MAX_REGEX};

/// Most bytes of a compiled expression: 256 KiB, so that hundreds of them compile in a second.
const MAX_PROGRAM: usize = 256 * 1024;
/// Most bytes that matching may keep for its next steps: 1 MiB.
const MAX_CACHE: usize = 1024 * 1024;
/// Deepest nesting of groups and classes.
const MAX_NESTING: u32 = 32;
/// What the matches of one pipeline, or of one answer to a block, may cost together: bytes of text times bytes of program. At worst, with
/// programs that keep every state alive, that is a few tenths of a second.
const BUDGET: u64 = 512 * 1024 * 1024;

/// A regular expression.
#[derive(Debug, Clone)]
pub(crate) struct Regex {
    program: meta::Regex,
    /// As it was written, for whoever remembers what matched.
    written: (String, String),
}

impl Regex {
    /// Compiles an expression; `flags` may hold `i`. `Err` says what is wrong with it; it reads on from the field's name.
    pub(crate) fn compile(pattern: &str, flags: &str) -> Result<Self, String> {
        if pattern.len() > MAX_REGEX {
            return Err(format!(
                "has a regular expression of {} bytes; at most {MAX_REGEX} are possible",
                pattern.len()
            ));
        }
        if let Some(unknown) = flags.chars().find(|flag| *flag != 'i') {
            return Err(format!(
                "has a regular expression with the flag '{}'; only 'i' is offered",
                unknown.escape_debug()
            ));
        }
        Self::within(pattern, pattern, flags)
    }

    /// The same for a text that is to match as a whole.
    pub(crate) fn compile_whole(pattern: &str) -> Result<Self, String> {
        // Read by itself first: what is put around it must not change what it means.
        Self::compile(pattern, "")?;
        Self::within(&format!("^(?:{pattern})$"), pattern, "")
    }

    fn within(program: &str, pattern: &str, flags: &str) -> Result<Self, String> {
        let program = meta::Builder::new()
            .configure(meta::Config::new().nfa_size_limit(Some(MAX_PROGRAM)).hybrid_cache_capacity(MAX_CACHE))
            .syntax(syntax::Config::new().case_insensitive(!flags.is_empty()).nest_limit(MAX_NESTING))
            .build(program)
            .map_err(|error| match error.syntax_error() {
                _ if error.size_limit().is_some() => {
                    "has a regular expression that is too large once it is compiled".to_owned()
                }
                // The last line says what is wrong; those before draw a picture of it.
                Some(error) => {
                    let text = error.to_string();
                    let last = text.lines().last().unwrap_or_default().trim();
                    let problem = last.strip_prefix("error: ").unwrap_or(last);
                    format!("has a regular expression that cannot be read: {problem}")
                }
                None => format!("has a regular expression that cannot be used: {error}"),
            })?;
        Ok(Self { program, written: (pattern.to_owned(), flags.to_owned()) })
    }

    /// What a look at a text costs at worst.
    fn price(&self, text: &str) -> u64 {
        let size = |size: usize| u64::try_from(size).unwrap_or(u64::MAX);
        size(text.len()).saturating_add(1).saturating_mul(size(self.program.memory_usage()))
    }
}

/// What has been matched already, and what may still be spent.
#[derive(Debug)]
pub(crate) struct Matches {
    left: u64,
    known: HashMap<(String, String), HashMap<String, bool>>,
}

impl Default for Matches {
    fn default() -> Self {
        Self { left: BUDGET, known: HashMap::new() }
    }
}

impl Matches {
    /// Whether the text matches. `Err` says that it is too long, or that too much has been matched; it reads on from the field's name.
    pub(crate) fn is_match(&mut self, regex: &Regex, text: &str) -> Result<bool, String> {
        if text.len() > MAX_MATCHED {
            return Err(format!(
                "matches a text of {} bytes with a regular expression; at most {MAX_MATCHED} are possible",
                text.len()
            ));
        }
        if let Some(known) = self.known.get(&regex.written).and_then(|texts| texts.get(text)) {
            return Ok(*known);
        }
        let left = self.left.checked_sub(regex.price(text));
        self.left =
            left.ok_or("needs more matching with regular expressions than a pipeline may; use fewer, or simpler ones")?;
        let matches = regex.program.is_match(text);
        self.known.entry(regex.written.clone()).or_default().insert(text.to_owned(), matches);
        Ok(matches)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn matches_are_as_one_expects() {
        let mut matches = Matches::default();
        for (pattern, flags, text, expected) in [
            ("^release/", "", "release/1", true),
            ("^release/", "", "Release/1", false),
            ("^release/", "i", "Release/1", true),
            (r"^\w+@\w+\.example$", "", "jørn@havn.example", true),
            ("", "", "", true),
        ] {
            let regex = Regex::compile(pattern, flags).expect("an expression");
            // Asked twice: once worked out, once remembered.
            for _ in 0..2 {
                assert_eq!(matches.is_match(&regex, text), Ok(expected), "{pattern} {text}");
            }
        }
    }

    #[test]
    fn what_is_asked_again_costs_nothing() {
        let regex = Regex::compile("[ab]*a[ab]{300}[^ab]", "").expect("an expression");
        let mut matches = Matches::default();
        matches.is_match(&regex, &"ab".repeat(1_000)).expect("an answer");
        let left = matches.left;
        assert!(left < BUDGET);
        for _ in 0..10_000 {
            matches.is_match(&regex, &"ab".repeat(1_000)).expect("an answer");
        }
        assert_eq!(matches.left, left);
    }

    #[test]
    fn the_cost_of_all_matches_is_bounded() {
        // Each text is another, so that nothing is remembered; the worst expressions that compile.
        let regex = Regex::compile("[ab]*a[ab]{900}[^ab]", "").expect("an expression");
        let mut matches = Matches::default();
        let answered =
            (0..1_000).take_while(|n| matches.is_match(&regex, &format!("{n}{}", "ab".repeat(2_000))).is_ok()).count();
        assert!((1..100).contains(&answered), "{answered} were answered");
        let why = matches.is_match(&regex, &"b".repeat(MAX_MATCHED)).expect_err("no more");
        assert!(why.contains("fewer, or simpler"), "{why}");
        let why = Matches::default().is_match(&regex, &"b".repeat(MAX_MATCHED + 1)).expect_err("too long");
        assert!(why.contains("at most 4096 are possible"), "{why}");
    }
}
