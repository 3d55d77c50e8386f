//! Every statement of the store, so that a test can prepare them all on both engines.

use crate::Sql;

/// The statements by module.
#[must_use]
pub fn all() -> Vec<(&'static str, &'static [Sql])> {
    use crate::{
        agents, artifacts, audit, blobs, builds, code_locations, dagster_agents, dagster_requests, dagster_runs,
        dagster_snapshots, deployment_roles, deployments, instance, invitations, jobs, keys, members, numbers,
        oidc_keys, organizations, queue_counts, queues, refusals, retention, steps, teams, tokens, users,
    };
    vec![
        ("agents", agents::ALL),
        ("agents::sessions", agents::sessions::ALL),
        ("artifacts", artifacts::ALL),
        ("audit", audit::ALL),
        ("blobs::removals", blobs::removals::ALL),
        ("builds", builds::ALL),
        ("builds::annotations", builds::annotations::ALL),
        ("builds::meta_data", builds::meta_data::ALL),
        ("builds::pipelines", builds::pipelines::ALL),
        ("builds::tally", builds::tally::ALL),
        ("deployment_roles", deployment_roles::ALL),
        ("deployments", deployments::ALL),
        ("code_locations", code_locations::ALL),
        ("dagster_agents", dagster_agents::ALL),
        ("dagster_requests", dagster_requests::ALL),
        ("dagster_runs", dagster_runs::ALL),
        ("dagster_runs::ends", dagster_runs::ends::ALL),
        ("dagster_runs::events", dagster_runs::events::ALL),
        ("dagster_runs::logs", dagster_runs::logs::ALL),
        ("dagster_snapshots", dagster_snapshots::ALL),
        ("instance", instance::ALL),
        ("invitations", invitations::ALL),
        ("jobs", jobs::ALL),
        ("jobs::dispatch", jobs::dispatch::ALL),
        ("jobs::groups", jobs::groups::ALL),
        ("jobs::log", jobs::log::ALL),
        ("jobs::progress", jobs::progress::ALL),
        ("jobs::tokens", jobs::tokens::ALL),
        ("keys", keys::ALL),
        ("members", members::ALL),
        ("numbers", numbers::ALL),
        ("oidc_keys", oidc_keys::ALL),
        ("organizations", organizations::ALL),
        ("queue_counts", queue_counts::ALL),
        ("queues", queues::ALL),
        ("refusals", refusals::ALL),
        ("retention", retention::ALL),
        ("steps", steps::ALL),
        ("steps::changes", steps::changes::ALL),
        ("steps::edges", steps::edges::ALL),
        ("steps::texts", steps::texts::ALL),
        ("teams", teams::ALL),
        ("tokens", tokens::ALL),
        ("tokens::in_use", tokens::in_use::ALL),
        ("tokens::managed", tokens::managed::ALL),
        ("tokens::scopes", tokens::scopes::ALL),
        ("tokens::search", tokens::search::ALL),
        ("tokens::secrets", tokens::secrets::ALL),
        ("users", users::ALL),
    ]
}
