//! What a document may be, found before anything is executed and in time that grows with its text only.

mod fragments;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use async_graphql::parser::types::{
    ExecutableDocument, FieldDefinition, OperationType, Selection, SelectionSet, ServiceDocument, TypeKind,
    TypeSystemDefinition,
};
use async_graphql::parser::{parse_query, parse_schema};
use async_graphql::{Positioned, Request, Variables};
use countersign_http::{deepest_bracket, holds_a_token};
use hashlink::LruCache;
use serde::Deserialize;
use serde_json::Value;

use crate::failure::Failure;

pub use fragments::MAX_FRAGMENTS;

/// The most bytes of a document; the longest that an agent sends has some 600.
const MAX_TEXT: usize = 16 * 1024;
/// The most brackets that may be open at once: the parser's stack is not endless.
const MAX_BRACKETS: usize = 32;
/// The most levels of fields.
pub(crate) const MAX_DEPTH: usize = 8;
/// The most fields; what an agent sends has at most ten.
pub(crate) const MAX_FIELDS: usize = 100;
/// The most directives at one field.
pub(crate) const MAX_DIRECTIVES: usize = 4;

/// How many documents are kept as they were read; an agent sends two dozen different ones.
const MAX_KNOWN: usize = 64;
/// The most bytes of a document that is kept: as it was read, one takes some hundred times as many.
const MAX_KNOWN_TEXT: usize = 2 * 1024;

/// The fields below which others stand that are calls of their own.
const NAMESPACES: [&str; 4] = ["userCloudAgent", "runs", "eventLogs", "schedules"];

/// The body of a call. Other keys are passed over.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Asked {
    query: Option<String>,
    variables: Option<Value>,
    operation_name: Option<String>,
}

/// The fields of an object, each with its type.
type Fields = BTreeMap<String, String>;

/// The fields of the query and of the mutation that there are here, and those below the ones that hold others.
#[derive(Debug, Default)]
pub(crate) struct Offered {
    query: BTreeMap<String, Fields>,
    mutation: BTreeMap<String, Fields>,
}

impl Offered {
    /// Those of a schema, from its text.
    pub(crate) fn of(sdl: &str) -> Self {
        let Ok(ServiceDocument { definitions }) = parse_schema(sdl) else { return Self::default() };
        let mut objects: BTreeMap<String, Fields> = BTreeMap::new();
        for definition in definitions {
            let TypeSystemDefinition::Type(definition) = definition else { continue };
            let TypeKind::Object(object) = definition.node.kind else { continue };
            let typed = |field: Positioned<FieldDefinition>| {
                let kind = field.node.ty.node.to_string();
                (field.node.name.node.to_string(), kind.trim_end_matches('!').to_owned())
            };
            objects.insert(definition.node.name.node.to_string(), object.fields.into_iter().map(typed).collect());
        }
        let below = |(field, kind): (&String, &String)| {
            let is_namespace = NAMESPACES.contains(&field.as_str());
            let fields = objects.get(kind).filter(|_| is_namespace).cloned().unwrap_or_default();
            (field.clone(), fields)
        };
        let root = |name: &str| objects.get(name).into_iter().flatten().map(below).collect();
        Self { query: root("Query"), mutation: root("Mutation") }
    }

    /// The first field of a document that there is none of, below which operation.
    fn missing(&self, document: &ExecutableDocument) -> Option<Failure> {
        document.operations.iter().find_map(|(name, operation)| {
            let nothing = BTreeMap::new();
            let offered = match operation.node.ty {
                OperationType::Query => &self.query,
                OperationType::Mutation => &self.mutation,
                OperationType::Subscription => &nothing,
            };
            let field = first_unknown(&operation.node.selection_set.node, offered)?;
            let operation = name.map(|name| shown(name.as_str())).unwrap_or_default();
            Some(Failure::NotOffered { operation, field: shown(&field) })
        })
    }
}

