//! Single builds, written out.

use super::memory::Memory;
use crate::build::BuildState as B;
use crate::graph::{At, LayoutError, Message, StepState as S, Verdict as V, lay};
use crate::plan::{
    CommandWork, Dependency, Fate, ManualRetry, Plan, PlannedJob, PlannedStep, SoftFail, TriggerWork, Work,
};

/// A step by its key, its work, and what is said of it.
pub fn step(key: &str, work: Work) -> PlannedStep {
    PlannedStep {
        key: Some(key.to_owned()),
        label: None,
        condition: None,
        group: None,
        depends_on: None,
        allow_dependency_failure: false,
        fate: Fate::Run,
        work,
    }
}

pub fn command(key: &str) -> PlannedStep {
    let job = PlannedJob {
        label: None,
        command: "echo".to_owned(),
        env: Default::default(),
        rules: Default::default(),
        queue: None,
        parallel: None,
        matrix: Default::default(),
        skip: None,
        plugins: None,
        soft_fail: None,
    };
    let work = CommandWork {
        jobs: vec![job],
        priority: 0,
        timeout_in_minutes: None,
        soft_fail: SoftFail::Never,
        automatic_retry: Vec::new(),
        manual_retry: ManualRetry { allowed: true, reason: None, permit_on_passed: true },
        concurrency: None,
        artifact_paths: Vec::new(),
        cancel_on_build_failing: false,
        passed_on: Default::default(),
    };
    step(key, Work::Command(Box::new(work)))
}

pub fn wait(key: &str, continue_on_failure: bool) -> PlannedStep {
    step(key, Work::Wait { continue_on_failure })
}

pub fn block(key: &str) -> PlannedStep {
    step(key, Work::Block(Box::default()))
}

pub fn input(key: &str) -> PlannedStep {
    step(key, Work::Input(Box::default()))
}

pub fn trigger(key: &str) -> PlannedStep {
    let work = TriggerWork {
        pipeline: "other".to_owned(),
        is_async: false,
        message: None,
        commit: None,
        branch: None,
        env: Default::default(),
        meta_data: Default::default(),
        soft_fail: SoftFail::Never,
    };
    step(key, Work::Trigger(Box::new(work)))
}

pub fn after(mut step: PlannedStep, names: &[&str]) -> PlannedStep {
    let depend = |name: &&str| Dependency { step: (*name).to_owned(), allow_failure: false };
    step.depends_on = Some(names.iter().map(depend).collect());
    step
}

pub fn within(mut step: PlannedStep, group: usize) -> PlannedStep {
    step.group = Some(group);
    step
}

pub fn plan(steps: Vec<PlannedStep>) -> Plan {
    Plan { steps, ..Plan::default() }
}

fn build(steps: Vec<PlannedStep>) -> Memory {
    Memory::of(&plan(steps))
}

#[test]
fn a_wait_keeps_what_follows_until_all_before_it_have_passed() {
    let mut it = build(vec![command("a"), command("b"), wait("w", false), command("c")]);
    assert_eq!((it.state(), it.step("c").state), (B::Scheduled, S::Waiting));
    it.end("a", V::Passed);
    assert_eq!((it.state(), it.step("c").state), (B::Running, S::Waiting));
    it.end("b", V::SoftFailed);
    assert_eq!(it.step("c").state, S::Open);
    it.end("c", V::Passed);
    assert_eq!(it.state(), B::Passed);
}

#[test]
fn after_a_failure_a_wait_lets_nothing_through_unless_it_says_so() {
    let mut it = build(vec![command("a"), command("b"), wait("w", false), command("c")]);
    it.end("a", V::Failed);
    assert_eq!(it.state(), B::Failing);
    it.end("b", V::Passed);
    assert_eq!((it.state(), it.nodes[3].runs), (B::Failed, 0));
    let mut it = build(vec![command("a"), wait("w", true), command("c"), wait("x", false), command("d")]);
    it.end("a", V::Failed);
    assert_eq!(it.step("c").state, S::Open);
    it.end("c", V::Passed);
    assert_eq!((it.state(), it.nodes[4].runs), (B::Failed, 0), "the failure is not forgotten at the next wait");
}

#[test]
fn a_block_asks_and_an_input_keeps_nobody() {
    let mut it = build(vec![command("a"), block("ok"), command("b"), input("name"), after(command("c"), &["name"])]);
    assert_eq!((it.step("name").state, it.step("ok").state), (S::Asking, S::Waiting));
    it.end("a", V::Passed);
    assert_eq!((it.state(), it.step("ok").state, it.step("b").state), (B::Blocked, S::Asking, S::Waiting));
    let (ok, name) = (it.find("ok"), it.find("name"));
    it.send(ok, Message::Answered);
    it.send(ok, Message::Answered);
    assert_eq!((it.state(), it.step("b").state, it.nodes[2].runs), (B::Running, S::Open, 1));
    it.send(name, Message::Answered);
    it.end("b", V::Passed);
    it.end("c", V::Passed);
    assert_eq!(it.state(), B::Passed);
}

