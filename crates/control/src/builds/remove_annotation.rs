//! Taking an annotation away, from inside a job.

use countersign_domain::annotation::Context;
use countersign_store::Lane;
use countersign_store::builds::annotations::{self, Place};
use serde_json::json;

use crate::access::actions::Annotate;
use crate::scene::Subject;
use crate::{Control, Error, Grant, Result};

use super::annotate::is_for_job;

impl Control {
    /// Takes away what a context says: of the job's build, or with the scope `job` of the job alone.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is no such annotation; [`Error::Invalid`] at `scope`.
    pub async fn remove_annotation(&self, grant: &Grant<Annotate>, context: &str, scope: Option<&str>) -> Result<()> {
        let for_job = is_for_job(scope)?;
        // What cannot be a context names nothing.
        let context = Context::parse(context).map_err(|_| Error::NotFound("annotation"))?;
        let job = grant.job()?.clone();
        self.write(grant, Lane::Normal, (job, context, for_job), |tx, scene| {
            Box::pin(async move {
                let (job, context, for_job) = &scene.input;
                let place = Place { build: job.build, job: for_job.then_some(job.job), context: context.as_str() };
                if !annotations::remove(tx, &place).await? {
                    return Err(Error::NotFound("annotation"));
                }
                let subject = Subject::find_build(tx, scene.organization, job.build).await?;
                scene.audit(tx, "annotation.removed", subject, json!({ "context": context.as_str() })).await
            })
        })
        .await
    }
}
