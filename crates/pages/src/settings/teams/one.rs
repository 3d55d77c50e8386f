//! A team's own page: who is in it, letting members in and taking them out.

use askama::Template;
use countersign_control::access::actions::{ChangeTeamMembers, DeleteTeam, UpdateTeam, ViewTeams};
use countersign_control::deployment_roles::HolderReference;
use countersign_control::members::{Member, MemberReference};
use countersign_control::teams::{Team, TeamReference};
use countersign_control::{Error, PageRequest, Result};

use crate::brief::{Brief, address};
use crate::failure::Failure;
use crate::form::{Faults, Posted};
use crate::frame::{self, Answer, Frame};
use crate::notice::{Notice, then};
use crate::parts::{Field, Pager};
use crate::query::Query;
use crate::settings::roles::{self, Roles};
use crate::visit::{Tab, Visit};

/// Rows of one part.
const ROWS: u32 = 60;

#[derive(Template)]
#[template(path = "team.html")]
struct Page {
    frame: Frame,
    description: String,
    problems: Vec<String>,
    count: i64,
    rows: Vec<Row>,
    pager: Pager,
    /// Where somebody is let in, for whoever may.
    add: Option<String>,
    member: Field,
    roles: Roles,
    edit: Option<String>,
    delete: Option<String>,
}

#[derive(Debug, Clone)]
struct Row {
    name: Brief,
    email: String,
    remove: Option<String>,
}

impl Row {
    fn new(visit: &Visit, team: &Team, it: &Member) -> Self {
        let way = || visit.team_path(team.id, &format!("/members/{}/remove", it.user.id));
        Self {
            name: it.user.name.as_str().into(),
            // Nobody has the address of a service user.
            email: if it.user.is_service { "Service user".to_owned() } else { address(&it.user.email) },
            remove: visit.can::<ChangeTeamMembers>().then(way),
        }
    }
}

async fn page(
    visit: &Visit,
    team: &Team,
    query: &Query,
    said: &str,
    faults: &Faults,
) -> std::result::Result<Page, Failure> {
    let grant = visit.may::<ViewTeams>()?;
    let part = PageRequest { after: query.after(), limit: ROWS };
    let found = visit.control().team_members(&grant, team.id, part).await?;
    let count = visit.control().count_team_members(&grant, team.id).await?;
    let last = found.items.last().filter(|_| found.has_more).map(|it| it.user.id.to_string());
    let path = visit.team_path(team.id, "");
    Ok(Page {
        frame: visit.settings(Tab::Teams, team.name.clone()).crumb("Teams", visit.path("/settings/teams")),
        description: team.description.clone().unwrap_or_default(),
        problems: faults.beside(&["member"]),
        count,
        rows: found.items.iter().map(|it| Row::new(visit, team, it)).collect(),
        pager: Pager::new(&path, &[], part.after.is_none(), last),
        add: visit.can::<ChangeTeamMembers>().then(|| visit.team_path(team.id, "/members")),
        member: Field::new("member", "Add a member")
            .value(said)
            .hint("Their e-mail address. Service users are in no team: they are given roles of their own.")
            .required()
            .faults(faults, "member"),
        roles: roles::of_holder(visit, HolderReference::Team(TeamReference::Id(team.id)), &path).await?,
        edit: visit.can::<UpdateTeam>().then(|| visit.team_path(team.id, "/edit")),
        delete: visit.can::<DeleteTeam>().then(|| visit.team_path(team.id, "/delete")),
    })
}

/// The page.
pub(crate) async fn show(visit: Visit, query: Query) -> Answer {
    let team = visit.team().await?;
    frame::show(&page(&visit, &team, &query, "", &Faults::default()).await?)
}

/// Asking for the address of a form leads to the page that it is on.
pub(crate) async fn back(visit: Visit) -> Answer {
    Ok(frame::to(&visit.team_path(visit.team().await?.id, "")))
}

/// Lets a member in.
pub(crate) async fn add(visit: Visit, form: Posted) -> Answer {
    visit.may::<ChangeTeamMembers>()?;
    let team = visit.team().await?;
    let said = form.text("member").trim();
    match let_in(&visit, &team, said).await {
        Ok(()) => Ok(then(&visit.site, &visit.team_path(team.id, ""), Notice::TeamChanged)),
        Err(error) => {
            let faults = Faults::of(error)?;
            frame::again(&page(&visit, &team, &Query::default(), said, &faults).await?)
        }
    }
}

async fn let_in(visit: &Visit, team: &Team, said: &str) -> Result<()> {
    let control = visit.control();
    let grant = control.grant_own::<ChangeTeamMembers>(&visit.caller)?;
    // Here it is a field that somebody has written, and no address of a page.
    let at_field = |error| match error {
        Error::NotFound(_) => Error::invalid("member", "is nobody's address here; see the list of members"),
        other => other,
    };
    let member = MemberReference::parse(said).map_err(at_field)?;
    control.add_team_member(&grant, TeamReference::Id(team.id), member).await.map(drop).map_err(at_field)
}

/// Takes a member out.
pub(crate) async fn remove(visit: Visit) -> Answer {
    let grant = visit.may::<ChangeTeamMembers>()?;
    let team = match visit.team().await {
        Err(Failure::Error(Error::NotFound("team"))) => {
            return Ok(then(&visit.site, &visit.path("/settings/teams"), Notice::TeamGone));
        }
        team => team?,
    };
    let member = MemberReference::parse(visit.param("member"))?;
    let notice = match visit.control().remove_team_member(&grant, TeamReference::Id(team.id), member).await {
        Err(Error::NotFound("member" | "member of the team")) => Notice::OutAlready,
        outcome => outcome.map(|_| Notice::TeamChanged)?,
    };
    Ok(then(&visit.site, &visit.team_path(team.id, ""), notice))
}

#[cfg(test)]
mod tests {
    use crate::naughty::{TEXTS, assert_inert};
    use crate::seen::Seen;
    use crate::theme::Theme;

    use super::*;

    #[test]
    fn whatever_a_team_and_its_members_are_called_stays_text() {
        let seen = Seen { is_safe: true, page: "/x".to_owned(), theme: Theme::System, notice: None };
        for text in TEXTS {
            let some = || (*text).to_owned();
            let page = Page {
                frame: Frame::plain(*text, &seen),
                description: some(),
                problems: vec![some()],
                count: 1,
                rows: vec![Row { name: (*text).into(), email: some(), remove: Some("/x".to_owned()) }],
                pager: Pager::new("/", &[], true, None),
                add: Some("/x".to_owned()),
                member: Field::new("member", "Member").value(some()),
                roles: Roles::none(),
                edit: Some("/x".to_owned()),
                delete: None,
            };
            assert_inert(&page.render().expect("a page"), text);
        }
    }
}
