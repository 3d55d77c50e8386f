//! From a plan to steps and what each waits for. The number of edges grows with the plan, not with its square: steps wait for the wait
//! before them, and the wait for the steps since the one before.

use std::collections::BTreeMap;

use super::{Count, Deadlock, Kind, Outcome, Relation, Step, Tolerance};
use crate::plan::{Fate, Plan, PlannedStep, Work};

/// A step of the plan, by its place there, or one that the build has already.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Ref<K> {
    /// A place in [`Plan::steps`].
    New(usize),
    /// A step of the build.
    Known(K),
}

/// What the steps after a wait, a block or the beginning of a group wait for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gate<S> {
    /// The step.
    pub step: S,
    /// What of it.
    pub relation: Relation,
    /// Whether what follows also goes on when it ended badly: a wait with `continue_on_failure`.
    pub lets_pass: bool,
}

/// A step that the uploading one is beneath, itself the first.
#[derive(Debug, Clone, Copy)]
pub struct Ancestor<K> {
    /// The step.
    pub step: K,
    /// Whether it is a group rather than a step that uploaded.
    pub is_group: bool,
}

/// Where a plan is put.
#[derive(Debug, Clone)]
pub enum At<K> {
    /// At the start of a build.
    Start,
    /// Beneath the step that uploads it.
    Upload {
        /// The uploading step, and what it is beneath.
        ancestors: Vec<Ancestor<K>>,
        /// What keeps the uploading step's neighbours.
        gate: Option<Gate<K>>,
        /// What stands before the uploading step behind the same gate and is not settled, or ended badly.
        before: Vec<K>,
    },
}

/// One thing that a step waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NewEdge<K> {
    /// The other step.
    pub on: Ref<K>,
    /// What of it.
    pub relation: Relation,
    /// Which endings let this one go on.
    pub tolerance: Tolerance,
}

/// A step of the plan, ready to be put into a build. Its counts hold its edges and its members.
#[derive(Debug, Clone)]
pub struct Laid<K> {
    /// Where it begins.
    pub step: Step,
    /// What it is beneath.
    pub parent: Option<Ref<K>>,
    /// What keeps its neighbours, for a later upload.
    pub gate: Option<Gate<Ref<K>>>,
    /// What it waits for; no step twice.
    pub edges: Vec<NewEdge<K>>,
}

/// A plan cannot be put into a build.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LayoutError {
    /// A dependency names nothing.
    #[error(
        "{who} depends on '{key}', which is the key of no step of the build; add such a step, or take the dependency out"
    )]
    UnknownKey {
        /// The step, in words.
        who: String,
        /// The key.
        key: String,
    },
    /// Steps wait for each other.
    #[error("{who} waits for itself by way of what it depends on; break the circle")]
    Circle {
        /// One of the steps, in words.
        who: String,
    },
    /// An uploaded step waits for the group that its uploader is in.
    #[error("{who} depends on '{key}', the group of the step that uploads it; the group ends only after both")]
    OwnGroup {
        /// The step, in words.
        who: String,
        /// The key.
        key: String,
    },
    /// What an uploaded step waits for waits for its uploader.
    #[error(
        "{who} would wait for ever: it waits for {}, and that one, which uploads it or is a group around what does, is over only after it; \
         take one of these dependencies out",
        .path.join(", which waits for ")
    )]
    Deadlock {
        /// The step, in words.
        who: String,
        /// What it waits for, what that waits for, and so on to the uploading step, in words.
        path: Vec<String>,
    },
}

impl LayoutError {
    /// Steps that would wait for each other, by their names. `of` says what a step of the build is called.
    #[must_use]
    pub fn deadlock<K>(plan: &Plan, found: &Deadlock<K>, of: impl FnMut(&K) -> String) -> Self {
        let who = plan.steps.get(found.place).map_or_else(String::new, |it| name_of(found.place, it));
        Self::Deadlock { who, path: found.path.iter().map(of).collect() }
    }
}

impl Work {
    /// The kind of step.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Command(_) => Kind::Command,
            Self::Wait { .. } => Kind::Wait,
            Self::Block(_) => Kind::Block,
            Self::Input(_) => Kind::Input,
            Self::Trigger(_) => Kind::Trigger,
            Self::Group => Kind::Group,
        }
    }

    const fn continues(&self) -> bool {
        matches!(self, Self::Wait { continue_on_failure: true })
    }
}

/// What the next step of a group, or of the plan itself, waits for.
#[derive(Debug, Clone)]
struct Scope<K> {
    gate: Option<Gate<Ref<K>>>,
    since: Vec<(Ref<K>, Relation)>,
}

