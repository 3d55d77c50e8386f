//! The pages that people see in a browser: signing in, an organization at a glance, its builds, its agents, its settings, its tokens.
//!
//! ```text
//! request → around: where it comes from (403), then headers of every answer → Visit: who (to /sign-in), where (404) → page → control → template
//! ```
//!
//! Everything is a plain form and works without script. A change is a POST and answers with the address of a page; a GET changes nothing,
//! but for the one by which a browser comes back from a provider of sign-ins: it is good in the very browser that was sent there, once.
//! No page knows a secret but the one that was asked for it, in the answer to that call.

mod account;
mod agents;
mod around;
mod assets;
mod brief;
mod builds;
mod chart;
mod failure;
mod form;
mod frame;
mod gallery;
mod headers;
mod known;
pub mod limits;
mod lost;
mod notice;
mod offers;
mod overview;
mod parts;
mod permissions;
mod person;
mod query;
mod seen;
mod settings;
mod sign_in;
mod site;
mod streams;
mod theme;
mod tokens;
mod user_tokens;
mod visit;
mod weight;
mod words;

#[cfg(test)]
mod naughty;

use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::routing::{MethodRouter, any, get, post};
use countersign_control::Control;

pub use gallery::development;

use builds::{act, artifacts, live, unblock};
use settings::{deployments, members, roles, teams};
use site::Site;

/// What answers where the server has no route: a page for whoever asks for pages, and a message for programs.
pub fn nowhere(control: Control) -> MethodRouter {
    any(lost::nowhere).with_state(Site::new(control))
}

