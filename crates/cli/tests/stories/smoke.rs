//! A day's work: hello, meta-data, annotations, an exit status, a cancellation, and home.

use serde_json::json;

use crate::stage::Stage;

/// What the first job does.
const MORNING: &str = r#"
echo "hello from $BUILDKITE_JOB_ID on $BUILDKITE_AGENT_NAME"
buildkite-agent meta-data set greeting "hi there"
echo "said [$(buildkite-agent meta-data get greeting)]"
buildkite-agent meta-data exists greeting && echo "it exists"
buildkite-agent meta-data exists nothing || echo "exists answered $?"
echo "unset [$(buildkite-agent meta-data get nothing --default other)]"
echo "keys [$(buildkite-agent meta-data keys | tr '\n' ' ')]"
buildkite-agent annotate "**first**" --style info --context notes
buildkite-agent annotate ", second" --append --context notes --priority 7
exit 3
"#;

pub async fn story(stage: Stage) {
    let mut agent = stage.agent("worker");

    let build = stage.build(MORNING).await;
    let seen = stage.until(&build, "FAILED", &agent).await;
    let log = stage.log(&build).await;
    assert_eq!(seen["job"]["exitStatus"], "3", "{log}");
    for line in [
        &format!("hello from {} on worker", build.job),
        "said [hi there]",
        "it exists",
        "exists answered 100",
        "unset [other]",
        "keys [greeting ]",
    ] {
        assert!(log.contains(line), "no {line:?} in:\n{log}");
    }
    assert_eq!(seen["metaData"], json!([{ "key": "greeting", "value": "hi there" }]));
    let note = &seen["annotations"][0];
    let (style, priority) = (note["style"].as_str().unwrap_or_default().to_lowercase(), &note["priority"]);
    assert_eq!((style.as_str(), priority, &note["context"]), ("info", &json!(7), &json!("notes")), "{seen}");
    // Buildkite's agent of version 4 takes spaces off both ends of a body.
    let body = note["body"].as_str().unwrap_or_default();
    assert!(body.starts_with("**first**") && body.ends_with(", second"), "{body}");

    let build = stage.build("echo begun; sleep 300; echo never").await;
    stage.until_log(&build, "begun", &agent).await;
    stage.cancel(&build).await;
    let seen = stage.until(&build, "CANCELED", &agent).await;
    assert_eq!(seen["job"]["signalReason"], "CANCEL", "{seen}");
    assert!(!stage.log(&build).await.lines().any(|line| line == "never"));

    let build = stage.build("echo nothing is wrong").await;
    let seen = stage.until(&build, "PASSED", &agent).await;
    assert_eq!(seen["job"]["exitStatus"], "0");

    // The first signal lets a job that runs come to its end.
    let build = stage.build("echo begun; sleep 3; echo to the end").await;
    stage.until_log(&build, "begun", &agent).await;
    agent.ask_to_leave();
    assert_eq!(agent.left().await, 0, "{}", agent.log());
    assert_eq!(stage.look(&build).await["job"]["exitStatus"], "0");
    stage.until_log(&build, "to the end", &agent).await;
    let state = stage.agent_state("worker").await;
    assert_eq!(state, "disconnected");
}
