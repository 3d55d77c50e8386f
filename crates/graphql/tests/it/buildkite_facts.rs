//! Every fact of Buildkite's schema that this server takes over is the same here: names, nullability, arguments, defaults, deprecations.

use std::collections::BTreeMap;

use async_graphql::Positioned;
use async_graphql::parser::parse_schema;
use async_graphql::parser::types::{
    ConstDirective, FieldDefinition, InputValueDefinition, TypeDefinition, TypeKind, TypeSystemDefinition,
};

/// Each fact as a line, so that a difference can be read.
fn facts(sdl: &str) -> BTreeMap<String, String> {
    let mut facts = BTreeMap::new();
    for definition in parse_schema(sdl).expect("a schema").definitions {
        if let TypeSystemDefinition::Type(it) = definition {
            add_type(&mut facts, &it.node);
        }
    }
    facts
}

fn add_type(facts: &mut BTreeMap<String, String>, it: &TypeDefinition) {
    let name = it.name.node.as_str();
    match &it.kind {
        TypeKind::Scalar => add(facts, name, "scalar"),
        TypeKind::Object(object) => {
            add(facts, name, "type");
            for interface in &object.implements {
                add(facts, &format!("{name} implements {}", interface.node), "yes");
            }
            add_fields(facts, name, &object.fields);
        }
        TypeKind::Interface(interface) => {
            add(facts, name, "interface");
            add_fields(facts, name, &interface.fields);
        }
        TypeKind::Union(union) => {
            add(facts, name, "union");
            for member in &union.members {
                add(facts, &format!("{name} has {}", member.node), "yes");
            }
        }
        TypeKind::Enum(values) => {
            add(facts, name, "enum");
            for value in &values.values {
                add(facts, &format!("{name}.{}", value.node.value.node), deprecated(&value.node.directives));
            }
        }
        TypeKind::InputObject(input) => {
            add(facts, name, "input");
            for field in &input.fields {
                add_value(facts, name, &field.node);
            }
        }
    }
}

fn add_fields(facts: &mut BTreeMap<String, String>, of: &str, fields: &[Positioned<FieldDefinition>]) {
    for field in fields {
        let path = format!("{of}.{}", field.node.name.node);
        let fact = format!("{}{}", field.node.ty.node, deprecated(&field.node.directives));
        add(facts, &path, &fact);
        for argument in &field.node.arguments {
            add_value(facts, &path, &argument.node);
        }
    }
}

fn add_value(facts: &mut BTreeMap<String, String>, of: &str, value: &InputValueDefinition) {
    let default = value.default_value.as_ref().map(|value| format!(" = {}", value.node)).unwrap_or_default();
    add(facts, &format!("{of}({})", value.name.node), &format!("{}{default}", value.ty.node));
}

fn deprecated(directives: &[Positioned<ConstDirective>]) -> &'static str {
    if directives.iter().any(|it| it.node.name.node == "deprecated") { " deprecated" } else { "" }
}

fn add(facts: &mut BTreeMap<String, String>, path: &str, fact: &str) {
    facts.insert(path.to_owned(), fact.to_owned());
}

#[test]
fn every_fact_taken_over_is_the_same_here() {
    let theirs = facts(include_str!("buildkite_subset.graphql"));
    let ours = facts(&countersign_graphql::sdl());
    assert!(theirs.len() > 300, "only {} facts were read", theirs.len());
    let mut differences = Vec::new();
    for (path, fact) in &theirs {
        match ours.get(path) {
            Some(same) if same == fact => {}
            Some(other) => differences.push(format!("{path}: {fact}, here {other}")),
            None => differences.push(format!("{path}: {fact}, here nothing")),
        }
    }
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

/// What is added beside their facts must not break a document written for them: no new argument or input field is required.
#[test]
fn what_is_added_is_optional() {
    let theirs = facts(include_str!("buildkite_subset.graphql"));
    let ours = facts(&countersign_graphql::sdl());
    let required: Vec<_> = ours
        .iter()
        .filter(|(path, fact)| path.ends_with(')') && fact.ends_with('!') && !theirs.contains_key(*path))
        .filter(|(path, _)| path.split_once('(').is_some_and(|(of, _)| theirs.contains_key(of)))
        .collect();
    assert!(required.is_empty(), "{required:?}");
}
