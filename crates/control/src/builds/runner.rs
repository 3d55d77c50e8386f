//! Carries what happens to one step on to whoever must hear of it, inside one transaction.
//!
//! The order in which things are kept still is everywhere the same, so that nobody waits in a circle: an agent's turn, the jobs that agents
//! have, builds (that of a triggered one before that of its trigger), concurrency groups.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use countersign_domain::build::BuildState;
use countersign_domain::graph::{Effect, Kind, MAX_LIMIT, Message, Relation, StepState, Verdict, admit, soft_fails};
use countersign_domain::id::{AgentId, BuildId, OrganizationId, StepId};
use countersign_domain::plan::Work;
use countersign_store::Tx;
use countersign_store::builds::tally::{self, Chore, Ledger};
use countersign_store::jobs::dispatch::Spot;
use countersign_store::jobs::{groups, progress};
use countersign_store::steps::{self, StepRow, edges, texts};

use crate::{Error, Result, Scene};

use super::wake::wake;

/// Something on its way to a step.
struct Item {
    step: StepId,
    message: Message,
    /// The step that is run again, for one that is to wait for it again.
    takes_back: Option<StepId>,
}

/// Everything that one transaction changes in the graphs of builds.
pub(crate) struct Runner {
    of: OrganizationId,
    ledgers: BTreeMap<BuildId, (Ledger, Ledger)>,
    agenda: VecDeque<Item>,
    groups: BTreeSet<String>,
    waiting: BTreeMap<Spot, usize>,
    agents: BTreeSet<AgentId>,
}

impl Runner {
    /// For the builds of an organization.
    pub(crate) const fn new(of: OrganizationId) -> Self {
        Self {
            of,
            ledgers: BTreeMap::new(),
            agenda: VecDeque::new(),
            groups: BTreeSet::new(),
            waiting: BTreeMap::new(),
            agents: BTreeSet::new(),
        }
    }

    /// A build's sums, kept still from now on.
    pub(crate) async fn open(&mut self, tx: &mut Tx, build: BuildId) -> Result<&mut Ledger> {
        if !self.ledgers.contains_key(&build) {
            let ledger = tally::lock(tx, self.of, build).await?.ok_or(Error::NotFound("build"))?;
            self.ledgers.insert(build, (ledger.clone(), ledger));
        }
        let (_, now) = self.ledgers.get_mut(&build).ok_or_else(|| Error::internal("a build was opened and is not"))?;
        Ok(now)
    }

    /// An agent is to look whether something about it is different.
    pub(crate) fn tell_agent(&mut self, agent: Option<AgentId>) {
        self.agents.extend(agent);
    }

    /// A job waits for an agent.
    pub(crate) fn job_waits(&mut self, at: Spot) {
        *self.waiting.entry(at).or_default() += 1;
    }

    /// A concurrency group may have room, or another job.
    pub(crate) fn group_changed(&mut self, group: Option<&str>) {
        self.groups.extend(group.map(ToOwned::to_owned));
    }

    /// Sends a message to a step of a build, and carries on until nobody has anything to hear.
    pub(crate) async fn send(&mut self, tx: &mut Tx, build: BuildId, step: StepId, message: Message) -> Result<()> {
        self.open(tx, build).await?;
        self.agenda.push_back(Item { step, message, takes_back: None });
        while let Some(item) = self.agenda.pop_front() {
            self.deliver(tx, item).await?;
        }
        Ok(())
    }

    async fn deliver(&mut self, tx: &mut Tx, item: Item) -> Result<()> {
        let row = steps::find(tx, self.of, item.step).await?.ok_or_else(|| Error::internal("a step is gone"))?;
        let mut step = row.step.clone();
        let ledger = self.open(tx, row.build).await?;
        let reaction = step.receive(item.message, &mut ledger.tally);
        if !reaction.is_heard {
            return Ok(());
        }
        let has_ended = step.state == StepState::Ended;
        let finished_at = has_ended.then(|| row.finished_at.unwrap_or_else(|| tx.now()));
        steps::save(tx, row.id, &step, finished_at).await?;
        if let Some(on) = item.takes_back {
            edges::take_back(tx, row.id, on).await?;
        }
        if row.step.state != StepState::Asking && step.state == StepState::Asking {
            self.asks(tx, &row).await?;
        }
        let row = StepRow { step, ..row };
        let mut again = Vec::new();
        for effect in reaction.effects {
            self.carry(tx, &row, effect, &mut again).await?;
        }
        // What waits again hears of it before anything else does.
        for item in again.into_iter().rev() {
            self.agenda.push_front(item);
        }
        Ok(())
    }