/// The routes of this face, to stand behind `countersign_http::Edge::layers`.
pub fn router(control: Control) -> Router {
    let site = Site::new(control);
    Router::new()
        .route("/", get(account::home))
        .route("/account", get(account::show))
        .route("/account/password", get(account::password::show))
        .route("/account/password", post(account::password::submit))
        .route("/account/passkeys/new", get(account::passkeys::show))
        .route("/account/passkeys/new", post(account::passkeys::submit))
        .route("/account/passkeys/{passkey}/rename", get(account::passkeys::rename::show))
        .route("/account/passkeys/{passkey}/rename", post(account::passkeys::rename::submit))
        .route("/account/passkeys/{passkey}/remove", get(account::passkeys::remove::show))
        .route("/account/passkeys/{passkey}/remove", post(account::passkeys::remove::submit))
        .route("/account/identities/forget", post(account::forget))
        .route("/account/sign-ins/{sign_in}/end", post(account::end))
        .route("/account/sign-out-everywhere", post(account::end_all))
        .route("/appearance", post(theme::choose))
        .route("/assets/{version}/{name}", get(assets::file))
        .route("/sign-in", get(sign_in::password::show))
        .route("/sign-in", post(sign_in::password::submit))
        .route("/sign-in/passkey", post(sign_in::passkey::sign_in))
        .route("/sign-in/provider", post(sign_in::provider::sign_in))
        .route("/sign-in/callback", get(sign_in::provider::back))
        .route("/sign-in/link", get(sign_in::link::show))
        .route("/sign-in/link", post(sign_in::link::submit))
        .route("/invitation", get(sign_in::invitation::show))
        .route("/invitation", post(sign_in::invitation::submit))
        .route("/invitation/provider", post(sign_in::provider::accept))
        .route("/prove", get(sign_in::prove::show))
        .route("/prove", post(sign_in::prove::submit))
        .route("/prove/passkey", post(sign_in::passkey::prove))
        .route("/prove/provider", post(sign_in::provider::prove))
        .route("/sign-out", post(sign_in::sign_out))
        .route("/organizations/{organization}", get(overview::show))
        .route("/organizations/{organization}/agents", get(agents::list::show))
        .route("/organizations/{organization}/agents/events", get(agents::live::of_organization))
        .route("/organizations/{organization}/agents/dagster/{dagster_agent}", get(agents::dagster::show))
        .route("/organizations/{organization}/agents/{agent}", get(agents::one::show))
        .route("/organizations/{organization}/agents/{agent}/pause", post(agents::change::pause))
        .route("/organizations/{organization}/agents/{agent}/resume", post(agents::change::resume))
        .route("/organizations/{organization}/agents/{agent}/stop", post(agents::change::stop))
        .route("/organizations/{organization}/builds", get(builds::list::show))
        .route("/organizations/{organization}/builds/{pipeline}/{build}", get(builds::one::show))
        .route("/organizations/{organization}/builds/{pipeline}/{build}/cancel", post(act::cancel))
        .route("/organizations/{organization}/builds/{pipeline}/{build}/rebuild", post(act::rebuild))
        .route("/organizations/{organization}/builds/{pipeline}/{build}/steps/{step}/unblock", get(unblock::show))
        .route("/organizations/{organization}/builds/{pipeline}/{build}/steps/{step}/unblock", post(unblock::submit))
        .route("/organizations/{organization}/builds/{pipeline}/{build}/artifacts", get(artifacts::show))
        .route("/organizations/{organization}/builds/{pipeline}/{build}/artifacts/{artifact}", get(artifacts::fetch))
        .route("/organizations/{organization}/builds/{pipeline}/{build}/events", get(live::of_build))
        .route("/organizations/{organization}/builds/{pipeline}/{build}/jobs/{job}", get(builds::job::show))
        .route("/organizations/{organization}/builds/{pipeline}/{build}/jobs/{job}/log", get(builds::raw::whole))
        .route("/organizations/{organization}/builds/{pipeline}/{build}/jobs/{job}/events", get(live::of_job))
        .route("/organizations/{organization}/builds/{pipeline}/{build}/jobs/{job}/retry", post(act::retry_job))
        .route("/organizations/{organization}/builds/{pipeline}/{build}/jobs/{job}/cancel", post(act::cancel_job))
        .route("/organizations/{organization}/settings", get(settings::general::show))
        .route("/organizations/{organization}/settings/edit", get(settings::general::edit::show))
        .route("/organizations/{organization}/settings/edit", post(settings::general::edit::submit))
        .route("/organizations/{organization}/settings/tokens", get(tokens::list::show))
        .route("/organizations/{organization}/settings/tokens/new", get(tokens::create::show))
        .route("/organizations/{organization}/settings/tokens/new", post(tokens::create::submit))
        .route("/organizations/{organization}/settings/tokens/{token}", get(tokens::one::show))
        .route("/organizations/{organization}/settings/tokens/{token}/events", get(tokens::live::of_token))
        .route("/organizations/{organization}/settings/tokens/{token}/value", get(tokens::reveal::fresh))
        .route("/organizations/{organization}/settings/tokens/{token}/reveal", get(tokens::reveal::back))
        .route("/organizations/{organization}/settings/tokens/{token}/reveal", post(tokens::reveal::submit))
        .route("/organizations/{organization}/settings/tokens/{token}/edit", get(tokens::describe::show))
        .route("/organizations/{organization}/settings/tokens/{token}/edit", post(tokens::describe::submit))
        .route("/organizations/{organization}/settings/tokens/{token}/permissions", get(tokens::permit::show))
        .route("/organizations/{organization}/settings/tokens/{token}/permissions", post(tokens::permit::submit))
        .route("/organizations/{organization}/settings/tokens/{token}/revoke", get(tokens::revoke::show))
        .route("/organizations/{organization}/settings/tokens/{token}/revoke", post(tokens::revoke::submit))
        .route("/organizations/{organization}/settings/tokens/{token}/rotate", get(tokens::rotate::show))
        .route("/organizations/{organization}/settings/tokens/{token}/rotate", post(tokens::rotate::submit))
        .route("/organizations/{organization}/settings/tokens/{token}/finish", post(tokens::rotate::finish))
        .route("/organizations/{organization}/settings/user-tokens", get(user_tokens::list::show))
        .route("/organizations/{organization}/settings/user-tokens/new", get(user_tokens::create::show))
        .route("/organizations/{organization}/settings/user-tokens/new", post(user_tokens::create::submit))
        .route("/organizations/{organization}/settings/user-tokens/{token}", get(user_tokens::one::show))
        .route("/organizations/{organization}/settings/user-tokens/{token}/value", get(user_tokens::reveal::fresh))
        .route("/organizations/{organization}/settings/user-tokens/{token}/reveal", get(user_tokens::reveal::back))
        .route("/organizations/{organization}/settings/user-tokens/{token}/reveal", post(user_tokens::reveal::submit))
        .route("/organizations/{organization}/settings/user-tokens/{token}/edit", get(user_tokens::describe::show))
        .route("/organizations/{organization}/settings/user-tokens/{token}/edit", post(user_tokens::describe::submit))
        .route("/organizations/{organization}/settings/user-tokens/{token}/revoke", get(user_tokens::revoke::show))
        .route("/organizations/{organization}/settings/user-tokens/{token}/revoke", post(user_tokens::revoke::submit))
        .route("/organizations/{organization}/settings/members", get(members::show))
        .route("/organizations/{organization}/settings/members/invite", get(members::invite::show))
        .route("/organizations/{organization}/settings/members/invite", post(members::invite::submit))
        .route("/organizations/{organization}/settings/members/{member}", get(members::one::show))
        .route("/organizations/{organization}/settings/members/{member}/role", post(members::role::submit))
        .route("/organizations/{organization}/settings/members/{member}/sign-in-link", post(members::link::submit))
        .route("/organizations/{organization}/settings/members/{member}/remove", get(members::remove::show))
        .route("/organizations/{organization}/settings/members/{member}/remove", post(members::remove::submit))
        .route("/organizations/{organization}/settings/members/new-service-user", get(members::service::create_form))
        .route("/organizations/{organization}/settings/members/new-service-user", post(members::service::create))
        .route("/organizations/{organization}/settings/members/{member}/edit", get(members::service::edit_form))
        .route("/organizations/{organization}/settings/members/{member}/edit", post(members::service::edit))
        .route("/organizations/{organization}/settings/members/{member}/tokens/new", get(members::service_tokens::show))
        .route(
            "/organizations/{organization}/settings/members/{member}/tokens/new",
            post(members::service_tokens::submit),
        )
        .route(
            "/organizations/{organization}/settings/members/{member}/tokens/{token}/reveal",
            get(members::service_tokens::back),
        )
        .route(
            "/organizations/{organization}/settings/members/{member}/tokens/{token}/reveal",
            post(members::service_tokens::reveal),
        )
        .route("/organizations/{organization}/settings/members/{member}/roles/new", get(roles::give::show))
        .route("/organizations/{organization}/settings/members/{member}/roles/new", post(roles::give::submit))
        .route("/organizations/{organization}/settings/members/{member}/roles/take", get(roles::take::back))
        .route("/organizations/{organization}/settings/members/{member}/roles/take", post(roles::take::submit))
        .route("/organizations/{organization}/settings/invitations/{id}/withdraw", post(members::invite::withdraw))
        .route("/organizations/{organization}/settings/teams", get(teams::show))
        .route("/organizations/{organization}/settings/teams/new", get(teams::create::show))
        .route("/organizations/{organization}/settings/teams/new", post(teams::create::submit))
        .route("/organizations/{organization}/settings/teams/{team}", get(teams::one::show))
        .route("/organizations/{organization}/settings/teams/{team}/members", get(teams::one::back))
        .route("/organizations/{organization}/settings/teams/{team}/members", post(teams::one::add))
        .route("/organizations/{organization}/settings/teams/{team}/members/{member}/remove", post(teams::one::remove))
        .route("/organizations/{organization}/settings/teams/{team}/delete", get(teams::delete::show))
        .route("/organizations/{organization}/settings/teams/{team}/delete", post(teams::delete::submit))
        .route("/organizations/{organization}/settings/teams/{team}/edit", get(teams::edit::show))
        .route("/organizations/{organization}/settings/teams/{team}/edit", post(teams::edit::submit))
        .route("/organizations/{organization}/settings/teams/{team}/roles/new", get(roles::give::show))
        .route("/organizations/{organization}/settings/teams/{team}/roles/new", post(roles::give::submit))
        .route("/organizations/{organization}/settings/teams/{team}/roles/take", get(roles::take::back))
        .route("/organizations/{organization}/settings/teams/{team}/roles/take", post(roles::take::submit))
        .route("/organizations/{organization}/settings/deployments", get(deployments::show))
        .route("/organizations/{organization}/settings/deployments/new", get(deployments::create::show))
        .route("/organizations/{organization}/settings/deployments/new", post(deployments::create::submit))
        .route("/organizations/{organization}/settings/deployments/members-role", get(roles::everybody::show))
        .route("/organizations/{organization}/settings/deployments/members-role", post(roles::everybody::submit))
        .route("/organizations/{organization}/settings/deployments/{id}", get(deployments::one::show))
        .route("/organizations/{organization}/settings/deployments/{id}/edit", get(deployments::edit::show))
        .route("/organizations/{organization}/settings/deployments/{id}/edit", post(deployments::edit::submit))
        .route("/organizations/{organization}/settings/deployments/{id}/delete", get(deployments::delete::show))
        .route("/organizations/{organization}/settings/deployments/{id}/delete", post(deployments::delete::submit))
        .route("/organizations/{organization}/settings/deployments/{id}/queues/new", get(deployments::queue_new::show))
        .route(
            "/organizations/{organization}/settings/deployments/{id}/queues/new",
            post(deployments::queue_new::submit),
        )
        .route(
            "/organizations/{organization}/settings/deployments/{id}/queues/{queue}/edit",
            get(deployments::queue::show),
        )
        .route(
            "/organizations/{organization}/settings/deployments/{id}/queues/{queue}/edit",
            post(deployments::queue::submit),
        )
        .route(
            "/organizations/{organization}/settings/deployments/{id}/queues/{queue}/pause",
            post(deployments::queue::pause),
        )
        .route(
            "/organizations/{organization}/settings/deployments/{id}/queues/{queue}/resume",
            post(deployments::queue::resume),
        )
        .route(
            "/organizations/{organization}/settings/deployments/{id}/queues/{queue}/delete",
            post(deployments::queue::delete),
        )
        .route("/organizations/{organization}/settings/deployments/{id}/roles/new", get(roles::give::show))
        .route("/organizations/{organization}/settings/deployments/{id}/roles/new", post(roles::give::submit))
        .route("/organizations/{organization}/settings/deployments/{id}/roles/take", get(roles::take::back))
        .route("/organizations/{organization}/settings/deployments/{id}/roles/take", post(roles::take::submit))
        .route("/organizations/{organization}/settings/audit-log", get(settings::audit::show))
        .route("/organizations/{organization}/settings/audit-log", post(settings::audit::check))
        .route("/organizations/{organization}/settings/audit-log/export", get(settings::export::whole))
        .route("/organizations/{organization}/{*rest}", get(lost::below_an_organization))
        .method_not_allowed_fallback(failure::other_method)
        .layer(from_fn_with_state(site.clone(), around::around))
        .with_state(site)
}
