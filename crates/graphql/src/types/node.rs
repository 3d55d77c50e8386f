//! Anything that has a global id.

use async_graphql::{ID, Interface};
use countersign_control::Result;
use countersign_control::invitations::InvitationReference;
use countersign_domain::Id;

use crate::call::Call;
use crate::global_id::{self, Sort};

use super::agent::{self, Agent};
use super::agent_token::AgentToken;
use super::build::{self, Build};
use super::cluster::{self, Cluster};
use super::cluster_token::{self, ClusterToken};
use super::deployment::{self, Deployment};
use super::elsewhere::{PipelineTemplate, Rule, Suite, Team, TeamMember, TeamPipeline, TeamSuite};
use super::invitation::{self, OrganizationInvitation};
use super::job::{self, Job, JobTypeCommand};
use super::member::{self, OrganizationMember};
use super::organization::{Organization, own};
use super::pipeline::{self, Pipeline};
use super::queue::{self, ClusterQueue};
use super::step_job::{JobTypeBlock, JobTypeTrigger, JobTypeWait};
use super::user::{User, member};
use super::user_token::{self, UserToken};
use super::viewer::Viewer;

/// Anything that has a global id.
#[derive(Interface)]
#[graphql(field(name = "id", ty = "ID", desc = "The global id."))]
pub(crate) enum Node {
    Organization(Organization),
    User(User),
    Viewer(Viewer),
    AgentToken(AgentToken),
    UserToken(UserToken),
    Agent(Agent),
    Deployment(Deployment),
    Cluster(Cluster),
    ClusterToken(ClusterToken),
    Pipeline(Pipeline),
    Build(Build),
    Command(JobTypeCommand),
    Block(JobTypeBlock),
    Trigger(JobTypeTrigger),
    Wait(JobTypeWait),
    Queue(ClusterQueue),
    Member(OrganizationMember),
    Invitation(OrganizationInvitation),
    Team(Team),
    TeamMember(TeamMember),
    TeamPipeline(TeamPipeline),
    TeamSuite(TeamSuite),
    Suite(Suite),
    PipelineTemplate(PipelineTemplate),
    Rule(Rule),
}

impl From<Job> for Node {
    fn from(job: Job) -> Self {
        match job {
            Job::Block(it) => Self::Block(it),
            Job::Command(it) => Self::Command(it),
            Job::Trigger(it) => Self::Trigger(it),
            Job::Wait(it) => Self::Wait(it),
        }
    }
}

/// The thing behind a global id. What belongs to others, what does not exist and what cannot be read are all alike.
pub(crate) async fn node(call: &Call, id: &ID) -> Result<Option<Node>> {
    let Some((sort, uuid)) = global_id::decode(id) else { return Ok(None) };
    Ok(match sort {
        Sort::Organization => {
            let organization = own(call).await?;
            (organization.0.id.uuid() == uuid).then_some(Node::Organization(organization))
        }
        Sort::User => Some(Node::User(member(call, Id::from_uuid(uuid)).await?)),
        Sort::Viewer => {
            let viewer = call.caller.user().filter(|user| user.uuid() == uuid);
            viewer.map(|user| Node::Viewer(Viewer(user)))
        }
        Sort::AgentToken => {
            let token = call.control.agent_token(&call.may()?, Id::from_uuid(uuid)).await?;
            Some(Node::AgentToken(AgentToken(token)))
        }
        Sort::UserToken => Some(Node::UserToken(user_token::by_id(call, Id::from_uuid(uuid)).await?)),
        Sort::Agent => Some(Node::Agent(agent::by_id(call, Id::from_uuid(uuid)).await?)),
        Sort::Deployment => deployment::by_id(call, Id::from_uuid(uuid)).await?.map(Node::Deployment),
        Sort::Cluster => cluster::by_id(call, Id::from_uuid(uuid)).await?.map(Node::Cluster),
        Sort::ClusterToken => Some(Node::ClusterToken(cluster_token::by_id(call, Id::from_uuid(uuid)).await?)),
        Sort::Build => Some(Node::Build(build::by_id(call, Id::from_uuid(uuid)).await?)),
        Sort::Job => Some(job::any(call, Id::from_uuid(uuid)).await?.into()),
        Sort::Pipeline => Some(Node::Pipeline(pipeline::by_id(call, Id::from_uuid(uuid)).await?)),
        Sort::ClusterQueue => Some(Node::Queue(queue::by_id(call, Id::from_uuid(uuid)).await?)),
        Sort::OrganizationMember => Some(Node::Member(member::by_id(call, Id::from_uuid(uuid)).await?)),
        Sort::OrganizationInvitation => {
            let wanted = InvitationReference::Id(Id::from_uuid(uuid));
            Some(Node::Invitation(invitation::by_reference(call, wanted).await?))
        }
        // Reached through the audit log so far.
        Sort::AuditEvent => None,
    })
}
