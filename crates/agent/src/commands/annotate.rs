//! `annotate`: a note on the page of a build or a job.

use countersign_wire::buildkite::{AnnotationQuery, AnnotationRequest};

use super::JobAccess;
use crate::{AgentError, api::Retry};

/// Largest body, in bytes.
pub const MAX_ANNOTATION_BYTES: usize = 1024 * 1024;

/// Longest context, in characters.
const MAX_CONTEXT: usize = 100;

/// Ways to show an annotation.
const STYLES: [&str; 4] = ["success", "info", "warning", "error"];

/// Things to annotate.
const SCOPES: [&str; 2] = ["build", "job"];

/// The flags of `annotate`; the default priority is 3.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Annotation {
    /// Markdown: the argument, else standard input. `None` changes the style only.
    pub body: Option<String>,
    /// `--context`, `BUILDKITE_ANNOTATION_CONTEXT`: at most 100 characters.
    pub context: Option<String>,
    /// `--style`, `BUILDKITE_ANNOTATION_STYLE`: `success`, `info`, `warning` or `error`.
    pub style: Option<String>,
    /// `--append`, `BUILDKITE_ANNOTATION_APPEND`: add to the body that is there.
    pub append: bool,
    /// `--priority`, `BUILDKITE_ANNOTATION_PRIORITY`: 1 to 10; 3 when `None`.
    pub priority: Option<u8>,
    /// `--scope`, `BUILDKITE_ANNOTATION_SCOPE`: `build` when `None`, or `job`.
    pub scope: Option<String>,
}

/// What is sent when no priority was given.
const DEFAULT_PRIORITY: u8 = 3;

/// Annotates the build or the job. Values of secret variables are taken out of the body first.
///
/// # Errors
/// A flag is out of its range, there is neither body nor style, or the server refuses or cannot be reached.
pub async fn annotate(access: &JobAccess, annotation: Annotation) -> Result<(), AgentError> {
    let job = access.job()?;
    let request = request(annotation, |body| access.redact(body))?;
    Ok(access.call(Retry::ANNOTATE, || access.api.annotate(job, &request)).await?)
}

/// Takes an annotation away.
///
/// # Errors
/// A flag is out of its range, there is no such annotation, or the server refuses or cannot be reached.
pub async fn remove_annotation(
    access: &JobAccess,
    context: Option<String>,
    scope: Option<String>,
) -> Result<(), AgentError> {
    let job = access.job()?;
    let context = context.filter(|context| !context.is_empty()).unwrap_or_else(|| DEFAULT_CONTEXT.to_owned());
    let query = AnnotationQuery { scope: Some(scope.unwrap_or_else(|| SCOPES[0].to_owned())) };
    check_place(Some(&context), query.scope.as_deref())?;
    Ok(access.call(Retry::ANNOTATE, || access.api.remove_annotation(job, &context, &query)).await?)
}

/// The context of an annotation that names none.
const DEFAULT_CONTEXT: &str = "default";

fn check_place(context: Option<&str>, scope: Option<&str>) -> Result<(), AgentError> {
    if context.is_some_and(|context| context.chars().count() > MAX_CONTEXT) {
        return Err(AgentError::bad_input(format!("the context is longer than {MAX_CONTEXT} characters")));
    }
    if scope.is_some_and(|scope| !SCOPES.contains(&scope)) {
        return Err(AgentError::bad_input(format!("the scope must be one of {}", SCOPES.join(", "))));
    }
    Ok(())
}

fn request(annotation: Annotation, redact: impl Fn(&str) -> String) -> Result<AnnotationRequest, AgentError> {
    let filled = |text: Option<String>| text.filter(|text| !text.is_empty());
    let body = filled(annotation.body).map(|body| redact(&body));
    let (context, style, scope) = (filled(annotation.context), filled(annotation.style), filled(annotation.scope));
    let priority = annotation.priority.unwrap_or(DEFAULT_PRIORITY);
    let wrong = |problem: String| Err(AgentError::bad_input(problem));
    if body.is_none() && style.is_none() {
        return wrong(
            "there is nothing to annotate: give a body as an argument or on standard input, or a --style".to_owned(),
        );
    }
    if let Some(size) = body.as_ref().map(String::len).filter(|size| *size > MAX_ANNOTATION_BYTES) {
        return wrong(format!("the body has {size} bytes; an annotation holds at most {MAX_ANNOTATION_BYTES}"));
    }
    check_place(context.as_deref(), scope.as_deref())?;
    if style.as_deref().is_some_and(|style| !STYLES.contains(&style)) {
        return wrong(format!("the style must be one of {}", STYLES.join(", ")));
    }
    if !(1..=10).contains(&priority) {
        return wrong("the priority must be from 1 to 10".to_owned());
    }
    Ok(AnnotationRequest { body, context, style, append: annotation.append, priority: Some(priority), scope })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(text: &str) -> Annotation {
        Annotation { body: Some(text.to_owned()), ..Annotation::default() }
    }

    #[test]
    fn flags_become_the_request_and_secrets_go() {
        let sent = request(body("hi secret"), |text| text.replace("secret", "[REDACTED]")).expect("good");
        assert_eq!(serde_json::to_string(&sent).expect("writes"), r#"{"body":"hi [REDACTED]","priority":3}"#);
        let style_only = Annotation { style: Some("error".to_owned()), ..Annotation::default() };
        assert_eq!(request(style_only, str::to_owned).expect("good").body, None);
    }

    #[test]
    fn what_is_out_of_range_is_refused_before_any_call() {
        let some = |text: &str| Some(text.to_owned());
        for (wrong, word) in [
            (Annotation::default(), "nothing"),
            (body(&"x".repeat(MAX_ANNOTATION_BYTES + 1)), "bytes"),
            (Annotation { context: Some("x".repeat(101)), ..body("b") }, "context"),
            (Annotation { style: some("loud"), ..body("b") }, "style"),
            (Annotation { scope: some("world"), ..body("b") }, "scope"),
            (Annotation { priority: Some(11), ..body("b") }, "priority"),
        ] {
            let error = request(wrong, str::to_owned).expect_err(word);
            assert!(error.to_string().contains(word), "{error}");
        }
    }
}
