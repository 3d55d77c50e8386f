//! A job's log: as JSON, as it is, or as a page.

use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use countersign_control::access::actions::ViewBuilds;
use countersign_control::{Control, Error, Grant};
use countersign_domain::id::JobId;
use countersign_http::outgoing::{self, Outgoing};
use http::header::{
    ACCEPT_RANGES, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderValue, RANGE,
    REFERRER_POLICY,
};
use http::{HeaderMap, Method, StatusCode};

use super::super::InOrganization;
use super::command;
use super::log_form::{AsIs, Dress, Form, InJson, OnPage, accepted};
use crate::Failure;

/// What a browser may do with a log: show it. It is a stranger's text.
const NOTHING: &str = "default-src 'none'; sandbox";
/// The only ranges that there are.
const ONLY_SUFFIXES: &str =
    "Only the end of a log can be asked for by a range, as text: send Accept: text/plain and Range: bytes=-N";

/// `GET …/jobs/{job}/log`: in the form that is asked for.
pub(crate) async fn show(
    State(control): State<Control>,
    call: InOrganization<ViewBuilds>,
    method: Method,
    headers: HeaderMap,
) -> Result<Response, Failure> {
    answer(control, call, &method, &headers, accepted(&headers)).await
}

/// `GET …/jobs/{job}/log.txt`
pub(crate) async fn text(
    State(control): State<Control>,
    call: InOrganization<ViewBuilds>,
    method: Method,
    headers: HeaderMap,
) -> Result<Response, Failure> {
    answer(control, call, &method, &headers, Form::Text).await
}

/// `GET …/jobs/{job}/log.html`
pub(crate) async fn html(
    State(control): State<Control>,
    call: InOrganization<ViewBuilds>,
    method: Method,
    headers: HeaderMap,
) -> Result<Response, Failure> {
    answer(control, call, &method, &headers, Form::Html).await
}

async fn answer(
    control: Control,
    call: InOrganization<ViewBuilds>,
    method: &Method,
    headers: &HeaderMap,
    form: Form,
) -> Result<Response, Failure> {
    let (build, job) = command(&control, &call, "Only jobs of commands have a log").await?;
    let extent = control.job_log_extent(&call.grant, job.id).await?;
    let size = extent.size();
    if method == Method::HEAD {
        // How long it is, whatever the form: that is what is asked for so.
        return Ok(([(CONTENT_LENGTH, size.to_string())], head(StatusCode::OK, form, Body::empty())).into_response());
    }
    let (status, from, count) = match wanted(headers, form, size)? {
        None => (StatusCode::OK, 0, size),
        Some(0) => {
            let refused = countersign_http::message(StatusCode::RANGE_NOT_SATISFIABLE, "The log is empty");
            return Ok(([(CONTENT_RANGE, "bytes */0")], refused).into_response());
        }
        Some(count) => (StatusCode::PARTIAL_CONTENT, extent.last(count), count),
    };
    let mut dress: Box<dyn Dress> = match form {
        Form::Text => Box::new(AsIs),
        Form::Html => Box::new(OnPage::default()),
        Form::Json => {
            let url = call.addresses.of_build(&call.organization, &build, &format!("/jobs/{}/log", job.id));
            Box::new(InJson::new(url, size))
        }
    };
    let (begin, clock) = (Bytes::from(dress.begin()), control.clock().clone());
    let reading = Reading { control, grant: call.grant, job: job.id, at: from, left: count };
    let body = outgoing::body(begin, Dressed { reading, dress: Some(dress) }, clock);
    let mut answer = head(status, form, body);
    if form == Form::Text {
        let headers = answer.headers_mut();
        headers.insert(CONTENT_LENGTH, HeaderValue::from(count));
        if status == StatusCode::PARTIAL_CONTENT
            && let Ok(range) = HeaderValue::from_str(&format!("bytes {}-{}/{size}", size - count, size - 1))
        {
            headers.insert(CONTENT_RANGE, range);
        }
    }
    Ok(answer)
}

fn head(status: StatusCode, form: Form, body: Body) -> Response {
    let mut answer = (status, body).into_response();
    let headers = answer.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(form.content_type()));
    headers.insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(NOTHING));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert("cross-origin-resource-policy", HeaderValue::from_static("same-origin"));
    answer
}

/// How many bytes of the end are asked for; `None`: the whole.
fn wanted(headers: &HeaderMap, form: Form, size: i64) -> Result<Option<i64>, Failure> {
    let Some(range) = headers.get(RANGE) else { return Ok(None) };
    let suffix = range.to_str().ok().and_then(|range| range.strip_prefix("bytes=-"));
    let suffix = suffix.filter(|text| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()));
    match suffix.map(|text| text.parse().unwrap_or(i64::MAX)) {
        Some(count) if count > 0 && form == Form::Text => Ok(Some(count.min(size))),
        _ => Err(Failure::BadRequest(ONLY_SUFFIXES)),
    }
}

/// What is still to be read of a log.
struct Reading {
    control: Control,
    grant: Grant<ViewBuilds>,
    job: JobId,
    at: i64,
    left: i64,
}

impl Reading {
    /// The next bytes; none at the end.
    async fn next(&mut self) -> Result<Option<Vec<u8>>, Error> {
        if self.left == 0 {
            return Ok(None);
        }
        let part = self.control.job_log(&self.grant, self.job, self.at).await?;
        let mut content = part.content;
        content.truncate(usize::try_from(self.left).unwrap_or(usize::MAX));
        if content.is_empty() {
            return Err(Error::internal("a log is shorter than it was"));
        }
        self.at = part.next;
        self.left -= i64::try_from(content.len()).unwrap_or(self.left);
        Ok(Some(content))
    }
}

/// A log in its form: what stands around its parts goes out with them.
struct Dressed {
    reading: Reading,
    /// None once all has gone out.
    dress: Option<Box<dyn Dress>>,
}

impl Outgoing for Dressed {
    async fn next(&mut self) -> Result<Option<Bytes>, Error> {
        let Some(dress) = &mut self.dress else { return Ok(None) };
        if let Some(content) = self.reading.next().await? {
            return Ok(Some(Bytes::from(dress.push(content))));
        }
        let end = Bytes::from(dress.end());
        self.dress = None;
        Ok(Some(end))
    }
}
