//! What a member may do in a deployment, beside their role in the organization.
//!
//! A member holds what is given to all members, what is granted to them, and what is granted to their teams: of all that the most permissive
//! counts. An Organization Admin needs none of it.

use std::{fmt, str::FromStr};

use crate::DeploymentScope;
use crate::id::DeploymentId;

/// A role in a deployment. Each may what those before it may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DeploymentRole {
    /// Sees what is there.
    Viewer,
    /// Starts and ends work: builds, jobs, steps.
    Launcher,
    /// Changes the deployment: queues, agents, what is said of it.
    Editor,
    /// Gives roles in it.
    Admin,
}

impl DeploymentRole {
    /// Every role, the least permissive first.
    pub const ALL: [Self; 4] = [Self::Viewer, Self::Launcher, Self::Editor, Self::Admin];

    /// The word for programs.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Launcher => "launcher",
            Self::Editor => "editor",
            Self::Admin => "admin",
        }
    }
}

impl fmt::Display for DeploymentRole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The text is no role in a deployment.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("is not a role in a deployment: viewer, launcher, editor or admin")]
pub struct NotADeploymentRole;

impl FromStr for DeploymentRole {
    type Err = NotADeploymentRole;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|role| role.as_str() == text).ok_or(NotADeploymentRole)
    }
}

/// What a grant is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Place {
    /// One deployment, full or branch.
    Deployment(DeploymentId),
    /// All branch deployments, also those made later.
    AllBranches,
}

impl Place {
    /// Whether a grant for it counts in this deployment.
    #[must_use]
    pub fn covers(self, deployment: DeploymentId, is_branch: bool) -> bool {
        match self {
            Self::Deployment(id) => id == deployment,
            Self::AllBranches => is_branch,
        }
    }
}

/// A role, and whether agent tokens come with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Held {
    /// The role.
    pub role: DeploymentRole,
    /// Whether its holder manages the agent tokens that reach nothing but the place that it is for. It counts with [`DeploymentRole::Admin`]
    /// alone.
    pub tokens: bool,
}

impl Held {
    /// The role without agent tokens.
    #[must_use]
    pub const fn plain(role: DeploymentRole) -> Self {
        Self { role, tokens: false }
    }

    /// Whether agent tokens are managed with it.
    #[must_use]
    pub const fn manages_tokens(self) -> bool {
        self.tokens && matches!(self.role, DeploymentRole::Admin)
    }

    /// The more permissive of both.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self { role: self.role.max(other.role), tokens: self.manages_tokens() || other.manages_tokens() }
    }
}

/// What something needs in a deployment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Need {
    /// [`DeploymentRole::Launcher`] or more.
    Launcher,
    /// The same by the role of all members, for what belongs to no deployment.
    LauncherEverywhere,
    /// [`DeploymentRole::Editor`] or more.
    Editor,
    /// [`DeploymentRole::Admin`].
    Admin,
    /// [`DeploymentRole::Admin`] with the agent tokens.
    Tokens,
}

impl Need {
    /// Everything there is, the least first.
    pub const ALL: [Self; 5] = [Self::Launcher, Self::LauncherEverywhere, Self::Editor, Self::Admin, Self::Tokens];

    /// Whether this is enough.
    #[must_use]
    pub fn is_met_by(self, held: Held) -> bool {
        match self {
            Self::Launcher | Self::LauncherEverywhere => held.role >= DeploymentRole::Launcher,
            Self::Editor => held.role >= DeploymentRole::Editor,
            Self::Admin => held.role >= DeploymentRole::Admin,
            Self::Tokens => held.manages_tokens(),
        }
    }

