//! Fragments, written out where they are named, so that what is counted is what is executed.

use std::collections::HashMap;

use async_graphql::parser::types::{
    DocumentOperations, ExecutableDocument, FragmentDefinition, InlineFragment, Selection, SelectionSet,
};
use async_graphql::{Name, Positioned};

/// The most fragments of a document, and the most places that name one; what agents send has one of each.
pub const MAX_FRAGMENTS: usize = 8;

type Fragments = HashMap<Name, Positioned<FragmentDefinition>>;

/// Writes the fragments of a document out.
///
/// # Errors
/// Words for the sender: too many, or one that names another, for those that name each other twice would make a short text a long one.
pub(super) fn write_out(document: &mut ExecutableDocument) -> Result<(), String> {
    let fragments = std::mem::take(&mut document.fragments);
    if fragments.len() > MAX_FRAGMENTS {
        return Err(format!("The query has more than {MAX_FRAGMENTS} fragments; write their fields out."));
    }
    if fragments.values().any(|it| names_one(&it.node.selection_set.node)) {
        return Err("The query has a fragment that names a fragment; write its fields out.".to_owned());
    }
    let mut left = MAX_FRAGMENTS;
    match &mut document.operations {
        DocumentOperations::Single(one) => replace(&mut one.node.selection_set.node, &fragments, &mut left),
        DocumentOperations::Multiple(all) => {
            all.values_mut().try_for_each(|one| replace(&mut one.node.selection_set.node, &fragments, &mut left))
        }
    }
}

fn names_one(set: &SelectionSet) -> bool {
    set.items.iter().any(|selection| match &selection.node {
        Selection::Field(field) => names_one(&field.node.selection_set.node),
        Selection::InlineFragment(inner) => names_one(&inner.node.selection_set.node),
        Selection::FragmentSpread(_) => true,
    })
}

fn replace(set: &mut SelectionSet, fragments: &Fragments, left: &mut usize) -> Result<(), String> {
    for selection in &mut set.items {
        match &mut selection.node {
            Selection::Field(field) => replace(&mut field.node.selection_set.node, fragments, left)?,
            Selection::InlineFragment(inner) => replace(&mut inner.node.selection_set.node, fragments, left)?,
            Selection::FragmentSpread(spread) => {
                // One that there is none of is refused where the document is compared with the schema.
                let Some(found) = fragments.get(&spread.node.fragment_name.node) else { continue };
                *left = left.checked_sub(1).ok_or_else(|| {
                    format!("The query names fragments more than {MAX_FRAGMENTS} times; write them out.")
                })?;
                let inner = InlineFragment {
                    type_condition: Some(found.node.type_condition.clone()),
                    directives: spread.node.directives.clone(),
                    selection_set: found.node.selection_set.clone(),
                };
                selection.node = Selection::InlineFragment(Positioned::new(inner, spread.pos));
            }
        }
    }
    Ok(())
}
