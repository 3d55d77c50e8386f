//! `countersign annotate`: a note on the build, from inside a job.

use clap::Args;
use countersign_agent::commands::{self, Annotation, MAX_ANNOTATION_BYTES};

use super::job_flags::{JobFlags, plain, standard_input};
use crate::{
    Ambient,
    failure::{Exit, Outcome},
};

/// Annotate the build, from inside a job
///
/// The body is Markdown: the argument, else standard input; without either only the style changes.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  countersign annotate \"All **42** tests passed\" --style success --context tests")]
pub struct Annotate {
    /// The body
    body: Option<String>,
    /// What this annotation is about; the same context again replaces it
    #[arg(long, env = "BUILDKITE_ANNOTATION_CONTEXT")]
    context: Option<String>,
    /// success, info, warning or error
    #[arg(long, env = "BUILDKITE_ANNOTATION_STYLE")]
    style: Option<String>,
    /// Add to the body that is there
    #[arg(long, env = "BUILDKITE_ANNOTATION_APPEND", value_parser = clap::builder::BoolishValueParser::new(), default_missing_value = "true", num_args = 0..=1, require_equals = true, default_value_t = false)]
    append: bool,
    /// 1 to 10, higher is shown first [default: 3]
    #[arg(long, env = "BUILDKITE_ANNOTATION_PRIORITY")]
    priority: Option<u8>,
    /// build or job [default: build]
    #[arg(long, env = "BUILDKITE_ANNOTATION_SCOPE")]
    scope: Option<String>,
    #[command(flatten)]
    job: JobFlags,
}

impl Annotate {
    pub(super) async fn run(self, ambient: &Ambient) -> Outcome {
        let access = self.job.access(None, ambient)?;
        let body = match self.body {
            Some(body) => Some(body),
            None => standard_input(MAX_ANNOTATION_BYTES).await?,
        };
        let annotation = Annotation {
            body,
            context: self.context,
            style: self.style,
            append: self.append,
            priority: self.priority,
            scope: self.scope,
        };
        commands::annotate(&access, annotation).await.map_err(plain)?;
        Ok(Exit::Done)
    }
}
