//! What people and their programs ask and do: the part of Dagster+'s own API that is offered here, to user tokens.
//!
//! What is refused is one of the types that their API has for it; where a field has none, it is an error at the field.

pub(crate) mod agents;
mod deployments;
mod location_document;
mod locations;
mod mutation;
mod problem;
mod query;
mod runs;
mod settings;
mod tokens;
mod user;
mod user_tokens;
mod workspace;

pub use agents::MAX_AGENTS;
pub(crate) use mutation::ByPeople as Mutation;
pub(crate) use query::OfPeople as Query;
pub use tokens::MAX_TOKENS;
