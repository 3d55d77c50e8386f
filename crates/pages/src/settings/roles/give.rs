//! Giving a role in a deployment.

use std::collections::BTreeSet;

use askama::Template;
use countersign_control::access::actions::{GrantDeploymentRole, ViewDeploymentRoles, ViewTeams};
use countersign_control::deployment_roles::{HolderReference, NewRole, Place};
use countersign_control::members::MemberReference;
use countersign_control::teams::TeamReference;
use countersign_control::{Action, Error, Result};
use countersign_domain::DeploymentRole;

use crate::failure::Failure;
use crate::form::{Faults, Posted, not_offered};
use crate::frame::{self, Answer, Frame};
use crate::notice::{Notice, then};
use crate::parts::{Choice, Field};
use crate::visit::Visit;
use crate::words;

use super::of::Of;
use super::{ALL_BRANCHES, BRANCHES};

#[derive(Template)]
#[template(path = "role_new.html")]
struct Page {
    frame: Frame,
    name: String,
    action: String,
    back: String,
    problems: Vec<String>,
    /// Who is given the role, where that is chosen.
    whom: Option<Whom>,
    /// Where, where that is chosen.
    places: Vec<Choice>,
    /// What is wrong with the one that was chosen.
    place_wrong: Option<String>,
    /// Whether there are more.
    is_cut: bool,
    roles: Vec<Offered>,
    /// What the new role does to others that are held.
    note: &'static str,
    may_give_tokens: bool,
    /// Which agent tokens an Admin can manage as well.
    tokens_of: &'static str,
    is_tokens: bool,
    tokens_wrong: Option<String>,
}

struct Whom {
    teams: Vec<Choice>,
    /// What is wrong with the one that was chosen.
    team_wrong: Option<String>,
    /// Whether it is a team that is given the role; else it is a member.
    is_team: bool,
    /// Whether there are more.
    is_cut: bool,
    member: Field,
}

/// A role to choose.
struct Offered {
    choice: Choice,
    /// Whether every member has it without being given anything: then it changes nothing.
    is_had: bool,
    is_admin: bool,
}

/// The most teams, or deployments, that are offered: a role is given on the page of each, too.
const MOST: usize = 200;
/// Who gives a role to whoever asks.
const OF_OWN: &str = "an Organization Admin: nobody else gives a role to themself, or to a team that they are in";
/// The fields of the form where there is no place to choose.
const BESIDE_PLACE: [&str; 3] = ["member", "team", "manageAgentTokens"];
const FIELDS: [&str; 4] = ["member", "team", "place", "manageAgentTokens"];
/// What a role is given to, in a form that asks.
const TEAM: &str = "team";
const MEMBER: &str = "member";

/// Choices of a role; the one that may least is chosen where none was.
pub(super) fn roles(all: &[DeploymentRole], chosen: DeploymentRole) -> Vec<Choice> {
    all.iter().map(|it| Choice::new(it.as_str(), words::about_role(*it), *it == chosen)).collect()
}

/// The role of a form.
pub(super) fn role(form: &Posted) -> Result<DeploymentRole> {
    form.chosen("role", "Role")
}

/// All roles for somebody beyond what `everybody` has. The first that is more is chosen where none was: a lesser one changes nothing.
fn offered(everybody: DeploymentRole, chosen: Option<DeploymentRole>) -> Vec<Offered> {
    let first = DeploymentRole::ALL.into_iter().find(|it| *it > everybody);
    let chosen = chosen.or(first).unwrap_or(DeploymentRole::Admin);
    let choices = roles(&DeploymentRole::ALL, chosen).into_iter().zip(DeploymentRole::ALL);
    choices
        .map(|(choice, it)| Offered { choice, is_had: it <= everybody, is_admin: it == DeploymentRole::Admin })
        .collect()
}

/// The role that is ticked where the form is shown again: where none was chosen, the one that may least.
pub(super) fn was_chosen(form: &Posted) -> DeploymentRole {
    form.was_chosen("role").unwrap_or(DeploymentRole::Viewer)
}

