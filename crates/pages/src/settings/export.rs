//! The audit log as a file: a line of JSON for each row, in the order of the chain, read and sent a part at a time.

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use countersign_control::access::actions::ViewAudit;
use countersign_control::audit::as_json;
use countersign_control::{Error, Result};
use futures_util::stream;
use http::HeaderValue;
use http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};

use crate::failure::Failure;
use crate::frame;
use crate::person;
use crate::visit::{Anyone, Visit};

const LINES: HeaderValue = HeaderValue::from_static("application/jsonl; charset=utf-8");

/// What is still to be read.
struct Reading {
    anyone: Anyone,
    organization: String,
    after: i64,
    is_done: bool,
}

impl Reading {
    /// The next lines; none at the end. For each part it is asked anew who asks, and whether they may.
    async fn next(&mut self) -> Result<Option<String>> {
        if self.is_done {
            return Ok(None);
        }
        let Anyone { site, parts, .. } = &self.anyone;
        let caller = person::signed_in(&site.control, parts, Some(&self.organization)).await?;
        let grant = site.control.grant_own::<ViewAudit>(&caller)?;
        let events = site.control.export_own_audit(&grant, self.after).await?;
        let last = events.last().and_then(|event| event.sealed.as_ref()).map(|(sequence, _)| *sequence);
        match last {
            Some(sequence) => self.after = sequence,
            None => self.is_done = true,
        }
        let lines = events.iter().map(|event| format!("{}\n", as_json(&self.organization, event)));
        Ok(Some(lines.collect()))
    }
}

/// The file. A fault in the middle cuts the connection, so that nobody takes a part for the whole.
pub(crate) async fn whole(visit: Visit, anyone: Anyone) -> std::result::Result<Response, Failure> {
    visit.may::<ViewAudit>()?;
    if !visit.is_from_here {
        // All of the log is read for nobody who follows a link from elsewhere.
        return Ok(frame::to(&visit.path("/settings/audit-log")));
    }
    let organization = visit.organization.slug;
    // A slug holds letters, digits and hyphens alone.
    let name = format!("attachment; filename=\"audit-log-{organization}.jsonl\"");
    let name = HeaderValue::from_str(&name).map_err(|_| Error::internal("a slug that is in no header"))?;
    let reading = Reading { anyone, organization, after: 0, is_done: false };
    let parts = stream::try_unfold(reading, |mut reading| async move {
        let part = reading.next().await?;
        Ok::<_, Error>(part.map(|part| (part, reading)))
    });
    let mut answer = Body::from_stream(parts).into_response();
    answer.headers_mut().insert(CONTENT_TYPE, LINES);
    answer.headers_mut().insert(CONTENT_DISPOSITION, name);
    Ok(answer)
}
