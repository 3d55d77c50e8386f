//! A build that is kept in memory: it carries messages on until there are none left, as the store does.

use std::collections::VecDeque;

use crate::build::BuildState;
use crate::graph::{
    Ancestor, At, Deadlock, Effect, Ending, Gate, LayoutError, Message, Ref, Relation, Search, Step, StepState, Tally,
    Tolerance, Verdict, lay,
};
use crate::plan::{Plan, Work};

#[derive(Debug, Clone)]
pub struct Node {
    pub key: Option<String>,
    pub step: Step,
    pub parent: Option<usize>,
    pub gate: Option<Gate<usize>>,
    /// How often its jobs were let go.
    pub runs: u32,
    /// Steps in the order of the text.
    pub place: Vec<usize>,
}

#[derive(Debug, Clone)]
pub struct Edge {
    pub from: usize,
    pub on: usize,
    pub relation: Relation,
    pub tolerance: Tolerance,
    pub told: Option<Ending>,
}

#[derive(Debug, Clone, Default)]
pub struct Memory {
    pub nodes: Vec<Node>,
    pub edges: Vec<Edge>,
    pub tally: Tally,
    /// Each step that was begun, with what it had waited for then.
    pub begun: Vec<usize>,
}

impl Memory {
    pub fn of(plan: &Plan) -> Self {
        let mut memory = Self::default();
        memory.put(plan, &At::Start, &[]).expect("the plan of a test can be laid out");
        memory
    }

    pub fn upload(&mut self, uploader: usize, plan: &Plan, replace: bool) -> Result<(), LayoutError> {
        if replace {
            self.replace();
        }
        let mut ancestors = Vec::new();
        let mut at = Some(uploader);
        while let Some(step) = at {
            let node = &self.nodes[step];
            ancestors.push(Ancestor { step, is_group: node.step.kind == crate::graph::Kind::Group });
            at = node.parent;
        }
        let own = self.nodes[uploader].clone();
        let before = (0..self.nodes.len()).filter(|other| {
            let it = &self.nodes[*other];
            let same = it.parent == own.parent && it.gate == own.gate && it.place < own.place;
            let works = !matches!(it.step.kind, crate::graph::Kind::Input);
            same && works && (it.step.settled.is_none() || it.step.settled == Some(Ending::Bad))
        });
        let at = At::Upload { ancestors, gate: own.gate, before: before.collect() };
        self.put(plan, &at, &own.place)
    }

    /// Every step that has not begun gives way.
    fn replace(&mut self) {
        for at in (0..self.nodes.len()).rev() {
            if matches!(self.nodes[at].step.state, StepState::Waiting | StepState::Asking) {
                self.nodes[at].key = None;
                self.send(at, Message::Drop);
            }
        }
    }

    fn put(&mut self, plan: &Plan, at: &At<usize>, place: &[usize]) -> Result<(), LayoutError> {
        let find = |key: &str| self.nodes.iter().position(|it| it.key.as_deref() == Some(key));
        let laid = lay(plan, at, &find)?;
        if let At::Upload { ancestors, .. } = at {
            let found = self.find_deadlock(Search::new(ancestors, &laid));
            found.map_err(|found| LayoutError::deadlock(plan, &found, |at| format!("{at}")))?;
        }
        let first = self.nodes.len();
        let known = |it: Ref<usize>| match it {
            Ref::New(place) => first + place,
            Ref::Known(step) => step,
        };
        let mut added = Vec::new();
        for (number, (it, planned)) in laid.into_iter().zip(&plan.steps).enumerate() {
            let mut step = it.step;
            if let (Work::Command(work), None) = (&planned.work, step.outcome) {
                step.jobs.open = work.jobs.iter().filter(|job| job.skip.is_none()).count() as i64;
            }
            if matches!(planned.work, Work::Trigger(_)) && step.outcome.is_none() {
                step.jobs.open = 1;
            }
            for edge in it.edges {
                let on = known(edge.on);
                let said = if on < first { self.nodes[on].step.said(edge.relation) } else { None };
                if let Some(ending) = said {
                    step.open_dependencies -= 1;
                    if ending != Ending::Good {
                        *if edge.tolerance.bears(ending) { &mut step.borne } else { &mut step.spoilt } += 1;
                    }
                }
                let from = first + number;
                self.edges.push(Edge { from, on, relation: edge.relation, tolerance: edge.tolerance, told: said });
            }
            self.tally.add(&step);
            if let (Some(Ref::Known(parent)), None) = (it.parent, step.settled) {
                added.push(parent);
            }
            let gate = it.gate.map(|it| Gate { step: known(it.step), relation: it.relation, lets_pass: it.lets_pass });
            let mut at = place.to_vec();
            at.push(number);
            let (key, parent) = (planned.key.clone(), it.parent.map(known));
            self.nodes.push(Node { key, step, parent, gate, runs: 0, place: at });
        }
        for parent in added {
            self.send(parent, Message::MemberAdded);
        }
        for at in first..self.nodes.len() {
            self.send(at, Message::Begin);
        }
        Ok(())
    }

