//! What an agent sends beside its documents: answers, snapshots, what came of loading code, and the logs of runs. Each call names its deployment in
//! a header, but those to signed addresses, which are for one snapshot or log.

mod api_response;
mod form;
mod run_logs;
mod snapshots;
mod update_result;
mod upload;

use axum::extract::Request;
use countersign_control::{Action, Caller, Control, Error, Grant};
use countersign_http::limits::MAX_VALUES;
use countersign_http::{holds_more_than, read_body};
use countersign_wire::dagster::DEPLOYMENT_HEADER;

use crate::call::{Call, key};
use crate::failure::Failure;
use crate::place::Place;
use crate::token;

pub use api_response::MAX_API_RESPONSE;
pub(crate) use api_response::upload_api_response;
pub(crate) use run_logs::{gen_logs_url, get_run_log, put_run_log};
pub(crate) use snapshots::{check_snapshot, confirm_upload, put_snapshot};
pub(crate) use update_result::code_location_update_result;
pub(crate) use upload::{upload_job_snapshot, upload_workspace_entry};

/// Who calls, what they may do, and for which deployment; nothing of the body is read before.
struct Named<A> {
    call: Call,
    grant: Grant<A>,
    deployment: String,
}

impl<A: Action> Named<A> {
    async fn of(control: Control, request: Request) -> Result<(Self, Request), Failure> {
        let (parts, body) = request.into_parts();
        let caller: Caller = token::holder(&control, &parts).await?;
        let deployment = Place::of(&parts.headers, None)?.deployment(&control, &caller).await?;
        let call = Call { control, caller, deployment: deployment.clone(), key: key(&parts.headers) };
        let grant = call.may()?;
        let why = "is missing; it names the deployment that the call is about";
        let deployment = deployment.ok_or_else(|| Error::invalid(DEPLOYMENT_HEADER, why))?;
        Ok((Self { call, grant, deployment }, Request::from_parts(parts, body)))
    }
}

/// The body of a call, as text.
async fn text(request: Request, most: usize) -> Result<String, Failure> {
    let bytes = read_body(request, most).await?;
    let text = String::from_utf8(bytes.into()).map_err(|_| Error::invalid("body", "is no UTF-8"))?;
    counted("body", &text)?;
    Ok(text)
}

/// Refuses JSON text of more values than anything here is made of, before it is read.
fn counted(field: &str, text: &str) -> Result<(), Failure> {
    if holds_more_than(MAX_VALUES, text.as_bytes()) {
        return Err(Failure::TooLarge(format!("The field {field} has more than {MAX_VALUES} values.")));
    }
    Ok(())
}
