//! Annotations of a build or a job.

use serde::{Deserialize, Serialize};

use super::lenient;

/// `POST /jobs/:id/annotations`. The key is (build, scope, job when the scope is a job, context); the same key without `append`
/// replaces the body. Answered with any 2xx.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct AnnotationRequest {
    /// Markdown, at most 1 MiB. Absent changes the style only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// At most 100 characters; absent means `default`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub context: Option<String>,
    /// `success`, `info`, `warning` or `error`; absent keeps what is there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub style: Option<String>,
    /// Append to the body that is there.
    #[serde(deserialize_with = "lenient::null_as_default", skip_serializing_if = "lenient::is_false")]
    pub append: bool,
    /// 1 to 10, 10 is shown first; the command line's default is 3.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub priority: Option<u8>,
    /// `build` (also when absent) or `job`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
}

/// The query of `DELETE /jobs/:id/annotations/:context`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct AnnotationQuery {
    /// `build` (also when absent) or `job`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn empty_fields_are_left_out() {
        let request =
            AnnotationRequest { body: Some("hi".to_owned()), priority: Some(3), ..AnnotationRequest::default() };
        assert_eq!(serde_json::to_string(&request).expect("writes"), r#"{"body":"hi","priority":3}"#);
        assert_eq!(serde_json::from_str::<AnnotationRequest>("{}").expect("reads"), AnnotationRequest::default());
    }
}
