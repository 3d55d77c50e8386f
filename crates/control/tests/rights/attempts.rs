//! Steps at random, by anybody: each is one call of an operation that could give somebody more.

use std::collections::BTreeSet;

use countersign_control::access::actions::*;
use countersign_control::agent_tokens::{
    AgentTokenChange, NewAgentToken, Permission, Reaching, Revocation, Rotation, TokenReference,
};
use countersign_control::agents::Reach;
use countersign_control::deployment_roles::{HolderReference, NewRole, Place, RoleRemoval};
use countersign_control::deployments::{Deletion, DeploymentChange, NewDeployment};
use countersign_control::invitations::NewInvitation;
use countersign_control::members::{MemberReference, RoleChange};
use countersign_control::service_users::NewServiceUser;
use countersign_control::teams::{NewTeam, TeamChange, TeamReference};
use countersign_control::user_tokens::NewUserToken;
use countersign_control::{Caller, Control, Result};
use countersign_domain::id::{DeploymentId, TeamId, TokenId, UserId};
use countersign_domain::{DeploymentRole, DeploymentScope, Entropy, RevealPolicy, Role, Scope};
use countersign_testkit::SeededEntropy;

use crate::state::{self, Spot, State};

/// Chooses.
pub struct Dice(pub SeededEntropy);

impl Dice {
    /// A number below another.
    pub fn below(&self, end: usize) -> usize {
        let bytes = self.0.bytes16();
        usize::from(u16::from_be_bytes([bytes[0], bytes[1]])) % end
    }

    fn one_in(&self, many: usize) -> bool {
        self.below(many) == 0
    }

    /// One of several; none of none.
    pub fn one<T: Copy>(&self, all: impl IntoIterator<Item = T>) -> Option<T> {
        let all: Vec<T> = all.into_iter().collect();
        if all.is_empty() { None } else { Some(all[self.below(all.len())]) }
    }
}

/// Whoever steps, and what there is.
pub struct Step<'a> {
    pub control: &'a Control,
    pub by: &'a Caller,
    pub state: &'a State,
    pub dice: &'a Dice,
    pub number: usize,
}

/// How many sorts of steps there are.
pub const SORTS: usize = 24;

