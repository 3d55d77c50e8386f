//! Reading what callers give: one place turns a text into a domain type or into a message at its field.

use std::fmt::Display;

use countersign_domain::text::{Description, Reason};

use crate::{Error, Result};

/// A description that may be left out.
pub(crate) fn description(text: Option<&str>) -> Result<Option<String>> {
    text.map(|text| Description::parse(text).map(|it| it.as_str().to_owned()))
        .transpose()
        .map_err(|message| Error::invalid("description", message))
}

/// A reason that must be given.
pub(crate) fn reason(text: &str) -> Result<String> {
    Reason::parse(text).map(|it| it.as_str().to_owned()).map_err(|message| Error::invalid("reason", message))
}

/// A value of any domain type, or a message at its field.
pub(crate) fn field<T, E: Display>(name: &str, parsed: std::result::Result<T, E>) -> Result<T> {
    parsed.map_err(|message| Error::invalid(name, message))
}

/// Refuses a name that something has, or from which it differs only in the case of letters: people would take one for the other.
pub(crate) fn taken(kind: &str, name: &str, by: &str) -> Error {
    if name == by {
        return Error::Conflict(format!("A {kind} {name} already exists in the organization; choose another name."));
    }
    Error::Conflict(format!(
        "A {kind} {by} already exists in the organization, and {name} differs from it only in the case of letters; choose another name."
    ))
}

/// A text that is searched for: nothing that a database does not take, and not longer than anything that could be found.
pub(crate) fn search(text: Option<&str>, most: usize) -> Result<()> {
    let text = text.unwrap_or_default();
    if text.chars().count() > most {
        return Err(Error::invalid(
            "search",
            format!("has more than {most} characters; nothing that is found is that long"),
        ));
    }
    if text.contains('\0') {
        return Err(Error::invalid("search", "holds a NUL character; remove it"));
    }
    Ok(())
}
