//! What is no more than data in Dagster's own form of JSON, in which an object with certain keys is something else.
//!
//! An agent reads all requests that it was given together, and one that it cannot read costs it all of them. So what stands in a request is looked at
//! before it is kept.

use serde_json::Value;

/// The key under which an object names its class.
const CLASS: &str = "__class__";
/// The keys that make something else of an object.
const RESERVED: [&str; 5] = [CLASS, "__enum__", "__set__", "__frozenset__", "__mapping_items__"];
/// The classes that say where code is: which texts each has, and what else it must name, perhaps as null.
const POINTERS: [(&str, &[&str], &[&str]); 4] = [
    ("FileCodePointer", &["python_file", "fn_name"], &[]),
    ("ModuleCodePointer", &["module", "fn_name"], &[]),
    ("PackageCodePointer", &["module", "attribute"], &[]),
    ("AutoloadDefsModuleCodePointer", &["module"], &["working_directory"]),
];

/// Whether an object with this key would be read as something else.
pub(super) fn is_reserved(key: &str) -> bool {
    RESERVED.contains(&key)
}

/// The first such key in a value, at whatever depth.
pub(super) fn reserved_in(value: &Value) -> Option<&str> {
    match value {
        Value::Object(fields) => fields
            .iter()
            .find_map(|(key, value)| if is_reserved(key) { Some(key.as_str()) } else { reserved_in(value) }),
        Value::Array(items) => items.iter().find_map(reserved_in),
        _ => None,
    }
}

/// Whether a value says where code is, in a way that agents can read.
pub(super) fn is_code_pointer(value: &Value) -> bool {
    let Some(fields) = value.as_object() else { return false };
    let class = fields.get(CLASS).and_then(Value::as_str);
    let Some((_, texts, others)) = POINTERS.iter().find(|(name, ..)| class == Some(*name)) else { return false };
    texts.iter().all(|it| fields.get(*it).is_some_and(Value::is_string))
        && others.iter().all(|it| fields.contains_key(*it))
        && fields.values().all(|it| it.is_string() || it.is_null())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn keys_that_make_something_else_of_an_object_are_found_at_any_depth() {
        assert_eq!(reserved_in(&json!({ "ops": { "a": [{ "config": { "__class__": "Path" } }] } })), Some("__class__"));
        for key in RESERVED {
            assert_eq!(reserved_in(&json!([1, { key: [] }])), Some(key));
        }
        assert_eq!(reserved_in(&json!({ "ops": { "class": "__class__", "__repr__": 1 } })), None);
    }

    #[test]
    fn code_is_where_agents_can_read_it_to_be() {
        for good in [
            json!({ "__class__": "ModuleCodePointer", "module": "sales", "fn_name": "defs", "working_directory": null }),
            json!({ "__class__": "FileCodePointer", "python_file": "a.py", "fn_name": "defs", "working_directory": "/code" }),
            json!({ "__class__": "PackageCodePointer", "module": "sales", "attribute": "defs" }),
            json!({ "__class__": "AutoloadDefsModuleCodePointer", "module": "sales", "working_directory": null }),
        ] {
            assert!(is_code_pointer(&good), "{good}");
        }
        for bad in [
            json!(null),
            json!("sales"),
            json!({}),
            json!({ "module": "sales", "fn_name": "defs" }),
            json!({ "__class__": "PipelineRun", "module": "sales", "fn_name": "defs" }),
            json!({ "__class__": "ModuleCodePointer", "module": "sales" }),
            json!({ "__class__": "ModuleCodePointer", "module": "sales", "fn_name": 1 }),
            json!({ "__class__": "ModuleCodePointer", "module": "sales", "fn_name": "defs", "x": { "__class__": "None" } }),
            json!({ "__class__": "AutoloadDefsModuleCodePointer", "module": "sales" }),
        ] {
            assert!(!is_code_pointer(&bad), "{bad}");
        }
    }
}
