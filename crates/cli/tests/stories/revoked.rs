//! A token is revoked: connected agents are cut off in the middle of a job, and nobody new comes in.

use crate::stage::Stage;

pub async fn story(stage: Stage) {
    let mut agent = stage.polling_agent("inside");
    let build = stage.build("echo begun; sleep 300").await;
    stage.until_log(&build, "begun", &agent).await;
    stage.revoke("DISCONNECT").await;
    assert_ne!(agent.left().await, 0, "{}", agent.log());
    let log = agent.log();
    assert!(log.contains("revoked"), "{log}");

    let mut late = stage.polling_agent("late");
    assert_ne!(late.left().await, 0, "{}", late.log());
    let log = late.log();
    assert!(log.contains("revoked"), "it is told why: {log}");
    assert!(!log.contains(&stage.installation.made.agent_token), "its value is not shown");
    assert_eq!(stage.agent_state("late").await, "", "it never registered");
}
