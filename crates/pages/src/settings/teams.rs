//! Teams: who holds roles in deployments together.

pub(crate) mod create;
pub(crate) mod delete;
pub(crate) mod edit;
pub(crate) mod one;

use askama::Template;
use countersign_control::Error;
use countersign_control::access::actions::{CreateTeam, ViewTeams};
use countersign_control::teams::{Team, TeamReference};
use countersign_domain::id::TeamId;

use crate::brief::Brief;
use crate::failure::Failure;
use crate::frame::{self, Answer, Frame};
use crate::parts::{Pager, When, part};
use crate::query::Query;
use crate::visit::{Tab, Visit};

/// Rows of one part.
const ROWS: usize = 64;

#[derive(Template)]
#[template(path = "teams.html")]
struct Page {
    frame: Frame,
    create: Option<String>,
    rows: Vec<Row>,
    pager: Pager,
}

#[derive(Debug, Clone)]
struct Row {
    href: String,
    name: String,
    description: Brief,
    members: i64,
    created: When,
}

impl Row {
    fn new(visit: &Visit, it: &Team, members: i64) -> Self {
        Self {
            href: visit.team_path(it.id, ""),
            name: it.name.clone(),
            description: Brief::of_some(it.description.as_ref()),
            members,
            created: When::day(it.created_at),
        }
    }
}

impl Visit {
    /// The team in the address.
    pub(super) async fn team(&self) -> Result<Team, Failure> {
        let id = self.param("team").parse().map_err(|_| Error::NotFound("team"))?;
        Ok(self.control().team(&self.may::<ViewTeams>()?, TeamReference::Id(id)).await?)
    }

    /// A path of a team.
    pub(crate) fn team_path(&self, id: TeamId, below: &str) -> String {
        self.path(&format!("/settings/teams/{id}{below}"))
    }
}

/// A part of the list.
pub(crate) async fn show(visit: Visit, query: Query) -> Answer {
    let teams = visit.control().teams(&visit.may::<ViewTeams>()?).await?;
    let after: Option<TeamId> = query.after();
    let (shown, has_more) = part(&teams, ROWS, |it| Some(it.id) == after);
    let ids = shown.iter().map(|it| it.id).collect();
    let counts = visit.control().count_members_of_teams(&visit.may::<ViewTeams>()?, ids).await?;
    let members = |it: &Team| counts.get(&it.id).copied().unwrap_or_default();
    let last = shown.last().filter(|_| has_more).map(|it| it.id.to_string());
    frame::show(&Page {
        frame: visit.settings(Tab::Teams, "Teams"),
        create: visit.can::<CreateTeam>().then(|| visit.path("/settings/teams/new")),
        pager: Pager::new(&visit.path("/settings/teams"), &[], after.is_none(), last),
        rows: shown.iter().map(|it| Row::new(&visit, it, members(it))).collect(),
    })
}

#[cfg(test)]
mod tests {
    use countersign_domain::Timestamp;

    use crate::naughty::{TEXTS, assert_inert};
    use crate::seen::Seen;
    use crate::theme::Theme;

    use super::*;

    #[test]
    fn whatever_a_team_is_called_stays_text() {
        let seen = Seen { is_safe: true, page: "/x".to_owned(), theme: Theme::System, notice: None };
        for text in TEXTS {
            let (name, description) = ((*text).to_owned(), (*text).into());
            let row =
                Row { href: "/x".to_owned(), name, description, members: 1, created: When::new(Timestamp::EPOCH) };
            let page = Page {
                frame: Frame::plain("Teams", &seen),
                create: None,
                rows: vec![row],
                pager: Pager::new("/", &[], true, None),
            };
            assert_inert(&page.render().expect("a page"), text);
        }
    }
}
