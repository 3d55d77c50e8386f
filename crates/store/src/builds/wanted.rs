//! Which builds are wanted.

use countersign_domain::Timestamp;
use countersign_domain::build::BuildState;
use countersign_domain::id::{Id, OrganizationId, UserId};

use crate::{Value, params};

use super::Pipeline;

/// Stands before and behind each name of a list.
const BETWEEN: &str = "\n";

/// Which of the organization's builds are wanted. What is empty lets every build through.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    /// Of this pipeline.
    pub pipeline: Option<Id<Pipeline>>,
    /// In one of these states.
    pub states: Vec<BuildState>,
    /// On one of these branches. No name holds a line break.
    pub branches: Vec<String>,
    /// Of one of these commits. No name holds a line break.
    pub commits: Vec<String>,
    /// Made by this person.
    pub creator: Option<UserId>,
    /// Made then or later.
    pub created_from: Option<Timestamp>,
    /// Made then or earlier.
    pub created_to: Option<Timestamp>,
}

impl Wanted {
    /// Whether only such are wanted that have not ended.
    pub(super) fn is_under_way(&self) -> bool {
        !self.states.is_empty() && self.states.iter().all(|state| !state.is_finished())
    }

    /// Whether an index knows all that are wanted: those that have not ended, and all, perhaps of one pipeline.
    pub(super) fn is_known_by_index(&self) -> bool {
        let is_narrowed = !self.states.is_empty()
            || !self.branches.is_empty()
            || !self.commits.is_empty()
            || self.creator.is_some()
            || self.created_from.is_some()
            || self.created_to.is_some();
        !is_narrowed || self.is_under_way()
    }

    /// The first values of a statement that looks for them.
    pub(super) fn values(&self, of: OrganizationId) -> Vec<Value> {
        params![
            of,
            lines(self.states.iter().map(|state| state.as_str())),
            lines(self.branches.iter().map(String::as_str)),
            lines(self.commits.iter().map(String::as_str)),
            self.created_from.map_or(i64::MIN, Timestamp::as_micros),
            self.created_to.map_or(i64::MAX, Timestamp::as_micros),
            BETWEEN,
            self.creator.is_none(),
            self.creator.unwrap_or_else(Id::nil),
        ]
        .to_vec()
    }
}

fn lines<'a>(names: impl Iterator<Item = &'a str>) -> String {
    names.fold(String::new(), |text, name| {
        if text.is_empty() { format!("{BETWEEN}{name}{BETWEEN}") } else { format!("{text}{name}{BETWEEN}") }
    })
}
