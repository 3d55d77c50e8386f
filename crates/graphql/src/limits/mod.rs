//! What a document may cost. All of it is found before anything is executed, and in time that grows with the text only.
//!
//! ```text
//! text: size, brackets → parse → document: aliases, directives, root changes → cost: depth, selections, points → budget
//! ```

mod actual;
mod budget;
mod cost;
mod document;
mod introspection;
mod shapes;
mod text;
mod told;

use std::time::Duration;

use async_graphql::parser::types::ExecutableDocument;

pub use budget::{Allowance, INVITATION};

pub(crate) use actual::actual;
pub(crate) use budget::{Budget, Exhausted, Spender, Spent, Standing};
pub(crate) use cost::Cost;
pub(crate) use shapes::Shapes;
pub(crate) use told::Told;

/// The most bytes of a document.
pub const MAX_TEXT: usize = 64 * 1024;
/// The most brackets that may be open at once in a document: the parser's stack is not endless.
pub const MAX_BRACKETS: usize = 64;
/// The most levels of fields. The usual introspection query has 15.
pub const MAX_DEPTH: usize = 16;
/// The most selections inside selections, fragments counted as they are gone through: whoever follows them needs stack.
pub const MAX_NESTING: usize = 32;
/// The most points that a document may ask for, as in Buildkite's API.
pub const MAX_COMPLEXITY: u64 = 50_000;
/// The most aliases in a document.
pub const MAX_ALIASES: usize = 100;
/// The most directives in a document.
pub const MAX_DIRECTIVES: usize = 50;
/// The most changes in one document.
pub const MAX_ROOT_MUTATIONS: usize = 20;
/// The most fields in a document, those of a fragment counted wherever it is used.
pub const MAX_SELECTIONS: u64 = 2_000;
/// The most values, scalars too, that a document may ask for.
pub const MAX_VALUES: u64 = 1_000_000;
/// What looking at the schema costs, in points, for each `__schema` and `__type`.
pub const INTROSPECTION_COST: u64 = 1_000;
/// How many entries a connection is taken to have when neither `first` nor `last` is given.
pub const DEFAULT_PAGE: u64 = countersign_control::MAX_PAGE as u64;
/// How many entries a list without pages is taken to have.
pub const ASSUMED_LIST: u64 = 10;
/// The most bytes of runs' configurations, tags, events and logs' names in one answer.
pub const MAX_TOLD: usize = 8 * 1024 * 1024;
/// How long the answer to a document may take.
pub const EXECUTION_TIME: Duration = Duration::from_secs(5);

/// A document asks for too much. The text says of what, and how much may be asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TooMuch(pub String);

/// Why a document is not executed.
#[derive(Debug)]
pub(crate) enum Unfit {
    TooMuch(TooMuch),
    /// Not GraphQL; what is wrong, and where.
    Syntax(String, Option<async_graphql::Pos>),
}

/// Reads a document, if that can be done without harm.
pub(crate) fn read(query: &str) -> Result<ExecutableDocument, Unfit> {
    text::check(query).map_err(Unfit::TooMuch)?;
    let document = async_graphql::parser::parse_query(query).map_err(|error| {
        let place = error.positions().next();
        Unfit::Syntax(text::words(&error, place), place)
    })?;
    document::check(&document).map_err(Unfit::TooMuch)?;
    Ok(document)
}