    async fn carry(&mut self, tx: &mut Tx, row: &StepRow, effect: Effect, again: &mut Vec<Item>) -> Result<()> {
        let is_command = row.step.kind == Kind::Command;
        match effect {
            Effect::Schedule => {
                for job in progress::schedule(tx, row.id).await? {
                    match job.group {
                        Some(group) => self.group_changed(Some(&group)),
                        None => self.job_waits(job.spot),
                    }
                }
            }
            // A round of its own makes the build; see `trigger`.
            Effect::Trigger => {}
            Effect::EndJobs(state) if is_command => {
                let ended = progress::end_waiting(tx, row.id, state).await?;
                self.groups.extend(ended.into_iter().filter_map(|job| job.group));
            }
            Effect::ReviveJobs if is_command => progress::revive(tx, row.id).await?,
            Effect::EndJobs(_) | Effect::ReviveJobs => {}
            // Only uploads wait for less than the whole of a step.
            Effect::Tell(Relation::Ended, _) | Effect::TakeBack(Relation::Ended) if row.uploads == 0 => {}
            Effect::Tell(relation, ending) => {
                for waiter in edges::tell(tx, row.id, relation, ending).await? {
                    let message = Message::DependencyEnded(ending, waiter.tolerance);
                    self.agenda.push_back(Item { step: waiter.step, message, takes_back: None });
                }
            }
            Effect::TakeBack(relation) => {
                for waiter in edges::told(tx, row.id, relation).await? {
                    let message = Message::DependencyReopened(waiter.told, waiter.tolerance);
                    again.push(Item { step: waiter.step, message, takes_back: Some(row.id) });
                }
            }
            Effect::TellParent(message) => {
                if let Some(step) = row.parent {
                    self.agenda.push_back(Item { step, message, takes_back: None });
                }
            }
        }
        Ok(())
    }

    /// A build that waits for a person is called as the block says.
    async fn asks(&mut self, tx: &mut Tx, row: &StepRow) -> Result<()> {
        if let Work::Block(question) = texts::find(tx, row.id).await?.work {
            let word = match question.blocked_state {
                countersign_domain::plan::BlockedState::Passed => "passed",
                countersign_domain::plan::BlockedState::Failed => "failed",
                countersign_domain::plan::BlockedState::Running => "running",
            };
            word.clone_into(&mut self.open(tx, row.build).await?.blocked_state);
        }
        Ok(())
    }

    /// Writes where the builds stand, lets jobs of concurrency groups go that have room, and wakes who is concerned after the commit.
    pub(crate) async fn close<I: Sync>(mut self, tx: &mut Tx, scene: &Scene<I>) -> Result<()> {
        while let Some((build, ended)) = self.next_change() {
            if let Some((_, now)) = self.ledgers.get_mut(&build) {
                now.state = now.tally.state();
                let is_failing = now.tally.failed > 0 && now.has_fragile_jobs && !now.tally.is_canceled;
                if is_failing && now.tally.open > 0 && now.chore.is_none() {
                    now.chore = Some(Chore::CancelFragile);
                }
            }
            let parent = self.ledgers.get(&build).and_then(|(_, now)| now.trigger_step);
            if let (Some((parent, step)), Some(state)) = (parent, ended) {
                self.child_ended(tx, parent, step, state).await?;
            }
        }
        for (build, (before, now)) in &self.ledgers {
            if before != now {
                tally::save(tx, *build, now).await?;
            }
        }
        for group in std::mem::take(&mut self.groups) {
            self.admit(tx, &group).await?;
        }
        wake(tx, scene, self.of, self.waiting, self.agents);
        Ok(())
    }

    /// A build whose sums say something else than its state, and how it has just ended, if it has.
    fn next_change(&self) -> Option<(BuildId, Option<BuildState>)> {
        self.ledgers.iter().find_map(|(build, (_, now))| {
            let state = now.tally.state();
            let wants_chore = now.tally.failed > 0
                && now.has_fragile_jobs
                && !now.tally.is_canceled
                && now.tally.open > 0
                && now.chore.is_none();
            let ended = (state.is_finished() && !now.state.is_finished()).then_some(state);
            (state != now.state || wants_chore).then_some((*build, ended))
        })
    }

    /// The build that a trigger waits for has ended.
    async fn child_ended(&mut self, tx: &mut Tx, parent: BuildId, step: StepId, state: BuildState) -> Result<()> {
        let Work::Trigger(work) = texts::find(tx, step).await?.work else { return Ok(()) };
        if work.is_async {
            return Ok(());
        }
        let verdict = match state {
            BuildState::Passed | BuildState::NotRun | BuildState::Skipped => Verdict::Passed,
            // Which failures are soft is said by exit status; a build has 1.
            _ if soft_fails(&work.soft_fail, 1) => Verdict::SoftFailed,
            BuildState::Canceled => Verdict::Canceled,
            _ => Verdict::Failed,
        };
        self.send(tx, parent, step, Message::JobEnded(verdict)).await
    }

    /// Lets as many jobs of a concurrency group go as there is room for; answers how many those are.
    pub(crate) async fn admit(&mut self, tx: &mut Tx, group: &str) -> Result<u64> {
        let mut count = 0;
        groups::lock(tx, self.of, group).await?;
        let mut admitted = groups::admitted(tx, self.of, group).await?;
        for only_eager in [false, true] {
            let first = groups::first(tx, self.of, group, i64::from(MAX_LIMIT), only_eager).await?;
            let contenders: Vec<_> = first.iter().map(|(_, contender)| *contender).collect();
            for place in admit(&contenders, admitted) {
                let Some((job, _)) = first.get(place) else { continue };
                if let Some(spot) = groups::admit(tx, *job).await? {
                    admitted += 1;
                    count += 1;
                    self.job_waits(spot);
                }
            }
        }
        Ok(count)
    }
}
