//! `PUT /dagster/upload_api_response`: what an agent answers to a request.

use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use countersign_control::access::actions::TakeDagsterRequests;
use countersign_control::dagster::Answer;
use countersign_control::{Control, Error};
use countersign_http::holds_a_token;
use countersign_wire::dagster::{ApiResponse, Unreadable, read_response, read_responses};

use crate::endpoint::MAX_BODY;
use crate::failure::Failure;

use super::{Named, form};

/// The most bytes of an answer, or of several, once they are unpacked.
pub const MAX_API_RESPONSE: usize = 4 * 1024 * 1024;
/// The most answers of one call; an agent gathers what comes within a second.
const MAX_ANSWERS: usize = 200;
/// The field of one answer.
const ONE: &str = "api_response.tmp";
/// The field of several.
const SEVERAL: &str = "api_response_batch.tmp";
/// In the place of words that hold the value of a token.
const LEFT_OUT: &str = "(left out: a token's value stood in it)";

pub(crate) async fn upload_api_response(State(control): State<Control>, request: Request) -> Result<Response, Failure> {
    let (Named { call, grant, deployment }, request) = Named::<TakeDagsterRequests>::of(control, request).await?;
    for it in read(request).await? {
        let error = it.response.error_infos.first().map(|error| error.message.trim_end().to_owned());
        let without_values = |text: String| if holds_a_token(&text) { LEFT_OUT.to_owned() } else { text };
        let answer = Answer {
            deployment: deployment.clone(),
            request: it.request_id,
            called: without_values(it.response.class),
            error: error.map(without_values),
        };
        match call.control.answer_dagster_request(&grant, answer).await {
            Ok(reached) => drop(call.left(reached)?),
            // It was kept for days, or went with its deployment: nobody waits for the answer.
            Err(Error::NotFound(_)) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok("".into_response())
}

async fn read(request: Request) -> Result<Vec<ApiResponse>, Failure> {
    let (field, packed) = form::file(request, MAX_BODY, &[ONE, SEVERAL]).await?;
    let text = form::unpacked(field, &packed, MAX_API_RESPONSE)?;
    let unreadable = |why: Unreadable| Failure::from(Error::invalid(field, why));
    let all = if field == SEVERAL { read_responses(&text) } else { read_response(&text).map(|it| vec![it]) };
    let all = all.map_err(unreadable)?;
    if all.len() > MAX_ANSWERS {
        let words = format!("The field {field} has {} answers; at most {MAX_ANSWERS} are taken.", all.len());
        return Err(Failure::TooLarge(words));
    }
    Ok(all)
}
