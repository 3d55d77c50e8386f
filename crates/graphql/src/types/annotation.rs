//! Notes that jobs leave on their builds.

use async_graphql::{ID, Object};
use countersign_control::Result;
use countersign_control::builds::Annotation;
use countersign_domain::id::BuildId;

use crate::call::Call;
use crate::global_id;

use super::connection::int;
use super::date_time::DateTime;

pub(crate) struct BuildAnnotation(Annotation);

/// A note that a job left on its build.
#[Object]
impl BuildAnnotation {
    /// The uuid.
    async fn uuid(&self) -> ID {
        global_id::uuid(self.0.id)
    }

    /// Names it within the build.
    async fn context(&self) -> &str {
        &self.0.context
    }

    /// How it looks: `default`, `success`, `info`, `warning` or `error`.
    async fn style(&self) -> &str {
        self.0.content.style.as_str()
    }

    /// Markdown, as the job wrote it. Not to be trusted.
    async fn body(&self) -> &str {
        &self.0.content.body
    }

    /// 1 to 10, 10 first.
    async fn priority(&self) -> i32 {
        int(self.0.content.priority)
    }

    /// `build` or `job`.
    async fn scope(&self) -> &str {
        &self.0.scope
    }

    /// The job that wrote it last.
    async fn job_uuid(&self) -> ID {
        global_id::uuid(self.0.job)
    }

    /// When it was first written.
    async fn created_at(&self) -> DateTime {
        DateTime(self.0.created_at)
    }

    /// When it was last written.
    async fn updated_at(&self) -> DateTime {
        DateTime(self.0.updated_at)
    }
}

/// The notes on one of the organization's builds.
pub(crate) async fn of_build(call: &Call, id: BuildId) -> Result<Vec<BuildAnnotation>> {
    Ok(call.control.build_annotations(&call.may()?, id).await?.into_iter().map(BuildAnnotation).collect())
}
