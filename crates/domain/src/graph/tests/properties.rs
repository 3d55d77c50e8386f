//! Properties over plans and orders of events that nobody thought of.

use proptest::prelude::*;

use super::cases::{after, block, command, input, plan, step, trigger, wait, within};
use super::memory::Memory;
use crate::build::BuildState;
use crate::graph::{Message, StepState, Verdict};
use crate::plan::{Dependency, Fate, Plan, PlannedStep, Work};

/// What is thrown for one step: its kind, what it depends on, and how it is set.
type Thrown = (u8, Vec<prop::sample::Index>, u8);

fn plans(prefix: &'static str, most: usize) -> impl Strategy<Value = Plan> {
    let thrown = (0_u8..12, prop::collection::vec(any::<prop::sample::Index>(), 0..3), any::<u8>());
    prop::collection::vec(thrown, 1..most).prop_map(move |all| made(prefix, &all))
}

fn made(prefix: &str, all: &[Thrown]) -> Plan {
    let mut steps: Vec<PlannedStep> = Vec::new();
    let mut group = None;
    for (number, (kind, on, set)) in all.iter().enumerate() {
        let key = format!("{prefix}{number}");
        let mut it = match kind {
            0 | 1 => wait(&key, set % 4 == 0),
            2 => block(&key),
            3 => input(&key),
            4 => trigger(&key),
            5 => step(&key, Work::Group),
            _ => command(&key),
        };
        if let Work::Command(work) = &mut it.work {
            let jobs = vec![work.jobs[0].clone(); usize::from(set % 3) + 1];
            work.jobs = jobs;
        }
        if set % 16 == 7 {
            it.fate = Fate::Omitted;
        } else if set % 16 == 11 && matches!(it.work, Work::Command(_)) {
            it.fate = Fate::Skipped("not now".to_owned());
        }
        it.allow_dependency_failure = set % 5 == 2;
        if !steps.is_empty() && !on.is_empty() && set % 3 != 0 {
            let names: Vec<String> = on.iter().map(|it| format!("{prefix}{}", it.index(steps.len()))).collect();
            it = after(it, &names.iter().map(String::as_str).collect::<Vec<_>>());
        }
        if *kind == 5 {
            group = (it.fate == Fate::Run).then_some(number);
        } else if let Some(group) = group.filter(|_| set % 2 == 0) {
            let own = format!("{prefix}{group}");
            // A member that names its group would wait for itself.
            it.depends_on = it.depends_on.map(|all| all.into_iter().filter(|it| it.step != own).collect());
            it = within(it, group);
        } else {
            group = None;
        }
        steps.push(it);
    }
    plan(steps)
}

#[derive(Debug, Clone)]
enum Event {
    JobEnds(prop::sample::Index, Verdict),
    Answer(prop::sample::Index),
    Retry(prop::sample::Index),
    /// Of a plan, in the place of others or not; some of its steps wait for steps of the build.
    Upload(prop::sample::Index, Plan, bool, Vec<(prop::sample::Index, prop::sample::Index)>),
    Cancel(prop::sample::Index),
    CancelBuild,
}

fn events() -> impl Strategy<Value = Event> {
    let verdict = prop_oneof![
        6 => Just(Verdict::Passed), 2 => Just(Verdict::Failed), 1 => Just(Verdict::SoftFailed), 1 => Just(Verdict::Canceled)
    ];
    let at = any::<prop::sample::Index>;
    prop_oneof![
        20 => (at(), verdict).prop_map(|(at, verdict)| Event::JobEnds(at, verdict)),
        4 => at().prop_map(Event::Answer),
        3 => at().prop_map(Event::Retry),
        4 => (at(), plans("u", 6), any::<bool>(), prop::collection::vec((at(), at()), 0..3))
            .prop_map(|(at, plan, replace, on)| Event::Upload(at, plan, replace, on)),
        1 => at().prop_map(Event::Cancel),
        1 => Just(Event::CancelBuild),
    ]
}

fn chosen(it: &Memory, at: prop::sample::Index, wanted: impl Fn(usize) -> bool) -> Option<usize> {
    let all: Vec<usize> = (0..it.nodes.len()).filter(|at| wanted(*at)).collect();
    (!all.is_empty()).then(|| *at.get(&all))
}

/// Renames an upload's keys, so that each upload has its own.
fn renamed(plan: &Plan, number: usize) -> Plan {
    let mut plan = plan.clone();
    let name = |key: &str| format!("{number}-{key}");
    for it in &mut plan.steps {
        it.key = it.key.as_deref().map(name);
        for dependency in it.depends_on.iter_mut().flatten() {
            dependency.step = name(&dependency.step);
        }
    }
    plan
}

