//! `POST …/pipelines/{pipeline}/builds`

use axum::Json;
use axum::extract::State;
use countersign_control::access::actions::{CreateBuild, ViewBuilds};
use countersign_control::builds::{AUTHOR, AUTHOR_EMAIL, NewBuild};
use countersign_control::{Control, Error};
use countersign_domain::pipeline::Env;
use http::StatusCode;

use super::super::InOrganization;
use super::super::body::{Fields, renamed};
use super::choice::Shape;
use super::shape::Shown;
use crate::Failure;

/// What an operation calls a field that this API calls otherwise.
const NAMES: &[(&str, &str)] = &[("metaData", "meta_data"), ("definition", "configuration")];

/// Makes a build of a pipeline's own steps.
pub(crate) async fn create(
    State(control): State<Control>,
    call: InOrganization<CreateBuild>,
    fields: Fields,
) -> Result<(StatusCode, Json<Shown>), Failure> {
    let view = call.may::<ViewBuilds>()?;
    let pipeline = control.pipeline(&view, call.named.word("pipeline")?).await?;
    let new = NewBuild { pipeline: pipeline.slug, ..read(fields)? };
    if pipeline.steps.is_none() {
        let why = "is empty: the pipeline has no steps of its own; give it some before it is built from here";
        return Err(Error::invalid("configuration", why).into());
    }
    let build = control.create_build(&call.grant, new).await.map_err(|error| renamed(error, NAMES))?;
    let shown = super::one(&control, &call, &view, build.id, &Shape::default()).await?;
    Ok((StatusCode::CREATED, Json(shown)))
}

fn read(mut fields: Fields) -> Result<NewBuild, Error> {
    let mut env: Env = fields.texts("env")?.into_iter().collect();
    if let Some(mut author) = fields.object("author")? {
        for (field, variable) in [("name", AUTHOR), ("email", AUTHOR_EMAIL)] {
            if let Some(text) =
                author.text(field).map_err(|_| Error::invalid(&format!("author.{field}"), "must be a text"))?
            {
                env.insert(variable.to_owned(), text);
            }
        }
        // The name by which they are known elsewhere says nothing here.
        author.pass_over(&["username"]);
        author.finish_within("author.")?;
    }
    if fields.flag("clean_checkout")? == Some(true) {
        env.insert("BUILDKITE_CLEAN_CHECKOUT".to_owned(), "true".to_owned());
    }
    // A pipeline has no branch filters of its own here, so there are none to leave aside.
    fields.flag("ignore_pipeline_branch_filters")?;
    let new = NewBuild {
        message: fields.text("message")?.filter(|message| !message.is_empty()),
        branch: fields.text("branch")?,
        commit: fields.text("commit")?,
        meta_data: fields.texts("meta_data")?,
        env,
        ..NewBuild::default()
    };
    fields.finish()?;
    Ok(new)
}
