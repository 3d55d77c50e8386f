//! Inputs of mutations that several commands make alike.

use serde::Serialize;
use serde_json::{Value, json};

use crate::failure::{Failure, Outcome};

/// What is to be changed of a thing that has a name and a description.
///
/// # Errors
/// Bad input when that is nothing.
pub fn named_anew(id: &str, name: Option<impl Serialize>, description: Option<impl Serialize>) -> Outcome<Value> {
    if name.is_none() && description.is_none() {
        return Err(Failure::bad_input("there is nothing to change; give --name or --description"));
    }
    let mut input = json!({ "id": id });
    if let Some(name) = name {
        input["name"] = json!(name);
    }
    if let Some(description) = description {
        input["description"] = json!(description);
    }
    Ok(input)
}
