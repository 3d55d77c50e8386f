//! Limits of a document's shape.

use async_graphql::Positioned;
use async_graphql::parser::types::{Directive, ExecutableDocument, Selection, SelectionSet};

use super::{MAX_ALIASES, MAX_DIRECTIVES, TooMuch};

#[derive(Default)]
struct Counts {
    aliases: usize,
    directives: usize,
}

/// # Errors
/// [`TooMuch`] for too many aliases or directives.
pub(super) fn check(document: &ExecutableDocument) -> Result<(), TooMuch> {
    let mut counts = Counts::default();
    for (_, operation) in document.operations.iter() {
        counts.directives += operation.node.directives.len();
        for variable in &operation.node.variable_definitions {
            counts.directives += variable.node.directives.len();
        }
        counts.add(&operation.node.selection_set);
    }
    for fragment in document.fragments.values() {
        counts.directives += fragment.node.directives.len();
        counts.add(&fragment.node.selection_set);
    }
    if counts.aliases > MAX_ALIASES {
        let have = counts.aliases;
        return Err(TooMuch(format!("The query has {have} aliases; at most {MAX_ALIASES} are possible.")));
    }
    if counts.directives > MAX_DIRECTIVES {
        let have = counts.directives;
        return Err(TooMuch(format!("The query has {have} directives; at most {MAX_DIRECTIVES} are possible.")));
    }
    Ok(())
}

impl Counts {
    /// Goes no deeper than the parser went, and into no fragment twice.
    fn add(&mut self, set: &Positioned<SelectionSet>) {
        for selection in &set.node.items {
            match &selection.node {
                Selection::Field(field) => {
                    self.aliases += usize::from(field.node.alias.is_some());
                    self.add_directives(&field.node.directives);
                    self.add(&field.node.selection_set);
                }
                Selection::FragmentSpread(spread) => self.add_directives(&spread.node.directives),
                Selection::InlineFragment(fragment) => {
                    self.add_directives(&fragment.node.directives);
                    self.add(&fragment.node.selection_set);
                }
            }
        }
    }

    fn add_directives(&mut self, directives: &[Positioned<Directive>]) {
        self.directives += directives.len();
    }
}