async fn whom(visit: &Visit, form: Option<&Posted>, faults: &Faults) -> std::result::Result<Whom, Failure> {
    let chosen = form.map(|form| form.text("team")).unwrap_or_default();
    let teams = visit.control().teams(&visit.may::<ViewTeams>()?).await?;
    let own = match visit.user().filter(|_| !visit.may_give_all()) {
        Some(id) => visit.own_teams(id).await?,
        None => BTreeSet::new(),
    };
    let is_cut = teams.len() > MOST;
    let mut choices: Vec<_> = teams
        .into_iter()
        .filter(|team| !own.contains(&team.id))
        .take(MOST)
        .map(|team| {
            let id = team.id.to_string();
            let is_chosen = id == chosen;
            Choice::new(id, team.name, is_chosen)
        })
        .collect();
    let is_choice = !choices.is_empty();
    if is_choice {
        choices.insert(0, Choice::new("", "Choose a team", chosen.is_empty()));
    }
    let member = Field::new(MEMBER, "Member")
        .value(form.map(|form| form.text(MEMBER)).unwrap_or_default())
        .hint("The e-mail address of a member, or the name of a service user.")
        .first();
    let member = if is_choice { member.unmarked() } else { member.required() };
    Ok(Whom {
        teams: choices,
        team_wrong: faults.of_field(TEAM, "Team").0,
        is_team: form.is_some_and(|form| form.text("whom") == TEAM),
        is_cut,
        member: member.faults(faults, MEMBER),
    })
}

/// Where whoever looks may give the holder a role.
async fn places(
    visit: &Visit,
    holder: HolderReference,
    form: Option<&Posted>,
) -> std::result::Result<(Vec<Choice>, bool), Failure> {
    let given = visit.control().deployment_roles_of(&visit.may::<ViewDeploymentRoles>()?, holder).await?;
    let (deployments, held) = (visit.deployments().await?, visit.held().await?);
    let offered = visit.places_for(&held, &given, &deployments);
    let chosen = form.map(|form| form.text("place")).unwrap_or_default();
    let mut places = Vec::new();
    if offered.contains(&Place::AllBranches) {
        places.push(Choice::new(BRANCHES, ALL_BRANCHES, chosen == BRANCHES));
    }
    places.extend(deployments.iter().filter(|it| offered.contains(&Place::Deployment(it.id))).map(|it| {
        let id = it.id.to_string();
        // The default one first, until another is chosen.
        let is_default = chosen.is_empty() && it.id == visit.organization.default_deployment;
        let is_chosen = is_default || id == chosen;
        Choice::new(id, it.name.clone(), is_chosen)
    }));
    let is_cut = places.len() > MOST;
    places.truncate(MOST);
    Ok((places, is_cut))
}

async fn page(visit: &Visit, of: &Of, form: Option<&Posted>, faults: &Faults) -> std::result::Result<Page, Failure> {
    let is_of_deployment = matches!(of, Of::Deployment(_));
    let everybody = visit.control().members_role(&visit.may::<ViewDeploymentRoles>()?).await?;
    let (places, is_cut) = match of.holder() {
        Some(holder) => places(visit, holder, form).await?,
        None => (Vec::new(), false),
    };
    Ok(Page {
        frame: of.frame(visit, "Give a role"),
        name: of.name().to_owned(),
        action: of.path(visit, "/roles/new"),
        back: of.path(visit, ""),
        problems: faults.beside(if places.is_empty() { &BESIDE_PLACE } else { &FIELDS }),
        whom: if is_of_deployment { Some(whom(visit, form, faults).await?) } else { None },
        places,
        place_wrong: faults.of_field("place", "Deployment").0,
        is_cut,
        roles: offered(everybody, form.and_then(|form| form.was_chosen("role"))),
        note: match of {
            Of::Deployment(_) => "Replaces any role they were given here. Of several roles, the strongest counts.",
            Of::Team(_) => {
                "Replaces any role the team was given there. Of several roles that a member has, the strongest counts."
            }
            Of::Member(_) => "Replaces any role they were given there. Of several roles, the strongest counts.",
        },
        tokens_of: if is_of_deployment { "this deployment" } else { "the chosen deployment" },
        may_give_tokens: visit.may_give_all(),
        is_tokens: form.is_some_and(|form| form.is_ticked("tokens")),
        tokens_wrong: faults.of_field("manageAgentTokens", "Managing agent tokens").0,
    })
}

