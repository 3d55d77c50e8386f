//! Pipelines as a whole: text to plan.

use super::*;
use crate::plan::{Fate, Plan, Situation, Work};

fn good(text: &str) -> Plan {
    Pipeline::parse(text).expect("a pipeline").plan(&Situation::default()).expect("a plan")
}

#[test]
fn smoke() {
    let plan = good(
        "env: {A: b}\nagents: {queue: linux}\nsteps:\n  - command: x\n    key: a\n    parallelism: 2\n    label: 't %n/%t'\n  - wait\n  - group: g\n    depends_on: a\n    steps:\n      - command: echo {{matrix}}\n        matrix: [1, 2]\n      - block: ok\n  - trigger: other\n    if: build.branch == 'main'\n",
    );
    assert_eq!(plan.steps.len(), 6);
    assert_eq!(plan.steps[5].fate, Fate::Omitted);
    let Work::Command(work) = &plan.steps[3].work else { panic!("a command") };
    assert_eq!(work.jobs[1].command, "echo 2");
    assert_eq!(work.jobs[1].queue.as_deref(), Some("linux"));
}
