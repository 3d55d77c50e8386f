//! Roles in deployments, as they stand on the page of a deployment, a team or a member; giving and taking them there.

pub(crate) mod everybody;
pub(crate) mod give;
mod of;
pub(crate) mod take;

use std::collections::BTreeSet;

use askama::Template;
use askama::filters::HtmlSafe;
use countersign_control::access::actions::{GrantDeploymentRole, ViewDeploymentRoles, ViewMembers, ViewTeams};
use countersign_control::deployment_roles::{Holder, HolderReference, OwnRoles, Place, RoleGrant};
use countersign_control::deployments::Deployment;
use countersign_control::members::MemberReference;
use countersign_control::teams::TeamReference;
use countersign_domain::id::{TeamId, UserId};

use crate::brief::Brief;
use crate::failure::Failure;
use crate::parts::When;
use crate::visit::Visit;
use crate::words;

/// All branch deployments, in a form.
const BRANCHES: &str = "branches";
/// The same in words.
const ALL_BRANCHES: &str = "All branch deployments";
/// Which agent tokens come with a role.
const NO_TOKENS: &str = "None";
const OF_DEPLOYMENT: &str = "Manages those limited to this deployment";
const OF_BRANCHES: &str = "Manages those limited to branch deployments";
/// What lists all roles of a member, of a team, and in a deployment.
const BY_MEMBER: (&str, &str) = ("countersign member roles", "");
const BY_TEAM: (&str, &str) = ("countersign team show", "");
const BY_DEPLOYMENT: (&str, &str) = ("deployment.roles", " of the GraphQL API");
/// The most rows of one page.
const ROWS: usize = 32;

/// Roles that were given.
#[derive(Debug, Clone, Template)]
#[template(path = "parts/roles.html")]
pub(crate) struct Roles {
    heading: &'static str,
    /// What stands first in a row.
    head: &'static str,
    /// What it means that there is none.
    none: &'static str,
    note: String,
    rows: Vec<Row>,
    more: usize,
    /// What lists all of them: a command or a field of the API, and how it is reached.
    listed_by: (&'static str, &'static str),
    /// Where one more is given, for whoever may.
    give: Option<String>,
    /// Where one is taken away.
    take: String,
}

impl HtmlSafe for Roles {}

impl Roles {
    /// To look at: a role of a member, and one of a team.
    pub(crate) fn sample(at: &When) -> Self {
        let row = |what: &str, sort, role, manages_tokens| Row {
            what: what.into(),
            href: Some("#roles".to_owned()),
            sort,
            role,
            tokens: if manages_tokens { OF_DEPLOYMENT } else { NO_TOKENS },
            given: at.clone(),
            of: what.to_owned(),
            may_take: true,
        };
        Self {
            heading: "Roles",
            head: "Who",
            none: "Nobody has a role here.",
            note: String::new(),
            rows: vec![row("ada", "", "Admin", true), row("release", "Team", "Launcher", false)],
            more: 3,
            listed_by: BY_MEMBER,
            give: Some("#roles".to_owned()),
            take: "#roles".to_owned(),
        }
    }
}

#[derive(Debug, Clone)]
struct Row {
    /// Whose role it is, or where.
    what: Brief,
    href: Option<String>,
    /// Of what sort that is.
    sort: &'static str,
    role: &'static str,
    /// Which agent tokens its holder manages by it.
    tokens: &'static str,
    given: When,
    /// The same in the form that takes it away.
    of: String,
    may_take: bool,
}

impl Visit {
    /// What whoever looks holds in deployments.
    pub(crate) async fn held(&self) -> Result<OwnRoles, Failure> {
        Ok(self.control().own_deployment_roles(&self.may::<ViewDeploymentRoles>()?).await?)
    }

    /// Whether they may give and take a role at a place.
    fn can_at(&self, held: &OwnRoles, place: Place, deployments: &[Deployment]) -> bool {
        self.can::<GrantDeploymentRole>()
            && match place {
                Place::AllBranches => held.are_enough_in_all_branches::<GrantDeploymentRole>(),
                Place::Deployment(id) => {
                    deployments.iter().any(|it| it.id == id && self.can_in::<GrantDeploymentRole>(held, it))
                }
            }
    }