/// A name of a document as it is repeated: a token's value is a name as the language has it.
fn shown(name: &str) -> String {
    if holds_a_token(name) { "a_token_value".to_owned() } else { name.to_owned() }
}

/// The first field that is not offered; one below a field that holds others with that one's name before it.
fn first_unknown(set: &SelectionSet, offered: &BTreeMap<String, Fields>) -> Option<String> {
    set.items.iter().find_map(|selection| match &selection.node {
        Selection::Field(field) => {
            let name = field.node.name.node.as_str();
            let below = &field.node.selection_set.node;
            match offered.get(name) {
                None if name == "__typename" => None,
                Some(fields) if NAMESPACES.contains(&name) => {
                    let it = first(below, &|it| it != "__typename" && !fields.contains_key(it))?;
                    Some(format!("{name}.{it}"))
                }
                Some(_) => None,
                None if NAMESPACES.contains(&name) => {
                    Some(first(below, &|_| true).map_or_else(|| name.to_owned(), |it| format!("{name}.{it}")))
                }
                None => Some(name.to_owned()),
            }
        }
        Selection::InlineFragment(inner) => first_unknown(&inner.node.selection_set.node, offered),
        Selection::FragmentSpread(_) => None,
    })
}

/// The first field that is like this.
fn first<'a>(set: &'a SelectionSet, is_it: &dyn Fn(&str) -> bool) -> Option<&'a str> {
    set.items.iter().find_map(|selection| match &selection.node {
        Selection::Field(field) => Some(field.node.name.node.as_str()).filter(|name| is_it(name)),
        Selection::InlineFragment(inner) => first(&inner.node.selection_set.node, is_it),
        Selection::FragmentSpread(_) => None,
    })
}

/// Documents that were found in order. Programs send the same few again and again, an agent one of them twice a second, and to read one costs more
/// than to answer it.
pub(crate) struct Known {
    offered: Offered,
    read: Mutex<LruCache<String, Arc<ExecutableDocument>>>,
}

impl Known {
    /// None yet, of a schema with this text.
    pub(crate) fn of(sdl: &str) -> Self {
        Self { offered: Offered::of(sdl), read: Mutex::new(LruCache::new(MAX_KNOWN)) }
    }

    /// The document with this text, if it may be executed.
    fn read(&self, query: &str) -> Result<ExecutableDocument, Failure> {
        let known = self.read.lock().unwrap_or_else(PoisonError::into_inner).get(query).cloned();
        if let Some(document) = known {
            return Ok(ExecutableDocument::clone(&document));
        }
        let document = parsed(query, &self.offered)?;
        // What somebody wrote into a text by mistake does not stay.
        if query.len() <= MAX_KNOWN_TEXT && !holds_a_token(query) {
            let kept = Arc::new(document.clone());
            self.read.lock().unwrap_or_else(PoisonError::into_inner).insert(query.to_owned(), kept);
        }
        Ok(document)
    }
}

/// A call that may be executed.
///
/// # Errors
/// [`Failure::Document`] for one that may not, [`Failure::NotOffered`] for one that asks for what there is not.
pub(crate) fn read(asked: Asked, known: &Known) -> Result<Request, Failure> {
    let refused = |why: &str| Err(Failure::Document(why.to_owned()));
    let Some(query) = asked.query.filter(|query| !query.trim().is_empty()) else {
        return refused("The body has no `query`: send {\"query\": \"…\"}.");
    };
    let variables = match asked.variables {
        None | Some(Value::Null) => Variables::default(),
        Some(variables @ Value::Object(_)) => Variables::from_json(variables),
        Some(_) => return refused("`variables` must be a JSON object."),
    };
    let document = known.read(&query)?;
    let mut request = Request::new(query).variables(variables);
    if let Some(operation) = asked.operation_name.filter(|name| !name.is_empty()) {
        request = request.operation_name(operation);
    }
    request.set_parsed_query(document);
    Ok(request)
}

