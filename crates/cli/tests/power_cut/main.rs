//! What a disk alone can break: the power that is cut, and space that runs out. SQLite, on file systems of the test's own.

#![expect(clippy::expect_used, reason = "a test that cannot go on must say where")]

mod cut;
mod disk_full;

use std::process::ExitCode;

use countersign_testkit::harness::program::{self, Fault, Program};
use countersign_testkit::harness::setting::{self, Size};

use cut::Cuts;

/// How many cuts a control may take until its fault shows.
const CONTROL_CUTS: usize = 12;

/// # Panics
/// When this run may not mount: then these tests were not to be run.
fn must_be_able_to_mount() {
    let variable = setting::MOUNTS;
    assert!(
        setting::may_mount(),
        "this test mounts file systems, which needs root: run `make test` as root, or `make test-unprivileged`, which leaves \
         it out. To run it alone as root, set {variable}=1"
    );
}

fn sound() -> Program {
    Program::sound(env!("CARGO_BIN_EXE_countersign"))
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Runtime::new().expect("a runtime").block_on(future)
}

#[test]
fn what_was_acknowledged_survives_power_cuts() {
    must_be_able_to_mount();
    let cuts = block_on(Cuts::run(&sound(), Size::asked().pick(10, 200), false));
    cuts.report("synchronous=FULL");
    assert_eq!(cuts.did_not_start, Vec::<String>::new(), "servers that did not start after a cut");
    cuts.verdict.must_be_clean("after power cuts");
    assert!(cuts.verdict.checked > 10 * cuts.count, "too little was checked: {}", cuts.verdict.checked);
}

#[test]
fn writes_that_never_reach_the_disk_are_missed() {
    control(Fault::SynchronousOff, "writes_that_never_reach_the_disk_are_missed");
}

#[test]
fn writes_that_reach_the_disk_at_checkpoints_only_are_missed() {
    control(Fault::SynchronousNormal, "writes_that_reach_the_disk_at_checkpoints_only_are_missed");
}

/// Cuts the power of a server with a fault, until it shows. In the child: is that server.
fn control(fault: Fault, test: &'static str) {
    if let Some(arguments) = program::planted() {
        let mut ambient = countersign_cli::Ambient::take();
        ambient.arguments = arguments.into_iter().map(Into::into).collect();
        assert_eq!(countersign_cli::run(ambient), ExitCode::SUCCESS);
        return;
    }
    must_be_able_to_mount();
    let cuts = block_on(Cuts::run(&Program::faulty(fault, test), CONTROL_CUTS, true));
    cuts.report(&format!("control, {}", fault.name()));
    assert!(!cuts.verdict.is_clean() || !cuts.did_not_start.is_empty(), "the planted fault went unnoticed");
}

#[test]
fn on_a_full_disk_revoking_works() {
    must_be_able_to_mount();
    block_on(disk_full::fill(&sound()));
}
