//! Conditions: `if: build.branch == "main" && build.message !~ /skip/i`.
//!
//! ```text
//! text → words (words.rs) → expression, of bounded depth (grammar.rs) → true or false (decide.rs)
//! ```

mod decide;
mod grammar;
pub(crate) mod regex;
mod words;

use std::{cell::RefCell, collections::HashMap, sync::Arc};

use self::{
    grammar::Expression,
    regex::{Matches, Regex},
};
use super::{MAX_CONDITION, MAX_REGEXES};
use crate::plan::Situation;

/// A condition, read.
#[derive(Debug, Clone)]
pub(super) struct Condition {
    /// As it was written.
    pub text: Arc<str>,
    expression: Arc<Expression>,
}

/// Reads the conditions of one pipeline. Equal ones are read once.
#[derive(Debug, Default)]
pub(super) struct Reader {
    known: HashMap<Arc<str>, Arc<Expression>>,
    regexes: HashMap<(String, String), Regex>,
}

impl Reader {
    /// Reads a condition; `Err` says what is wrong, and where.
    pub fn read(&mut self, text: &str) -> Result<Condition, String> {
        if let Some((text, expression)) = self.known.get_key_value(text) {
            return Ok(Condition { text: Arc::clone(text), expression: Arc::clone(expression) });
        }
        if text.len() > MAX_CONDITION {
            return Err(format!("has {} bytes; at most {MAX_CONDITION} are possible", text.len()));
        }
        let expression = Arc::new(grammar::read(text, &mut |pattern, flags| self.regexes(pattern, flags))?);
        let text: Arc<str> = text.into();
        self.known.insert(Arc::clone(&text), Arc::clone(&expression));
        Ok(Condition { text, expression })
    }

    fn regexes(&mut self, pattern: &str, flags: &str) -> Result<Regex, String> {
        let key = (pattern.to_owned(), flags.to_owned());
        if let Some(known) = self.regexes.get(&key) {
            return Ok(known.clone());
        }
        if self.regexes.len() == MAX_REGEXES {
            return Err(format!("is one regular expression too many; a pipeline may have {MAX_REGEXES}"));
        }
        let made = Regex::compile(pattern, flags)?;
        self.regexes.insert(key, made.clone());
        Ok(made)
    }
}

/// Decides the conditions of one pipeline. Equal ones are decided once.
pub(super) struct Judge<'a> {
    situation: &'a Situation,
    env: &'a super::Env,
    decided: HashMap<Arc<str>, bool>,
    matches: RefCell<Matches>,
}

impl<'a> Judge<'a> {
    /// `env` is asked for variables that the build does not set.
    pub fn new(situation: &'a Situation, env: &'a super::Env) -> Self {
        Self { situation, env, decided: HashMap::new(), matches: RefCell::default() }
    }

    /// Whether the condition holds; `Err` says what cannot be decided, and where.
    pub fn holds(&mut self, condition: &Condition) -> Result<bool, String> {
        if let Some(decided) = self.decided.get(&condition.text) {
            return Ok(*decided);
        }
        let holds = decide::holds(&condition.expression, self.situation, self.env, &self.matches)?;
        self.decided.insert(Arc::clone(&condition.text), holds);
        Ok(holds)
    }
}

#[cfg(test)]
mod tests;
