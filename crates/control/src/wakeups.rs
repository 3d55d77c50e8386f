//! Waking agents that wait for something to do, without a look at the database while nothing happens.
//!
//! ```text
//! operation ─ tx.on_commit ─► jobs_waiting(line) ─► the first of the line ─┐
//!                        └──► agent_changed(agent) ─────────────────────────┴─► its place is woken ─► it looks
//! ```
//!
//! Whoever waits takes a [`Place`] first and looks at the rows afterwards: what is committed after that look wakes it, so nothing falls between.
//! Of those that stand in one line as many are woken as there may be jobs, by the agents' priority and then by how long they have waited; one
//! that finds nothing goes back to where it stood and wakes nobody else. One that leaves before it has looked hands its call on.
//!
//! One server has a database for itself, so this is all in memory. With several servers on one PostgreSQL, `jobs_waiting` and `agent_changed`
//! are where NOTIFY is sent and what is called for each that LISTEN hears.

#[cfg(test)]
mod tests;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use countersign_domain::id::{AgentId, DeploymentId, OrganizationId};
use countersign_store::Tx;
use tokio::sync::Notify;

use crate::Scene;

/// How many places one agent may have: a stream whose end the server has not noticed, and the one that follows it. With one more the oldest
/// ends.
const MOST_OF_ONE_AGENT: usize = 2;

/// Which part of all places may be taken beyond them while those who were told to give way are leaving: an eighth.
const LEAVING_PART: usize = 8;

/// Where jobs and agents meet: a queue of a deployment.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Line {
    pub organization: OrganizationId,
    pub deployment: DeploymentId,
    pub queue: String,
}

/// What a waiting agent is like.
#[derive(Debug, Clone, Default)]
pub(crate) struct Profile {
    /// Higher is preferred.
    pub priority: i64,
    /// Its tags; `None` when it has not been looked at: then it may be right for any job.
    pub tags: Option<Vec<String>>,
}

/// Whether an agent with these tags may take the jobs that wait.
pub(crate) type Fits = Arc<dyn Fn(&[String]) -> bool + Send + Sync>;

/// Why a place was woken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Woken {
    /// There may be a job in its line.
    ByJob,
    /// Something about the agent itself is different.
    ByAgent,
    /// The agent has newer places, or gives its place to an organization with fewer, and this one ends.
    Replaced,
    /// The server stops.
    Closed,
}

/// Everyone who waits. Cloning shares it. What it holds is bounded by [`Wakeups::new`]'s number, and goes with the last who waits.
#[derive(Clone)]
pub(crate) struct Wakeups {
    board: Arc<Mutex<Board>>,
}

/// Preferred agents first, and of those the ones that have waited longest.
type Rank = (Reverse<i64>, u64);

struct Board {
    most: usize,
    next: u64,
    closed: bool,
    places: HashMap<u64, Seat>,
    agents: HashMap<AgentId, Vec<u64>>,
    lines: HashMap<Line, BTreeMap<Rank, u64>>,
    organizations: HashMap<OrganizationId, BTreeSet<u64>>,
}

/// One place, as the board sees it.
struct Seat {
    agent: AgentId,
    line: Line,
    profile: Profile,
    /// Since when it is idle, as a number that grows; `None` while it could take no job.
    since: Option<u64>,
    /// Whether it stands in its line.
    rank: Option<Rank>,
    /// What it was called for and has not begun to look for.
    called: Option<Fits>,
    /// What it was called for and looks for now.
    answering: Option<Fits>,
    heard: Option<Woken>,
    bell: Arc<Notify>,
}

impl Wakeups {
    /// With room for `most` places.
    pub fn new(most: usize) -> Self {
        let board = Board {
            most,
            next: 0,
            closed: false,
            places: HashMap::new(),
            agents: HashMap::new(),
            lines: HashMap::new(),
            organizations: HashMap::new(),
        };
        Self { board: Arc::new(Mutex::new(board)) }
    }

    fn board(&self) -> MutexGuard<'_, Board> {
        self.board.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A place for an agent, at once in its line. `None` when there is no room, or the server stops: then the agent has to ask again by itself.
    pub fn take_place(&self, agent: AgentId, line: Line) -> Option<Place> {
        let bell = Arc::new(Notify::new());
        let number = self.board().seat(agent, line, bell.clone())?;
        Some(Place { wakeups: self.clone(), number, bell })
    }

