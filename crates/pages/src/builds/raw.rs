//! A job's log as it is, as a file: read and sent a part at a time.

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use countersign_control::access::actions::ViewBuilds;
use countersign_control::{Error, Result};
use countersign_domain::id::JobId;
use futures_util::stream;
use http::HeaderValue;
use http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};

use crate::failure::Failure;
use crate::person;
use crate::visit::{Anyone, Visit};

const TEXT: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");

/// What is still to be read.
struct Reading {
    anyone: Anyone,
    organization: String,
    job: JobId,
    at: i64,
}

impl Reading {
    /// The next bytes; none at the end of what can be read now. For each part it is asked anew who asks, and whether they may.
    async fn next(&mut self) -> Result<Option<Vec<u8>>> {
        let Anyone { site, parts, .. } = &self.anyone;
        let caller = person::signed_in(&site.control, parts, Some(&self.organization)).await?;
        let grant = site.control.grant_own::<ViewBuilds>(&caller)?;
        let part = site.control.job_log(&grant, self.job, self.at).await?;
        self.at = part.next;
        Ok(Some(part.content).filter(|content| !content.is_empty()))
    }
}

/// The file. A fault in the middle cuts the connection, so that nobody takes a part for the whole.
pub(crate) async fn whole(visit: Visit, anyone: Anyone) -> std::result::Result<Response, Failure> {
    let build = visit.build().await?;
    let job = visit.job_of(&build).await?;
    let name =
        HeaderValue::from_str(&format!("attachment; filename=\"{}-{}-{job}.log\"", build.pipeline_slug, build.number));
    let name = name.map_err(|_| Error::internal("a slug that is in no header"))?;
    let reading = Reading { anyone, organization: visit.organization.slug.clone(), job, at: 0 };
    let parts = stream::try_unfold(reading, |mut reading| async move {
        let part = reading.next().await?;
        Ok::<_, Error>(part.map(|part| (part, reading)))
    });
    let mut answer = Body::from_stream(parts).into_response();
    answer.headers_mut().insert(CONTENT_TYPE, TEXT);
    answer.headers_mut().insert(CONTENT_DISPOSITION, name);
    Ok(answer)
}
