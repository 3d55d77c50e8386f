//! What operations on builds, pipelines and queues work on.

use countersign_control::PageRequest;
use countersign_control::access::actions::{
    CreateAgentToken, CreateBuild, CreateDeployment, CreateInvitation, CreatePipeline, CreateQueue, CreateServiceUser,
    CreateServiceUserToken, CreateTeam, CreateUserToken, EditCodeLocations, GrantDeploymentRole, PauseQueue,
    ViewBuilds, ViewOrganization, ViewQueues,
};
use countersign_control::agent_tokens::NewAgentToken;
use countersign_control::builds::NewBuild;
use countersign_control::code_locations::{Definition, NewLocation};
use countersign_control::deployment_roles::{HolderReference, NewRole, Place};
use countersign_control::deployments::NewDeployment;
use countersign_control::invitations::NewInvitation;
use countersign_control::members::MemberReference;
use countersign_control::pipelines::NewPipeline;
use countersign_control::queues::{NewQueue, QueueReference};
use countersign_control::service_users::NewServiceUser;
use countersign_control::teams::{NewTeam, TeamReference};
use countersign_control::user_tokens::NewUserToken;
use countersign_domain::id::{DeploymentId, JobId};
use countersign_domain::{DeploymentRole, Role};
use countersign_testkit::{Tenant, World};

use crate::words::global;

/// Makes it for an organization; answers what stands for it in a document, and its global id. There is a queue already, and a job that has
/// ended.
pub async fn make(world: &World, tenant: &Tenant, ended: JobId) -> Vec<(&'static str, String)> {
    let control = &world.control;
    let steps = Some("steps: [{command: 'true'}]".to_owned());
    let new = NewPipeline { name: "stored".to_owned(), steps, ..NewPipeline::default() };
    let pipeline = control.create_pipeline(&tenant.may::<CreatePipeline>(control), new).await.expect("a pipeline");
    let definition = "steps: [{block: Go}]".to_owned();
    let new = NewBuild { definition, pipeline: "asks".to_owned(), ..NewBuild::default() };
    let asking = control.create_build(&tenant.may::<CreateBuild>(control), new).await.expect("a build");
    let steps = control.build_steps(&tenant.may::<ViewBuilds>(control), asking.id, None).await.expect("its steps");
    let queues = control.queues(&tenant.may::<ViewQueues>(control), PageRequest::first(1)).await.expect("queues");
    let new = NewDeployment { name: "prepared".to_owned(), ..NewDeployment::default() };
    let deployment =
        control.create_deployment(&tenant.may::<CreateDeployment>(control), new).await.expect("a deployment");
    let definition = Definition { module_name: Some("m".to_owned()), ..Definition::default() };
    let new = NewLocation { deployment: deployment.id, name: "there".to_owned(), definition, may_exist: false };
    control.set_code_location(&tenant.may::<EditCodeLocations>(control), new).await.expect("a code location");
    let new = NewDeployment { name: "kept".to_owned(), ..NewDeployment::default() };
    let kept = control.create_deployment(&tenant.may::<CreateDeployment>(control), new).await.expect("a deployment").id;
    let queue = async |key: &str| {
        let new = NewQueue { deployment: kept, key: key.to_owned(), description: None };
        control.create_queue(&tenant.may::<CreateQueue>(control), new).await.expect("a queue").id.to_string()
    };
    let (idle, paused) = (queue("idle").await, queue("paused").await);
    let reference = QueueReference { deployment: Some("kept".to_owned()), queue: "paused".to_owned() };
    control.pause_queue_dispatch(&tenant.may::<PauseQueue>(control), reference, None).await.expect("it is paused");
    let new = NewAgentToken::default();
    let token =
        control.create_cluster_token(&tenant.may::<CreateAgentToken>(control), kept, new).await.expect("a token");
    let token = token.token.token.id.to_string();
    let numbers = numbers(world, tenant, deployment.id).await;
    let cluster = deployment.id.to_string();
    let new = NewInvitation { email: "carol@acme.example".to_owned(), role: Role::Member, expires_at: None };
    let invited =
        control.create_invitation(&tenant.may::<CreateInvitation>(control), new).await.expect("an invitation");
    let new = NewServiceUser { name: "robot".to_owned(), description: None, role: Role::Member };
    let robot =
        control.create_service_user(&tenant.may::<CreateServiceUser>(control), new).await.expect("a service user");
    let (robot, new) = (robot.user.id, NewUserToken::default());
    let grant = tenant.may::<CreateServiceUserToken>(control);
    let its = control.create_service_user_token(&grant, MemberReference::Id(robot), new).await.expect("a token");
    let team = async |name: &str| {
        let new = NewTeam { name: name.to_owned(), description: None };
        control.create_team(&tenant.may::<CreateTeam>(control), new).await.expect("a team").id
    };
    let (lasting, team) = (team("lasting").await, team("short").await);
    let holder = HolderReference::Team(TeamReference::Id(team));
    let new = NewRole { holder, place: Place::Deployment(kept), role: DeploymentRole::Editor, tokens: false };
    control.give_deployment_role(&tenant.may::<GrantDeploymentRole>(control), new).await.expect("a role");
    let mut made = vec![
        ("{team}", team.to_string()),
        ("{global-team}", global("Team", team.to_string())),
        ("{lasting-team}", lasting.to_string()),
        ("{global-lasting-team}", global("Team", lasting.to_string())),
        ("{admin-user}", tenant.created.admin.id.to_string()),
        ("{invitation-value}", invited.secret.reveal().to_owned()),
        ("{global-invitation}", global("OrganizationInvitation", invited.invitation.id.to_string())),
        ("{service-user}", robot.to_string()),
        ("{service-token}", its.token.id.to_string()),
        ("{global-deployment}", global("Deployment", cluster.clone())),
        ("{global-cluster}", global("Cluster", cluster.clone())),
        ("{global-kept}", global("Cluster", kept.to_string())),
        ("{global-idle-queue}", global("ClusterQueue", idle.clone())),
        ("{global-cluster-token}", global("ClusterToken", token.clone())),
        ("{cluster}", cluster),
        ("{kept}", kept.to_string()),
        ("{queue}", idle),
        ("{paused-queue}", paused),
        ("{token}", token),
        ("{global-pipeline}", global("Pipeline", pipeline.id.to_string())),
        ("{global-block}", global("Job", steps[0].id.to_string())),
        ("{global-queue}", global("ClusterQueue", queues.items[0].queue.id.to_string())),
        ("{global-ended-job}", global("Job", ended.to_string())),
    ];
    made.extend(numbers);
    made
}

/// What Dagster's API names by numbers. They are higher than any of the other organization's, which has a series of its own.
async fn numbers(world: &World, tenant: &Tenant, deployment: DeploymentId) -> [(&'static str, String); 3] {
    let control = &world.control;
    let token = control.create_agent_token(&tenant.may::<CreateAgentToken>(control), NewAgentToken::default()).await;
    let user_token = control.create_user_token(&tenant.may::<CreateUserToken>(control), NewUserToken::default()).await;
    let numbers = control.numbers(&tenant.may::<ViewOrganization>(control), vec![deployment]).await.expect("a read");
    let number = |number: Option<i64>| number.expect("a number").to_string();
    [
        ("{agent-token-number}", number(token.expect("a token").token.token.number)),
        ("{user-token-number}", number(user_token.expect("a token").token.number)),
        ("{deployment-number}", numbers[&deployment].to_string()),
    ]
}