#[test]
fn a_group_holds_its_members_and_ends_with_them() {
    let group = after(step("g", Work::Group), &["a"]);
    let members = [within(command("m"), 1), within(wait("gw", false), 1), within(command("n"), 1)];
    let mut steps = vec![command("a"), group];
    steps.extend(members);
    steps.push(after(command("z"), &["g"]));
    let mut it = build(steps);
    assert_eq!(it.step("m").state, S::Waiting);
    it.end("a", V::Passed);
    assert_eq!((it.step("m").state, it.step("n").state), (S::Open, S::Waiting));
    it.end("m", V::Passed);
    assert_eq!(it.step("z").state, S::Waiting);
    it.end("n", V::Passed);
    assert_eq!((it.step("g").settled.is_some(), it.step("z").state), (true, S::Open));
    it.check();
}

#[test]
fn what_a_step_uploads_is_waited_for_with_it() {
    let mut it = build(vec![command("up"), wait("w", false), command("last")]);
    let up = it.find("up");
    it.upload(up, &plan(vec![command("one"), wait("inner", false), command("two")]), false).expect("uploaded");
    assert_eq!((it.step("one").state, it.step("two").state), (S::Open, S::Waiting));
    it.end("one", V::Passed);
    assert_eq!(it.step("two").state, S::Waiting, "a wait in the upload waits for the uploading step too");
    it.end("up", V::Passed);
    assert_eq!((it.step("two").state, it.step("last").state), (S::Open, S::Waiting));
    it.end("two", V::Passed);
    assert_eq!(it.step("last").state, S::Open);
    it.end("last", V::Passed);
    it.check();
    assert_eq!(it.state(), B::Passed);
}

#[test]
fn a_wait_in_an_upload_waits_for_what_stands_before_the_uploading_step() {
    let mut it = build(vec![command("a"), command("up"), command("after")]);
    let up = it.find("up");
    it.upload(up, &plan(vec![wait("inner", false), command("two")]), false).expect("uploaded");
    it.end("up", V::Passed);
    assert_eq!(it.step("two").state, S::Waiting);
    it.end("a", V::Failed);
    assert_eq!((it.step("two").state, it.nodes[4].runs), (S::Ended, 0));
    it.end("after", V::Passed);
    assert_eq!(it.state(), B::Failed);
}

#[test]
fn an_upload_may_depend_on_its_own_uploader_and_take_the_place_of_the_rest() {
    let mut it = build(vec![command("up"), wait("w", false), command("old")]);
    let up = it.find("up");
    it.upload(up, &plan(vec![after(command("old"), &["up"])]), true).expect("the key is free again");
    assert_eq!(it.step("old").state, S::Waiting);
    it.end("up", V::Passed);
    it.end("old", V::Passed);
    it.check();
    assert_eq!((it.state(), it.nodes[2].runs, it.nodes[3].runs), (B::Passed, 0, 1));
}

#[test]
fn a_step_that_is_run_again_takes_along_what_had_given_up_on_it_and_nothing_else() {
    let tolerant = PlannedStep { allow_dependency_failure: true, ..after(command("t"), &["a"]) };
    let mut it = build(vec![command("a"), tolerant, wait("w", false), command("b")]);
    it.end("a", V::Failed);
    it.end("t", V::Passed);
    assert_eq!(it.state(), B::Failed);
    let a = it.find("a");
    it.send(a, Message::JobReopened(V::Failed));
    it.check();
    assert_eq!((it.state(), it.step("b").state, it.step("t").state), (B::Running, S::Waiting, S::Ended));
    it.end("a", V::Passed);
    assert_eq!((it.step("b").state, it.nodes[1].runs), (S::Open, 1));
    it.end("b", V::Passed);
    assert_eq!(it.state(), B::Passed);
}

#[test]
fn a_group_that_was_spoilt_begins_once_what_it_waits_for_is_mended() {
    let mut it = build(vec![command("a"), after(step("g", Work::Group), &["a"]), within(command("m"), 1)]);
    it.end("a", V::Failed);
    assert_eq!((it.state(), it.nodes[2].runs), (B::Failed, 0));
    let a = it.find("a");
    it.send(a, Message::JobReopened(V::Failed));
    it.check();
    it.end("a", V::Passed);
    assert_eq!(it.step("m").state, S::Open);
    it.end("m", V::Passed);
    assert_eq!(it.state(), B::Passed);
    it.check();
}

