//! Changing a team's name, and what it is for.

use countersign_control::Result;
use countersign_control::access::actions::{UpdateTeam, ViewTeams};
use countersign_control::teams::{Team, TeamChange, TeamReference};

use crate::form::{Faults, Posted};
use crate::frame::{self, Answer};
use crate::notice::{Notice, then};
use crate::parts::Field;
use crate::settings::Fields;
use crate::visit::{Tab, Visit};

fn page(visit: &Visit, it: &Team, form: Option<&Posted>, faults: &Faults) -> Fields {
    let text = |name, now: &str| form.map_or(now, |form| form.text(name)).to_owned();
    let (list, back) = (visit.path("/settings/teams"), visit.team_path(it.id, ""));
    let name = Field::new("name", "Name").value(text("name", &it.name)).required().first();
    let description = it.description.as_deref().unwrap_or_default();
    let description = Field::new("description", "What it is for").value(text("description", description));
    Fields {
        frame: visit.settings(Tab::Teams, "Edit team").crumb("Teams", list).crumb(it.name.clone(), back.clone()),
        of: it.name.clone(),
        action: visit.team_path(it.id, "/edit"),
        back,
        problems: faults.beside(&["name", "description"]),
        fields: vec![name.faults(faults, "name"), description.faults(faults, "description")],
        button: "Save",
    }
}

/// The form.
pub(crate) async fn show(visit: Visit) -> Answer {
    visit.may::<UpdateTeam>()?;
    let it = visit.team().await?;
    frame::show(&page(&visit, &it, None, &Faults::default()))
}

/// Saves it. Members and roles stay.
pub(crate) async fn submit(visit: Visit, form: Posted) -> Answer {
    visit.may::<UpdateTeam>()?;
    let it = visit.team().await?;
    match save(&visit, &it, &form).await {
        Ok(()) => Ok(then(&visit.site, &visit.team_path(it.id, ""), Notice::TeamSaved)),
        Err(error) => {
            let faults = Faults::of_named(error, visit.has_team(form.text("name").trim()).await?)?;
            frame::again(&page(&visit, &it, Some(&form), &faults))
        }
    }
}

async fn save(visit: &Visit, it: &Team, form: &Posted) -> Result<()> {
    let change = TeamChange {
        team: TeamReference::Id(it.id),
        name: Some(form.text("name").trim().to_owned()),
        description: Some(form.said("description").map(str::to_owned)),
    };
    let control = visit.control();
    control.update_team(&control.grant_own::<UpdateTeam>(&visit.caller)?, change).await.map(drop)
}

impl Visit {
    /// Whether a team has this name.
    pub(super) async fn has_team(&self, name: &str) -> Result<bool> {
        let grant = self.control().grant_own::<ViewTeams>(&self.caller)?;
        Ok(self.control().teams(&grant).await?.iter().any(|it| it.name.eq_ignore_ascii_case(name)))
    }
}