/// Lets steps of an upload wait for steps of the build, whatever those wait for.
fn wait_for(plan: &mut Plan, build: &Memory, on: &[(prop::sample::Index, prop::sample::Index)]) {
    let keys: Vec<&str> = build.nodes.iter().filter_map(|node| node.key.as_deref()).collect();
    for (from, to) in on {
        let at = from.index(plan.steps.len());
        if let (Some(key), Some(step)) = (keys.get(to.index(keys.len().max(1))), plan.steps.get_mut(at)) {
            let named = Dependency { step: (*key).to_owned(), allow_failure: false };
            step.depends_on.get_or_insert_default().push(named);
        }
    }
}

struct Tried {
    build: Memory,
    uploads: usize,
    /// How often a person had each step run again.
    retried: Vec<u32>,
}

impl Tried {
    fn happens(&mut self, event: &Event) {
        let it = &mut self.build;
        let runs =
            |it: &Memory, at: usize| it.nodes[at].step.state == StepState::Open && it.nodes[at].step.jobs.open > 0;
        match event {
            Event::JobEnds(at, verdict) => {
                if let Some(at) = chosen(it, *at, |at| runs(it, at)) {
                    it.tally.has_started = true;
                    it.send(at, Message::JobEnded(*verdict));
                }
            }
            Event::Answer(at) => {
                if let Some(at) = chosen(it, *at, |at| it.nodes[at].step.state == StepState::Asking) {
                    it.send(at, Message::Answered);
                }
            }
            Event::Retry(at) => {
                let failed = |at: usize| it.nodes[at].step.jobs.failed > 0 && !it.tally.is_canceled;
                if let Some(at) = chosen(it, *at, failed) {
                    it.send(at, Message::JobReopened(Verdict::Failed));
                }
            }
            Event::Upload(at, plan, replace, on) => {
                let command = |at: usize| it.nodes[at].step.kind == crate::graph::Kind::Command;
                if let Some(at) = chosen(it, *at, |at| command(at) && runs(it, at) && !it.tally.is_canceled) {
                    self.uploads += 1;
                    let mut plan = renamed(plan, self.uploads);
                    wait_for(&mut plan, it, on);
                    // One that waits in a circle is refused, and changes nothing.
                    let _refused = it.upload(at, &plan, *replace);
                }
            }
            Event::Cancel(at) => {
                if let Some(at) = chosen(it, *at, |at| it.nodes[at].step.state != StepState::Ended) {
                    it.cancel(at);
                }
            }
            Event::CancelBuild => {
                it.cancel_some();
            }
        }
        self.retried.resize(it.nodes.len(), 0);
        it.check();
    }

    /// Everything that runs ends, everybody answers; a canceled build is canceled to its end.
    fn run_out(&mut self) {
        for _ in 0..10_000 {
            let it = &mut self.build;
            if it.tally.is_canceled && it.cancel_some() {
                continue;
            }
            let step = |at: usize| &it.nodes[at].step;
            let next = (0..it.nodes.len()).find_map(|at| match step(at).state {
                StepState::Open if step(at).jobs.open > 0 => Some((at, Message::JobEnded(Verdict::Passed))),
                StepState::Asking => Some((at, Message::Answered)),
                _ => None,
            });
            let Some((at, message)) = next else { return };
            it.send(at, message);
            it.check();
        }
        panic!("it goes on for ever");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn every_build_ends_and_its_state_is_what_its_steps_say(
        plan in plans("k", 14),
        events in prop::collection::vec(events(), 0..40),
    ) {
        let mut tried = Tried { build: Memory::default(), uploads: 0, retried: Vec::new() };
        tried.build = Memory::of(&plan);
        tried.build.check();
        for event in &events {
            tried.happens(event);
        }
        tried.run_out();
        let it = &tried.build;
        for node in &it.nodes {
            prop_assert_eq!(node.step.state, StepState::Ended, "{:?}", node);
            prop_assert!(node.step.settled.is_some(), "{:?}", node);
            // Nothing lets a step's jobs go but the end of what it waited for, and it is never let go twice.
            prop_assert!(node.runs <= 1, "{:?}", node);
        }
        let failed = it.nodes.iter().any(|node| node.step.jobs.failed > 0);
        let canceled = it.tally.is_canceled || it.tally.canceled > 0;
        let took_part = it.tally.took_part > 0;
        let expected = match (canceled, failed, took_part) {
            (true, _, _) => BuildState::Canceled,
            (_, true, _) => BuildState::Failed,
            (_, _, false) => BuildState::NotRun,
            _ => BuildState::Passed,
        };
        prop_assert_eq!(it.state(), expected);
    }

    #[test]
    fn canceling_reaches_everything(plan in plans("k", 20), events in prop::collection::vec(events(), 0..10)) {
        let mut tried = Tried { build: Memory::of(&plan), uploads: 0, retried: Vec::new() };
        for event in &events {
            tried.happens(event);
        }
        let before = tried.build.begun.len();
        while tried.build.cancel_some() {
            tried.build.check();
        }
        prop_assert_eq!(tried.build.tally.open, 0);
        prop_assert_eq!(tried.build.state(), BuildState::Canceled);
        prop_assert_eq!(tried.build.begun.len(), before, "nothing begins any more");
    }
}
