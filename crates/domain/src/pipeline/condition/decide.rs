//! What a condition comes to.

use std::{borrow::Cow, cell::RefCell};

use super::{grammar::Expression, regex::Matches};
use crate::{
    pipeline::Env,
    plan::{Fact, Situation},
    text::shown,
};

/// Whether the expression holds; `Err` says what it cannot be decided on, and where. Recursion is bounded by the grammar.
pub(super) fn holds(
    expression: &Expression,
    situation: &Situation,
    env: &Env,
    matches: &RefCell<Matches>,
) -> Result<bool, String> {
    Decision { situation, env, matches }.holds(expression)
}

struct Decision<'a> {
    situation: &'a Situation,
    env: &'a Env,
    matches: &'a RefCell<Matches>,
}

impl Decision<'_> {
    fn holds(&self, expression: &Expression) -> Result<bool, String> {
        match expression {
            Expression::Any(all) => {
                for one in all {
                    if self.holds(one)? {
                        return Ok(true);
                    }
                }
                Ok(false)
            }
            Expression::All(all) => {
                for one in all {
                    if !self.holds(one)? {
                        return Ok(false);
                    }
                }
                Ok(true)
            }
            Expression::Not(inner) => Ok(!self.holds(inner)?),
            Expression::Equal { is, left, right } => Ok((self.value(left)? == self.value(right)?) == *is),
            Expression::Match { is, left, regex } => match self.value(left)?.as_ref() {
                Fact::Text(text) => Ok(self.matches.borrow_mut().is_match(regex, text)? == *is),
                Fact::Null => Ok(!is),
                other => {
                    Err(format!("matches {} with a regular expression{}; only a text can be", kind(other), place(left)))
                }
            },
            Expression::Includes { left, right } => {
                let right = self.value(right)?;
                match (self.value(left)?.as_ref(), right.as_ref()) {
                    (Fact::List(list), Fact::Text(text)) => Ok(list.contains(text)),
                    (Fact::List(_) | Fact::Null, Fact::Null) | (Fact::Null, Fact::Text(_)) => Ok(false),
                    (Fact::List(_) | Fact::Null, other) => {
                        Err(format!("looks for {} with 'includes'; only a text can be looked for", kind(other)))
                    }
                    (other, _) => Err(format!(
                        "has {} before 'includes'{}; only a list can stand there",
                        kind(other),
                        place(left)
                    )),
                }
            }
            Expression::Literal { .. } | Expression::Variable { .. } | Expression::Env { .. } => {
                match self.value(expression)?.as_ref() {
                    Fact::Bool(is) => Ok(*is),
                    Fact::Null => Ok(false),
                    other => Err(format!(
                        "has {}{} where true or false is needed; compare it with something",
                        kind(other),
                        place(expression)
                    )),
                }
            }
        }
    }

    fn value<'e>(&'e self, expression: &'e Expression) -> Result<Cow<'e, Fact>, String> {
        match expression {
            Expression::Literal { value, .. } => Ok(Cow::Borrowed(value)),
            Expression::Variable { name, .. } => {
                Ok(self.situation.facts.get(name).map_or(Cow::Owned(Fact::Null), Cow::Borrowed))
            }
            Expression::Env { name, .. } => {
                let value = self.situation.env.get(name).or_else(|| self.env.get(name));
                Ok(Cow::Owned(value.map_or(Fact::Null, |value| Fact::Text(value.clone()))))
            }
            _ => Ok(Cow::Owned(Fact::Bool(self.holds(expression)?))),
        }
    }
}

fn kind(fact: &Fact) -> &'static str {
    match fact {
        Fact::Null => "nothing",
        Fact::Bool(_) => "true or false",
        Fact::Number(_) => "a number",
        Fact::Text(_) => "a text",
        Fact::List(_) => "a list",
    }
}

fn place(expression: &Expression) -> String {
    match expression {
        Expression::Literal { at, .. } => format!(" at character {at}"),
        Expression::Variable { name, at } => format!(" ('{name}' at character {at})"),
        Expression::Env { name, at } => format!(" (build.env(\"{}\") at character {at})", shown(name)),
        _ => String::new(),
    }
}
