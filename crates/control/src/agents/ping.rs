//! What there is to do for an agent that asks.
//!
//! An idle ping reads one snapshot and writes nothing. Only when a job waits does it take a transaction, in which one statement finds
//! the job and takes it. Of the jobs that wait, those that ask the same of an agent's tags form a class; an agent looks at the first job of each
//! class that it fits, and takes from the class whose first job stands foremost.

use countersign_domain::AgentState;
use countersign_domain::Refusal;
use countersign_domain::agent::Offer;
use countersign_domain::build::JobState;
use countersign_domain::id::JobId;
use countersign_store::agents::{self, Agent};
use countersign_store::jobs::dispatch::{self, Line};
use countersign_store::jobs::{self, Job};
use countersign_store::{Lane, Tx, queues};
use serde_json::json;

use crate::access::SessionCaller;
use crate::access::actions::Ping;
use crate::scene::Subject;
use crate::{Control, Error, Grant, Result, Scene};

use super::may_work;

/// What an agent is to do now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Instruction {
    /// Ask again later.
    Idle,
    /// Take this job. It is offered again until it is taken, or its time has run out.
    TakeJob(JobId),
    /// Stay, and take no job. With the reason.
    Pause(Option<String>),
    /// Leave. With the reason.
    Disconnect(Option<String>),
}

/// What a snapshot says.
enum Glance {
    Do(Instruction),
    JobWaits,
}

impl Control {
    /// What the agent is to do. Leaving comes before everything, a job that was offered before a pause.
    ///
    /// # Errors
    /// [`Error::Unauthenticated`] when the agent has left or was given up.
    pub async fn ping(&self, grant: &Grant<Ping>) -> Result<Instruction> {
        let session = grant.session()?.clone();
        let glance = self.read(grant, session.clone(), |tx, scene| Box::pin(glance(tx, &scene.input))).await?;
        match glance {
            Glance::Do(instruction) => Ok(instruction),
            Glance::JobWaits => self.write(grant, Lane::Normal, session, |tx, scene| Box::pin(assign(tx, scene))).await,
        }
    }
}

async fn agent_of(tx: &mut Tx, session: &SessionCaller) -> Result<Agent> {
    let gone = || Error::refused(Refusal::Expired, session.public_id.clone());
    let agent = agents::find(tx, session.organization, session.agent).await?.ok_or_else(gone)?;
    if agent.state.has_left() || agent.state == AgentState::Lost { Err(gone()) } else { Ok(agent) }
}

/// What an agent is told before any thought of work.
fn standing_order(agent: &Agent, now: countersign_domain::Timestamp) -> Option<Instruction> {
    if agent.state == AgentState::Stopping {
        return Some(Instruction::Disconnect(agent.stop_note.clone()));
    }
    agent.is_paused(now).then(|| Instruction::Pause(agent.paused_note.clone()))
}

async fn glance(tx: &mut Tx, session: &SessionCaller) -> Result<Glance> {
    let agent = agent_of(tx, session).await?;
    let order = standing_order(&agent, tx.now());
    if let Some(Instruction::Disconnect(note)) = order {
        return Ok(Glance::Do(Instruction::Disconnect(note)));
    }
    if let Some(job) = jobs::of_agent(tx, session.organization, agent.id).await? {
        let offered = of_job(&job);
        let is_offered = job.accepted_at.is_none();
        return Ok(Glance::Do(if is_offered && !may_work(tx, &agent).await? { Instruction::Idle } else { offered }));
    }
    if let Some(order) = order {
        return Ok(Glance::Do(order));
    }
    if agent.ignore_in_dispatches || fitting(tx, &agent, 1).await?.is_empty() {
        return Ok(Glance::Do(Instruction::Idle));
    }
    let queue = queues::find(tx, agent.organization, agent.deployment, &agent.queue).await?;
    if queue.is_some_and(|queue| queue.paused_at.is_some()) {
        return Ok(Glance::Do(Instruction::Idle));
    }
    Ok(if may_work(tx, &agent).await? { Glance::JobWaits } else { Glance::Do(Instruction::Idle) })
}

/// What an agent that has a job is told. An agent that works does not ping. One that took a job and asks before it has started it never
/// got the answer, and takes it again; one whose job has started has lost it, and it is not offered twice.
fn of_job(job: &Job) -> Instruction {
    if job.started_at.is_none() && matches!(job.state, JobState::Assigned | JobState::Accepted) {
        Instruction::TakeJob(job.id)
    } else {
        Instruction::Idle
    }
}

async fn assign(tx: &mut Tx, scene: &Scene<SessionCaller>) -> Result<Instruction> {
    let session = &scene.input;
    // The agent's turn is held from the beginning of the transaction: of several pings at once the first is given a job, and the others are
    // told of the same one.
    let agent = agent_of(tx, session).await?;
    if let Some(job) = jobs::of_agent(tx, session.organization, agent.id).await? {
        return Ok(of_job(&job));
    }
    if let Some(order) = standing_order(&agent, tx.now()) {
        return Ok(order);
    }
    if !may_work(tx, &agent).await? {
        return Ok(Instruction::Idle);
    }
    if agent.ignore_in_dispatches || queues::is_paused(tx, agent.deployment, &agent.queue).await? {
        return Ok(Instruction::Idle);
    }
    let line = line_of(&agent);
    let mut classes = Vec::new();
    for rules in fitting(tx, &agent, MAX_FITTING).await? {
        if let Some(head) = dispatch::head(tx, line, &rules).await? {
            classes.push((head, rules));
        }
    }
    classes.sort_unstable();
    for (_, rules) in classes {
        // Others may have emptied the class meanwhile.
        let Some((job, name)) = dispatch::assign(tx, line, &rules, agent.id, session.session).await? else { continue };
        let subject = Subject::new("job", job, name);
        scene.audit(tx, "job.assigned", subject, json!({ "agent": agent.id.to_string() })).await?;
        return Ok(Instruction::TakeJob(job));
    }
    Ok(Instruction::Idle)
}

/// The most classes among which an agent's next job is chosen. Of more that fit it one is found all the same, though perhaps not the foremost.
const MAX_FITTING: usize = 1_000;
/// How many classes are read in one go; a queue has fewer as a rule.
const CLASSES_AT_ONCE: usize = 64;
/// The most classes that are looked at for one agent. Those that it cannot fit are jumped over, so that only demands that are made of its own
/// tags count, each with one that it lacks.
const MAX_LOOKS: usize = 10_000;

fn line_of(agent: &Agent) -> Line<'_> {
    Line { organization: agent.organization, deployment: agent.deployment, queue: &agent.queue }
}

/// The classes of waiting jobs that an agent's tags fit, at most so many.
async fn fitting(tx: &mut Tx, agent: &Agent, most: usize) -> Result<Vec<String>> {
    let offer = Offer::of(&agent.tags);
    let (mut found, mut from, mut looks) = (Vec::new(), String::new(), 0);
    loop {
        let limit = i64::try_from(CLASSES_AT_ONCE).unwrap_or(i64::MAX);
        let classes = dispatch::classes(tx, line_of(agent), &from, limit).await?;
        let is_last = classes.len() < CLASSES_AT_ONCE;
        for rules in classes {
            if rules < from {
                continue;
            }
            looks += 1;
            let (fits, next) = offer.look_at(&rules);
            if fits {
                found.push(rules);
            }
            match next {
                Some(next) if found.len() < most => from = next,
                _ => return Ok(found),
            }
        }
        if is_last || looks >= MAX_LOOKS {
            return Ok(found);
        }
    }
}