    /// Where they may give a role to whoever was `given` these. What brings agent tokens is an Organization Admin's to replace.
    fn places_for(&self, held: &OwnRoles, given: &[RoleGrant], deployments: &[Deployment]) -> BTreeSet<Place> {
        let is_kept =
            |place: Place| !self.may_give_all() && given.iter().any(|it| it.place == place && it.held.manages_tokens());
        let branches = self.can_at(held, Place::AllBranches, deployments).then_some(Place::AllBranches);
        let single = deployments.iter().filter(|it| self.can_in::<GrantDeploymentRole>(held, it));
        let all = branches.into_iter().chain(single.map(|it| Place::Deployment(it.id)));
        all.filter(|place| !is_kept(*place)).collect()
    }

    /// Whether a role is for whoever looks, themself or by a team that they are in: an Organization Admin alone gives one so.
    async fn is_own(&self, holder: &HolderReference) -> Result<bool, Failure> {
        let Some(own) = self.user().filter(|_| !self.may_give_all()) else { return Ok(false) };
        Ok(match holder {
            HolderReference::Member(MemberReference::Id(id)) => *id == own,
            HolderReference::Team(TeamReference::Id(id)) => self.own_teams(own).await?.contains(id),
            _ => false,
        })
    }

    /// The teams that they are in.
    async fn own_teams(&self, own: UserId) -> Result<BTreeSet<TeamId>, Failure> {
        let teams = self.control().teams_of_member(&self.may::<ViewTeams>()?, own).await?;
        Ok(teams.into_iter().map(|it| it.id).collect())
    }

    /// Whether they may take this one away. What brings agent tokens is an Organization Admin's to give and to take.
    fn can_take(&self, held: &OwnRoles, it: &RoleGrant, deployments: &[Deployment]) -> bool {
        (!it.held.manages_tokens() || self.may_give_all()) && self.can_at(held, it.place, deployments)
    }
}

fn row(it: &RoleGrant, (what, href): (Brief, Option<String>), sort: &'static str, of: String, may_take: bool) -> Row {
    Row {
        what,
        href,
        sort,
        role: words::deployment_role(it.held.role),
        tokens: match it.place {
            _ if !it.held.manages_tokens() => NO_TOKENS,
            Place::AllBranches => OF_BRANCHES,
            Place::Deployment(_) => OF_DEPLOYMENT,
        },
        given: When::day(it.created_at),
        of,
        may_take,
    }
}

/// Places where somebody was given a role, on the page at `path`.
pub(crate) async fn of_holder(visit: &Visit, holder: HolderReference, path: &str) -> Result<Roles, Failure> {
    let is_own = visit.is_own(&holder).await?;
    let is_member = matches!(holder, HolderReference::Member(_));
    let given = visit.control().deployment_roles_of(&visit.may::<ViewDeploymentRoles>()?, holder).await?;
    let (deployments, held) = (visit.deployments().await?, visit.held().await?);
    let may_give = !is_own && !visit.places_for(&held, &given, &deployments).is_empty();
    let rows = given.iter().take(ROWS).map(|it| {
        let may_take = visit.can_take(&held, it, &deployments);
        match it.place {
            Place::AllBranches => row(it, (ALL_BRANCHES.into(), None), "", BRANCHES.to_owned(), may_take),
            Place::Deployment(id) => {
                let name = deployments.iter().find(|it| it.id == id).map(|it| it.name.clone());
                let href = name.is_some().then(|| visit.deployment_path(id, ""));
                let name = name.unwrap_or_else(|| "A deployment that is gone".to_owned());
                row(it, (name.into(), href), "", id.to_string(), may_take)
            }
        }
    });
    let mut note = everybody_has(visit).await?;
    if is_member {
        note.push_str(" Roles held through a team are shown on that team's page.");
    }
    Ok(Roles {
        heading: "Roles in deployments",
        head: "Deployment",
        none: "No roles beyond what every member has.",
        note,
        rows: rows.collect(),
        more: given.len().saturating_sub(ROWS),
        listed_by: if is_member { BY_MEMBER } else { BY_TEAM },
        give: may_give.then(|| format!("{path}/roles/new")),
        take: format!("{path}/roles/take"),
    })
}

