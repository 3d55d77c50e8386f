//! What Dagster+ agents were asked to do, and what came of it.

use async_graphql::{Context, Enum, ID, Object};
use countersign_control::code_locations;
use countersign_control::{Error, MAX_PAGE, PageRequest, Result};
use countersign_domain::dagster::RequestState;
use countersign_domain::id::DeploymentId;

use crate::call::Call;
use crate::global_id;
use crate::nullable::Nullable;

use super::connection::int;
use super::date_time::{DateTime, time};
use super::user::{User, person};

/// Where a request to Dagster+ agents stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
pub(crate) enum DagsterRequestState {
    /// No agent has it.
    Waiting,
    /// An agent was offered it and has not answered.
    Offered,
    /// It was answered.
    Answered,
    /// Its time ran out before any agent took it.
    NotTaken,
    /// Its time ran out, or it was offered twice, and no answer came.
    NotAnswered,
}

impl From<RequestState> for DagsterRequestState {
    fn from(state: RequestState) -> Self {
        match state {
            RequestState::Waiting => Self::Waiting,
            RequestState::Offered => Self::Offered,
            RequestState::Answered => Self::Answered,
            RequestState::NotTaken => Self::NotTaken,
            RequestState::NotAnswered => Self::NotAnswered,
        }
    }
}

pub(crate) struct DagsterRequest(pub code_locations::DagsterRequest);

/// Something that Dagster+ agents are asked to do for a deployment.
#[Object]
impl DagsterRequest {
    /// The uuid.
    async fn uuid(&self) -> ID {
        global_id::uuid(self.0.id)
    }

    /// What is asked, as agents have it, such as `PING_LOCATION` and `CHECK_FOR_WORKSPACE_UPDATES`.
    async fn kind(&self) -> &str {
        self.0.kind.as_str()
    }

    /// The code location that it is about, if it is about one.
    async fn location_name(&self) -> Option<&str> {
        self.0.location.as_deref()
    }

    /// The queue whose agents may take it; null for the queue without a name.
    async fn queue(&self) -> Option<&str> {
        self.0.queue.as_deref()
    }

    /// Where it stands.
    async fn state(&self) -> DagsterRequestState {
        self.0.state().into()
    }

    /// The same in words.
    async fn state_reason(&self) -> String {
        self.0.state().to_string()
    }

    /// How often it was offered to an agent: twice at the most.
    async fn offers(&self) -> i32 {
        int(self.0.offers)
    }

    /// Why it could not be done, as the agent's answer has it. Not to be trusted.
    async fn error(&self) -> Option<&str> {
        self.0.error.as_deref()
    }

    /// When it was made.
    async fn created_at(&self) -> DateTime {
        DateTime(self.0.created_at)
    }

    /// By whom.
    async fn created_by(&self, ctx: &Context<'_>) -> Nullable<User> {
        person(Call::of(ctx), self.0.created_by).await
    }

    /// Until when it is offered.
    async fn expires_at(&self) -> DateTime {
        DateTime(self.0.expires_at)
    }

    /// When it was answered, or was over without an answer.
    async fn ended_at(&self) -> Option<DateTime> {
        time(self.0.ended_at)
    }
}

/// The newest of a deployment.
pub(crate) async fn newest(call: &Call, deployment: DeploymentId, first: Option<i32>) -> Result<Vec<DagsterRequest>> {
    let first = match first {
        Some(first) => u32::try_from(first).map_err(|_| Error::invalid("first", "must be 0 or more"))?,
        None => MAX_PAGE,
    };
    let page = PageRequest::first(first.min(MAX_PAGE));
    let page = call.control.dagster_requests(&call.may()?, deployment, page).await?;
    Ok(page.items.into_iter().map(DagsterRequest).collect())
}
