//! One function per call. How often each is tried is the caller's business.

use countersign_wire::buildkite::{
    AnnotationRequest, ChunkQuery, DataExists, DataGet, DataKey, DataSet, FinishRequest, HeartbeatRequest,
    HeartbeatResponse, Job, JobState, PingResponse, RegisterRequest, RegisterResponse, StartRequest,
};
use reqwest::{
    Method,
    header::{CONTENT_ENCODING, CONTENT_TYPE},
};

use super::{Api, CallError};

/// Calls without a body.
const NO_BODY: Option<&()> = None;

/// A piece of the log, ready to be sent.
#[derive(Debug, Clone)]
pub(crate) struct Chunk {
    pub place: ChunkQuery,
    /// Compressed with gzip.
    pub body: bytes::Bytes,
}

impl Api {
    /// With the agent token.
    pub async fn register(&self, request: &RegisterRequest) -> Result<RegisterResponse, CallError> {
        self.json(Method::POST, "register", Some(request)).await
    }

    pub async fn connect(&self) -> Result<(), CallError> {
        self.done(Method::POST, "connect", NO_BODY).await
    }

    pub async fn disconnect(&self) -> Result<(), CallError> {
        self.done(Method::POST, "disconnect", NO_BODY).await
    }

    pub async fn heartbeat(&self, request: &HeartbeatRequest) -> Result<HeartbeatResponse, CallError> {
        self.json(Method::POST, "heartbeat", Some(request)).await
    }

    pub async fn ping(&self) -> Result<PingResponse, CallError> {
        self.json(Method::GET, "ping", NO_BODY).await
    }

    pub async fn accept(&self, job: &str) -> Result<Job, CallError> {
        self.json(Method::PUT, &of_job(job, "/accept")?, NO_BODY).await
    }

    pub async fn start(&self, job: &str, request: &StartRequest) -> Result<(), CallError> {
        self.done(Method::PUT, &of_job(job, "/start")?, Some(request)).await
    }

    pub async fn job_state(&self, job: &str) -> Result<JobState, CallError> {
        self.json(Method::GET, &of_job(job, "")?, NO_BODY).await
    }

    pub async fn finish(&self, job: &str, request: &FinishRequest) -> Result<(), CallError> {
        self.done(Method::PUT, &of_job(job, "/finish")?, Some(request)).await
    }

    pub async fn upload_chunk(&self, job: &str, chunk: &Chunk) -> Result<(), CallError> {
        let ChunkQuery { sequence, offset, size } = chunk.place;
        let path = of_job(job, &format!("/chunks?sequence={sequence}&offset={offset}&size={size}"))?;
        let request = self.request(Method::POST, &path, NO_BODY)?;
        let request =
            request.header(CONTENT_TYPE, "text/plain").header(CONTENT_ENCODING, "gzip").body(chunk.body.clone());
        self.send(&format!("POST /jobs/{job}/chunks"), request).await.map(drop)
    }

    pub async fn annotate(&self, job: &str, request: &AnnotationRequest) -> Result<(), CallError> {
        self.done(Method::POST, &of_job(job, "/annotations")?, Some(request)).await
    }

    pub async fn data_set(&self, job: &str, request: &DataSet) -> Result<(), CallError> {
        self.done(Method::POST, &of_job(job, "/data/set")?, Some(request)).await
    }

    pub async fn data_get(&self, of: &Owner, request: &DataKey) -> Result<DataGet, CallError> {
        self.json(Method::POST, &of.path("/data/get")?, Some(request)).await
    }

    pub async fn data_exists(&self, of: &Owner, request: &DataKey) -> Result<DataExists, CallError> {
        self.json(Method::POST, &of.path("/data/exists")?, Some(request)).await
    }

    pub async fn data_keys(&self, of: &Owner) -> Result<Vec<String>, CallError> {
        self.json(Method::POST, &of.path("/data/keys")?, NO_BODY).await
    }
}

/// Whose meta-data are asked for. They belong to the build; a job names its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Owner {
    Job(String),
    Build(String),
}

impl Owner {
    fn path(&self, rest: &str) -> Result<String, CallError> {
        match self {
            Self::Job(id) => of_job(id, rest),
            Self::Build(id) => under("builds", id, rest),
        }
    }
}

pub(super) fn of_job(id: &str, rest: &str) -> Result<String, CallError> {
    under("jobs", id, rest)
}

/// Ids come from servers and from variables; one with a slash or a dot would name another call.
pub(super) fn under(collection: &str, id: &str, rest: &str) -> Result<String, CallError> {
    let plain =
        !id.is_empty() && id.len() <= 100 && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
    if plain {
        Ok(format!("{collection}/{id}{rest}"))
    } else {
        Err(CallError::Local(format!("{id:?} is not the id of a job or a build")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_cannot_name_another_call() {
        assert_eq!(of_job("0198-ab_C", "/start"), Ok("jobs/0198-ab_C/start".to_owned()));
        for id in ["", "..", "a/b", "a?b", "a%2Fb", "ä", "a b"] {
            assert!(of_job(id, "").is_err(), "{id:?}");
        }
        assert_eq!(Owner::Build("b".to_owned()).path("/data/get"), Ok("builds/b/data/get".to_owned()));
    }
}