/// The form, for whoever may give a role there. Who one is is proved before it is filled in.
pub(crate) async fn show(visit: Visit) -> Answer {
    let of = Of::address(&visit).await?;
    must_give(&visit, &of).await?;
    frame::show(&page(&visit, &of, None, &Faults::default()).await?)
}

/// Goes on only for whoever may give a role there: before any field is looked at.
async fn must_give(visit: &Visit, of: &Of) -> std::result::Result<(), Failure> {
    match of {
        Of::Deployment(it) => visit.must_in::<GrantDeploymentRole>(it).await?,
        Of::Team(_) | Of::Member(_) => drop(visit.may::<GrantDeploymentRole>()?),
    }
    if let Some(holder) = of.holder()
        && visit.is_own(&holder).await?
    {
        return Err(Error::Denied { action: GrantDeploymentRole::NAME, needs: OF_OWN }.into());
    }
    Ok(())
}

/// Gives the role.
pub(crate) async fn submit(visit: Visit, form: Posted) -> Answer {
    let of = Of::address(&visit).await?;
    must_give(&visit, &of).await?;
    match give(&visit, &of, &form).await {
        Ok(()) => Ok(then(&visit.site, &of.path(&visit, ""), Notice::RoleGiven)),
        Err(error) => {
            let faults = Faults::of(error)?;
            frame::again(&page(&visit, &of, Some(&form), &faults).await?)
        }
    }
}

async fn give(visit: &Visit, of: &Of, form: &Posted) -> Result<()> {
    let control = visit.control();
    let grant = control.grant_own::<GrantDeploymentRole>(&visit.caller)?;
    let place = match of {
        Of::Deployment(it) => Place::Deployment(it.id),
        Of::Team(_) | Of::Member(_) => place(form.text("place")).map_err(|_| no_place())?,
    };
    let holder = match of.holder() {
        Some(holder) => holder,
        None => holder(form)?,
    };
    let is_written = matches!(of, Of::Deployment(_));
    let new = NewRole { holder, place, role: role(form)?, tokens: form.is_ticked("tokens") };
    control.give_deployment_role(&grant, new).await.map(drop).map_err(|error| match error {
        Error::NotFound("member") if is_written => nobody(),
        Error::NotFound("team") if is_written => no_team(),
        Error::NotFound("deployment") if !is_written => no_place(),
        other => other,
    })
}

/// Here it is a field that somebody has written, and no address of a page.
fn nobody() -> Error {
    Error::invalid("member", "is nobody's address here, and no service user's name; see the list of members")
}

/// Here it is what somebody has chosen, while it was deleted.
fn no_team() -> Error {
    Error::invalid(TEAM, "is none any more: it may be deleted; choose another")
}

/// The same of a deployment.
fn no_place() -> Error {
    Error::invalid("place", "is none any more: it may be deleted; choose another")
}

/// The team or the member of a form: the one that it says, or the one of both that is there.
fn holder(form: &Posted) -> Result<HolderReference> {
    let (team, member) = match form.given("whom") {
        Some(TEAM) => match form.said(TEAM) {
            None => return Err(Error::invalid(TEAM, "is not chosen; choose one")),
            team => (team, None),
        },
        Some(MEMBER) => match form.said(MEMBER) {
            None => return Err(Error::invalid(MEMBER, "is empty; write who is given the role")),
            member => (None, member),
        },
        Some(_) => return Err(not_offered("whom", "To whom")),
        None => (form.said(TEAM), form.said(MEMBER)),
    };
    match (team, member) {
        (Some(team), None) => Ok(HolderReference::Team(TeamReference::parse(team).map_err(|_| no_team())?)),
        (None, Some(member)) => Ok(HolderReference::Member(MemberReference::parse(member).map_err(|_| nobody())?)),
        (Some(_), Some(_)) => {
            Err(Error::invalid("member", "is written and a team is chosen too; give the role to one of both"))
        }
        (None, None) => Err(Error::invalid("member", "is empty; write who is given the role, or choose a team")),
    }
}