fn parsed(query: &str, offered: &Offered) -> Result<ExecutableDocument, Failure> {
    let refused = |why: String| Err(Failure::Document(why));
    if query.len() > MAX_TEXT {
        return refused(format!("The query is longer than {MAX_TEXT} bytes, the most there may be."));
    }
    if deepest_bracket(query) > MAX_BRACKETS {
        return refused(format!("The query has more than {MAX_BRACKETS} brackets open at once."));
    }
    // The parser's own words show the line, and a token's value may stand in it.
    let mut document = match parse_query(query) {
        Ok(document) => document,
        Err(error) => {
            let place = error.positions().next().map(|at| format!(" at line {}, column {}", at.line, at.column));
            return refused(format!("The query cannot be read: syntax error{}.", place.unwrap_or_default()));
        }
    };
    fragments::write_out(&mut document).map_err(Failure::Document)?;
    if let Some(missing) = offered.missing(&document) {
        return Err(missing);
    }
    if !document.operations.iter().all(|(_, operation)| is_one_call(&operation.node.selection_set.node)) {
        return refused("More than one call stands in the query; send one document for each.".to_owned());
    }
    if let Some(name) =
        document.operations.iter().find_map(|(_, it)| repeated(&it.node.selection_set.node, &mut Vec::new()))
    {
        return refused(format!("The field `{}` is asked for more than once at one place.", shown(&name)));
    }
    Ok(document)
}

/// Whether one thing is asked or done: one field, and one beneath a field that holds others. A document is counted and charged as one call, so it
/// holds no more.
fn is_one_call(selection: &SelectionSet) -> bool {
    let [only] = selection.items.as_slice() else { return false };
    match &only.node {
        Selection::Field(field) if NAMESPACES.contains(&field.node.name.node.as_str()) => {
            matches!(field.node.selection_set.node.items.as_slice(), [one] if matches!(one.node, Selection::Field(_)))
        }
        Selection::Field(_) => true,
        Selection::FragmentSpread(_) | Selection::InlineFragment(_) => false,
    }
}