    /// Whoever has it, in words.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Launcher => "a Launcher of the deployment",
            Self::LauncherEverywhere => "every member, while all members are Launchers or more",
            Self::Editor => "an Editor of the deployment",
            Self::Admin => "an Admin of the deployment",
            Self::Tokens => "an Admin of the deployment who manages its agent tokens",
        }
    }

    /// The same beside an Organization Admin, for a refusal.
    #[must_use]
    pub const fn words_of_refusal(self) -> &'static str {
        match self {
            Self::Launcher => "an Organization Admin, or a Launcher of the deployment",
            Self::LauncherEverywhere => "an Organization Admin, unless all members are Launchers or more",
            Self::Editor => "an Organization Admin, or an Editor of the deployment",
            Self::Admin => "an Organization Admin, or an Admin of the deployment",
            Self::Tokens => {
                "an Organization Admin, or whoever manages the agent tokens of every deployment that the token reaches"
            }
        }
    }
}

/// The most of what a member holds, wherever it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Somewhere {
    /// What every member has in every deployment.
    pub everywhere: DeploymentRole,
    /// What they hold where they hold the most.
    pub most: Held,
}

impl Somewhere {
    /// Nothing that anybody would need.
    pub const NOTHING: Self = Self { everywhere: DeploymentRole::Viewer, most: Held::plain(DeploymentRole::Viewer) };

    /// Whether this is enough in some deployment; or everywhere, for what belongs to none.
    #[must_use]
    pub fn meets(self, need: Need) -> bool {
        need.is_met_by(match need {
            Need::LauncherEverywhere => Held::plain(self.everywhere),
            Need::Launcher | Need::Editor | Need::Admin | Need::Tokens => self.most,
        })
    }
}

/// All that a member holds in an organization.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rights {
    /// What every member has in every deployment.
    pub everywhere: DeploymentRole,
    /// What is granted to them and to their teams.
    pub granted: Vec<(Place, Held)>,
}

impl Rights {
    /// What they hold in one deployment: the most permissive.
    #[must_use]
    pub fn within(&self, deployment: DeploymentId, is_branch: bool) -> Held {
        let there = self.granted.iter().filter(|(place, _)| place.covers(deployment, is_branch));
        there.fold(Held::plain(self.everywhere), |held, (_, granted)| held.or(*granted))
    }

    /// What they hold in all branch deployments, also in those made later.
    #[must_use]
    pub fn within_all_branches(&self) -> Held {
        let there = self.granted.iter().filter(|(place, _)| *place == Place::AllBranches);
        there.fold(Held::plain(self.everywhere), |held, (_, granted)| held.or(*granted))
    }

    /// What they hold where they hold the most.
    #[must_use]
    pub fn somewhere(&self) -> Held {
        self.granted.iter().fold(Held::plain(self.everywhere), |held, (_, granted)| held.or(*granted))
    }

