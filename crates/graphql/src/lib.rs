//! The public GraphQL API at `/graphql` and `/v1`: a superset of what Buildkite's has for tokens and agents.
//!
//! ```text
//! POST → authenticate (401) → request → limits: shape, depth, cost, budget → resolvers → control → answer
//! GET from a browser → a console of our own
//! ```

mod call;
mod global_id;
mod mutations;
mod nullable;
mod schema;
mod types;

pub use schema::sdl;
