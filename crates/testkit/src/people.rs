//! One person for each of the ways in which a member of acme may hold something in deployments.

use countersign_control::access::actions::{
    AcceptInvitation, ChangeMembersRole, ChangeTeamMembers, CreateInvitation, CreateTeam, GrantDeploymentRole,
};
use countersign_control::deployment_roles::{HolderReference, NewRole, Place};
use countersign_control::invitations::NewInvitation;
use countersign_control::members::MemberReference;
use countersign_control::teams::{NewTeam, TeamReference};
use countersign_domain::id::{DeploymentId, UserId};
use countersign_domain::{DeploymentRole, Role};

use crate::World;

/// What a member of acme holds in deployments, where all members are Viewers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Member {
    /// Nothing.
    Plain,
    /// The least role, which all members have anyway.
    Viewer,
    /// A Launcher of the deployments that are looked at.
    Launcher,
    /// An Editor of them.
    Editor,
    /// An Editor of them by a team.
    TeamEditor,
    /// An Admin of them.
    Admin,
    /// An Admin of them who manages their agent tokens.
    TokenAdmin,
    /// The same of all branch deployments.
    BranchAdmin,
    /// The same of another deployment.
    AdminElsewhere,
}

impl Member {
    /// Each of them.
    pub const ALL: [Self; 9] = [
        Self::Plain,
        Self::Viewer,
        Self::Launcher,
        Self::Editor,
        Self::TeamEditor,
        Self::Admin,
        Self::TokenAdmin,
        Self::BranchAdmin,
        Self::AdminElsewhere,
    ];

    /// What they are called in tables.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Plain => "member",
            Self::Viewer => "viewer",
            Self::Launcher => "launcher",
            Self::Editor => "editor",
            Self::TeamEditor => "editor by a team",
            Self::Admin => "admin",
            Self::TokenAdmin => "admin with tokens",
            Self::BranchAdmin => "admin of branches",
            Self::AdminElsewhere => "admin elsewhere",
        }
    }

    /// Their address.
    #[must_use]
    pub fn email(self) -> String {
        format!("{}@acme.example", self.name().replace(' ', "-"))
    }

    const fn role(self) -> Option<DeploymentRole> {
        match self {
            Self::Plain => None,
            Self::Viewer => Some(DeploymentRole::Viewer),
            Self::Launcher => Some(DeploymentRole::Launcher),
            Self::Editor | Self::TeamEditor => Some(DeploymentRole::Editor),
            Self::Admin | Self::TokenAdmin | Self::BranchAdmin | Self::AdminElsewhere => Some(DeploymentRole::Admin),
        }
    }

    const fn manages_tokens(self) -> bool {
        matches!(self, Self::TokenAdmin | Self::BranchAdmin | Self::AdminElsewhere)
    }
}

impl World {
    /// All members of acme only look on, where they have not been given more.
    ///
    /// # Panics
    /// When that cannot be said.
    pub async fn members_look_on(&self) {
        let grant = self.admin::<ChangeMembersRole>();
        self.control.change_members_role(&grant, DeploymentRole::Viewer).await.expect("changed");
    }

    /// Somebody becomes a member of acme, and is given what they hold, in the deployments that are looked at or in another one.
    ///
    /// # Panics
    /// When they do not.
    pub async fn joins(&self, it: Member, shown: &[DeploymentId], elsewhere: DeploymentId) -> UserId {
        let new = NewInvitation { email: it.email(), role: Role::Member, expires_at: None };
        let made = self.control.create_invitation(&self.admin::<CreateInvitation>(), new).await.expect("an invitation");
        let invited = self.authenticate(made.secret.reveal()).await.expect("a live invitation");
        let grant = self.control.grant_own::<AcceptInvitation>(&invited).expect("it is theirs");
        let joined = self.control.accept_invitation(&grant, Some(it.name().to_owned())).await.expect("they join");
        let id = joined.member.user.id;
        let Some(role) = it.role() else { return id };
        let holder = if it == Member::TeamEditor { self.team_of(id).await } else { member(id) };
        let places: Vec<_> = match it {
            Member::BranchAdmin => vec![Place::AllBranches],
            Member::AdminElsewhere => vec![Place::Deployment(elsewhere)],
            _ => shown.iter().copied().map(Place::Deployment).collect(),
        };
        for place in places {
            let new = NewRole { holder: holder.clone(), place, role, tokens: it.manages_tokens() };
            let given = self.control.give_deployment_role(&self.admin::<GrantDeploymentRole>(), new).await;
            given.expect("the role is given");
        }
        id
    }

    /// A team of one.
    async fn team_of(&self, id: UserId) -> HolderReference {
        let new = NewTeam { name: "editors".to_owned(), description: None };
        let team = self.control.create_team(&self.admin::<CreateTeam>(), new).await.expect("a team").id;
        let (grant, who) = (self.admin::<ChangeTeamMembers>(), MemberReference::Id(id));
        self.control.add_team_member(&grant, TeamReference::Id(team), who).await.expect("they are let in");
        HolderReference::Team(TeamReference::Id(team))
    }
}

fn member(id: UserId) -> HolderReference {
    HolderReference::Member(MemberReference::Id(id))
}
