//! Stopping, pausing and resuming agents.

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};
use countersign_control::{Error, Result};

use crate::call::Call;
use crate::global_id::{Sort, expect};
use crate::nullable::{Nullable, answered};
use crate::types::agent::Agent;

/// Which agent is to leave.
#[derive(InputObject)]
pub(crate) struct AgentStopInput {
    /// Comes back with the answer.
    client_mutation_id: Option<String>,
    /// true: it is drained, which is to finish its job first; false: its job is canceled.
    #[graphql(default_with = "Some(true)")]
    graceful: Option<bool>,
    /// The agent's global id.
    id: ID,
}

/// An agent that was asked to leave.
#[derive(SimpleObject)]
pub(crate) struct AgentStopPayload {
    /// The agent.
    agent: Agent,
    /// As in the input.
    client_mutation_id: Option<String>,
}

/// Which agent is to take no jobs.
#[derive(InputObject)]
pub(crate) struct AgentPauseInput {
    /// Comes back with the answer.
    client_mutation_id: Option<String>,
    /// The agent's global id.
    id: ID,
    /// Why.
    note: Option<String>,
    /// For how long, at most a day; null: until it is resumed.
    timeout_in_minutes: Option<i32>,
}

/// An agent that takes no jobs.
#[derive(SimpleObject)]
pub(crate) struct AgentPausePayload {
    /// The agent.
    agent: Agent,
    /// As in the input.
    client_mutation_id: Option<String>,
}

/// Which agent may take jobs again.
#[derive(InputObject)]
pub(crate) struct AgentResumeInput {
    /// Comes back with the answer.
    client_mutation_id: Option<String>,
    /// The agent's global id.
    id: ID,
}

/// An agent that may take jobs again.
#[derive(SimpleObject)]
pub(crate) struct AgentResumePayload {
    /// The agent.
    agent: Agent,
    /// As in the input.
    client_mutation_id: Option<String>,
}

#[derive(Default)]
pub(crate) struct AgentMutations;

#[Object]
impl AgentMutations {
    /// Keeps jobs from an agent.
    async fn agent_pause(&self, ctx: &Context<'_>, input: AgentPauseInput) -> Nullable<AgentPausePayload> {
        answered(pause(Call::of(ctx), input).await)
    }

    /// Lets an agent take jobs again.
    async fn agent_resume(&self, ctx: &Context<'_>, input: AgentResumeInput) -> Nullable<AgentResumePayload> {
        answered(resume(Call::of(ctx), input).await)
    }

    /// Asks an agent to leave.
    async fn agent_stop(&self, ctx: &Context<'_>, input: AgentStopInput) -> Nullable<AgentStopPayload> {
        answered(stop(Call::of(ctx), input).await)
    }
}

async fn pause(call: &Call, input: AgentPauseInput) -> Result<AgentPausePayload> {
    let id = expect(&input.id, Sort::Agent)?;
    let minutes = match input.timeout_in_minutes.map(u32::try_from) {
        None => None,
        Some(Ok(minutes)) => Some(minutes),
        Some(Err(_)) => return Err(Error::invalid("timeoutInMinutes", "must be above 0")),
    };
    let agent = Agent(call.control.pause_agent(&call.may()?, id, input.note, minutes).await?);
    Ok(AgentPausePayload { agent, client_mutation_id: input.client_mutation_id })
}

async fn resume(call: &Call, input: AgentResumeInput) -> Result<AgentResumePayload> {
    let id = expect(&input.id, Sort::Agent)?;
    let agent = Agent(call.control.resume_agent(&call.may()?, id).await?);
    Ok(AgentResumePayload { agent, client_mutation_id: input.client_mutation_id })
}

async fn stop(call: &Call, input: AgentStopInput) -> Result<AgentStopPayload> {
    let id = expect(&input.id, Sort::Agent)?;
    let force = !input.graceful.unwrap_or(true);
    let agent = Agent(call.control.stop_agent(&call.may()?, id, force).await?);
    Ok(AgentStopPayload { agent, client_mutation_id: input.client_mutation_id })
}
