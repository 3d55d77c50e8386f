//! The schema: built once, and the text that the repository keeps of it.

use std::sync::LazyLock;

use async_graphql::{EmptySubscription, SDLExportOptions};

use crate::mutations::Mutation;
use crate::types::connection::Connection;
use crate::types::query::Query;
use crate::types::step::Step;

/// The executable schema.
pub(crate) type Schema = async_graphql::Schema<Query, Mutation, EmptySubscription>;

/// The schema, made once in a process: it holds nothing of the server that it stands in.
static SCHEMA: LazyLock<Schema> = LazyLock::new(build);

/// Another hold of the one schema.
pub(crate) fn shared() -> Schema {
    SCHEMA.clone()
}

/// Builds the schema. Its own limits stay off: `limits` has looked at a document before it comes here.
fn build() -> Schema {
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
    SCHEMA.sdl_with_options(options.prefer_single_line_descriptions().use_space_ident().indent_width(2))
}
