//! Calls about artifacts. Their bytes go to addresses that the server signed, without a token; no message repeats such an address.

use std::time::Duration;

use bytes::Bytes;
use countersign_wire::buildkite::{
    Artifact, ArtifactBatch, ArtifactBatchAnswer, ArtifactQuery, ArtifactStates, FormAction, PartAction,
};
use reqwest::{
    Body, Method, RequestBuilder, Response, Url,
    header::{CONTENT_LENGTH, CONTENT_TYPE, ETAG, LOCATION, RANGE},
    multipart::{Form, Part},
};
use url::form_urlencoded;

use super::{Api, CallError};

/// What every transfer may take, whatever its size.
const BASE_TIME: Duration = Duration::from_secs(60);
/// The slowest transfer that is waited for, in bytes per second.
const SLOWEST: u64 = 16 * 1024;
/// How many redirects a download follows. None carries a token.
const MAX_REDIRECTS: usize = 5;
/// The most bytes of a refusal that are read.
const MAX_REFUSAL: usize = 64 * 1024;

/// A file on its way out.
pub(crate) struct Outgoing<'a> {
    pub path: &'a str,
    pub content_type: &'a str,
    pub size: u64,
    pub body: Body,
}

impl Api {
    pub async fn create_artifacts(&self, job: &str, batch: &ArtifactBatch) -> Result<ArtifactBatchAnswer, CallError> {
        self.json(Method::POST, &super::calls::of_job(job, "/artifacts")?, Some(batch)).await
    }

    pub async fn end_artifacts(&self, job: &str, states: &ArtifactStates) -> Result<(), CallError> {
        self.done(Method::PUT, &super::calls::of_job(job, "/artifacts")?, Some(states)).await
    }

    pub async fn search_artifacts(&self, build: &str, asked: &ArtifactQuery) -> Result<Vec<Artifact>, CallError> {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.append_pair("query", &asked.query);
        for (name, value) in [("scope", &asked.scope), ("state", &asked.state)] {
            if !value.is_empty() {
                query.append_pair(name, value);
            }
        }
        for (name, wanted) in
            [("include_retried_jobs", asked.include_retried_jobs), ("include_duplicates", asked.include_duplicates)]
        {
            if wanted {
                query.append_pair(name, "true");
            }
        }
        let path = super::calls::under("builds", build, "/artifacts/search")?;
        self.json(Method::GET, &format!("{path}?{}", query.finish()), None::<&()>).await
    }

    /// Sends a part of a file; answers its entity tag.
    pub async fn send_part(&self, to: &PartAction, file: Outgoing<'_>) -> Result<String, CallError> {
        let request = self.without_token(&to.method, &to.url, file.size)?;
        let request = request.header(CONTENT_TYPE, file.content_type).header(CONTENT_LENGTH, file.size).body(file.body);
        let answer = self.transfer("sending an artifact", request).await?;
        let tag = answer.headers().get(ETAG).and_then(|tag| tag.to_str().ok());
        tag.map(str::to_owned)
            .ok_or_else(|| CallError::Undecodable("sending an artifact: the answer has no ETag".to_owned()))
    }

    /// Sends a whole file as the last field of a form.
    pub async fn send_form(
        &self,
        to: &FormAction,
        fields: impl IntoIterator<Item = (String, String)>,
        file: Outgoing<'_>,
    ) -> Result<(), CallError> {
        let mut address = address(&to.url)?;
        address.set_path(&to.path);
        let mut form = Form::new();
        for (name, value) in fields {
            form = form.text(name, value);
        }
        let part = Part::stream_with_length(file.body, file.size).file_name(file.path.to_owned());
        let part = part
            .mime_str("application/octet-stream")
            .map_err(|_| CallError::Local("the type of a form's file cannot be written".to_owned()))?;
        let form = form.part(to.file_input.clone(), part);
        let request = self.without_token(&to.method, address.as_str(), file.size)?.multipart(form);
        self.transfer("sending an artifact", request).await.map(drop)
    }

    /// Begins a download, perhaps in the middle of the file.
    pub async fn fetch(&self, from: &str, offset: u64, size: u64) -> Result<Response, CallError> {
        let mut from = address(from)?;
        for _ in 0..=MAX_REDIRECTS {
            let mut request = self.without_token("GET", from.as_str(), size)?;
            if offset > 0 {
                request = request.header(RANGE, format!("bytes={offset}-"));
            }
            let answer = self.sent("fetching an artifact", request).await?;
            if !answer.status().is_redirection() {
                return self.sorted("fetching an artifact", answer).await;
            }
            let next = answer.headers().get(LOCATION).and_then(|place| place.to_str().ok());
            let next = next.and_then(|place| from.join(place).ok()).filter(|next| next.scheme().starts_with("http"));
            from = next
                .ok_or_else(|| CallError::Undecodable("fetching an artifact: a redirect leads nowhere".to_owned()))?;
        }
        Err(CallError::Undecodable(format!("fetching an artifact: more than {MAX_REDIRECTS} redirects")))
    }

    /// The next bytes of a download; none at its end.
    pub async fn next_bytes(&self, answer: &mut Response) -> Result<Option<Bytes>, CallError> {
        answer.chunk().await.map_err(|error| CallError::unreachable("fetching an artifact", self.base(), &error))
    }

    fn without_token(&self, method: &str, to: &str, size: u64) -> Result<RequestBuilder, CallError> {
        let method = Method::from_bytes(method.as_bytes());
        let method =
            method.map_err(|_| CallError::Undecodable("the server names no method for an artifact".to_owned()))?;
        let time = BASE_TIME + Duration::from_secs(size / SLOWEST);
        Ok(self.transport.http().request(method, address(to)?).timeout(time))
    }

    async fn transfer(&self, what: &str, request: RequestBuilder) -> Result<Response, CallError> {
        let answer = self.sent(what, request).await?;
        self.sorted(what, answer).await
    }

    async fn sent(&self, what: &str, request: RequestBuilder) -> Result<Response, CallError> {
        request.send().await.map_err(|error| CallError::unreachable(what, self.base(), &error))
    }

    async fn sorted(&self, what: &str, mut answer: Response) -> Result<Response, CallError> {
        let status = answer.status();
        if status.is_success() {
            return Ok(answer);
        }
        let mut body = Vec::new();
        while let Ok(Some(part)) = answer.chunk().await {
            body.extend_from_slice(&part);
            if body.len() > MAX_REFUSAL {
                break;
            }
        }
        Err(CallError::refused(what, status.as_u16(), &body, None))
    }
}

/// An address that the server named; it may be signed, so the message leaves it out.
fn address(text: &str) -> Result<Url, CallError> {
    let read = Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
    read.ok_or_else(|| CallError::Undecodable("the server names no usable address for an artifact".to_owned()))
}
