//! The grammar of conditions. Loosest first: `||`, `&&`, one comparison, `!`, brackets.

use super::regex::Regex;
use super::words::{self, Placed, Word};
use crate::{pipeline::MAX_CONDITION_DEPTH, plan::Fact, text::shown};

/// What can be asked about a build. Only these have a value; one that the build does not have is null.
pub(super) const VARIABLES: [&str; 39] = [
    "build.author.email",
    "build.author.id",
    "build.author.name",
    "build.author.teams",
    "build.branch",
    "build.commit",
    "build.creator.email",
    "build.creator.id",
    "build.creator.name",
    "build.creator.teams",
    "build.creator.verified",
    "build.id",
    "build.merge_queue.base_branch",
    "build.merge_queue.base_commit",
    "build.message",
    "build.number",
    "build.pull_request.base_branch",
    "build.pull_request.draft",
    "build.pull_request.id",
    "build.pull_request.label",
    "build.pull_request.labels",
    "build.pull_request.number",
    "build.pull_request.repository",
    "build.pull_request.repository.fork",
    "build.pull_request.title",
    "build.source",
    "build.source_event",
    "build.state",
    "build.tag",
    "organization.id",
    "organization.name",
    "organization.slug",
    "pipeline.default_branch",
    "pipeline.id",
    "pipeline.name",
    "pipeline.repository",
    "pipeline.slug",
    "pipeline.started_failing",
    "pipeline.started_passing",
];

/// An expression.
#[derive(Debug)]
pub(super) enum Expression {
    /// One of them holds.
    Any(Vec<Expression>),
    /// Each of them holds.
    All(Vec<Expression>),
    Not(Box<Expression>),
    /// Two values are equal, or are not.
    Equal {
        is: bool,
        left: Box<Expression>,
        right: Box<Expression>,
    },
    /// A text matches, or does not.
    Match {
        is: bool,
        left: Box<Expression>,
        regex: Box<Regex>,
    },
    /// A list has a text.
    Includes {
        left: Box<Expression>,
        right: Box<Expression>,
    },
    Literal {
        value: Fact,
        at: usize,
    },
    Variable {
        name: String,
        at: usize,
    },
    /// `build.env("NAME")`.
    Env {
        name: String,
        at: usize,
    },
}

/// Gives a pattern with flags as a compiled expression.
pub(super) type Compile<'a> = &'a mut dyn FnMut(&str, &str) -> Result<Regex, String>;

/// Reads an expression.
pub(super) fn read(text: &str, compile: Compile<'_>) -> Result<Expression, String> {
    let words = words::read(text)?;
    if words.is_empty() {
        return Err("is empty; write a condition such as build.branch == \"main\", or take it out".to_owned());
    }
    let mut reading = Reading { words: &words, compile };
    let expression = reading.any(1)?;
    match reading.words.first() {
        None => Ok(expression),
        Some(Placed { word: Word::Mark(mark @ ("==" | "!=" | "=~" | "!~")), at }) => {
            Err(format!("has a second comparison, '{mark}' at character {at}; put one of them in brackets"))
        }
        Some(placed) => Err(format!("has {} where the condition should end", named(placed))),
    }
}

struct Reading<'a, 'c> {
    words: &'a [Placed],
    compile: Compile<'c>,
}

