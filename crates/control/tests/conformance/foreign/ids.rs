//! What operations are asked about: one id of each sort, of another organization or of nobody.

use std::sync::Arc;

use countersign_control::agent_tokens::TokenReference;
use countersign_control::builds::Pipeline;
use countersign_control::queues::Queue;
use countersign_control::user_tokens::UserTokenReference;
use countersign_domain::id::{
    AgentId, ArtifactId, BuildId, DagsterAgentId, DagsterRunId, DeploymentId, Id, InvitationId, JobId, OrganizationId,
    PasskeyId, StepId, TokenId, UserId,
};
use countersign_domain::{Kind, PublicId, TokenSecret};
use countersign_store::IntoValue;
use countersign_testkit::{SeededEntropy, World};

use crate::acting::{fresh_id, next};
use crate::sql;

/// One id of each sort.
pub struct Ids {
    pub organization: OrganizationId,
    pub deployment: DeploymentId,
    pub deployment_name: String,
    pub agent_token: TokenId,
    pub agent_token_public: PublicId,
    pub agent_token_value: Arc<TokenSecret>,
    pub user_token: TokenId,
    pub user_token_public: PublicId,
    pub user: UserId,
    pub sign_in: PublicId,
    pub passkey: PasskeyId,
    pub invitation: InvitationId,
    pub email: &'static str,
    pub service_user: &'static str,
    pub agent: AgentId,
    pub dagster_agent: DagsterAgentId,
    pub dagster_run: DagsterRunId,
    pub build: BuildId,
    pub job: JobId,
    pub artifact: ArtifactId,
    pub step: StepId,
    pub pipeline: Id<Pipeline>,
    pub queue: Id<Queue>,
}

impl Ids {
    pub async fn of_globex(world: &World) -> Self {
        let created = &world.globex.created;
        let of = || vec![created.organization.id.into_value()];
        let agent = "SELECT id FROM agents WHERE organization_id = $1";
        let dagster_agent = "SELECT id FROM dagster_agents WHERE organization_id = $1";
        let dagster_run = "SELECT id FROM dagster_runs WHERE organization_id = $1";
        let job = "SELECT id, build_id, step_id FROM jobs WHERE organization_id = $1 AND state = 'running'";
        let prod = "SELECT id FROM deployments WHERE organization_id = $1 AND name = 'prod'";
        let sign_in = "SELECT public_id FROM sign_ins WHERE organization_id = $1";
        let passkey =
            "SELECT id FROM passkeys WHERE user_id IN (SELECT user_id FROM members WHERE organization_id = $1)";
        let control = &world.control;
        Self {
            organization: created.organization.id,
            deployment: sql::value(control, prod, of(), "id").await,
            deployment_name: "prod".to_owned(),
            agent_token: created.agent_token.id,
            agent_token_public: created.agent_token.public_id.clone(),
            agent_token_value: created.agent_secret.clone(),
            user_token: created.user_token.id,
            user_token_public: created.user_token.public_id.clone(),
            user: created.admin.id,
            sign_in: sql::value::<String>(control, sign_in, of(), "public_id").await.parse().expect("a public id"),
            passkey: sql::value(control, passkey, of(), "id").await,
            invitation: sql::value(control, "SELECT id FROM invitations WHERE organization_id = $1", of(), "id").await,
            email: "grace@globex.example",
            service_user: "globex",
            agent: sql::value(control, agent, of(), "id").await,
            dagster_agent: sql::value(control, dagster_agent, of(), "id").await,
            dagster_run: sql::value(control, dagster_run, of(), "id").await,
            build: sql::value(control, job, of(), "build_id").await,
            job: sql::value(control, job, of(), "id").await,
            artifact: sql::value(control, "SELECT id FROM artifacts WHERE organization_id = $1", of(), "id").await,
            step: sql::value(control, job, of(), "step_id").await,
            pipeline: sql::value(control, "SELECT id FROM pipelines WHERE organization_id = $1", of(), "id").await,
            queue: sql::value(control, "SELECT id FROM queues WHERE organization_id = $1", of(), "id").await,
        }
    }

    pub fn of_nobody(world: &World) -> Self {
        let control = &world.control;
        let entropy = SeededEntropy::new(next());
        let value = TokenSecret::mint(&control.settings().prefix, Kind::AgentToken, &entropy);
        Self {
            organization: fresh_id(control),
            deployment: fresh_id(control),
            deployment_name: "nowhere".to_owned(),
            agent_token: fresh_id(control),
            agent_token_public: PublicId::new(&entropy),
            agent_token_value: Arc::new(value),
            user_token: fresh_id(control),
            user_token_public: PublicId::new(&entropy),
            user: fresh_id(control),
            sign_in: PublicId::new(&entropy),
            passkey: fresh_id(control),
            invitation: fresh_id(control),
            email: "nobody@globex.example",
            service_user: "nobody",
            agent: fresh_id(control),
            dagster_agent: fresh_id(control),
            dagster_run: fresh_id(control),
            build: fresh_id(control),
            job: fresh_id(control),
            artifact: fresh_id(control),
            step: fresh_id(control),
            pipeline: fresh_id(control),
            queue: fresh_id(control),
        }
    }

    pub fn agent_tokens(&self) -> [TokenReference; 3] {
        [
            TokenReference::Id(self.agent_token),
            TokenReference::PublicId(self.agent_token_public.clone()),
            TokenReference::Value(self.agent_token_value.clone()),
        ]
    }

    pub fn user_tokens(&self) -> [UserTokenReference; 2] {
        [UserTokenReference::Id(self.user_token), UserTokenReference::PublicId(self.user_token_public.clone())]
    }
}
