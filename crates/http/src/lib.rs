//! What the faces share: who calls and from where, limits, the request's id, and how the instance is doing.
//!
//! ```text
//! socket → Edge::layers: request id, origin, span, limits, panics caught → router → authenticate → Control::grant → handler
//! ```

mod answer;
mod authenticate;
mod brackets;
mod edge;
pub mod global_id;
mod json;
pub mod limits;
mod observe;
mod operation;
mod origin;
pub mod outgoing;
mod request_id;
mod secrets_in_text;
mod sign_in;

pub use answer::{internal, message, not_found, unavailable};
pub use authenticate::{authenticate, authenticate_value};
pub use brackets::deepest_bracket;
pub use edge::Edge;
pub use json::{BadBody, Json, holds_more_than, parse_json, read_body};
pub use origin::TrustedProxies;
pub use request_id::request_id;
pub use secrets_in_text::{holds_a_token, json_holds_a_token};
pub use sign_in::{ProviderCookie, SignInCookie, same_origin, signed_in};
