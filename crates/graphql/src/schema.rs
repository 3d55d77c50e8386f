//! The schema: built once, and the text that the repository keeps of it.

use async_graphql::{EmptySubscription, SDLExportOptions};

use crate::mutations::Mutation;
use crate::types::connection::Connection;
use crate::types::query::Query;
use crate::types::step::Step;

/// The executable schema.
pub(crate) type Schema = async_graphql::Schema<Query, Mutation, EmptySubscription>;

/// Builds the schema. Its own limits stay off: `limits` has looked at a document before it comes here.
pub(crate) fn build() -> Schema {
    Schema::build(Query, Mutation::new(), EmptySubscription)
        // No field answers these interfaces themselves, but types say that they implement them.
        .register_output_type::<Connection>()
        .register_output_type::<Step>()
        .finish()
}

/// The schema as text, as `schema.graphql` at the root of the repository holds it.
#[must_use]
pub fn sdl() -> String {
    let options = SDLExportOptions::new().sorted_fields().sorted_arguments().sorted_enum_items();
    build().sdl_with_options(options.prefer_single_line_descriptions().use_space_ident().indent_width(2))
}