impl Step<'_> {
    /// Where whoever steps holds something, themself or by a team.
    fn held(&self) -> BTreeSet<Spot> {
        let Some(oneself) = self.by.user() else { return BTreeSet::new() };
        let state = self.state;
        let own = state.own.iter().filter(|it| it.0 == oneself).map(|it| it.1);
        let by_teams = state.of_teams.iter().filter(|it| state.joined.contains(&(it.0, oneself))).map(|it| it.1);
        own.chain(by_teams).collect()
    }

    /// Half of the time there, if there is such a place: elsewhere little is let, and a step that is refused tells less.
    fn at_home(&self) -> Option<Spot> {
        if self.dice.one_in(2) { self.dice.one(self.held()) } else { None }
    }

    fn deployment(&self) -> DeploymentId {
        let known = self.at_home().flatten().filter(|id| self.state.deployments.contains_key(id));
        known.or_else(|| self.dice.one(self.state.deployments.keys().copied())).expect("there is a default one")
    }

    fn place(&self) -> Place {
        match self.at_home() {
            Some(None) => Place::AllBranches,
            Some(Some(id)) => Place::Deployment(id),
            None if self.dice.one_in(4) => Place::AllBranches,
            None => Place::Deployment(self.deployment()),
        }
    }

    fn member(&self) -> UserId {
        let oneself = self.by.user().expect("a person");
        if self.dice.one_in(3) { oneself } else { self.dice.one(self.state.members.iter().copied()).expect("somebody") }
    }

    fn team(&self) -> TeamReference {
        TeamReference::Id(self.dice.one(self.state.teams.iter().copied()).unwrap_or_else(TeamId::nil))
    }

    fn holder(&self) -> HolderReference {
        if self.dice.one_in(3) {
            HolderReference::Team(self.team())
        } else {
            HolderReference::Member(MemberReference::Id(self.member()))
        }
    }

    /// Half of the time one that reaches nothing but where whoever steps holds something.
    fn token(&self) -> TokenId {
        let held = self.held();
        let near = |it: &state::Reach| !it.every && !it.spots.is_empty() && it.spots.is_subset(&held);
        if self.dice.one_in(2)
            && let Some(id) = self.dice.one(self.state.tokens.iter().filter(|it| near(it.1)).map(|it| *it.0))
        {
            return id;
        }
        self.dice.one(self.state.tokens.keys().copied()).unwrap_or_else(TokenId::nil)
    }

    fn scope(&self) -> Scope {
        if self.dice.one_in(6) {
            return Scope::widest();
        }
        let deployments = (0..=self.dice.below(2)).map(|_| self.deployment()).collect();
        Scope {
            deployments: DeploymentScope::Only { deployments, all_branches: self.dice.one_in(4) },
            ..Scope::widest()
        }
    }

    fn role(&self) -> (DeploymentRole, bool) {
        let any = self.dice.one(DeploymentRole::ALL).expect("a role");
        // What lets its holder try the most.
        let role = if self.dice.one_in(2) { DeploymentRole::Admin } else { any };
        (role, role == DeploymentRole::Admin && !self.dice.one_in(3))
    }

    /// Steps; answers the agent token whose value was told.
    pub async fn take(&self, sort: usize) -> Result<Option<TokenId>> {
        match sort {
            0..=8 => self.of_people(sort).await.map(|()| None),
            9..=12 => self.of_ways_in(sort).await.map(|()| None),
            21 | 22 => self.of_deployments(sort).await.map(|()| None),
            _ => self.of_tokens(sort).await,
        }
    }

    async fn of_people(&self, sort: usize) -> Result<()> {
        let (control, by) = (self.control, self.by);
        match sort {
            0 | 1 => {
                let (role, tokens) = self.role();
                let new = NewRole { holder: self.holder(), place: self.place(), role, tokens };
                control.give_deployment_role(&control.grant_own::<GrantDeploymentRole>(by)?, new).await.map(drop)
            }
            2 => {
                let removal = RoleRemoval { holder: self.holder(), place: self.place() };
                control.take_deployment_role(&control.grant_own::<GrantDeploymentRole>(by)?, removal).await.map(drop)
            }
            3 => {
                let role = self.role().0;
                control.change_members_role(&control.grant_own::<ChangeMembersRole>(by)?, role).await
            }
            4 => {
                let new = NewTeam { name: format!("t{}", self.number), description: None };
                control.create_team(&control.grant_own::<CreateTeam>(by)?, new).await.map(drop)
            }
            5 => control.delete_team(&control.grant_own::<DeleteTeam>(by)?, self.team()).await.map(drop),
            6 => {
                let grant = control.grant_own::<ChangeTeamMembers>(by)?;
                let member = MemberReference::Id(self.member());
                control.add_team_member(&grant, self.team(), member).await.map(drop)
            }
            7 => {
                let grant = control.grant_own::<ChangeTeamMembers>(by)?;
                let member = MemberReference::Id(self.member());
                control.remove_team_member(&grant, self.team(), member).await.map(drop)
            }
            _ => {
                let change =
                    TeamChange { team: self.team(), name: Some(format!("u{}", self.number)), description: None };
                control.update_team(&control.grant_own::<UpdateTeam>(by)?, change).await.map(drop)
            }
        }
    }

    async fn of_deployments(&self, sort: usize) -> Result<()> {
        let (control, by) = (self.control, self.by);
        let deployment = self.deployment();
        if sort == 21 {
            let deletion = Deletion { deployment, force: !self.dice.one_in(3) };
            return control.delete_deployment(&control.grant_own::<DeleteDeployment>(by)?, deletion).await.map(drop);
        }
        let name = Some(format!("n{}", self.number)).filter(|_| self.dice.one_in(2));
        let description = Some(Some(format!("step {}", self.number)));
        let change = DeploymentChange { name, description, ..DeploymentChange::of(deployment) };
        control.update_deployment(&control.grant_own::<UpdateDeployment>(by)?, change).await.map(drop)
    }

    async fn of_ways_in(&self, sort: usize) -> Result<()> {
        let (control, by) = (self.control, self.by);
        match sort {
            9 => {
                let member = MemberReference::Id(self.member());
                let change = RoleChange { member, role: Role::Admin, keep_tokens: true };
                control.change_member_role(&control.grant_own::<ChangeMemberRole>(by)?, change).await.map(drop)
            }
            10 => {
                let email = format!("i{}@acme.example", self.number);
                let new = NewInvitation { email, role: Role::Admin, expires_at: None };
                control.create_invitation(&control.grant_own::<CreateInvitation>(by)?, new).await.map(drop)
            }
            11 => {
                let new = NewServiceUser { name: format!("s{}", self.number), description: None, role: Role::Admin };
                control.create_service_user(&control.grant_own::<CreateServiceUser>(by)?, new).await.map(drop)
            }
            _ => {
                let grant = control.grant_own::<CreateServiceUserToken>(by)?;
                let owner = MemberReference::Id(self.member());
                control.create_service_user_token(&grant, owner, NewUserToken::default()).await.map(drop)
            }
        }
    }

    async fn of_tokens(&self, sort: usize) -> Result<Option<TokenId>> {
        let (control, by) = (self.control, self.by);
        let (id, named) = {
            let id = self.token();
            (id, TokenReference::Id(id))
        };
        match sort {
            13 | 14 => {
                let scope = Some(self.scope());
                let new =
                    NewAgentToken { scope, reveal_policy: Some(RevealPolicy::Always), ..NewAgentToken::default() };
                let made = control.create_agent_token(&control.grant_own::<CreateAgentToken>(by)?, new).await?;
                Ok(Some(made.token.token.id))
            }
            15 => {
                let grant = control.grant_own::<CreateAgentToken>(by)?;
                let made = control.create_cluster_token(&grant, self.deployment(), NewAgentToken::default()).await?;
                Ok(Some(made.token.token.id))
            }
            16 => {
                let change = AgentTokenChange { scope: Some(self.scope()), ..AgentTokenChange::nothing(named) };
                control.update_agent_token(&control.grant_own::<UpdateAgentToken>(by)?, change).await.map(|_| None)
            }
            17 => {
                let numbers = control.numbers(&control.grant_own(by)?, vec![self.deployment()]).await?;
                let reaching = match (self.dice.below(3), numbers.into_values().next()) {
                    (0, _) => Reaching::Organization,
                    (1, Some(number)) => Reaching::Deployment(number),
                    _ => Reaching::AllBranches,
                };
                let permission = Some(Permission { reaching, is_given: !self.dice.one_in(3) });
                let change = AgentTokenChange { permission, ..AgentTokenChange::nothing(named) };
                control.update_agent_token(&control.grant_own::<UpdateAgentToken>(by)?, change).await.map(|_| None)
            }
            18 => {
                let told = control.reveal_agent_token(&control.grant_own::<RevealAgentToken>(by)?, named).await;
                told.map(|_| Some(id))
            }
            19 => {
                let rotation = Rotation { token: named, old_valid_until: Some(control.now()), expected: None };
                let told = control.rotate_agent_token(&control.grant_own::<RotateAgentToken>(by)?, rotation).await;
                told.map(|_| Some(id))
            }
            23 => {
                let networks =
                    if self.dice.one_in(2) { vec!["10.0.0.0/8".parse().expect("a network")] } else { vec![] };
                let change = AgentTokenChange { networks: Some(networks), ..AgentTokenChange::nothing(named) };
                control.update_agent_token(&control.grant_own::<UpdateAgentToken>(by)?, change).await.map(|_| None)
            }
            _ if self.dice.one_in(2) => {
                let parent = Some(self.deployment()).filter(|_| !self.dice.one_in(3));
                let new = NewDeployment { name: format!("d{}", self.number), parent, ..NewDeployment::default() };
                control.create_deployment(&control.grant_own::<CreateDeployment>(by)?, new).await.map(|_| None)
            }
            _ => {
                let reason = "over".to_owned();
                let revocation = Revocation { token: named, reason, connected_agents: Reach::Keep, expected: None };
                control.revoke_agent_token(&control.grant_own::<RevokeAgentToken>(by)?, revocation).await.map(|_| None)
            }
        }
    }
}
