//! What a document asks for, in points: objects, interfaces and unions cost 1, scalars and enums nothing, and what stands under the
//! edges of a connection is multiplied by `first` or `last`. This is Buildkite's way of counting.

use std::collections::HashMap;
use std::convert::Infallible;

use async_graphql::parser::types::{
    ExecutableDocument, Field, OperationDefinition, OperationType, Selection, SelectionSet,
};
use async_graphql::{Name, Positioned, Value, Variables};

use super::introspection;
use super::{
    ASSUMED_LIST, DEFAULT_PAGE, MAX_COMPLEXITY, MAX_DEPTH, MAX_NESTING, MAX_ROOT_MUTATIONS, MAX_SELECTIONS, MAX_VALUES,
    Shapes, TooMuch,
};

/// What a part of a document asks for. Every number is held at its end instead of going over it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Cost {
    /// Buildkite's points.
    pub points: u64,
    /// Values, scalars too.
    values: u64,
    /// Fields as they stand in the text, those of a fragment wherever it is used.
    pub(super) selections: u64,
    /// Levels of fields.
    depth: usize,
    /// Selections inside selections.
    nesting: usize,
    /// Fields at the top.
    roots: u64,
}

impl Cost {
    /// What going through a fragment costs, even one without fields: whoever expands the document goes the same way.
    pub(super) const STEP: Self = Self { points: 0, values: 0, selections: 1, depth: 0, nesting: 0, roots: 0 };

    pub(super) fn and(self, other: Self) -> Self {
        Self {
            points: self.points.saturating_add(other.points),
            values: self.values.saturating_add(other.values),
            selections: self.selections.saturating_add(other.selections),
            depth: self.depth.max(other.depth),
            nesting: self.nesting.max(other.nesting),
            roots: self.roots.saturating_add(other.roots),
        }
    }

    /// What a field costs whose entries cost this.
    pub(super) fn under(self, own: u64, times: u64) -> Self {
        Self {
            points: self.points.saturating_mul(times).saturating_add(own),
            values: self.values.saturating_mul(times).saturating_add(1),
            selections: self.selections.saturating_add(1),
            depth: self.depth.saturating_add(1),
            nesting: self.nesting,
            roots: 1,
        }
    }

    /// What the whole document costs, if it asks for no more than it may.
    ///
    /// # Errors
    /// [`TooMuch`].
    pub(crate) fn of(
        document: &ExecutableDocument,
        operation: Option<&str>,
        variables: &Variables,
        shapes: &Shapes,
    ) -> Result<Self, TooMuch> {
        let mut asked = Self::default();
        let mut selections = 0_u64;
        let too_many = || TooMuch(format!("The query has more than {MAX_SELECTIONS} fields, the most there may be."));
        for (name, definition) in document.operations.iter() {
            let cost = Counting::new(document, &definition.node, variables, shapes).operation()?;
            selections = selections.saturating_add(cost.selections);
            if selections > MAX_SELECTIONS {
                return Err(too_many());
            }
            if cost.depth > MAX_DEPTH {
                return Err(TooMuch(format!(
                    "Query has depth of {}, which exceeds max depth of {MAX_DEPTH}",
                    cost.depth
                )));
            }
            if definition.node.ty == OperationType::Mutation && cost.roots > MAX_ROOT_MUTATIONS as u64 {
                let have = cost.roots;
                return Err(TooMuch(format!(
                    "The query has {have} changes; at most {MAX_ROOT_MUTATIONS} are possible."
                )));
            }
            // Of several operations the one that is named will be executed; of one that has a name, that one.
            if operation.is_none() || name.map(Name::as_str) == operation {
                asked = cost;
            }
        }
        if asked.points > MAX_COMPLEXITY {
            let have = asked.points;
            return Err(TooMuch(format!(
                "Query has complexity of {have}, which exceeds max complexity of {MAX_COMPLEXITY}"
            )));
        }
        if asked.values > MAX_VALUES {
            let have = asked.values;
            return Err(TooMuch(format!("The query asks for up to {have} values; at most {MAX_VALUES} are possible.")));
        }
        Ok(asked)
    }
}

struct Counting<'a> {
    document: &'a ExecutableDocument,
    operation: &'a OperationDefinition,
    variables: &'a Variables,
    shapes: &'a Shapes,
    /// Each fragment is counted once for each page size that it stands under; none while it is being counted.
    fragments: HashMap<(&'a str, u64), Option<Cost>>,
    /// How many selections are open while this counts.
    open: usize,
}

impl<'a> Counting<'a> {
    fn new(
        document: &'a ExecutableDocument,
        operation: &'a OperationDefinition,
        variables: &'a Variables,
        shapes: &'a Shapes,
    ) -> Self {
        Self { document, operation, variables, shapes, fragments: HashMap::new(), open: 0 }
    }

