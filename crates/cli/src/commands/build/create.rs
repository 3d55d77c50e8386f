//! `countersign build create`.

use clap::Args;
use countersign_domain::text::{DeploymentName, QueueName, Slug};
use serde_json::{Value, json};

use super::{
    follow,
    source::{Source, read_steps, slug_of},
};
use crate::{
    Ambient,
    api::{
        Api, build_documents as documents, organization,
        shapes::{self, text},
    },
    failure::{Exit, Failure, Outcome},
    flags::{ServerArgs, variables},
    output::Printer,
};

/// Create a build, from a pipeline's file or of a pipeline that has steps of its own
///
/// With --wait the log of each step follows on standard output, and the exit code is 0 when the build passed, 10 when it failed and 11
/// when it was cancelled. Ctrl-C ends the following with 130, and the build goes on.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  countersign build create --pipeline examples/pipeline.yml --wait\n  countersign build create --pipeline web --branch main --commit 3f2a91c --env RELEASE=yes --meta-data reason=nightly"
)]
pub(super) struct Create {
    /// The pipeline. With a dot or a slash in it a file, YAML or JSON; - is standard input; else the slug of a pipeline that has steps
    #[arg(long, value_name = "FILE|SLUG", env = variables::PIPELINE)]
    pipeline: Source,
    /// The pipeline that a file's build is counted under; it is made by its first build [default: the file's name]
    #[arg(long)]
    slug: Option<Slug>,
    /// The branch [default: the pipeline's]
    #[arg(long, value_name = "NAME", env = variables::BRANCH)]
    branch: Option<String>,
    /// The commit [default: HEAD]
    #[arg(long, value_name = "NAME", env = variables::COMMIT)]
    commit: Option<String>,
    /// The queue of steps that name none [default: default]
    #[arg(long, value_name = "NAME", env = variables::QUEUE)]
    queue: Option<QueueName>,
    /// The deployment that the jobs run in, by name [default: the organization's default]
    #[arg(long, value_name = "NAME", env = variables::DEPLOYMENT)]
    deployment: Option<DeploymentName>,
    /// What the build is for, in a line
    #[arg(long, env = variables::MESSAGE)]
    message: Option<String>,
    /// A variable of every job; may be given several times
    #[arg(long, value_name = "NAME=VALUE", value_parser = pair)]
    env: Vec<(String, String)>,
    /// A word that the jobs share; may be given several times
    #[arg(long, value_name = "KEY=VALUE", value_parser = pair)]
    meta_data: Vec<(String, String)>,
    /// Follow the log and wait until the build has ended
    #[arg(long, env = variables::WAIT)]
    wait: bool,
    #[command(flatten)]
    server: ServerArgs,
}

/// The steps of a build.
enum Steps<'a> {
    /// A text, and the slug that its build is counted under.
    Given { definition: String, slug: String },
    /// Those of the pipeline with this slug.
    Stored(&'a str),
}

/// Two texts with `=` between them.
pub(super) fn pair(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("has no '='; write NAME=VALUE")?;
    if name.is_empty() {
        return Err("has nothing before '='; write NAME=VALUE".to_owned());
    }
    Ok((name.to_owned(), value.to_owned()))
}

impl Create {
    pub async fn run(self, ambient: &Ambient, printer: Printer) -> Outcome {
        let steps = match &self.pipeline {
            Source::File(path) => {
                let slug = self.slug.as_ref().map_or_else(|| slug_of(path), |it| it.as_str().to_owned());
                Steps::Given { definition: read_steps(path)?, slug }
            }
            Source::Stored(_) if self.slug.is_some() => {
                return Err(Failure::bad_input(
                    "--slug is for the build of a file, and --pipeline names a slug already",
                ));
            }
            Source::Stored(slug) => Steps::Stored(slug),
        };
        let api = Api::for_user(&self.server, &ambient.environment)?;
        let mut input = json!({
            "branch": self.branch,
            "commit": self.commit,
            "queue": self.queue,
            "deployment": self.deployment,
            "message": self.message,
            "env": self.env.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>(),
            "metaData": self.meta_data.iter().map(|(key, value)| json!({ "key": key, "value": value })).collect::<Vec<_>>(),
        });
        let (organization, slug) = organization(&api).await?;
        let build = match steps {
            Steps::Given { definition, slug } => {
                input["organizationID"] = json!(organization);
                input["definition"] = json!(definition);
                input["pipeline"] = json!(slug);
                let mut answer: Value = api.call(documents::CREATE_FROM_DEFINITION, json!({ "input": input })).await?;
                answer["buildCreateFromDefinition"]["build"].take()
            }
            Steps::Stored(pipeline) => {
                input["pipelineID"] = json!(pipeline_id(&api, &slug, pipeline).await?);
                let mut answer: Value = api.call(documents::CREATE, json!({ "input": input })).await?;
                answer["buildCreate"]["build"].take()
            }
        };
        let build = shapes::there(Some(build), "build")?;
        made(&api, &build, self.wait, ambient, printer).await
    }
}

/// Says that a build was made, and follows it where that is wanted.
pub(super) async fn made(api: &Api, build: &Value, wait: bool, ambient: &Ambient, printer: Printer) -> Outcome {
    let (number, uuid) = (&build["number"], text(build, "uuid"));
    if !wait {
        printer.result(build, || format!("Build {number}: {uuid}"))?;
        return Ok(Exit::Done);
    }
    printer.say(format_args!("Build {number} ({uuid}) is scheduled"));
    follow::until_interrupted(follow::to_the_end(api, uuid, ambient, printer), uuid, printer).await
}

/// The id of a pipeline, as the API has it.
async fn pipeline_id(api: &Api, organization: &str, pipeline: &str) -> Outcome<String> {
    let slug = Slug::parse(pipeline).map_err(|error| Failure::bad_input(format!("--pipeline {pipeline}: {error}")))?;
    let mut found: Value =
        api.call(documents::PIPELINE_ID, json!({ "slug": format!("{organization}/{}", slug.as_str()) })).await?;
    let found = shapes::there(Some(found["pipeline"].take()), "pipeline").map_err(|failure| {
        Failure::new(
            failure.exit,
            format!(
                "no pipeline {} found; see countersign pipeline list, or write a file's name with a dot or a slash",
                slug.as_str()
            ),
        )
    })?;
    Ok(text(&found, "id").to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pair_keeps_what_is_behind_the_first_sign() {
        assert_eq!(pair("A=b=c"), Ok(("A".to_owned(), "b=c".to_owned())));
        assert_eq!(pair("A="), Ok(("A".to_owned(), String::new())));
        for wrong in ["", "A", "=b"] {
            assert!(pair(wrong).is_err(), "{wrong}");
        }
    }
}