/// The place of a form.
pub(super) fn place(text: &str) -> Result<Place> {
    if text == BRANCHES {
        return Ok(Place::AllBranches);
    }
    text.parse().map(Place::Deployment).map_err(|_| Error::NotFound("deployment"))
}

#[cfg(test)]
mod tests {
    use crate::naughty::{TEXTS, assert_inert};
    use crate::seen::Seen;
    use crate::theme::Theme;

    use super::*;

    #[test]
    fn a_role_is_given_to_one_of_both() {
        let read = |form: &str| holder(&Posted::of(form));
        assert!(matches!(read("team=&member=bob%40acme.example"), Ok(HolderReference::Member(_))));
        assert!(matches!(read("team=release&member="), Ok(HolderReference::Team(_))));
        for form in ["team=&member=", "team=release&member=bob%40acme.example", "team=&member=%2F"] {
            let Err(Error::Invalid(faults)) = read(form) else { panic!("{form} is taken") };
            assert_eq!(faults[0].field, "member", "{form}");
        }
        // Of two that are filled in, the form says which counts.
        assert!(matches!(read("whom=team&team=release&member=bob"), Ok(HolderReference::Team(_))));
        assert!(matches!(read("whom=member&team=release&member=bob"), Ok(HolderReference::Member(_))));
        for (form, field) in [
            ("whom=team&team=&member=bob", "team"),
            ("whom=member&team=release&member=", "member"),
            ("whom=all&member=bob", "whom"),
        ] {
            let Err(Error::Invalid(faults)) = read(form) else { panic!("{form} is taken") };
            assert_eq!(faults[0].field, field, "{form}");
        }
        for none in ["role=owner", "role=", ""] {
            assert_eq!(role(&Posted::of(none)), Err(not_offered("role", "Role")), "{none}");
            assert_eq!(was_chosen(&Posted::of(none)), DeploymentRole::Viewer, "{none}");
        }
        assert_eq!(place(BRANCHES), Ok(Place::AllBranches));
        assert_eq!(place("x"), Err(Error::NotFound("deployment")));
    }

    #[test]
    fn what_everybody_has_is_not_what_is_chosen_first() {
        let said = |everybody, chosen| {
            let all = offered(everybody, chosen);
            let of = |wanted: fn(&Offered) -> bool| {
                all.iter().filter(|it| wanted(it)).map(|it| it.choice.value.clone()).collect::<Vec<_>>()
            };
            (of(|it| it.choice.is_chosen), of(|it| it.is_had))
        };
        let words = |all: &[&str]| all.iter().map(|it| (*it).to_owned()).collect::<Vec<_>>();
        assert_eq!(said(DeploymentRole::Viewer, None), (words(&["launcher"]), words(&["viewer"])));
        assert_eq!(said(DeploymentRole::Launcher, None), (words(&["editor"]), words(&["viewer", "launcher"])));
        let again = said(DeploymentRole::Launcher, Some(DeploymentRole::Viewer));
        assert_eq!(again.0, words(&["viewer"]), "what was chosen is shown again");
    }

    #[test]
    fn whatever_a_team_is_called_stays_text() {
        let seen = Seen { is_safe: false, page: "/x".to_owned(), theme: Theme::System, notice: None };
        for text in TEXTS {
            let some = || (*text).to_owned();
            let member = Field::new("member", "Member").value(*text);
            let page = Page {
                frame: Frame::plain(*text, &seen),
                name: some(),
                action: "/x".to_owned(),
                back: "/".to_owned(),
                problems: vec![some()],
                whom: Some(Whom {
                    teams: vec![Choice::new(*text, *text, true)],
                    team_wrong: Some(some()),
                    is_team: true,
                    is_cut: true,
                    member,
                }),
                places: vec![Choice::new(*text, *text, true)],
                place_wrong: Some(some()),
                is_cut: true,
                roles: offered(DeploymentRole::Viewer, None),
                note: "",
                tokens_of: "this deployment",
                may_give_tokens: true,
                is_tokens: true,
                tokens_wrong: Some(some()),
            };
            assert_inert(&page.render().expect("a page"), text);
        }
    }
}