/// A field that a selection asks for twice, by whatever alias. No program of Dagster's does, and what is below a list would be done as often
/// for each of its entries: a value revealed, its audit row written.
fn repeated(set: &SelectionSet, above: &mut Vec<String>) -> Option<String> {
    let before = above.len();
    let found = set.items.iter().find_map(|selection| match &selection.node {
        Selection::Field(field) => {
            let name = field.node.name.node.as_str();
            if name != "__typename" && above.iter().any(|it| it == name) {
                return Some(name.to_owned());
            }
            above.push(name.to_owned());
            repeated(&field.node.selection_set.node, &mut Vec::new())
        }
        _ => None,
    });
    // Of two types only one is answered with, so each has fields of its own; of one type there is one part.
    let mut types: Vec<Option<&str>> = Vec::new();
    let found = found.or_else(|| {
        set.items.iter().find_map(|selection| match &selection.node {
            Selection::InlineFragment(inner) => {
                let on = inner.node.type_condition.as_ref().map(|on| on.node.on.node.as_str());
                if on.is_none() || types.contains(&on) {
                    return Some(on.unwrap_or("...").to_owned());
                }
                types.push(on);
                repeated(&inner.node.selection_set.node, above)
            }
            _ => None,
        })
    });
    above.truncate(before);
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(query: &str, variables: Value) -> String {
        let asked = Asked { query: Some(query.to_owned()), variables: Some(variables), operation_name: None };
        let known = Known::of(
            "type Query { agents: [Int] runs: R! } type Mutation { make: Int userCloudAgent: C }
             type R { a: Int } type C { addAgentHeartbeats: Int }",
        );
        match read(asked, &known) {
            Ok(_) => String::new(),
            Err(failure) => failure.to_string(),
        }
    }

    #[test]
    fn what_is_not_taken_is_named() {
        assert_eq!(words("{ agents { id } }", Value::Null), "");
        for (query, said) in [
            (" ", "has no `query`"),
            ("{ agents { id }", "syntax error at line 1"),
            ("{ ...F } fragment F on Query { agents { id } }", "More than one call"),
            ("{ agents { ...F } } fragment F on A { b { ...F } }", "a fragment that names a fragment"),
            ("{ agents { ...F id } } fragment F on A { id }", "`id` is asked for more than once"),
            ("{ runs { __typename a } }", "More than one call"),
            ("{ agents { id } again: agents { id } }", "More than one call"),
            (
                "mutation { userCloudAgent { a: addAgentHeartbeats { ok } b: addAgentHeartbeats { ok } } }",
                "More than one call",
            ),
            ("{ ... { agents { id } } }", "More than one call"),
            ("{ agents { id again: id } }", "`id` is asked for more than once"),
            ("{ agents { a { x } b: a { x } } }", "`a` is asked for more than once"),
            ("{ agents { ... on A { x } ... on A { y } } }", "`A` is asked for more than once"),
            ("{ agents { x ... on A { x } } }", "`x` is asked for more than once"),
            (&"{ a".repeat(40), "brackets"),
            (&"#".repeat(MAX_TEXT + 1), "longer than"),
        ] {
            assert!(words(query, Value::Null).contains(said), "{query}: {}", words(query, Value::Null));
        }
        assert!(words("{ agents { id } }", serde_json::json!([])).contains("`variables`"));
        assert!(!words("{ a(b: \"hunter2\" }", Value::Null).contains("hunter2"));
        for (query, said) in [
            ("mutation Set { agents }", "Set: `agents` is not offered"),
            ("{ __typename ... on Query { __schema { types } } }", "`__schema` is not offered"),
            ("query A { agents } query B { walks }", "B: `walks` is not offered"),
            ("query B { runs { b } }", "B: `runs.b` is not offered"),
            ("mutation B { runs { b } }", "B: `runs.b` is not offered"),
            ("query B { schedules { jobState(id: 1) { x } } }", "B: `schedules.jobState` is not offered"),
            ("mutation B { userCloudAgent { ... { b } } }", "B: `userCloudAgent.b` is not offered"),
            ("subscription { agents }", "`agents` is not offered"),
        ] {
            assert!(words(query, Value::Null).starts_with(said), "{query}: {}", words(query, Value::Null));
        }
        assert_eq!(words("mutation { make }", Value::Null), "");
        assert_eq!(words("query A { runs { a { ...F } } } fragment F on A { x y }", Value::Null), "");
        let union = "{ agents { __typename ... on A { __typename x } ... on B { x y { x } } } }";
        assert_eq!(words(union, Value::Null), "");
    }

    #[test]
    fn what_was_read_is_read_once_and_the_oldest_is_forgotten() {
        let known = Known::of("type Query { agents: [Int] }");
        let count = || known.read.lock().expect("no panic").len();
        let first = known.read("{ agents { id } }").expect("a document");
        assert_eq!(count(), 1);
        let other = Arc::new(parse_query("{ agents { other } }").expect("a document"));
        known.read.lock().expect("no panic").insert("{ agents { id } }".to_owned(), other);
        let again = known.read("{ agents { id } }").expect("what is kept");
        assert_ne!(format!("{:?}", first.operations), format!("{:?}", again.operations), "it is not read again");
        assert!(known.read("{ runs }").is_err());
        assert_eq!(count(), 1, "what is refused is not kept");
        known.read(&format!("{{ agents {{ id }} }} #{}", "x".repeat(MAX_KNOWN_TEXT))).expect("a document");
        assert_eq!(count(), 1, "nor what is long");
        for number in 0..MAX_KNOWN {
            known.read(&format!("{{ agents {{ id a{number} }} }}")).expect("a document");
        }
        assert_eq!(count(), MAX_KNOWN);
        assert!(!known.read.lock().expect("no panic").contains_key("{ agents { id } }"));
    }
}