    /// Wakes as many of a line as there may be jobs that fit.
    pub fn jobs_waiting(&self, line: &Line, jobs: usize, fits: &Fits) {
        self.board().call(line, jobs, fits);
    }

    /// Wakes an agent that is not what it was: paused, resumed, told to leave, cut off, done with its job.
    pub fn agent_changed(&self, agent: AgentId) {
        let mut board = self.board();
        for number in board.agents.get(&agent).cloned().unwrap_or_default() {
            if let Some(seat) = board.places.get_mut(&number) {
                seat.wake(Woken::ByAgent);
            }
        }
    }

    /// Ends all waiting: the server stops.
    pub fn close(&self) {
        let mut board = self.board();
        board.closed = true;
        for seat in board.places.values_mut() {
            seat.wake(Woken::Closed);
        }
    }

    /// How many wait.
    pub fn waiting(&self) -> usize {
        self.board().places.len()
    }
}

impl Board {
    fn number(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    fn seat(&mut self, agent: AgentId, line: Line, bell: Arc<Notify>) -> Option<u64> {
        if self.closed || !self.has_room(line.organization) {
            return None;
        }
        let of_agent = self.agents.get(&agent).map(Vec::as_slice).unwrap_or_default();
        let surplus = (of_agent.len() + 1).saturating_sub(MOST_OF_ONE_AGENT);
        for oldest in of_agent.iter().take(surplus).copied().collect::<Vec<_>>() {
            if let Some(seat) = self.places.get_mut(&oldest) {
                seat.wake(Woken::Replaced);
            }
        }
        let number = self.number();
        self.organizations.entry(line.organization).or_default().insert(number);
        let profile = Profile::default();
        let seat = Seat {
            agent,
            line,
            profile,
            since: Some(number),
            rank: None,
            called: None,
            answering: None,
            heard: None,
            bell,
        };
        self.places.insert(number, seat);
        self.agents.entry(agent).or_default().push(number);
        self.stand(number);
        Some(number)
    }

    /// Whether an organization can have one more place. Where all are taken, one that has fewer than another is given one, and the other's
    /// oldest ends: no fleet keeps those of others from waiting, and one that is alone may have all.
    fn has_room(&mut self, of: OrganizationId) -> bool {
        if self.places.len() < self.most {
            return true;
        }
        if self.places.len() >= self.most + (self.most / LEAVING_PART).max(1) {
            return false;
        }
        let own = self.organizations.get(&of).map_or(0, BTreeSet::len);
        let Some(largest) = self.organizations.values().max_by_key(|places| places.len()) else { return false };
        if own + 1 >= largest.len() {
            return false;
        }
        let stays = |number: &u64| self.places.get(number).is_some_and(|seat| seat.heard != Some(Woken::Replaced));
        let oldest = largest.iter().copied().find(stays);
        match oldest.and_then(|number| self.places.get_mut(&number)) {
            Some(seat) => {
                seat.wake(Woken::Replaced);
                true
            }
            None => false,
        }
    }

    /// Puts a place into its line, where its priority and its time of waiting say.
    fn stand(&mut self, number: u64) {
        let Some(seat) = self.places.get_mut(&number) else { return };
        let Some(since) = seat.since else { return };
        let rank = (Reverse(seat.profile.priority), since);
        seat.rank = Some(rank);
        self.lines.entry(seat.line.clone()).or_default().insert(rank, number);
    }

    /// Takes a place out of its line.
    fn step_out(&mut self, number: u64) {
        let Some(seat) = self.places.get_mut(&number) else { return };
        let Some(rank) = seat.rank.take() else { return };
        if let Some(line) = self.lines.get_mut(&seat.line) {
            line.remove(&rank);
            if line.is_empty() {
                self.lines.remove(&seat.line);
            }
        }
    }

    fn call(&mut self, line: &Line, jobs: usize, fits: &Fits) {
        let Some(standing) = self.lines.get(line) else { return };
        let right = standing.values().copied().filter(|number| {
            let tags = self.places.get(number).map(|seat| seat.profile.tags.as_deref());
            tags.is_some_and(|tags| tags.is_none_or(|tags| fits(tags)))
        });
        for number in right.take(jobs).collect::<Vec<_>>() {
            self.step_out(number);
            if let Some(seat) = self.places.get_mut(&number) {
                seat.called = Some(fits.clone());
                seat.wake(Woken::ByJob);
            }
        }
    }

    /// Gives what a place was called for to the next in its line.
    fn hand_on(&mut self, line: &Line, called: Option<Fits>) {
        if let Some(fits) = called {
            self.call(line, 1, &fits);
        }
    }

    fn leave(&mut self, number: u64) {
        self.step_out(number);
        let Some(seat) = self.places.remove(&number) else { return };
        if let Some(of_agent) = self.agents.get_mut(&seat.agent) {
            of_agent.retain(|it| *it != number);
            if of_agent.is_empty() {
                self.agents.remove(&seat.agent);
            }
        }
        if let Some(of_organization) = self.organizations.get_mut(&seat.line.organization) {
            of_organization.remove(&number);
            if of_organization.is_empty() {
                self.organizations.remove(&seat.line.organization);
            }
        }
        self.hand_on(&seat.line, seat.called);
        self.hand_on(&seat.line, seat.answering);
    }
}

impl Seat {
    /// The end of a place outweighs what else it hears, and a change of the agent a job.
    fn wake(&mut self, why: Woken) {
        let weight = |why: Woken| match why {
            Woken::ByJob => 0,
            Woken::ByAgent => 1,
            Woken::Replaced => 2,
            Woken::Closed => 3,
        };
        if self.heard.is_none_or(|before| weight(before) < weight(why)) {
            self.heard = Some(why);
        }
        self.bell.notify_one();
    }
}

/// A place among those who wait, until it is dropped.
pub(crate) struct Place {
    wakeups: Wakeups,
    number: u64,
    bell: Arc<Notify>,
}

impl Place {
    /// Waits to be woken. What was said before counts, until it is [forgotten](Place::about_to_look).
    pub async fn woken(&self) -> Woken {
        loop {
            let heard = self.wakeups.board().places.get(&self.number).and_then(|seat| seat.heard);
            if let Some(heard) = heard {
                return heard;
            }
            self.bell.notified().await;
        }
    }

