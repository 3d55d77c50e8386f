//! Creating a team.

use askama::Template;
use countersign_control::Result;
use countersign_control::access::actions::CreateTeam;
use countersign_control::teams::{NewTeam, Team};

use crate::form::{Faults, Posted};
use crate::frame::{self, Answer, Frame};
use crate::notice::{Notice, then};
use crate::parts::Field;
use crate::visit::{Tab, Visit};

#[derive(Template)]
#[template(path = "team_new.html")]
struct Page {
    frame: Frame,
    action: String,
    back: String,
    problems: Vec<String>,
    name: Field,
    description: Field,
}

fn page(visit: &Visit, form: Option<&Posted>, faults: &Faults) -> Page {
    let text = |name| form.map(|form| form.text(name).to_owned()).unwrap_or_default();
    let list = visit.path("/settings/teams");
    Page {
        frame: visit.settings(Tab::Teams, "Create team").crumb("Teams", list.clone()),
        action: format!("{list}/new"),
        back: list,
        problems: faults.beside(&["name", "description"]),
        name: Field::new("name", "Name")
            .value(text("name"))
            .hint("Letters, digits, '-', '_', '.' and spaces.")
            .required()
            .first()
            .faults(faults, "name"),
        description: Field::new("description", "What it is for")
            .value(text("description"))
            .faults(faults, "description"),
    }
}

/// The form.
pub(crate) async fn show(visit: Visit) -> Answer {
    visit.may::<CreateTeam>()?;
    frame::show(&page(&visit, None, &Faults::default()))
}

/// Creates the team, and leads to it.
pub(crate) async fn submit(visit: Visit, form: Posted) -> Answer {
    visit.may::<CreateTeam>()?;
    match create(&visit, &form).await {
        Ok(team) => Ok(then(&visit.site, &visit.team_path(team.id, ""), Notice::TeamCreated)),
        Err(error) => {
            let faults = Faults::of_named(error, visit.has_team(form.text("name").trim()).await?)?;
            frame::again(&page(&visit, Some(&form), &faults))
        }
    }
}

async fn create(visit: &Visit, form: &Posted) -> Result<Team> {
    let new =
        NewTeam { name: form.text("name").trim().to_owned(), description: form.said("description").map(str::to_owned) };
    let control = visit.control();
    control.create_team(&control.grant_own::<CreateTeam>(&visit.caller)?, new).await
}
