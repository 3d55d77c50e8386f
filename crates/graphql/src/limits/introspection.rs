//! What looking at the schema costs, and where it may not go.

use async_graphql::Positioned;
use async_graphql::parser::types::{ExecutableDocument, Selection, SelectionSet};

use super::cost::Cost;
use super::{INTROSPECTION_COST, MAX_NESTING, MAX_SELECTIONS, TooMuch};

/// The lists of the schema of the schema. Each may stand once on a way down: the usual query does no more, and what goes round in
/// them grows without end.
const LISTS: [&str; 8] =
    ["types", "fields", "inputFields", "args", "interfaces", "possibleTypes", "enumValues", "directives"];

fn down<'a>(
    set: &'a Positioned<SelectionSet>,
    way: &mut Vec<&'a str>,
    document: &'a ExecutableDocument,
    steps: usize,
) -> Result<Cost, TooMuch> {
    if steps > MAX_NESTING {
        return Err(TooMuch(format!("The query has more than {MAX_NESTING} selections inside one another.")));
    }
    let mut sum = Cost::default();
    for selection in &set.node.items {
        let cost = match &selection.node {
            Selection::Field(field) => {
                let name = field.node.name.node.as_str();
                let is_list = LISTS.contains(&name);
                if is_list && way.contains(&name) {
                    return Err(TooMuch(format!("The query goes round in the schema: {name} stands inside {name}.")));
                }
                if is_list {
                    way.push(name);
                }
                let cost = down(&field.node.selection_set, way, document, steps + 1)?;
                if is_list {
                    way.pop();
                }
                cost.under(0, 1)
            }
            Selection::InlineFragment(fragment) => {
                down(&fragment.node.selection_set, way, document, steps + 1)?.and(Cost::STEP)
            }
            Selection::FragmentSpread(spread) => match document.fragments.get(&spread.node.fragment_name.node) {
                Some(fragment) => down(&fragment.node.selection_set, way, document, steps + 1)?.and(Cost::STEP),
                None => Cost::STEP,
            },
        };
        sum = sum.and(cost);
        if sum.selections > MAX_SELECTIONS {
            return Err(TooMuch(format!("The query has more than {MAX_SELECTIONS} fields, the most there may be.")));
        }
    }
    Ok(sum)
}

/// What `__schema` or `__type` costs with what is selected of it.
///
/// # Errors
/// [`TooMuch`] for a selection that goes round in the schema.
pub(super) fn cost(set: &Positioned<SelectionSet>, document: &ExecutableDocument) -> Result<Cost, TooMuch> {
    Ok(down(set, &mut Vec::new(), document, 0)?.under(INTROSPECTION_COST, 1))
}
