//! What the rows of the audit log tell of: what it is described as now, and where it is, while it is there. A row that tells of something that is
//! gone leads nowhere.

use std::collections::{BTreeMap, BTreeSet};

use countersign_control::Error;
use countersign_control::access::actions::{
    ViewAgentTokens, ViewAgents, ViewBuilds, ViewMembers, ViewTeams, ViewUserTokens,
};
use countersign_control::audit::Event;
use countersign_control::members::MemberReference;
use countersign_control::user_tokens::UserTokenReference;
use countersign_domain::id::{AgentId, BuildId, DagsterAgentId, DeploymentId, Id, TeamId, TokenId, UserId};

use crate::brief::Brief;
use crate::failure::Failure;
use crate::query::address;
use crate::tokens::title_of;
use crate::visit::Visit;

use super::Row;

/// The subjects of some rows, each asked for once.
#[derive(Default)]
struct Subjects {
    /// Agent tokens, with what they are described as.
    agent_tokens: BTreeMap<TokenId, Option<String>>,
    /// Those user tokens that are of whoever looks; others have no page.
    user_tokens: BTreeMap<TokenId, Option<String>>,
    deployments: BTreeSet<DeploymentId>,
    teams: BTreeSet<TeamId>,
    members: BTreeSet<UserId>,
    agents: BTreeSet<AgentId>,
    dagster_agents: BTreeSet<DagsterAgentId>,
    /// Builds, with where they are.
    builds: BTreeMap<BuildId, String>,
}

/// Whether something is there; anything but its absence goes on as it is.
fn there<T>(found: Result<T, Error>) -> Result<Option<T>, Failure> {
    match found {
        Ok(it) => Ok(Some(it)),
        Err(Error::NotFound(_) | Error::Denied { .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

impl Subjects {
    async fn of(visit: &Visit, events: &[Event]) -> Result<Self, Failure> {
        let control = visit.control();
        let of_kind = |kinds: &[&str]| -> BTreeSet<_> {
            events.iter().filter(|it| kinds.contains(&it.subject_kind.as_str())).map(|it| it.subject_id).collect()
        };
        let mut subjects = Self::default();
        let tokens = of_kind(&["agent_token"]);
        if !tokens.is_empty() && visit.can::<ViewAgentTokens>() {
            let ids: Vec<TokenId> = tokens.into_iter().map(Id::cast).collect();
            let grant = visit.may::<ViewAgentTokens>()?;
            subjects.agent_tokens = control.agent_token_descriptions(&grant, ids).await?;
        }
        for id in of_kind(&["user_token"]) {
            let reference = UserTokenReference::Id(id.cast());
            if let Some(token) = there(control.user_token(&visit.may::<ViewUserTokens>()?, reference).await)? {
                subjects.user_tokens.insert(token.id, token.description);
            }
        }
        if !of_kind(&["deployment"]).is_empty() {
            subjects.deployments = visit.deployments().await?.into_iter().map(|it| it.id).collect();
        }
        if !of_kind(&["team"]).is_empty() {
            let teams = control.teams(&visit.may::<ViewTeams>()?).await?;
            subjects.teams = teams.into_iter().map(|it| it.id).collect();
        }
        for id in of_kind(&["member", "service_user", "user"]) {
            let reference = MemberReference::Id(id.cast());
            if let Some(member) = there(control.find_member(&visit.may::<ViewMembers>()?, reference).await)? {
                subjects.members.insert(member.user.id);
            }
        }
        for id in of_kind(&["agent"]) {
            if let Some(agent) = there(control.agent(&visit.may::<ViewAgents>()?, id.cast()).await)? {
                subjects.agents.insert(agent.id);
            }
        }
        let dagster_agents = of_kind(&["dagster_agent"]);
        if !dagster_agents.is_empty() {
            let ids = dagster_agents.into_iter().map(Id::cast).collect();
            let served = control.dagster_agents_served(&visit.may::<ViewAgents>()?, ids).await?;
            subjects.dagster_agents = served.into_keys().collect();
        }
        for id in of_kind(&["build"]) {
            if let Some(build) = there(control.build(&visit.may::<ViewBuilds>()?, id.cast()).await)? {
                subjects.builds.insert(build.id, visit.build_path(&build, ""));
            }
        }
        Ok(subjects)
    }

    /// What the subject is described as, and where it is.
    fn of_event(&self, visit: &Visit, it: &Event) -> (Brief, Option<String>) {
        let id = it.subject_id;
        let described = |tokens: &BTreeMap<TokenId, Option<String>>| {
            let token: TokenId = id.cast();
            tokens.get(&token).map(|text| Brief::from(title_of(text.clone())))
        };
        let token = match it.subject_kind.as_str() {
            "agent_token" => described(&self.agent_tokens),
            "user_token" => described(&self.user_tokens),
            _ => None,
        };
        let href = match it.subject_kind.as_str() {
            "agent_token" => token.is_some().then(|| visit.token_path(id.cast(), "")),
            "user_token" => token.is_some().then(|| visit.user_token_path(id.cast(), "")),
            "deployment" => {
                let id: DeploymentId = id.cast();
                self.deployments.contains(&id).then(|| visit.deployment_path(id, ""))
            }
            "team" => {
                let id: TeamId = id.cast();
                self.teams.contains(&id).then(|| visit.team_path(id, ""))
            }
            "member" | "service_user" | "user" => {
                let id: UserId = id.cast();
                self.members.contains(&id).then(|| visit.member_path(id, ""))
            }
            "agent" => {
                let id: AgentId = id.cast();
                self.agents.contains(&id).then(|| visit.path(&format!("/agents/{id}")))
            }
            "dagster_agent" => {
                let id: DagsterAgentId = id.cast();
                self.dagster_agents.contains(&id).then(|| visit.path(&format!("/agents/dagster/{id}")))
            }
            "build" => self.builds.get(&id.cast()).cloned(),
            // No pipeline goes.
            "pipeline" => Some(address(&visit.path("/builds"), &[("pipeline", it.subject_name.as_str())])),
            "organization" => Some(visit.path("/settings")),
            _ => None,
        };
        (token.unwrap_or_default(), href)
    }
}

/// Rows of the log, each with where it leads.
pub(super) async fn rows(visit: &Visit, events: &[Event]) -> Result<Vec<Row>, Failure> {
    let subjects = Subjects::of(visit, events).await?;
    let mut rows = Row::all(events, visit.control().now());
    for (row, it) in rows.iter_mut().zip(events) {
        (row.described, row.href) = subjects.of_event(visit, it);
    }
    Ok(rows)
}