struct Layout<'a, K> {
    plan: &'a Plan,
    ancestors: &'a [Ancestor<K>],
    keys: BTreeMap<&'a str, usize>,
    known: &'a dyn Fn(&str) -> Option<K>,
}

/// Lays a plan out. `known` finds a step of the build by its key.
///
/// # Errors
/// [`LayoutError`] when a dependency names nothing, or steps wait for each other.
pub fn lay<K: Copy + Ord>(
    plan: &Plan,
    at: &At<K>,
    known: &dyn Fn(&str) -> Option<K>,
) -> Result<Vec<Laid<K>>, LayoutError> {
    let (ancestors, outermost) = match at {
        At::Start => (&[][..], Scope { gate: None, since: Vec::new() }),
        At::Upload { ancestors, gate, before } => {
            let gate =
                gate.map(|it| Gate { step: Ref::Known(it.step), relation: it.relation, lets_pass: it.lets_pass });
            let mut since: Vec<_> = before.iter().map(|it| (Ref::Known(*it), Relation::Settled)).collect();
            since.extend(ancestors.first().map(|it| (Ref::Known(it.step), Relation::Ended)));
            (ancestors.as_slice(), Scope { gate, since })
        }
    };
    let keys = plan.steps.iter().enumerate().filter_map(|(place, it)| Some((it.key.as_deref()?, place))).collect();
    let layout = Layout { plan, ancestors, keys, known };
    let mut scopes: BTreeMap<Option<usize>, Scope<K>> = BTreeMap::from([(None, outermost)]);
    let mut laid = Vec::with_capacity(plan.steps.len());
    for (place, step) in plan.steps.iter().enumerate() {
        let scope = scopes.entry(step.group).or_insert_with(|| Scope { gate: None, since: Vec::new() });
        let one = layout.step(place, step, scope)?;
        if matches!(step.work, Work::Group) {
            let begun = Gate { step: Ref::New(place), relation: Relation::Begun, lets_pass: false };
            scopes.insert(Some(place), Scope { gate: Some(begun), since: Vec::new() });
        }
        laid.push(one);
    }
    layout.find_circles(&laid)?;
    count(&mut laid);
    Ok(laid)
}

