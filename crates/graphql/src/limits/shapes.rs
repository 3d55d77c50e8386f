//! What a document's cost needs to know of the schema: which fields are objects, which are lists, which are connections.

use std::collections::HashMap;

use async_graphql::Positioned;
use async_graphql::parser::parse_schema;
use async_graphql::parser::types::{BaseType, FieldDefinition, Type, TypeKind, TypeSystemDefinition};

/// A field that answers an object. Other fields cost nothing and are not kept.
#[derive(Debug, Clone)]
pub(crate) struct Shape {
    /// The name of the type, without list and null.
    pub returns: String,
    /// Whether it is a list.
    pub is_list: bool,
    /// Whether it takes `first`.
    pub is_paged: bool,
}

/// The fields of every object and interface that answer an object.
#[derive(Debug)]
pub(crate) struct Shapes {
    fields: HashMap<String, HashMap<String, Shape>>,
}

impl Shapes {
    /// From the schema as text.
    pub(crate) fn of(sdl: &str) -> Self {
        // The library wrote this text; were it not readable, every document would cost nothing and the tests of costs would fail.
        let definitions = parse_schema(sdl).map(|schema| schema.definitions).unwrap_or_default();
        let types: Vec<_> = definitions
            .into_iter()
            .filter_map(|definition| match definition {
                TypeSystemDefinition::Type(it) => Some(it.node),
                TypeSystemDefinition::Schema(_) | TypeSystemDefinition::Directive(_) => None,
            })
            .collect();
        let is_composite: HashMap<&str, bool> = types
            .iter()
            .map(|it| {
                let composite = matches!(it.kind, TypeKind::Object(_) | TypeKind::Interface(_) | TypeKind::Union(_));
                (it.name.node.as_str(), composite)
            })
            .collect();
        let mut fields = HashMap::new();
        for it in &types {
            let list = match &it.kind {
                TypeKind::Object(object) => &object.fields,
                TypeKind::Interface(interface) => &interface.fields,
                _ => continue,
            };
            let composite = |field: &Positioned<FieldDefinition>| {
                let shape = shape(&field.node);
                let known = is_composite.get(shape.returns.as_str()).copied().unwrap_or(false);
                known.then(|| (field.node.name.node.to_string(), shape))
            };
            fields.insert(it.name.node.to_string(), list.iter().filter_map(composite).collect());
        }
        Self { fields }
    }

    /// The shape of a field that answers an object; none for every other field.
    pub(crate) fn field(&self, of: &str, name: &str) -> Option<&Shape> {
        self.fields.get(of)?.get(name)
    }
}

impl Shape {
    /// Whether it is a list in pages.
    pub(crate) fn is_connection(&self) -> bool {
        !self.is_list && self.returns.ends_with("Connection")
    }
}

fn shape(field: &FieldDefinition) -> Shape {
    let mut is_list = false;
    let mut ty: &Type = &field.ty.node;
    let returns = loop {
        match &ty.base {
            BaseType::Named(name) => break name.to_string(),
            BaseType::List(inner) => {
                is_list = true;
                ty = inner;
            }
        }
    };
    let is_paged = field.arguments.iter().any(|argument| argument.node.name.node == "first");
    Shape { returns, is_list, is_paged }
}
