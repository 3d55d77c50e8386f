//! Letting members into a team, and taking them out.

use countersign_store::deployment_roles::{self, Holder};
use countersign_store::{Lane, Tx, teams};
use serde_json::json;

use crate::access::actions::ChangeTeamMembers;
use crate::members::{self, Member, MemberReference};
use crate::{Control, Error, Grant, Result, Scene};

use super::{MAX_TEAMS_OF_MEMBER, Team, TeamReference, resolve, subject};

impl Control {
    /// Lets a person into a team: from their next call on they hold what it was given. Somebody who is in it stays, and nothing is changed.
    ///
    /// # Errors
    /// [`Error::NotFound`] for the team and the member; [`Error::Invalid`] at `member` for a service user; [`Error::Conflict`] for somebody who
    /// is in [`MAX_TEAMS_OF_MEMBER`] teams.
    pub async fn add_team_member(
        &self,
        grant: &Grant<ChangeTeamMembers>,
        team: TeamReference,
        member: MemberReference,
    ) -> Result<(Team, Member)> {
        self.write(grant, Lane::Normal, (team, member), |tx, scene| Box::pin(add(tx, scene))).await
    }

    /// Takes somebody out of a team, and what they hold by it: what they have begun ends before that.
    ///
    /// # Errors
    /// [`Error::NotFound`] for the team, and for a member who is not in it.
    pub async fn remove_team_member(
        &self,
        grant: &Grant<ChangeTeamMembers>,
        team: TeamReference,
        member: MemberReference,
    ) -> Result<(Team, Member)> {
        self.write(grant, Lane::Urgent, (team, member), |tx, scene| Box::pin(remove(tx, scene))).await
    }
}

type Named = (TeamReference, MemberReference);

async fn add(tx: &mut Tx, scene: &Scene<Named>) -> Result<(Team, Member)> {
    let (of, (team, member)) = (scene.organization, &scene.input);
    let team = resolve(tx, scene, team).await?;
    let member = members::resolve(tx, scene, member).await?;
    if member.user.is_service {
        let message = "is a service user, and teams are of people; give the service user roles of its own";
        return Err(Error::invalid("member", message));
    }
    let id = member.user.id;
    if teams::has_member(tx, of, team.id, id).await? {
        return Ok((team, member));
    }
    if teams::of_member(tx, of, id).await?.len() >= MAX_TEAMS_OF_MEMBER {
        return Err(Error::Conflict(format!(
            "{} is in {MAX_TEAMS_OF_MEMBER} teams, the most there may be; take them out of one first.",
            members::label(&member)
        )));
    }
    deployment_roles::touch(tx, of, Some(Holder::Member(id))).await?;
    teams::add_member(tx, of, team.id, id).await?;
    scene.audit(tx, "team.member_added", subject(&team), json!({ "member": members::label(&member) })).await?;
    Ok((team, member))
}

async fn remove(tx: &mut Tx, scene: &Scene<Named>) -> Result<(Team, Member)> {
    let (of, (team, member)) = (scene.organization, &scene.input);
    let team = resolve(tx, scene, team).await?;
    let member = members::resolve(tx, scene, member).await?;
    let id = member.user.id;
    if !teams::has_member(tx, of, team.id, id).await? {
        return Err(Error::NotFound("member of the team"));
    }
    deployment_roles::touch(tx, of, Some(Holder::Member(id))).await?;
    teams::remove_member(tx, of, team.id, id).await?;
    scene.audit(tx, "team.member_removed", subject(&team), json!({ "member": members::label(&member) })).await?;
    Ok((team, member))
}
