//! Organizations: a user token is for one.

use axum::Json;
use axum::extract::State;
use countersign_control::Control;
use countersign_control::access::actions::ViewOrganization;
use countersign_control::organizations::Organization;
use countersign_http::global_id::Sort;
use serde::Serialize;

use super::InOrganization;
use super::shapes::{Addresses, Head, Time};
use crate::{Failure, Granted};

#[derive(Serialize)]
pub(crate) struct Shown {
    #[serde(flatten)]
    head: Head,
    name: String,
    slug: String,
    pipelines_url: String,
    agents_url: String,
    created_at: Time,
}

fn shown(it: &Organization, addresses: &Addresses) -> Shown {
    Shown {
        head: Head::new(Sort::Organization, it.id, addresses.of(it, ""), addresses.page(&format!("/{}", it.slug))),
        name: it.name.clone(),
        slug: it.slug.clone(),
        pipelines_url: addresses.of(it, "/pipelines"),
        agents_url: addresses.of(it, "/agents"),
        created_at: Time(it.created_at),
    }
}

/// `GET /v2/organizations`
pub(crate) async fn list(
    State(control): State<Control>,
    Granted(grant): Granted<ViewOrganization>,
) -> Result<Json<[Shown; 1]>, Failure> {
    Ok(Json([shown(&control.organization(&grant).await?, &Addresses::of_instance(&control))]))
}

/// `GET /v2/organizations/{organization}`
pub(crate) async fn show(call: InOrganization<ViewOrganization>) -> Json<Shown> {
    Json(shown(&call.organization, &call.addresses))
}