    fn operation(&mut self) -> Result<Cost, TooMuch> {
        let root = match self.operation.ty {
            OperationType::Mutation => "Mutation",
            OperationType::Query | OperationType::Subscription => "Query",
        };
        let cost = self.set(&self.operation.selection_set, root, 1)?;
        // The validation also looks at fragments that nothing uses.
        for name in self.document.fragments.keys() {
            if self.fragment(name.as_str(), 1)?.selections > MAX_SELECTIONS {
                return Err(TooMuch(format!("The fragment {name} has more than {MAX_SELECTIONS} fields.")));
            }
        }
        Ok(cost)
    }

    /// The cost of a selection on a type. `page`: the entries of the connection that this stands in.
    fn set(&mut self, set: &'a Positioned<SelectionSet>, on: &str, page: u64) -> Result<Cost, TooMuch> {
        // A field without a selection has an empty one.
        if set.node.items.is_empty() {
            return Ok(Cost::default());
        }
        self.open += 1;
        let mut sum = Cost::default();
        if self.open > MAX_NESTING {
            return Err(too_nested());
        }
        for selection in &set.node.items {
            let cost = match &selection.node {
                Selection::Field(field) => self.field(&field.node, on, page)?,
                Selection::InlineFragment(fragment) => {
                    let condition = fragment.node.type_condition.as_ref();
                    let on = condition.map_or(on, |condition| condition.node.on.node.as_str());
                    self.set(&fragment.node.selection_set, on, page)?.and(Cost::STEP)
                }
                Selection::FragmentSpread(spread) => {
                    self.fragment(spread.node.fragment_name.node.as_str(), page)?.and(Cost::STEP)
                }
            };
            sum = sum.and(cost);
        }
        self.open -= 1;
        sum.nesting += 1;
        // A fragment that was counted before can hide how deep it is.
        if sum.nesting > MAX_NESTING { Err(too_nested()) } else { Ok(sum) }
    }

    fn fragment(&mut self, name: &'a str, page: u64) -> Result<Cost, TooMuch> {
        match self.fragments.get(&(name, page)) {
            Some(Some(known)) => return Ok(*known),
            Some(None) => return Err(TooMuch(format!("The fragment {name} uses itself."))),
            None => {}
        }
        // An unknown fragment is for the validation to complain about.
        let Some(fragment) = self.document.fragments.get(name) else { return Ok(Cost::default()) };
        self.fragments.insert((name, page), None);
        let on = fragment.node.type_condition.node.on.node.as_str();
        let cost = self.set(&fragment.node.selection_set, on, page)?;
        self.fragments.insert((name, page), Some(cost));
        Ok(cost)
    }

    fn field(&mut self, field: &'a Field, on: &str, page: u64) -> Result<Cost, TooMuch> {
        let name = field.name.node.as_str();
        if name == "__schema" || name == "__type" {
            return introspection::cost(&field.selection_set, self.document);
        }
        let Some(shape) = self.shapes.field(on, name).cloned() else {
            return Ok(self.set(&field.selection_set, "", 1)?.under(0, 1));
        };
        if shape.is_connection() {
            let entries = self.page(field);
            return Ok(self.set(&field.selection_set, &shape.returns, entries)?.under(1, 1));
        }
        let times = match (shape.is_list, shape.is_paged) {
            (false, _) => 1,
            (true, true) => self.page(field),
            // The edges of a connection are as many as its page.
            (true, false) if name == "edges" => page,
            (true, false) => ASSUMED_LIST,
        };
        // A list of objects costs its entries; an edge is no object of its own.
        let entry = self.set(&field.selection_set, &shape.returns, 1)?;
        let each = u64::from(shape.is_list && name != "edges");
        Ok(Cost { points: entry.points.saturating_add(each), ..entry }.under(u64::from(each == 0), times))
    }

    /// How many entries a field asks for.
    fn page(&self, field: &Field) -> u64 {
        let asked = ["first", "last"].into_iter().filter_map(|name| field.get_argument(name));
        let known = asked.filter_map(|value| value.node.clone().into_const_with(|name| self.variable(&name)).ok());
        known.filter_map(as_number).max().unwrap_or(DEFAULT_PAGE).min(DEFAULT_PAGE)
    }

    /// A variable, or its default. One that has neither is null.
    fn variable(&self, name: &Name) -> Result<Value, Infallible> {
        let defaults = || {
            let it = self.operation.variable_definitions.iter().find(|it| it.node.name.node == *name)?;
            it.node.default_value.as_ref().map(|value| value.node.clone())
        };
        Ok(self.variables.get(name).cloned().or_else(defaults).unwrap_or_default())
    }
}

fn too_nested() -> TooMuch {
    TooMuch(format!("The query has more than {MAX_NESTING} selections inside one another."))
}

/// Null and what is no number are as if nothing was asked; what is below 0 is refused later on.
fn as_number(value: Value) -> Option<u64> {
    match value {
        Value::Number(number) => Some(number.as_u64().unwrap_or(0)),
        _ => None,
    }
}