    fn find_deadlock(&self, mut search: Search<usize>) -> Result<(), Deadlock<usize>> {
        while let Some((at, relation)) = search.look_at() {
            if self.nodes[at].step.said(relation).is_some() {
                continue;
            }
            let waits = self.edges.iter().filter(|it| it.from == at && it.told.is_none());
            let waits: Vec<_> = waits.map(|it| (it.on, it.relation)).collect();
            let beneath = |it: &usize| self.nodes[*it].parent == Some(at) && self.nodes[*it].step.settled.is_none();
            let members = (0..self.nodes.len()).filter(beneath).filter(|_| relation == Relation::Settled);
            let members: Vec<_> = members.map(|it| (it, Relation::Settled)).collect();
            search.needs((at, relation), waits.into_iter().chain(members))?;
        }
        Ok(())
    }

    pub fn send(&mut self, to: usize, message: Message) {
        let mut agenda = VecDeque::from([(to, message)]);
        while let Some((at, message)) = agenda.pop_front() {
            let reaction = self.nodes[at].step.receive(message, &mut self.tally);
            for effect in reaction.effects {
                self.carry(at, effect, &mut agenda);
            }
        }
    }

    fn carry(&mut self, at: usize, effect: Effect, agenda: &mut VecDeque<(usize, Message)>) {
        match effect {
            Effect::Schedule | Effect::Trigger => {
                self.nodes[at].runs += 1;
                self.begun.push(at);
                self.check_dependencies(at);
            }
            Effect::Tell(relation, ending) => {
                for edge in self.edges.iter_mut() {
                    if edge.on == at && edge.relation == relation && edge.told.is_none() {
                        edge.told = Some(ending);
                        agenda.push_back((edge.from, Message::DependencyEnded(ending, edge.tolerance)));
                    }
                }
            }
            Effect::TakeBack(relation) => {
                for number in 0..self.edges.len() {
                    let edge = self.edges[number].clone();
                    let (true, Some(ending)) = (edge.on == at && edge.relation == relation, edge.told) else {
                        continue;
                    };
                    let message = Message::DependencyReopened(ending, edge.tolerance);
                    let reaction = self.nodes[edge.from].step.receive(message, &mut self.tally);
                    if reaction.is_heard {
                        self.edges[number].told = None;
                        for effect in reaction.effects {
                            self.carry(edge.from, effect, agenda);
                        }
                    }
                }
            }
            Effect::TellParent(message) => agenda.extend(self.nodes[at].parent.map(|parent| (parent, message))),
            Effect::EndJobs(_) | Effect::ReviveJobs => {}
        }
    }

    /// No step runs before what it depends on.
    fn check_dependencies(&self, at: usize) {
        for edge in self.edges.iter().filter(|it| it.from == at) {
            let said = self.nodes[edge.on].step.said(edge.relation);
            assert!(edge.told.is_some(), "{at} runs before {} has {:?}", edge.on, edge.relation);
            if let Some(said) = said {
                assert!(edge.tolerance.bears(said), "{at} runs although {} ended badly", edge.on);
            }
        }
    }

    /// Cancels the build, in batches of two with whatever else happens between them.
    pub fn cancel_some(&mut self) -> bool {
        self.tally.is_canceled = true;
        let open: Vec<_> = (0..self.nodes.len()).filter(|at| self.is_cancelable(*at)).take(2).collect();
        for at in &open {
            self.cancel(*at);
        }
        !open.is_empty()
    }

    fn is_cancelable(&self, at: usize) -> bool {
        let step = &self.nodes[at].step;
        let opened_group = step.kind == crate::graph::Kind::Group && step.state == StepState::Open;
        step.state != StepState::Ended && !opened_group
    }

    pub fn cancel(&mut self, at: usize) {
        if self.nodes[at].step.state == StepState::Open && self.nodes[at].step.kind == crate::graph::Kind::Command {
            while self.nodes[at].step.jobs.open > 0 && self.nodes[at].step.state == StepState::Open {
                self.send(at, Message::JobEnded(Verdict::Canceled));
            }
        }
        self.send(at, Message::Cancel);
    }

    /// The sums, counted anew.
    pub fn recounted(&self) -> Tally {
        let mut tally =
            Tally { is_canceled: self.tally.is_canceled, has_started: self.tally.has_started, ..Tally::default() };
        for node in &self.nodes {
            tally.add(&node.step);
        }
        tally
    }

    pub fn check(&self) {
        assert_eq!(self.tally, self.recounted(), "the sums are those of the steps");
        for (at, node) in self.nodes.iter().enumerate() {
            let edges = self.edges.iter().filter(|it| it.from == at);
            let open = edges.filter(|it| it.told.is_none()).count() as i64;
            if node.step.state == StepState::Waiting {
                assert_eq!(node.step.open_dependencies, open, "step {at}");
            }
            let members = self.nodes.iter().filter(|it| it.parent == Some(at) && it.step.settled.is_none()).count();
            assert_eq!(node.step.members.open, members as i64, "members of {at}");
            assert!(node.step.spoilt >= 0 && node.step.borne >= 0 && node.step.jobs.open >= 0, "{:?}", node.step);
        }
    }

    pub fn state(&self) -> BuildState {
        self.tally.state()
    }

    pub fn find(&self, key: &str) -> usize {
        self.nodes.iter().position(|it| it.key.as_deref() == Some(key)).expect("the key is in the build")
    }

    pub fn step(&self, key: &str) -> &Step {
        &self.nodes[self.find(key)].step
    }

    /// All jobs of a step end so.
    pub fn end(&mut self, key: &str, verdict: Verdict) {
        let at = self.find(key);
        assert_eq!(self.nodes[at].step.state, StepState::Open, "{key} runs");
        self.tally.has_started = true;
        self.send(at, Message::JobEnded(verdict));
    }
}
