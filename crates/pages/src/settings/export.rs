//! The audit log as a file: a line of JSON for each row, in the order of the chain or of a period in the order in which it happened, read and sent a part at a time.

use std::future::ready;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use countersign_control::access::actions::ViewAudit;
use countersign_control::audit::{Export, as_json};
use countersign_control::{Error, Result};
use futures_util::stream::{self, StreamExt};
use http::HeaderValue;
use http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};

use crate::failure::Failure;
use crate::frame;
use crate::person;
use crate::query::Query;
use crate::visit::{Anyone, Visit};

use super::period::Written;

const LINES: HeaderValue = HeaderValue::from_static("application/jsonl; charset=utf-8");

/// What is still to be read.
struct Reading {
    anyone: Anyone,
    organization: String,
    /// From where on; none at the end.
    from: Option<Export>,
}

impl Reading {
    /// The next lines; none at the end. For each part it is asked anew who asks, and whether they may.
    async fn next(&mut self) -> Result<Option<String>> {
        let Some(from) = self.from else { return Ok(None) };
        let Anyone { site, parts, .. } = &self.anyone;
        let caller = person::signed_in(&site.control, parts, Some(&self.organization)).await?;
        let grant = site.control.grant_own::<ViewAudit>(&caller)?;
        let part = site.control.export_own_audit(&grant, from).await?;
        self.from = part.next;
        let lines = part.items.iter().map(|event| format!("{}\n", as_json(&self.organization, event)));
        Ok(Some(lines.collect()))
    }
}

/// The file: of all rows, or of those of a time that is given as on the page. A fault in the middle cuts the connection, so that nobody takes a part for the whole.
pub(crate) async fn whole(visit: Visit, anyone: Anyone, query: Query) -> std::result::Result<Response, Failure> {
    visit.may::<ViewAudit>()?;
    if !visit.is_from_here {
        // All of the log is read for nobody who follows a link from elsewhere.
        return Ok(frame::to(&visit.path("/settings/audit-log")));
    }
    let period = Written::of(&query).period()?;
    let organization = visit.organization.slug;
    // A slug holds letters, digits and hyphens alone.
    let name = format!("attachment; filename=\"audit-log-{organization}.jsonl\"");
    let name = HeaderValue::from_str(&name).map_err(|_| Error::internal("a slug that is in no header"))?;
    let mut reading = Reading { anyone, organization, from: Some(Export::of(period)) };
    // What is wrong with what is asked for is answered before a file has begun.
    let first = reading.next().await?.unwrap_or_default();
    let rest = stream::try_unfold(reading, |mut reading| async move {
        let part = reading.next().await?;
        Ok::<_, Error>(part.map(|part| (part, reading)))
    });
    let parts = stream::once(ready(Ok::<_, Error>(first))).chain(rest);
    let mut answer = Body::from_stream(parts).into_response();
    answer.headers_mut().insert(CONTENT_TYPE, LINES);
    answer.headers_mut().insert(CONTENT_DISPOSITION, name);
    Ok(answer)
}