impl<'a> Reading<'a, '_> {
    fn next(&mut self) -> Option<&'a Placed> {
        let (first, rest) = self.words.split_first()?;
        self.words = rest;
        Some(first)
    }

    fn take(&mut self, mark: &str) -> bool {
        let found = matches!(self.words.first(), Some(Placed { word: Word::Mark(it), .. }) if *it == mark);
        if found {
            self.words = &self.words[1..];
        }
        found
    }

    fn any(&mut self, depth: usize) -> Result<Expression, String> {
        let mut all = vec![self.all(depth)?];
        while self.take("||") {
            all.push(self.all(depth)?);
        }
        Ok(if all.len() == 1 { all.remove(0) } else { Expression::Any(all) })
    }

    fn all(&mut self, depth: usize) -> Result<Expression, String> {
        let mut all = vec![self.comparison(depth)?];
        while self.take("&&") {
            all.push(self.comparison(depth)?);
        }
        Ok(if all.len() == 1 { all.remove(0) } else { Expression::All(all) })
    }

    fn comparison(&mut self, depth: usize) -> Result<Expression, String> {
        let left = Box::new(self.operand(depth)?);
        for is in [true, false] {
            if self.take(if is { "==" } else { "!=" }) {
                return Ok(Expression::Equal { is, left, right: Box::new(self.operand(depth)?) });
            }
            if self.take(if is { "=~" } else { "!~" }) {
                return match self.next() {
                    Some(Placed { word: Word::Regex { pattern, flags }, at }) => {
                        let regex =
                            (self.compile)(pattern, flags).map_err(|problem| format!("{problem} (character {at})"))?;
                        Ok(Expression::Match { is, left, regex: Box::new(regex) })
                    }
                    Some(placed) => {
                        Err(format!("has {} where a regular expression such as /main/ should be", named(placed)))
                    }
                    None => Err("ends where a regular expression such as /main/ should be".to_owned()),
                };
            }
        }
        if matches!(self.words.first(), Some(Placed { word: Word::Name(name), .. }) if name == "includes") {
            self.words = &self.words[1..];
            return Ok(Expression::Includes { left, right: Box::new(self.operand(depth)?) });
        }
        Ok(*left)
    }

    fn operand(&mut self, depth: usize) -> Result<Expression, String> {
        let Some(placed) = self.next() else {
            return Err("ends where a value should be, such as build.branch or \"main\"".to_owned());
        };
        let at = placed.at;
        if depth > MAX_CONDITION_DEPTH {
            return Err(format!(
                "has more than {MAX_CONDITION_DEPTH} brackets and '!' inside each other, at character {at}"
            ));
        }
        match &placed.word {
            Word::Text(text) => Ok(Expression::Literal { value: Fact::Text(text.clone()), at }),
            Word::Number(number) => Ok(Expression::Literal { value: Fact::Number(*number), at }),
            Word::Name(name) => self.name(name, at),
            Word::Mark("!") => Ok(Expression::Not(Box::new(self.operand(depth + 1)?))),
            Word::Mark("(") => {
                let inner = self.any(depth + 1)?;
                if self.take(")") { Ok(inner) } else { Err(format!("has no ')' for the '(' at character {at}")) }
            }
            Word::Regex { .. } => {
                Err(format!("has a regular expression at character {at}, which belongs behind '=~' or '!~'"))
            }
            Word::Mark(_) => Err(format!("has {} where a value should be", named(placed))),
        }
    }

    fn name(&mut self, name: &str, at: usize) -> Result<Expression, String> {
        let literal = |value| Ok(Expression::Literal { value, at });
        match name {
            "true" => literal(Fact::Bool(true)),
            "false" => literal(Fact::Bool(false)),
            "null" | "nil" => literal(Fact::Null),
            "build.env" | "env" => match self.words {
                [
                    Placed { word: Word::Mark("("), .. },
                    Placed { word: Word::Text(name), .. },
                    Placed { word: Word::Mark(")"), .. },
                    rest @ ..,
                ] => {
                    self.words = rest;
                    Ok(Expression::Env { name: name.clone(), at })
                }
                _ => {
                    Err(format!("has '{name}' at character {at} without a variable's name; write build.env(\"NAME\")"))
                }
            },
            _ if VARIABLES.contains(&name) => Ok(Expression::Variable { name: name.to_owned(), at }),
            _ => Err(format!(
                "has '{}' at character {at}, which is no variable; texts stand in quotation marks",
                shown(name)
            )),
        }
    }
}

fn named(placed: &Placed) -> String {
    let what = match &placed.word {
        Word::Name(name) => format!("'{}'", shown(name)),
        Word::Text(_) => "a text".to_owned(),
        Word::Number(number) => format!("'{number}'"),
        Word::Regex { .. } => "a regular expression".to_owned(),
        Word::Mark(mark) => format!("'{mark}'"),
    };
    format!("{what} at character {}", placed.at)
}