impl<K: Copy + Ord> Layout<'_, K> {
    fn step(&self, place: usize, step: &PlannedStep, scope: &mut Scope<K>) -> Result<Laid<K>, LayoutError> {
        let parent = match step.group {
            Some(group) => Some(Ref::New(group)),
            None => self.ancestors.first().map(|it| Ref::Known(it.step)),
        };
        let gate = scope.gate;
        let kind = step.work.kind();
        if let Some(outcome) = left_out(step) {
            self.dependencies(place, step)?;
            return Ok(Laid { step: Step::ended(kind, outcome), parent, gate, edges: Vec::new() });
        }
        let own = if step.allow_dependency_failure { Tolerance::Failure } else { Tolerance::Success };
        let own = if step.work.continues() { Tolerance::Anything } else { own };
        let is_gate = matches!(kind, Kind::Wait | Kind::Block);
        let mut edges = Vec::new();
        let mut add = |on, relation, tolerance: Tolerance| {
            let tolerance = tolerance.max(own);
            let is_known = |it: &&mut NewEdge<K>| it.on == on;
            match edges.iter_mut().find(is_known) {
                Some(it) => it.tolerance = it.tolerance.min(tolerance),
                None => edges.push(NewEdge { on, relation, tolerance }),
            }
        };
        match &step.depends_on {
            Some(_) => {
                for (on, relation, tolerance) in self.dependencies(place, step)? {
                    add(on, relation, tolerance);
                }
                // The group's own dependencies hold for its members whatever these name themselves.
                if let Some(group) = step.group.filter(|group| self.has_dependencies(*group)) {
                    add(Ref::New(group), Relation::Begun, Tolerance::Success);
                }
            }
            None if kind == Kind::Input => {}
            None => {
                if let Some(gate) = gate {
                    let passes = gate.lets_pass && !is_gate;
                    add(gate.step, gate.relation, if passes { Tolerance::Anything } else { Tolerance::Success });
                }
                if is_gate {
                    for (on, relation) in scope.since.drain(..) {
                        edges.push(NewEdge { on, relation, tolerance: own });
                    }
                }
            }
        }
        if is_gate {
            let lets_pass = step.work.continues();
            scope.gate = Some(Gate { step: Ref::New(place), relation: Relation::Settled, lets_pass });
        } else if kind != Kind::Input {
            scope.since.push((Ref::New(place), Relation::Settled));
        }
        Ok(Laid { step: Step::new(kind), parent, gate, edges })
    }

    fn has_dependencies(&self, group: usize) -> bool {
        let step = self.plan.steps.get(group);
        step.and_then(|it| it.depends_on.as_ref()).is_some_and(|it| !it.is_empty())
    }

    /// What a step names, without what takes no part.
    fn dependencies(
        &self,
        place: usize,
        step: &PlannedStep,
    ) -> Result<Vec<(Ref<K>, Relation, Tolerance)>, LayoutError> {
        let mut found = Vec::new();
        for it in step.depends_on.iter().flatten() {
            let tolerance = if it.allow_failure { Tolerance::Failure } else { Tolerance::Success };
            if let Some(other) = self.keys.get(it.step.as_str()) {
                let Some(named) = self.plan.steps.get(*other) else { continue };
                // What follows a wait that goes on after failures goes on after them too.
                let tolerance = if named.work.continues() { Tolerance::Anything } else { tolerance };
                if left_out(named).is_none() {
                    found.push((Ref::New(*other), Relation::Settled, tolerance));
                }
                continue;
            }
            let who = || name_of(place, step);
            let key = &it.step;
            let Some(other) = (self.known)(key) else {
                return Err(LayoutError::UnknownKey { who: who(), key: key.clone() });
            };
            let relation = match self.ancestors.iter().find(|it| it.step == other) {
                Some(it) if it.is_group => return Err(LayoutError::OwnGroup { who: who(), key: key.clone() }),
                // It is settled only once this very step is.
                Some(_) => Relation::Ended,
                None => Relation::Settled,
            };
            found.push((Ref::Known(other), relation, tolerance));
        }
        Ok(found)
    }

    /// Each step begins, and later is settled; whoever waits for it begins after that. What is left when everything that can be
    /// reached has been taken away goes round in a circle.
    fn find_circles(&self, laid: &[Laid<K>]) -> Result<(), LayoutError> {
        let count = laid.len();
        let (begin, settle) = (|place: usize| place, |place: usize| count + place);
        let mut after = vec![Vec::new(); 2 * count];
        let mut open = vec![0_usize; 2 * count];
        let mut order = |first: usize, second: usize| {
            if let (Some(list), Some(open)) = (after.get_mut(first), open.get_mut(second)) {
                list.push(second);
                *open += 1;
            }
        };
        for (place, it) in laid.iter().enumerate() {
            order(begin(place), settle(place));
            if let Some(Ref::New(parent)) = it.parent {
                order(settle(place), settle(parent));
            }
            for edge in &it.edges {
                match (edge.on, edge.relation) {
                    (Ref::New(on), Relation::Begun) => order(begin(on), begin(place)),
                    (Ref::New(on), _) => order(settle(on), begin(place)),
                    (Ref::Known(_), _) => {}
                }
            }
        }
        let mut free: Vec<usize> = (0..2 * count).filter(|at| open.get(*at) == Some(&0)).collect();
        while let Some(at) = free.pop() {
            for next in after.get(at).into_iter().flatten() {
                if let Some(left) = open.get_mut(*next) {
                    *left -= 1;
                    if *left == 0 {
                        free.push(*next);
                    }
                }
            }
        }
        match open.iter().take(count).position(|left| *left > 0) {
            Some(place) => {
                let who = self.plan.steps.get(place).map_or_else(String::new, |it| name_of(place, it));
                Err(LayoutError::Circle { who })
            }
            None => Ok(()),
        }
    }
}

/// Writes edges, jobs and members into the steps' counts.
fn count<K: Copy>(laid: &mut [Laid<K>]) {
    let mut members = vec![0_i64; laid.len()];
    for it in laid.iter() {
        if let (Some(Ref::New(parent)), None) = (it.parent, it.step.settled)
            && let Some(count) = members.get_mut(parent)
        {
            *count += 1;
        }
    }
    for (it, open) in laid.iter_mut().zip(members) {
        it.step.open_dependencies = i64::try_from(it.edges.len()).unwrap_or(i64::MAX);
        it.step.members = Count { open, ..Count::default() };
        if open > 0 {
            // A group that takes no part and has members that do: they count, and it settles with them.
            it.step.settled = None;
        }
    }
}

/// How a step that takes no part ends; `None` for one that does.
fn left_out(step: &PlannedStep) -> Option<Outcome> {
    match (&step.fate, &step.work) {
        (Fate::Skipped(_), _) => Some(Outcome::Skipped),
        (Fate::Omitted, _) => Some(Outcome::Omitted),
        (Fate::Run, Work::Command(work)) if work.jobs.iter().all(|it| it.skip.is_some()) => Some(Outcome::Skipped),
        (Fate::Run, _) => None,
    }
}

/// A step as errors call it.
fn name_of(place: usize, step: &PlannedStep) -> String {
    match step.key.as_ref().or(step.label.as_ref()) {
        Some(name) => format!("Step '{name}'"),
        None => format!("Step {}", place + 1),
    }
}
