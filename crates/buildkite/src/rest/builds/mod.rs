//! Builds: seeing, making, canceling and repeating them.

mod choice;
mod create;
mod shape;

use axum::Json;
use axum::extract::State;
use axum::response::Response;
use countersign_control::access::actions::{CancelBuild, CreateBuild, ViewBuilds};
use countersign_control::builds::{Build, Wanted};
use countersign_control::{Control, Error, Grant};
use countersign_domain::id::BuildId;
use http::Uri;

pub(crate) use create::create;

use super::query::Parameters;
use super::{InOrganization, page};
use crate::Failure;
use choice::{Chosen, Shape};
pub(crate) use shape::Other;
use shape::Shown;

/// `GET /v2/builds`, `GET …/builds` of the organization or of one pipeline: newest first.
pub(crate) async fn list(
    State(control): State<Control>,
    call: InOrganization<ViewBuilds>,
    page: page::Wanted,
    mut parameters: Parameters,
    uri: Uri,
) -> Result<Response, Failure> {
    let Chosen { wanted, shape } = Chosen::read(&mut parameters)?;
    parameters.finish()?;
    let pipeline = call.named.text("pipeline");
    let pipeline_id = match pipeline {
        Some(slug) => Some(control.pipeline(&call.grant, slug).await?.id),
        None => None,
    };
    let wanted = Wanted { pipeline: pipeline_id, ..wanted };
    let found = page
        .read_from(|asked| control.find_builds(&call.grant, wanted.clone(), asked), |build: &Build| build.id, |_| true)
        .await?;
    let ids = found.items.iter().map(|build| build.id).collect();
    let shown = whole(&control, &call, &call.grant, ids, &shape).await?;
    let path = match (call.named.text("organization"), pipeline) {
        (None, _) => "/builds".to_owned(),
        (Some(organization), None) => format!("/organizations/{organization}/builds"),
        (Some(organization), Some(pipeline)) => format!("/organizations/{organization}/pipelines/{pipeline}/builds"),
    };
    Ok(found.answer(shown, &call.addresses, &path, &page::filters(&uri)))
}

/// `GET …/builds/{build}`
pub(crate) async fn show(
    State(control): State<Control>,
    call: InOrganization<ViewBuilds>,
    mut parameters: Parameters,
) -> Result<Json<Shown>, Failure> {
    let shape = Shape::read(&mut parameters)?;
    parameters.finish()?;
    let build = named(&control, &call, &call.grant).await?;
    Ok(Json(one(&control, &call, &call.grant, build.id, &shape).await?))
}

/// `PUT …/builds/{build}/cancel`
pub(crate) async fn cancel(
    State(control): State<Control>,
    call: InOrganization<CancelBuild>,
) -> Result<Json<Shown>, Failure> {
    let view = call.may::<ViewBuilds>()?;
    let build = named(&control, &call, &view).await?;
    control.cancel_build(&call.grant, build.id).await?;
    Ok(Json(one(&control, &call, &view, build.id, &Shape::default()).await?))
}

/// `PUT …/builds/{build}/rebuild`: the same build once more.
pub(crate) async fn rebuild(
    State(control): State<Control>,
    call: InOrganization<CreateBuild>,
) -> Result<Json<Shown>, Failure> {
    let view = call.may::<ViewBuilds>()?;
    let build = named(&control, &call, &view).await?;
    let build = control.rebuild(&call.grant, build.id).await?;
    Ok(Json(one(&control, &call, &view, build.id, &Shape::default()).await?))
}

/// The build that the address names by its pipeline and number.
pub(super) async fn named<A>(
    control: &Control,
    call: &InOrganization<A>,
    grant: &Grant<ViewBuilds>,
) -> Result<Build, Error> {
    let number = call.named.word("build")?;
    // One spelling only: `01` and `+1` are no numbers of builds.
    let parsed = number.parse::<i64>().ok().filter(|parsed| parsed.to_string() == number);
    let number = parsed.ok_or(Error::NotFound("build"))?;
    control.build_by_number(grant, call.named.word("pipeline")?, number).await
}

async fn one<A>(
    control: &Control,
    call: &InOrganization<A>,
    grant: &Grant<ViewBuilds>,
    id: BuildId,
    shape: &Shape,
) -> Result<Shown, Error> {
    whole(control, call, grant, vec![id], shape).await?.pop().ok_or(Error::NotFound("build"))
}

async fn whole<A>(
    control: &Control,
    call: &InOrganization<A>,
    grant: &Grant<ViewBuilds>,
    ids: Vec<BuildId>,
    shape: &Shape,
) -> Result<Vec<Shown>, Error> {
    let all = control.whole_builds(grant, ids, !shape.exclude_jobs).await?;
    let now = control.now();
    Ok(all.into_iter().map(|whole| shape::shown(whole, &call.organization, &call.addresses, shape, now)).collect())
}
