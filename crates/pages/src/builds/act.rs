//! Canceling and repeating a build, and canceling or running again one of its jobs.

use countersign_control::Error;
use countersign_control::access::actions::{CancelBuild, CancelJob, CreateBuild, RetryJob, ViewBuilds};
use countersign_control::builds::Build;
use countersign_domain::id::JobId;

use crate::failure::Failure;
use crate::frame::Answer;
use crate::notice::{Notice, then};
use crate::visit::Visit;

/// Cancels the build in the address.
pub(crate) async fn cancel(visit: Visit) -> Answer {
    let grant = visit.may::<CancelBuild>()?;
    let build = visit.build().await?;
    visit.control().cancel_build(&grant, build.id).await?;
    Ok(then(&visit.site, &visit.build_path(&build, ""), Notice::BuildCanceled))
}

/// Makes the build in the address once more, and leads to the new one.
pub(crate) async fn rebuild(visit: Visit) -> Answer {
    let grant = visit.may::<CreateBuild>()?;
    let build = visit.build().await?;
    let made = visit.control().rebuild(&grant, build.id).await?;
    Ok(then(&visit.site, &visit.build_path(&made, ""), Notice::BuildRepeated))
}

impl Visit {
    /// The job in the address, of the build in the address.
    pub(crate) async fn job_of(&self, build: &Build) -> Result<JobId, Failure> {
        let id: JobId = self.param("job").parse().map_err(|_| Error::NotFound("job"))?;
        let job = self.control().job(&self.may::<ViewBuilds>()?, id).await?;
        if job.build == build.id { Ok(job.id) } else { Err(Error::NotFound("job").into()) }
    }
}

/// Has a job run again, and leads to the other one.
pub(crate) async fn retry_job(visit: Visit) -> Answer {
    let grant = visit.may::<RetryJob>()?;
    let build = visit.build().await?;
    let job = visit.job_of(&build).await?;
    let made = visit.control().retry_job(&grant, job).await?;
    Ok(then(&visit.site, &visit.job_path(&build, made.id, ""), Notice::JobRetried))
}

/// Cancels a job.
pub(crate) async fn cancel_job(visit: Visit) -> Answer {
    let grant = visit.may::<CancelJob>()?;
    let build = visit.build().await?;
    let job = visit.job_of(&build).await?;
    visit.control().cancel_job(&grant, job).await?;
    Ok(then(&visit.site, &visit.job_path(&build, job, ""), Notice::JobCanceled))
}