    /// Whether they hold enough in everything that a scope reaches. Nobody but an Organization Admin does in a scope of every deployment, and a
    /// scope that reaches nothing is nobody's.
    #[must_use]
    pub fn cover(&self, scope: &DeploymentScope, need: Need, is_branch: impl Fn(DeploymentId) -> bool) -> bool {
        match scope {
            DeploymentScope::Every => false,
            DeploymentScope::Only { deployments, all_branches } => {
                (*all_branches || !deployments.is_empty())
                    && (!all_branches || need.is_met_by(self.within_all_branches()))
                    && deployments.iter().all(|id| need.is_met_by(self.within(*id, is_branch(*id))))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use DeploymentRole::{Admin, Editor, Launcher, Viewer};

    fn id(n: u8) -> DeploymentId {
        DeploymentId::from_bytes([n; 16])
    }

    fn rights(granted: &[(Place, Held)]) -> Rights {
        Rights { everywhere: Viewer, granted: granted.to_vec() }
    }

    const WITH_TOKENS: Held = Held { role: Admin, tokens: true };

    #[test]
    fn every_role_reads_back_and_other_words_are_none() {
        for role in DeploymentRole::ALL {
            assert_eq!(role.as_str().parse(), Ok(role));
        }
        for other in ["owner", "Admin", "", "viewer ", "agent"] {
            assert_eq!(other.parse::<DeploymentRole>(), Err(NotADeploymentRole), "{other}");
        }
    }

    #[test]
    fn each_role_may_what_those_before_it_may() {
        let met = |role| Need::ALL.map(|need| need.is_met_by(Held::plain(role)));
        assert_eq!(met(Viewer), [false; 5]);
        assert_eq!(met(Launcher), [true, true, false, false, false]);
        assert_eq!(met(Editor), [true, true, true, false, false]);
        assert_eq!(met(Admin), [true, true, true, true, false]);
        assert_eq!(Need::ALL.map(|need| need.is_met_by(WITH_TOKENS)), [true; 5]);
    }

    #[test]
    fn what_belongs_to_no_deployment_is_not_met_in_one() {
        let met = |everywhere, most| Need::ALL.map(|need| Somewhere { everywhere, most }.meets(need));
        assert_eq!(met(Viewer, WITH_TOKENS), [true, false, true, true, true]);
        assert_eq!(met(Launcher, Held::plain(Launcher)), [true, true, false, false, false]);
        assert_eq!(Need::ALL.map(|need| Somewhere::NOTHING.meets(need)), [false; 5]);
    }

    #[test]
    fn agent_tokens_come_with_an_admin_alone() {
        for role in [Viewer, Launcher, Editor] {
            let held = Held { role, tokens: true };
            assert!(!Need::Tokens.is_met_by(held), "{role}");
            // Also beside an Admin without them.
            assert!(!Need::Tokens.is_met_by(held.or(Held::plain(Admin))), "{role}");
        }
    }

    #[test]
    fn the_most_permissive_counts_where_it_is_for() {
        let rights = rights(&[
            (Place::Deployment(id(1)), Held::plain(Launcher)),
            (Place::Deployment(id(1)), Held::plain(Editor)),
            (Place::AllBranches, Held::plain(Admin)),
        ]);
        assert_eq!(rights.within(id(1), false), Held::plain(Editor));
        assert_eq!(rights.within(id(1), true), Held::plain(Admin));
        assert_eq!(rights.within(id(2), false), Held::plain(Viewer));
        assert_eq!(rights.somewhere(), Held::plain(Admin));
    }

    #[test]
    fn a_scope_is_covered_as_a_whole_or_not() {
        let only = |ids: &[u8], all_branches| DeploymentScope::Only {
            deployments: ids.iter().map(|n| id(*n)).collect(),
            all_branches,
        };
        // 3 is a branch deployment.
        let covers = |rights: &Rights, scope: &DeploymentScope| rights.cover(scope, Need::Tokens, |it| it == id(3));
        let one = rights(&[(Place::Deployment(id(1)), WITH_TOKENS), (Place::Deployment(id(2)), Held::plain(Admin))]);
        assert!(covers(&one, &only(&[1], false)));
        for more in
            [only(&[1, 2], false), only(&[1], true), only(&[3], false), only(&[], false), DeploymentScope::Every]
        {
            assert!(!covers(&one, &more), "{more:?}");
        }
        let branches = rights(&[(Place::AllBranches, WITH_TOKENS)]);
        assert!(covers(&branches, &only(&[3], true)));
        assert!(!covers(&branches, &only(&[1], true)));
    }

    #[test]
    fn whoever_is_refused_is_told_who_may() {
        for role in DeploymentRole::ALL {
            assert_eq!(role.to_string(), role.as_str());
        }
        for (need, word) in [
            (Need::Launcher, "Launcher"),
            (Need::LauncherEverywhere, "all members are Launchers"),
            (Need::Editor, "an Editor"),
            (Need::Admin, "an Admin of the deployment"),
            (Need::Tokens, "agent tokens"),
        ] {
            assert!(need.words().contains(word), "{word}: {}", need.words());
            let refusal = need.words_of_refusal();
            assert!(refusal.contains(word) && refusal.starts_with("an Organization Admin"), "{word}: {refusal}");
        }
    }
}
