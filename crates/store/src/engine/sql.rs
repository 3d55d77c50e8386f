//! One SQL text per query, and what each engine makes of it.
//!
//! A text uses `$1` to `$N`, each at least once, in any order. A *verb* is a comment that an engine may act on:
//!
//! | verb | PostgreSQL | SQLite, whose one writer is alone |
//! |---|---|---|
//! | `/*lock:share*/` | `FOR SHARE` | nothing |
//! | `/*lock:update*/` | `FOR UPDATE` | nothing |
//! | `/*lock:skip*/` | `FOR UPDATE SKIP LOCKED` | nothing |
//! | `/*plan:filter*/` | nothing | `+`: the column behind it leads by no index, and rows found by another one are compared with it |
//!
//! SQLite, which knows nothing of how many rows there are, takes an index on `organization_id` to lead to a dozen. PostgreSQL has counted them.

use std::{
    collections::HashMap,
    sync::{Arc, OnceLock, PoisonError, RwLock},
};

use super::error::StoreError;

/// A statement: its name for messages and its text for both engines. Declare them with [`statements!`](macro@crate::statements).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sql {
    /// Module and name, such as `countersign_store::tokens::REVOKE`.
    pub name: &'static str,
    /// The text, with `$1`-style parameters and verbs.
    pub text: &'static str,
}

/// Declares the statements of a module as constants, and `ALL` with every one of them, which a test prepares on both engines.
///
/// ```
/// countersign_store::statements! {
///     /// Takes a token back, once.
///     REVOKE = "UPDATE tokens SET revoked_at = $2 WHERE id = $1 AND revoked_at IS NULL";
/// }
/// assert_eq!(ALL, &[REVOKE]);
/// ```
#[macro_export]
macro_rules! statements {
    ($($(#[$doc:meta])* $name:ident = $text:expr;)*) => {
        $(
            $(#[$doc])*
            pub const $name: $crate::Sql =
                $crate::Sql { name: concat!(module_path!(), "::", stringify!($name)), text: $text };
        )*
        /// Every statement of this module.
        pub const ALL: &[$crate::Sql] = &[$($name),*];
    };
}

/// The two dialects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dialect {
    Sqlite,
    Postgres,
}

/// A statement as one engine reads it.
#[derive(Debug)]
pub(super) struct Translated {
    pub(super) text: String,
    /// How many distinct parameters the text has: `$1` to `$N` without a gap.
    pub(super) parameters: usize,
    /// The names of the answer's columns, known after the first run.
    columns: OnceLock<Arc<[String]>>,
}

impl Translated {
    /// The names of the answer's columns; `names` is asked the first time, and again if their number has changed.
    pub(super) fn columns(&self, count: usize, names: impl FnOnce() -> Vec<String>) -> Arc<[String]> {
        match self.columns.get() {
            Some(known) if known.len() == count => Arc::clone(known),
            Some(_) => names().into(),
            None => Arc::clone(self.columns.get_or_init(|| names().into())),
        }
    }
}

/// The translations of one engine, made once per statement.
#[derive(Debug)]
pub(super) struct Translations {
    dialect: Dialect,
    // By address: a text is `'static`, and hashing two words is cheaper than hashing the text.
    known: RwLock<HashMap<(usize, usize), Arc<Translated>>>,
}

impl Translations {
    pub(super) fn new(dialect: Dialect) -> Self {
        Self { dialect, known: RwLock::default() }
    }

    /// The statement in this engine's words.
    ///
    /// # Errors
    /// [`StoreError::Internal`] when the parameters have a gap, a verb is unknown, or `values` of them are not what it takes.
    pub(super) fn get(&self, sql: Sql, values: usize) -> Result<Arc<Translated>, StoreError> {
        let translated = self.any(sql)?;
        if translated.parameters != values {
            let takes = translated.parameters;
            return Err(StoreError::Internal(format!("{} takes {takes} values, but was given {values}", sql.name)));
        }
        Ok(translated)
    }

    /// The statement in this engine's words, whatever it takes.
    ///
    /// # Errors
    /// [`StoreError::Internal`] when the parameters have a gap or a verb is unknown.
    pub(super) fn any(&self, sql: Sql) -> Result<Arc<Translated>, StoreError> {
        let key = (sql.text.as_ptr() as usize, sql.text.len());
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner).get(&key).cloned();
        if let Some(known) = known {
            return Ok(known);
        }
        let made =
            translate(sql.text, self.dialect).map_err(|why| StoreError::Internal(format!("{}: {why}", sql.name)))?;
        let made = Arc::new(made);
        self.known.write().unwrap_or_else(PoisonError::into_inner).insert(key, Arc::clone(&made));
        Ok(made)
    }
}

/// Rewrites one text. Literals, quoted names and comments that are no verbs stay as they are.
fn translate(text: &str, dialect: Dialect) -> Result<Translated, String> {
    let mut out = String::with_capacity(text.len() + 16);
    let mut seen = Vec::<bool>::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let taken = match first {
            '\'' | '"' => quoted(rest, first)?,
            '-' if rest.starts_with("--") => rest.find('\n').unwrap_or(rest.len()),
            '/' if rest.starts_with("/*") => rest.find("*/").ok_or("a comment has no end")? + 2,
            '$' => 1 + rest[1..].bytes().take_while(u8::is_ascii_digit).count(),
            '?' if dialect == Dialect::Sqlite => return Err("write parameters as $1, not ?".into()),
            other => other.len_utf8(),
        };
        let (token, after) = rest.split_at(taken);
        rest = after;
        if let Some(verb) = token.strip_prefix("/*plan:").and_then(|verb| verb.strip_suffix("*/")) {
            if verb != "filter" {
                return Err(format!("plan:{verb} is no verb; use filter"));
            }
            if dialect == Dialect::Sqlite {
                out.push('+');
            }
        } else if let Some(verb) = token.strip_prefix("/*lock:").and_then(|verb| verb.strip_suffix("*/")) {
            let clause = match verb {
                "share" => "FOR SHARE",
                "update" => "FOR UPDATE",
                "skip" => "FOR UPDATE SKIP LOCKED",
                other => return Err(format!("lock:{other} is no verb; use share, update or skip")),
            };
            if dialect == Dialect::Postgres {
                out.push_str(clause);
            }
        } else if first == '$' {
            let number: usize = token[1..].parse().map_err(|_| "a $ has no number")?;
            if number == 0 || number > PARAMETERS_MAX {
                return Err(format!("parameter ${number} is not one of $1 to ${PARAMETERS_MAX}"));
            }
            seen.resize(seen.len().max(number), false);
            seen[number - 1] = true;
            // To SQLite `$1` is a name, numbered by first use; `?1` is what PostgreSQL means by `$1`.
            out.push(if dialect == Dialect::Sqlite { '?' } else { '$' });
            out.push_str(&token[1..]);
        } else {
            out.push_str(token);
        }
    }
    match seen.iter().position(|seen| !seen) {
        Some(gap) => Err(format!("parameter ${} is never used", gap + 1)),
        None => Ok(Translated { text: out, parameters: seen.len(), columns: OnceLock::new() }),
    }
}

