//! Annotating a build, from inside a job.

use countersign_domain::annotation::{self, Context, MAX_BODY, Priority, Style};
use countersign_domain::id::AnnotationId;
use countersign_store::Lane;
use countersign_store::builds::annotations::{self, Patch, Place};
use serde_json::json;

use crate::access::actions::Annotate;
use crate::scene::Subject;
use crate::{Control, Error, Grant, Result, input};

/// The most annotations that a build may have.
pub const MAX_ANNOTATIONS: i64 = 1_000;
/// The most bytes that the bodies of a build's annotations may have together: whoever looks at the build gets them in one answer.
pub const MAX_BODIES: i64 = 16 * 1024 * 1024;

/// What a job says.
#[derive(Debug, Default)]
pub struct NewAnnotation {
    /// Markdown; without it only the style is changed.
    pub body: Option<String>,
    /// Names the annotation within the build; `default` when none is given.
    pub context: Option<String>,
    /// How it looks; as before when none is given.
    pub style: Option<String>,
    /// Whether to add to what the context says.
    pub append: bool,
    /// 1 to 10, 10 first.
    pub priority: Option<i64>,
    /// `build` or `job`.
    pub scope: Option<String>,
}

struct Input {
    id: AnnotationId,
    context: Context,
    body: Option<String>,
    style: Option<Style>,
    append: bool,
    priority: Option<Priority>,
    for_job: bool,
}

impl Control {
    /// Writes an annotation of the job's build.
    ///
    /// # Errors
    /// [`Error::Invalid`] at the field; [`Error::Conflict`] when the build has [`MAX_ANNOTATIONS`] or [`MAX_BODIES`].
    pub async fn annotate(&self, grant: &Grant<Annotate>, new: NewAnnotation) -> Result<()> {
        if let Some(body) = &new.body {
            input::field("body", annotation::check_body(body))?;
        }
        let context = match new.context.as_deref().filter(|it| !it.is_empty()) {
            Some(context) => input::field("context", Context::parse(context))?,
            None => Context::default(),
        };
        let style = match new.style.as_deref().filter(|it| !it.is_empty()) {
            Some(style) => Some(input::field("style", style.parse())?),
            None => None,
        };
        let priority = match new.priority {
            Some(priority) => Some(input::field("priority", Priority::try_from(priority))?),
            None => None,
        };
        let for_job = is_for_job(new.scope.as_deref())?;
        let job = grant.job()?.clone();
        let input =
            Input { id: self.fresh_id(), context, body: new.body, style, append: new.append, priority, for_job };
        self.write(grant, Lane::Normal, (job, input), |tx, scene| {
            Box::pin(async move {
                let (job, new) = &scene.input;
                let place =
                    Place { build: job.build, job: new.for_job.then_some(job.job), context: new.context.as_str() };
                let patch =
                    Patch { style: new.style, body: new.body.as_deref(), append: new.append, priority: new.priority };
                let size = annotations::put(tx, new.id, &place, job.job, &patch).await?;
                if usize::try_from(size).is_ok_and(|size| size > MAX_BODY) {
                    return Err(Error::invalid(
                        "body",
                        "would be above 1 MiB with what is there; start another context",
                    ));
                }
                if annotations::count(tx, job.build).await? > MAX_ANNOTATIONS {
                    return Err(Error::Conflict(format!(
                        "The build has {MAX_ANNOTATIONS} annotations, the most there may be."
                    )));
                }
                if annotations::size(tx, job.build).await? > MAX_BODIES {
                    let what = "The build's annotations would have more than 16 MiB; upload what is large as an artifact and link to it.";
                    return Err(Error::Conflict(what.to_owned()));
                }
                let subject = Subject::find_build(tx, scene.organization, job.build).await?;
                scene.audit(tx, "annotation.written", subject, json!({ "context": new.context.as_str() })).await
            })
        })
        .await
    }
}

/// Whether a scope is the job rather than its build.
pub(super) fn is_for_job(scope: Option<&str>) -> Result<bool> {
    match scope {
        None | Some("" | "build") => Ok(false),
        Some("job") => Ok(true),
        Some(_) => Err(Error::invalid("scope", "must be build or job")),
    }
}
