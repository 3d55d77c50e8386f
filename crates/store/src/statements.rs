//! Every statement of the store, so that a test can prepare them all on both engines.

use crate::Sql;

/// The statements by module.
#[must_use]
pub fn all() -> Vec<(&'static str, &'static [Sql])> {
    use crate::{
        agents, artifacts, audit, builds, instance, jobs, keys, oidc_keys, organizations, queues, refusals, tokens,
        users,
    };
    vec![
        ("agents", agents::ALL),
        ("agents::sessions", agents::sessions::ALL),
        ("artifacts", artifacts::ALL),
        ("audit", audit::ALL),
        ("builds", builds::ALL),
        ("builds::annotations", builds::annotations::ALL),
        ("builds::meta_data", builds::meta_data::ALL),
        ("instance", instance::ALL),
        ("jobs", jobs::ALL),
        ("jobs::log", jobs::log::ALL),
        ("jobs::tokens", jobs::tokens::ALL),
        ("keys", keys::ALL),
        ("oidc_keys", oidc_keys::ALL),
        ("organizations", organizations::ALL),
        ("queues", queues::ALL),
        ("refusals", refusals::ALL),
        ("tokens", tokens::ALL),
        ("tokens::scopes", tokens::scopes::ALL),
        ("tokens::secrets", tokens::secrets::ALL),
        ("users", users::ALL),
    ]
}