    /// Forgets what was heard: the rows are looked at now, and what comes after this is heard anew.
    pub fn about_to_look(&self) {
        if let Some(seat) = self.wakeups.board().places.get_mut(&self.number) {
            seat.heard = seat.heard.filter(|heard| matches!(heard, Woken::Replaced | Woken::Closed));
            seat.answering = seat.called.take().or(seat.answering.take());
        }
    }

    /// The rows were looked at: the agent could take a job and found none, and stands in its line as what it is.
    pub fn idle(&self, profile: &Profile) {
        let mut board = self.wakeups.board();
        let fresh = board.number();
        let Some(seat) = board.places.get_mut(&self.number) else { return };
        seat.answering = None;
        // It keeps the place that it has waited for.
        let since = *seat.since.get_or_insert(fresh);
        let stands = seat.rank == Some((Reverse(profile.priority), since)) && seat.profile.tags == profile.tags;
        // Called again since the look began: it goes back to its line after the next one.
        if stands || seat.called.is_some() {
            return;
        }
        seat.profile = profile.clone();
        board.step_out(self.number);
        board.stand(self.number);
    }

    /// The rows were looked at: the agent has a job, or could take none. It leaves its line, and a call that it has not answered by taking
    /// a job is handed on.
    pub fn busy(&self, took_one: bool) {
        let mut board = self.wakeups.board();
        board.step_out(self.number);
        let Some(seat) = board.places.get_mut(&self.number) else { return };
        seat.since = None;
        let (called, answering) = (seat.called.take(), seat.answering.take());
        let line = seat.line.clone();
        board.hand_on(&line, called);
        board.hand_on(&line, answering.filter(|_| !took_one));
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.wakeups.board().leave(self.number);
    }
}

/// What operations say of what they changed; it is heard once it is committed.
impl<I> Scene<I> {
    /// An agent is not what it was.
    pub(crate) fn agent_changed(&self, tx: &mut Tx, agent: AgentId) {
        let wakeups = self.wakeups.clone();
        tx.on_commit(move || wakeups.agent_changed(agent));
    }

    /// So many jobs wait in a line for agents with the right tags.
    pub(crate) fn jobs_waiting(&self, tx: &mut Tx, line: Line, jobs: usize, fits: Fits) {
        let wakeups = self.wakeups.clone();
        tx.on_commit(move || wakeups.jobs_waiting(&line, jobs, &fits));
    }
}