/// The most parameters that a statement may have. PostgreSQL stops at 65535, SQLite at 32766.
const PARAMETERS_MAX: usize = 1_000;

/// The length of a quoted token, quotes included; a doubled quote stands for itself.
fn quoted(text: &str, quote: char) -> Result<usize, String> {
    let mut from = 1;
    while let Some(at) = text[from..].find(quote) {
        from += at + 1;
        if !text[from..].starts_with(quote) {
            return Ok(from);
        }
        from += 1;
    }
    Err(format!("a {quote} has no end"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn both(text: &str) -> (String, String, usize) {
        let sqlite = translate(text, Dialect::Sqlite).expect("translates for SQLite");
        let postgres = translate(text, Dialect::Postgres).expect("translates for PostgreSQL");
        assert_eq!(sqlite.parameters, postgres.parameters);
        (sqlite.text, postgres.text, sqlite.parameters)
    }

    #[test]
    fn parameters_keep_their_numbers() {
        let (sqlite, postgres, count) = both("SELECT $2, $1, $2, $10 FROM (SELECT $3,$4,$5,$6,$7,$8,$9) x");
        assert_eq!(sqlite, "SELECT ?2, ?1, ?2, ?10 FROM (SELECT ?3,?4,?5,?6,?7,?8,?9) x");
        assert_eq!(postgres, "SELECT $2, $1, $2, $10 FROM (SELECT $3,$4,$5,$6,$7,$8,$9) x");
        assert_eq!(count, 10);
    }

    #[test]
    fn verbs_become_locks_on_postgres_only() {
        let (sqlite, postgres, _) = both("SELECT 1 FROM t /*lock:share*/");
        assert_eq!((sqlite.as_str(), postgres.as_str()), ("SELECT 1 FROM t ", "SELECT 1 FROM t FOR SHARE"));
        assert!(both("SELECT 1 FROM t /*lock:update*/").1.ends_with("FOR UPDATE"));
        assert!(both("SELECT 1 FROM t /*lock:skip*/").1.ends_with("FOR UPDATE SKIP LOCKED"));
        assert!(translate("SELECT 1 /*lock:nowait*/", Dialect::Sqlite).is_err());
    }

    #[test]
    fn a_column_that_only_filters_leads_by_no_index_on_sqlite() {
        let (sqlite, postgres, _) = both("SELECT 1 FROM t WHERE /*plan:filter*/a = $1");
        assert_eq!(
            (sqlite.as_str(), postgres.as_str()),
            ("SELECT 1 FROM t WHERE +a = ?1", "SELECT 1 FROM t WHERE a = $1")
        );
        assert!(translate("SELECT 1 WHERE /*plan:lead*/a = $1", Dialect::Postgres).is_err());
    }

    #[test]
    fn literals_names_and_comments_are_left_alone() {
        let text = "SELECT 'it''s $9 /*lock:share*/', \"a$8\" -- $7\n, /* $6 */ $1, 'ü'";
        let (sqlite, postgres, count) = both(text);
        assert_eq!(sqlite, text.replace("$1", "?1"));
        assert_eq!(postgres, text);
        assert_eq!(count, 1);
    }

    #[test]
    fn mistakes_are_named() {
        for (text, said) in [
            ("SELECT $1, $3", "$2 is never used"),
            ("SELECT $0", "$0 is not one of"),
            ("SELECT $", "no number"),
            ("SELECT 'a", "no end"),
            ("SELECT /* a", "no end"),
            ("SELECT ?", "not ?"),
        ] {
            let error = translate(text, Dialect::Sqlite).expect_err(text);
            assert!(error.contains(said), "{text}: {error}");
        }
    }

    #[test]
    fn a_wrong_number_of_values_is_caught() {
        let sql = Sql { name: "test::ONE", text: "SELECT $1" };
        for dialect in [Dialect::Sqlite, Dialect::Postgres] {
            let translations = Translations::new(dialect);
            assert!(translations.get(sql, 1).is_ok());
            assert_eq!(
                translations.get(sql, 2).expect_err("two values"),
                StoreError::Internal("test::ONE takes 1 values, but was given 2".into())
            );
        }
    }
}
