//! Global ids as the schema answers and takes them; see [`countersign_http::global_id`].

use async_graphql::ID;
use countersign_control::{Error, Result};
use countersign_domain::Id;
use countersign_http::global_id as shared;

pub(crate) use shared::{Sort, decode};

/// The global id of a thing.
pub(crate) fn encode<T>(sort: Sort, id: Id<T>) -> ID {
    ID(shared::encode(sort, id))
}

/// The uuid of a thing, as an [`ID`].
pub(crate) fn uuid<T>(id: Id<T>) -> ID {
    ID(id.to_string())
}

/// The id of a thing of one sort.
///
/// # Errors
/// [`Error::NotFound`] for a global id of another sort and for every other text, as for a thing that is not there.
pub(crate) fn expect<T>(text: &str, wanted: Sort) -> Result<Id<T>> {
    match decode(text) {
        Some((sort, uuid)) if sort == wanted => Ok(Id::from_uuid(uuid)),
        _ => Err(Error::NotFound(wanted.words())),
    }
}

/// A uuid, as `Organization.uuid` and its like answer it; none for every other text.
pub(crate) fn parse_uuid<T>(text: &str) -> Option<Id<T>> {
    text.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_of_another_sort_names_nothing() {
        let id = Id::<()>::nil();
        let agent = encode(Sort::Agent, id);
        assert_eq!(expect(&agent, Sort::Agent), Ok(id));
        assert_eq!(expect::<()>(&agent, Sort::AgentToken), Err(Error::NotFound("agent token")));
        assert_eq!(expect::<()>("x", Sort::Agent), Err(Error::NotFound("agent")));
    }
}
