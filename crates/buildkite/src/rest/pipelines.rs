//! Pipelines: seeing, making and changing them.

use axum::Json;
use axum::extract::State;
use axum::response::Response;
use countersign_control::access::actions::{CreatePipeline, UpdatePipeline, ViewBuilds, ViewOrganization};
use countersign_control::builds::{Build, Pipeline};
use countersign_control::organizations::Organization;
use countersign_control::pipelines::{NewPipeline, PipelineChange};
use countersign_control::{Action, Control, Error};
use countersign_domain::id::DeploymentId;
use countersign_http::global_id::Sort;
use http::{StatusCode, Uri};
use serde::Serialize;

use super::body::{Fields, renamed};
use super::query::Parameters;
use super::shapes::{Addresses, Head, Time};
use super::{InOrganization, page};
use crate::Failure;

/// What operations call a field that this API calls otherwise.
const NAMES: &[(&str, &str)] = &[("defaultBranch", "default_branch"), ("steps", "configuration")];

/// A pipeline. What a build says of its pipeline is without its steps and times.
#[derive(Serialize)]
pub(crate) struct Shown {
    #[serde(flatten)]
    head: Head,
    name: String,
    slug: String,
    description: Option<()>,
    repository: Option<String>,
    default_branch: String,
    cluster_id: Option<()>,
    builds_url: String,
    #[serde(flatten)]
    whole: Option<Rest>,
}

/// What is only shown of a pipeline itself.
#[derive(Serialize)]
struct Rest {
    configuration: String,
    created_at: Time,
    archived_at: Option<Time>,
    env: Option<()>,
}

fn head(slug: &str, id: countersign_domain::Id<Pipeline>, organization: &Organization, addresses: &Addresses) -> Head {
    let url = addresses.of(organization, &format!("/pipelines/{slug}"));
    Head::new(Sort::Pipeline, id, url, addresses.page(&format!("/{}/{slug}", organization.slug)))
}

fn shown(it: Pipeline, organization: &Organization, addresses: &Addresses) -> Shown {
    Shown {
        head: head(&it.slug, it.id, organization, addresses),
        builds_url: addresses.of(organization, &format!("/pipelines/{}/builds", it.slug)),
        name: it.name,
        slug: it.slug,
        description: None,
        repository: it.repository,
        default_branch: it.default_branch,
        cluster_id: None,
        whole: Some(Rest {
            configuration: it.steps.unwrap_or_default(),
            created_at: Time(it.created_at),
            archived_at: None,
            env: None,
        }),
    }
}

/// The pipeline of a build.
pub(super) fn of_build(build: &Build, organization: &Organization, addresses: &Addresses) -> Shown {
    let slug = &build.pipeline_slug;
    Shown {
        head: head(slug, build.pipeline, organization, addresses),
        builds_url: addresses.of(organization, &format!("/pipelines/{slug}/builds")),
        name: build.pipeline_name.clone(),
        slug: slug.clone(),
        description: None,
        repository: build.repository.clone(),
        default_branch: build.default_branch.clone(),
        cluster_id: None,
        whole: None,
    }
}

/// `GET …/pipelines`, newest first.
pub(crate) async fn list(
    State(control): State<Control>,
    call: InOrganization<ViewBuilds>,
    wanted: page::Wanted,
    mut parameters: Parameters,
    uri: Uri,
) -> Result<Response, Failure> {
    let name = parameters.one("name")?.unwrap_or_default();
    let repository = parameters.one("repository")?;
    parameters.finish()?;
    let keeps = |it: &Pipeline| repository.as_ref().is_none_or(|wanted| it.repository.as_ref() == Some(wanted));
    let found = wanted
        .read_from(|asked| control.pipelines(&call.grant, name.clone(), asked), |it: &Pipeline| it.id, keeps)
        .await
        .map_err(|error| renamed(error, &[("search", "name")]))?;
    let shown = found.items.iter().map(|it| shown(it.clone(), &call.organization, &call.addresses)).collect();
    let path = format!("/organizations/{}/pipelines", call.organization.slug);
    Ok(found.answer(shown, &call.addresses, &path, &page::filters(&uri)))
}

/// `GET …/pipelines/{pipeline}`
pub(crate) async fn show(
    State(control): State<Control>,
    call: InOrganization<ViewBuilds>,
) -> Result<Json<Shown>, Failure> {
    let pipeline = control.pipeline(&call.grant, call.named.word("pipeline")?).await?;
    Ok(Json(shown(pipeline, &call.organization, &call.addresses)))
}

/// `POST …/pipelines`
pub(crate) async fn create(
    State(control): State<Control>,
    call: InOrganization<CreatePipeline>,
    mut fields: Fields,
) -> Result<(StatusCode, Json<Shown>), Failure> {
    let name = fields.text("name")?.ok_or_else(|| Error::invalid("name", "is missing; a pipeline needs one"))?;
    check_cluster(&control, &call, &mut fields).await?;
    check_description(&mut fields)?;
    let new = NewPipeline {
        name,
        slug: fields.text("slug")?,
        repository: fields.text("repository")?,
        default_branch: fields.text("default_branch")?,
        steps: fields.text("configuration")?.filter(|steps| !steps.is_empty()),
    };
    fields.finish()?;
    let made = control.create_pipeline(&call.grant, new).await.map_err(|error| renamed(error, NAMES))?;
    Ok((StatusCode::CREATED, Json(shown(made, &call.organization, &call.addresses))))
}

/// `PATCH …/pipelines/{pipeline}`: what is not named stays.
pub(crate) async fn update(
    State(control): State<Control>,
    call: InOrganization<UpdatePipeline>,
    mut fields: Fields,
) -> Result<Json<Shown>, Failure> {
    check_cluster(&control, &call, &mut fields).await?;
    check_description(&mut fields)?;
    let change = PipelineChange {
        slug: call.named.word("pipeline")?.to_owned(),
        name: fields.text("name")?,
        repository: fields.text("repository")?,
        default_branch: fields.text("default_branch")?,
        steps: fields.text("configuration")?,
    };
    fields.finish()?;
    let changed = control.update_pipeline(&call.grant, change).await.map_err(|error| renamed(error, NAMES))?;
    Ok(Json(shown(changed, &call.organization, &call.addresses)))
}

/// Clients send an empty one where there is none.
fn check_description(fields: &mut Fields) -> Result<(), Error> {
    match fields.text("description")? {
        Some(text) if !text.is_empty() => {
            Err(Error::invalid("description", "is not kept by this server; leave it out"))
        }
        _ => Ok(()),
    }
}

/// A cluster is a deployment, and builds that are made from here go to the organization's default one. Naming that one is allowed, because
/// clients have to name one.
async fn check_cluster<A: Action>(
    control: &Control,
    call: &InOrganization<A>,
    fields: &mut Fields,
) -> Result<(), Error> {
    let Some(text) = fields.text("cluster_id")? else { return Ok(()) };
    let id: DeploymentId = text.parse().map_err(|why| Error::invalid("cluster_id", why))?;
    let known = control.deployments(&call.may::<ViewOrganization>()?).await?;
    if !known.iter().any(|it| it.id == id) {
        return Err(Error::invalid("cluster_id", "names none of the organization's deployments"));
    }
    if id != call.organization.default_deployment {
        let why = "must be the organization's default deployment, which builds go to, or be left out";
        return Err(Error::invalid("cluster_id", why));
    }
    Ok(())
}