/// Who was given a role in a deployment.
pub(crate) async fn in_deployment(visit: &Visit, it: &Deployment, held: &OwnRoles) -> Result<Roles, Failure> {
    let control = visit.control();
    let given = control.deployment_roles_in(&visit.may::<ViewDeploymentRoles>()?, it.id).await?;
    let teams = control.teams(&visit.may::<ViewTeams>()?).await?;
    let (members, this) = (visit.may::<ViewMembers>()?, std::slice::from_ref(it));
    let mut rows = Vec::new();
    for role in given.iter().take(ROWS) {
        let may_take = visit.can_take(held, role, this);
        rows.push(match role.holder {
            Holder::Team(id) => {
                let name = teams.iter().find(|it| it.id == id).map(|it| it.name.clone()).unwrap_or_default();
                row(role, (name.into(), Some(visit.team_path(id, ""))), "Team", format!("team:{id}"), may_take)
            }
            Holder::Member(id) => {
                let user = control.find_member(&members, MemberReference::Id(id)).await?.user;
                let sort = if user.is_service { "Service user" } else { "" };
                row(
                    role,
                    (Brief::of_user(&user), Some(visit.member_path(id, ""))),
                    sort,
                    format!("member:{id}"),
                    may_take,
                )
            }
        });
    }
    let path = visit.deployment_path(it.id, "");
    Ok(Roles {
        heading: "Roles in this deployment",
        head: "Who",
        none: "Nobody has a role of their own here yet.",
        note: format!("{} Organization Admins can do everything in every deployment.", everybody_has(visit).await?),
        rows,
        more: given.len().saturating_sub(ROWS),
        listed_by: BY_DEPLOYMENT,
        give: visit.can_in::<GrantDeploymentRole>(held, it).then(|| format!("{path}/roles/new")),
        take: format!("{path}/roles/take"),
    })
}

/// What all members have, as a sentence.
pub(crate) async fn everybody_has(visit: &Visit) -> Result<String, Failure> {
    let role = visit.control().members_role(&visit.may::<ViewDeploymentRoles>()?).await?;
    Ok(format!(
        "Every member is {} in every deployment, even without a role of their own there.",
        words::with_article(role)
    ))
}

#[cfg(test)]
impl Roles {
    /// None were given, for a test of a page that they stand on.
    pub(crate) fn none() -> Self {
        let (note, take) = (String::new(), "/x".to_owned());
        Self {
            heading: "Roles",
            head: "Who",
            none: "None.",
            note,
            rows: Vec::new(),
            more: 0,
            listed_by: BY_TEAM,
            give: None,
            take,
        }
    }
}

#[cfg(test)]
mod tests {
    use countersign_domain::Timestamp;

    use crate::naughty::{TEXTS, assert_inert};

    use super::*;

    #[test]
    fn whoever_holds_a_role_stays_text() {
        for text in TEXTS {
            let row = Row {
                what: (*text).into(),
                href: Some("/x".to_owned()),
                sort: "Team",
                role: "Admin",
                tokens: OF_DEPLOYMENT,
                given: When::new(Timestamp::EPOCH),
                of: (*text).to_owned(),
                may_take: true,
            };
            let roles = Roles {
                heading: "Roles",
                head: "Who",
                none: "",
                note: (*text).to_owned(),
                rows: vec![row],
                more: 1,
                listed_by: BY_TEAM,
                give: Some("/x".to_owned()),
                take: "/x".to_owned(),
            };
            assert_inert(&roles.to_string(), text);
        }
    }
}
