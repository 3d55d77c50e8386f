//! The public GraphQL API at `/graphql` and `/v1`: a superset of what Buildkite's has for tokens and agents.
//!
//! ```text
//! POST → authenticate (401) → request → limits: shape, depth, cost, budget → resolvers → control → answer
//! GET from a browser → a console of our own
//! ```

mod call;
mod console;
mod endpoint;
mod failure;
mod global_id;
pub mod limits;
mod mutations;
mod nullable;
mod schema;
mod types;

pub use endpoint::router;
pub use limits::Allowance;
pub use schema::sdl;
