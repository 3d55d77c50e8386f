//! Seeing teams.

use std::collections::BTreeMap;

use countersign_domain::id::{TeamId, UserId};
use countersign_store::teams;

use crate::access::actions::ViewTeams;
use crate::members::Member;
use crate::{Control, Grant, Page, PageRequest, Result};

use super::{Team, TeamReference, resolve};

impl Control {
    /// The organization's teams, by name: at most [`super::MAX_TEAMS`].
    ///
    /// # Errors
    /// Only [`crate::Error::Unavailable`] and [`crate::Error::Internal`].
    pub async fn teams(&self, grant: &Grant<ViewTeams>) -> Result<Vec<Team>> {
        self.read(grant, (), |tx, scene| Box::pin(async move { Ok(teams::list(tx, scene.organization).await?) })).await
    }

    /// The teams that a member is in, by name; none of somebody who is no member.
    ///
    /// # Errors
    /// Only [`crate::Error::Unavailable`] and [`crate::Error::Internal`].
    pub async fn teams_of_member(&self, grant: &Grant<ViewTeams>, member: UserId) -> Result<Vec<Team>> {
        self.read(grant, member, |tx, scene| {
            Box::pin(async move { Ok(teams::of_member(tx, scene.organization, scene.input).await?) })
        })
        .await
    }

    /// One of the organization's teams.
    ///
    /// # Errors
    /// [`crate::Error::NotFound`].
    pub async fn team(&self, grant: &Grant<ViewTeams>, team: TeamReference) -> Result<Team> {
        self.read(grant, team, |tx, scene| Box::pin(resolve(tx, scene, &scene.input))).await
    }

    /// A page of a team's members; those whom this server has known for the shortest time come first.
    ///
    /// # Errors
    /// Only [`crate::Error::Unavailable`] and [`crate::Error::Internal`]; another organization's team has none.
    pub async fn team_members(
        &self,
        grant: &Grant<ViewTeams>,
        team: TeamId,
        page: PageRequest<UserId>,
    ) -> Result<Page<Member>> {
        let rows = self
            .read(grant, (team, page), |tx, scene| {
                Box::pin(async move {
                    let (team, page) = scene.input;
                    Ok(teams::members(tx, scene.organization, team, page.start(), page.rows()).await?)
                })
            })
            .await?;
        Ok(Page::of(rows, &page))
    }

    /// How many members a team has.
    ///
    /// # Errors
    /// Only [`crate::Error::Unavailable`] and [`crate::Error::Internal`]; another organization's team has none.
    pub async fn count_team_members(&self, grant: &Grant<ViewTeams>, team: TeamId) -> Result<i64> {
        self.read(grant, team, |tx, scene| {
            Box::pin(async move { Ok(teams::count_members(tx, scene.organization, scene.input).await?) })
        })
        .await
    }

    /// How many members each of several teams has; one without members, or of another organization, is not in it.
    ///
    /// # Errors
    /// Only [`crate::Error::Unavailable`] and [`crate::Error::Internal`].
    pub async fn count_members_of_teams(
        &self,
        grant: &Grant<ViewTeams>,
        teams: Vec<TeamId>,
    ) -> Result<BTreeMap<TeamId, i64>> {
        self.read(grant, teams, |tx, scene| {
            Box::pin(async move { Ok(teams::count_members_of_each(tx, scene.organization, &scene.input).await?) })
        })
        .await
    }
}