#[test]
fn what_takes_no_part_keeps_nobody() {
    let omitted = PlannedStep { fate: Fate::Omitted, ..command("a") };
    let skipped = PlannedStep { fate: Fate::Skipped(String::new()), ..command("b") };
    let it = build(vec![omitted.clone(), skipped, after(command("c"), &["a", "b"])]);
    assert_eq!(it.step("c").state, S::Open);
    assert_eq!(build(vec![omitted.clone(), wait("w", false)]).state(), B::NotRun);
    assert_eq!(build(vec![PlannedStep { fate: Fate::Skipped(String::new()), ..command("b") }]).state(), B::Passed);
    let mut group = vec![PlannedStep { fate: Fate::Omitted, ..step("g", Work::Group) }, within(omitted, 0)];
    group.push(after(command("z"), &["g"]));
    assert_eq!(build(group).step("z").state, S::Open);
}

#[test]
fn what_cannot_be_laid_out_is_named() {
    let fault = |steps| lay::<usize>(&plan(steps), &At::Start, &|_| None).expect_err("a fault");
    assert_eq!(
        fault(vec![after(command("a"), &["b"])]),
        LayoutError::UnknownKey { who: "Step 'a'".to_owned(), key: "b".to_owned() }
    );
    for steps in [
        vec![after(command("a"), &["b"]), after(command("b"), &["a"])],
        vec![after(command("a"), &["a"])],
        vec![step("g", Work::Group), within(after(command("a"), &["g"]), 0)],
        vec![after(command("a"), &["c"]), wait("w", false), command("c")],
    ] {
        assert!(matches!(fault(steps), LayoutError::Circle { .. }));
    }
}

#[test]
fn edges_grow_with_the_plan() {
    let mut steps = Vec::new();
    for number in 0..2_000 {
        steps.push(command(&format!("k{number}")));
        if number % 500 == 0 {
            steps.push(wait(&format!("w{number}"), false));
        }
    }
    let laid = lay::<usize>(&plan(steps), &At::Start, &|_| None).expect("laid out");
    let edges: usize = laid.iter().map(|it| it.edges.len()).sum();
    assert!(edges <= 2 * laid.len(), "{edges} edges for {} steps", laid.len());
}

#[test]
fn an_upload_that_waits_for_what_waits_for_its_uploader_is_refused() {
    let refused = |it: &mut Memory, uploaded: Vec<PlannedStep>| -> Vec<String> {
        let (up, before) = (it.find("up"), it.nodes.len());
        let outcome = it.upload(up, &plan(uploaded), false);
        assert_eq!(it.nodes.len(), before, "nothing of it is put in");
        match outcome {
            Err(LayoutError::Deadlock { who, path }) => {
                assert!(who.starts_with("Step 'x"), "{who}");
                path.iter()
                    .map(|at| it.nodes[at.parse::<usize>().expect("a place")].key.clone().expect("a key"))
                    .collect()
            }
            other => panic!("{other:?}"),
        }
    };
    let mut it = build(vec![command("up"), after(command("next"), &["up"]), wait("w", false), command("last")]);
    assert_eq!(refused(&mut it, vec![after(command("x"), &["next"])]), ["next", "up"]);
    assert_eq!(refused(&mut it, vec![command("y"), after(command("x"), &["last"])]), ["last", "w", "up"]);
    it.upload(0, &plan(vec![command("z"), after(command("v"), &["up"])]), false)
        .expect("its own uploader is no circle");

    // By way of what a wait of the upload stands behind.
    let mut it = build(vec![after(command("a"), &["z"]), command("up"), after(command("z"), &["up"])]);
    assert_eq!(refused(&mut it, vec![wait("x", false), command("y")]), ["a", "z", "up"]);
    it.upload(1, &plan(vec![command("y")]), false).expect("without the wait it waits for nobody");

    // By way of the group around the uploader, and of what another step has uploaded.
    let group = step("g", Work::Group);
    let mut it = build(vec![group, within(command("up"), 0), after(command("n"), &["g"]), command("other")]);
    assert_eq!(refused(&mut it, vec![after(command("x"), &["n"])]), ["n", "g"]);
    it.upload(3, &plan(vec![after(command("o"), &["up"])]), false).expect("it waits for the one that runs");
    assert_eq!(refused(&mut it, vec![after(command("x"), &["other"])]), ["other", "o", "up"]);
    it.end("up", V::Passed);
    it.end("other", V::Passed);
    it.end("o", V::Passed);
    it.end("n", V::Passed);
    assert_eq!(it.state(), B::Passed);
}
