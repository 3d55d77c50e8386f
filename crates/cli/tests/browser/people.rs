//! Somebody of every role, and what not everybody of them sees the same of: for the table of who is offered what.

use countersign_control::access::actions::{
    CreateAgentToken, CreateDeployment, CreateServiceUser, CreateServiceUserToken,
};
use countersign_control::agent_tokens::NewAgentToken;
use countersign_control::deployments::NewDeployment;
use countersign_control::members::MemberReference;
use countersign_control::service_users::NewServiceUser;
use countersign_control::user_tokens::NewUserToken;
use countersign_domain::id::{DeploymentId, TokenId};
use countersign_domain::{DeploymentScope, Role, Scope};
use countersign_testkit::{Member, World};

/// Them, and what they look at beside what the other scripts do.
pub struct People {
    /// A token that reaches one deployment alone.
    pub token: TokenId,
    /// A branch deployment of it.
    pub branch: DeploymentId,
    /// The value of a token of a service user's, who is an Organization Admin.
    pub robot: String,
}

impl People {
    /// They join, and are given their roles in `shown`: the first is the one that the token reaches.
    pub async fn of(world: &World, shown: &[DeploymentId]) -> Self {
        let control = &world.control;
        world.members_look_on().await;
        let made = async |name: &str, parent| {
            let new = NewDeployment { name: name.to_owned(), parent, ..NewDeployment::default() };
            control.create_deployment(&world.admin::<CreateDeployment>(), new).await.expect("a deployment").id
        };
        let elsewhere = made("elsewhere", None).await;
        let branch = made("pull-1", Some(shown[0])).await;
        for it in Member::ALL {
            world.joins(it, shown, elsewhere).await;
        }
        let deployments = DeploymentScope::Only { deployments: [shown[0]].into(), all_branches: false };
        let new = NewAgentToken {
            description: Some("Staging alone".to_owned()),
            scope: Some(Scope { deployments, ..Scope::widest() }),
            ..NewAgentToken::default()
        };
        let token = control.create_agent_token(&world.admin::<CreateAgentToken>(), new).await.expect("a token");
        let new = NewServiceUser { name: "overseer".to_owned(), description: None, role: Role::Admin };
        let made = control.create_service_user(&world.admin::<CreateServiceUser>(), new).await;
        let (grant, who) = (world.admin::<CreateServiceUserToken>(), made.expect("a service user").user.id);
        let issued = control.create_service_user_token(&grant, MemberReference::Id(who), NewUserToken::default()).await;
        let robot = issued.expect("its token").secret.reveal().to_owned();
        Self { token: token.token.token.id, branch, robot }
    }
}
