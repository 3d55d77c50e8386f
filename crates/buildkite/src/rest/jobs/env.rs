//! The variables of a job.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use countersign_control::Control;
use countersign_control::access::actions::ViewBuilds;
use http::HeaderMap;
use http::header::CONTENT_TYPE;
use serde::Serialize;

use super::super::InOrganization;
use super::command;
use super::log_form::{Form, accepted};
use crate::Failure;

const ONLY: &str = "Only jobs of commands have variables";

#[derive(Serialize)]
struct Shown {
    env: BTreeMap<String, String>,
}

/// `GET …/jobs/{job}/env`: JSON, or lines of text for who asks for such.
pub(crate) async fn show(
    State(control): State<Control>,
    call: InOrganization<ViewBuilds>,
    headers: HeaderMap,
) -> Result<Response, Failure> {
    let env = read(&control, &call).await?;
    Ok(if accepted(&headers) == Form::Text { lines(&env) } else { Json(Shown { env }).into_response() })
}

/// `GET …/jobs/{job}/env.txt`
pub(crate) async fn text(
    State(control): State<Control>,
    call: InOrganization<ViewBuilds>,
) -> Result<Response, Failure> {
    Ok(lines(&read(&control, &call).await?))
}

async fn read(control: &Control, call: &InOrganization<ViewBuilds>) -> Result<BTreeMap<String, String>, Failure> {
    let (_, job) = command(control, call, ONLY).await?;
    Ok(control.job_env(&call.grant, job.id).await?)
}

fn lines(env: &BTreeMap<String, String>) -> Response {
    let mut text = String::new();
    for (name, value) in env {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{name}={}", quoted(value));
    }
    ([(CONTENT_TYPE, "text/plain; charset=utf-8")], text).into_response()
}

/// As a file of variables has it: bare where that is unmistakable, else in double quotes.
fn quoted(value: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "_-./:,@%+=".contains(c);
    if value.chars().all(is_plain) {
        return value.to_owned();
    }
    let mut text = String::from("\"");
    for c in value.chars() {
        match c {
            '\n' => text.push_str("\\n"),
            '\r' => text.push_str("\\r"),
            '"' | '\\' | '$' | '`' => text.extend(['\\', c]),
            c => text.push(c),
        }
    }
    text.push('"');
    text
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn a_value_stays_on_its_line() {
        assert_eq!(quoted("main"), "main");
        assert_eq!(quoted("a b\n\"$X\""), r#""a b\n\"\$X\"""#);
        assert_eq!(quoted(""), "");
    }
}
