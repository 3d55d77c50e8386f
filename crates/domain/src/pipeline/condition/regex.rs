//! Regular expressions of strangers: matched in linear time, compiled within bounds.

use regex::{Regex, RegexBuilder};

use crate::pipeline::MAX_REGEX;

/// Most bytes of a compiled expression: 256 KiB, so that hundreds of them compile in a second.
const MAX_PROGRAM: usize = 256 * 1024;
/// Most bytes that matching may keep for its next steps: 1 MiB.
const MAX_CACHE: usize = 1024 * 1024;
/// Deepest nesting of groups and classes.
const MAX_NESTING: u32 = 32;

/// Compiles an expression; `flags` may hold `i`. `Err` says what is wrong with it; it reads on from the field's name.
pub(in crate::pipeline) fn compile(pattern: &str, flags: &str) -> Result<Regex, String> {
    if pattern.len() > MAX_REGEX {
        return Err(format!("has a regular expression of {} bytes; at most {MAX_REGEX} are possible", pattern.len()));
    }
    if let Some(unknown) = flags.chars().find(|flag| *flag != 'i') {
        return Err(format!(
            "has a regular expression with the flag '{}'; only 'i' is offered",
            unknown.escape_debug()
        ));
    }
    let mut builder = RegexBuilder::new(pattern);
    builder
        .case_insensitive(!flags.is_empty())
        .size_limit(MAX_PROGRAM)
        .dfa_size_limit(MAX_CACHE)
        .nest_limit(MAX_NESTING);
    builder.build().map_err(|error| match error {
        regex::Error::CompiledTooBig(_) => "has a regular expression that is too large once it is compiled".to_owned(),
        // The last line says what is wrong; those before draw a picture of it.
        other => {
            let text = other.to_string();
            let last = text.lines().last().unwrap_or_default().trim();
            format!("has a regular expression that cannot be read: {}", last.strip_prefix("error: ").unwrap_or(last))
        }
    })
}
