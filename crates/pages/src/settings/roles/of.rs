//! On whose page roles are given and taken.

use countersign_control::deployment_roles::HolderReference;
use countersign_control::deployments::Deployment;
use countersign_control::members::{Member, MemberReference};
use countersign_control::teams::{Team, TeamReference};

use crate::failure::Failure;
use crate::frame::Frame;
use crate::visit::{Tab, Visit};

/// What the address names.
#[derive(Debug)]
pub(super) enum Of {
    Deployment(Deployment),
    Team(Team),
    Member(Member),
}

impl Of {
    pub(super) async fn address(visit: &Visit) -> Result<Self, Failure> {
        if !visit.param("team").is_empty() {
            return Ok(Self::Team(visit.team().await?));
        }
        if !visit.param("member").is_empty() {
            return Ok(Self::Member(visit.member().await?));
        }
        Ok(Self::Deployment(visit.deployment().await?))
    }

    /// Who holds the roles of the page; none where each row has its own.
    pub(super) fn holder(&self) -> Option<HolderReference> {
        match self {
            Self::Deployment(_) => None,
            Self::Team(it) => Some(HolderReference::Team(TeamReference::Id(it.id))),
            Self::Member(it) => Some(HolderReference::Member(MemberReference::Id(it.user.id))),
        }
    }

    pub(super) fn name(&self) -> &str {
        match self {
            Self::Deployment(it) => &it.name,
            Self::Team(it) => &it.name,
            Self::Member(it) => &it.user.name,
        }
    }

    /// Its own page, and what is below that.
    pub(super) fn path(&self, visit: &Visit, below: &str) -> String {
        match self {
            Self::Deployment(it) => visit.deployment_path(it.id, below),
            Self::Team(it) => visit.team_path(it.id, below),
            Self::Member(it) => visit.member_path(it.user.id, below),
        }
    }

    pub(super) fn frame(&self, visit: &Visit, words: &str) -> Frame {
        let (tab, list, below) = match self {
            Self::Deployment(_) => (Tab::Deployments, "Deployments", "/settings/deployments"),
            Self::Team(_) => (Tab::Teams, "Teams", "/settings/teams"),
            Self::Member(_) => (Tab::Members, "Members", "/settings/members"),
        };
        visit.settings(tab, words).crumb(list, visit.path(below)).crumb(self.name(), self.path(visit, ""))
    }
}
