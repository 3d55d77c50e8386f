//! The server is killed in the middle of a job and comes back: the job goes on, and its log has every line once.

use crate::stage::Stage;

pub async fn story(mut stage: Stage) {
    let mut agent = stage.agent("steady");
    let build = stage.build("for i in 1 2 3 4 5 6; do echo line $i; sleep 1; done; exit 4").await;
    stage.until_log(&build, "line 2", &agent).await;
    stage.kill_server().await;
    stage.start_server().await;
    let seen = stage.until(&build, "FAILED", &agent).await;
    assert_eq!(seen["job"]["exitStatus"], "4", "{}", agent.log());
    let log = stage.log(&build).await;
    for i in 1..=6 {
        let line = format!("line {i}");
        assert_eq!(log.lines().filter(|it| *it == line).count(), 1, "{line}:\n{log}");
    }
    agent.ask_to_leave();
    assert_eq!(agent.left().await, 0, "{}", agent.log());
}
