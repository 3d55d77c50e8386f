//! The calls of the commands that a job runs, with the job token.

use std::time::Duration;

use countersign_wire::buildkite::{
    AnnotationQuery, BACKOFF_HEADER, Canceled, DataSetBatch, JobSecret, JobUpdated, OidcTokenRequest,
    OidcTokenResponse, PauseRequest, PipelineUpload, PipelineUploadState, StepCancel, StepExport, StepExportRequest,
    StepUpdate, StopRequest,
};
use reqwest::Method;
use serde_json::{Value, json};

use super::{
    Api, CallError,
    calls::{NO_BODY, of_job, under},
    path_segment, read,
};

/// What became of an uploaded pipeline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Uploaded {
    /// It is applied.
    Applied,
    /// It will be; ask for its state after this time.
    Later(Duration),
}

/// The wait before the first look at an upload's state, when the server does not say.
const FIRST_LOOK: Duration = Duration::from_secs(1);

impl Api {
    pub async fn remove_annotation(&self, job: &str, context: &str, query: &AnnotationQuery) -> Result<(), CallError> {
        let scope = query.scope.as_deref().map(|scope| format!("?scope={}", path_segment(scope))).unwrap_or_default();
        let path = of_job(job, &format!("/annotations/{}{scope}", path_segment(context)))?;
        self.done(Method::DELETE, &path, NO_BODY).await
    }

    pub async fn data_set_batch(&self, job: &str, request: &DataSetBatch) -> Result<(), CallError> {
        self.done(Method::POST, &of_job(job, "/data/set-batch")?, Some(request)).await
    }

    pub async fn step_export(&self, step: &str, request: &StepExportRequest) -> Result<StepExport, CallError> {
        self.json(Method::POST, &of_step(step, "/export")?, Some(request)).await
    }

    pub async fn step_update(&self, step: &str, request: &StepUpdate) -> Result<(), CallError> {
        self.done(Method::PUT, &of_step(step, "")?, Some(request)).await
    }

    pub async fn step_cancel(&self, step: &str, request: &StepCancel) -> Result<Canceled, CallError> {
        self.json(Method::POST, &of_step(step, "/cancel")?, Some(request)).await
    }

    pub async fn build_cancel(&self, build: &str) -> Result<Canceled, CallError> {
        self.json(Method::POST, &under("builds", build, "/cancel")?, NO_BODY).await
    }

    pub async fn job_update(&self, job: &str, attribute: &str, value: &str) -> Result<JobUpdated, CallError> {
        let request: Value = json!({ attribute: value });
        self.json(Method::PUT, &of_job(job, "")?, Some(&request)).await
    }

    pub async fn oidc_token(&self, job: &str, request: &OidcTokenRequest) -> Result<OidcTokenResponse, CallError> {
        self.json(Method::POST, &of_job(job, "/oidc/tokens")?, Some(request)).await
    }

    pub async fn secret(&self, job: &str, key: &str) -> Result<JobSecret, CallError> {
        let path = of_job(job, &format!("/secrets?key={}", path_segment(key)))?;
        self.json(Method::GET, &path, NO_BODY).await
    }

    pub async fn stop_agent(&self, request: StopRequest) -> Result<(), CallError> {
        self.done(Method::POST, "stop", Some(&request)).await
    }

    pub async fn pause_agent(&self, request: &PauseRequest) -> Result<(), CallError> {
        self.done(Method::POST, "pause", Some(request)).await
    }

    pub async fn resume_agent(&self) -> Result<(), CallError> {
        self.done(Method::POST, "resume", NO_BODY).await
    }

    /// `attempt` counts from 0.
    pub async fn upload_pipeline(
        &self,
        job: &str,
        upload: &PipelineUpload,
        attempt: u32,
    ) -> Result<Uploaded, CallError> {
        let path = of_job(job, "/pipelines?async=true")?;
        let call = format!("POST /jobs/{job}/pipelines");
        let request = self.request(Method::POST, &path, Some(upload))?.header(BACKOFF_HEADER, attempt);
        let answer = self.send(&call, request).await?;
        if answer.status != 202 {
            return Ok(Uploaded::Applied);
        }
        let Some(location) = answer.location else {
            // The server took note and lost the thread; the same upload again does no harm.
            return Err(CallError::Undecodable(format!("{call}: 202 without a Location")));
        };
        if location.contains(&format!("jobs/{job}/pipelines/{}", upload.uuid)) {
            Ok(Uploaded::Later(answer.retry_after.unwrap_or(FIRST_LOOK)))
        } else {
            Err(CallError::Local(format!("{call}: the answer names the state of another upload")))
        }
    }

    /// An answer that says `pending` or `processing` is an error that passes.
    pub async fn pipeline_state(&self, job: &str, uuid: &str, attempt: u32) -> Result<PipelineUploadState, CallError> {
        let path = of_job(job, &format!("/pipelines/{}", path_segment(uuid)))?;
        let call = format!("GET /{path}");
        let request = self.request(Method::GET, &path, NO_BODY)?.header(BACKOFF_HEADER, attempt);
        let answer = self.send(&call, request).await?;
        let state: PipelineUploadState = read(&call, &answer.body)?;
        if matches!(state.state.as_str(), "pending" | "processing") {
            return Err(CallError::Pending { call, retry_after: answer.retry_after });
        }
        Ok(state)
    }
}

/// Steps are named by id or by key.
fn of_step(step: &str, rest: &str) -> Result<String, CallError> {
    if step.is_empty() || step.len() > 255 {
        return Err(CallError::Local("the step's id or key must have 1 to 255 bytes".to_owned()));
    }
    Ok(format!("steps/{}{rest}", path_segment(step)))
}
