//! The part of a form that says what an agent token reaches: the toggle *Org Agent*, and beside it deployments, queues and networks.

use std::collections::BTreeSet;
use std::fmt::Display;

use countersign_control::access::actions::CreateAgentToken;
use countersign_control::deployments::Deployment;
use countersign_control::{Error, Result};
use countersign_domain::id::DeploymentId;
use countersign_domain::scope::MAX_DEPLOYMENTS;
use countersign_domain::text::{FieldError, QueueName, shown};
use countersign_domain::{DeploymentScope, Network, QueueScope, Scope};
use http::StatusCode;

use crate::failure::Failure;
use crate::form::{Faults, Posted};
use crate::parts::Field;
use crate::visit::Visit;

/// The most deployments that have a box each: a page stays small, however many there are. A scope names at most as many.
const BOXES: usize = MAX_DEPLOYMENTS;
/// What is said where somebody lets a token reach more than they may.
const NOT_YOURS: &str = "The token would reach more than you manage agent tokens of. Choose among the deployments that are offered here, or ask an \
                         Organization Admin.";
/// The field for the others.
const OTHERS: &str = "other_deployments";

/// What whoever looks may let a token reach: an Organization Admin everything, others what they manage agent tokens of.
#[derive(Debug, Clone)]
pub(crate) struct Giveable {
    /// Whether every deployment.
    pub is_all: bool,
    /// Whether all branch deployments.
    pub all_branches: bool,
    /// Single ones.
    pub deployments: Vec<Deployment>,
}

impl Visit {
    /// What whoever looks may let a token reach.
    pub(crate) async fn giveable(&self) -> std::result::Result<Giveable, Failure> {
        let (mut deployments, held) = (self.deployments().await?, self.held().await?);
        deployments.retain(|it| held.are_enough_for::<CreateAgentToken>(it.id, it.parent.is_some()));
        let all_branches = held.are_enough_in_all_branches::<CreateAgentToken>();
        Ok(Giveable { is_all: self.may_give_all(), all_branches, deployments })
    }
}

/// A box for one deployment.
#[derive(Debug, Clone)]
pub(crate) struct Tick {
    pub id: String,
    pub name: String,
    /// Whether it is a branch deployment.
    pub is_branch: bool,
    pub is_ticked: bool,
}

/// What the part shows.
#[derive(Debug, Clone)]
pub(crate) struct Permissions {
    /// Whether the token reaches every deployment: the toggle.
    pub is_org_agent: bool,
    /// Whether whoever looks may give that away.
    pub may_be_org_agent: bool,
    pub all_branches: bool,
    /// Whether whoever looks may give those away.
    pub may_be_all_branches: bool,
    /// Of many, those that are ticked alone.
    pub deployments: Vec<Tick>,
    /// Where there are more than have a box each: the others by name.
    pub others: Option<Field>,
    pub queues: Field,
    pub networks: Field,
    /// What is wrong with the deployments.
    pub wrong: Option<String>,
}

impl Permissions {
    /// Of a scope. While it is of every deployment, nothing is ticked beside the toggle.
    pub(crate) fn of(scope: &Scope, giveable: &Giveable, faults: &Faults) -> Self {
        let (is_org_agent, ticked, all_branches) = match &scope.deployments {
            DeploymentScope::Every => (true, BTreeSet::new(), false),
            DeploymentScope::Only { deployments, all_branches } => (false, deployments.clone(), *all_branches),
        };
        let queues = match &scope.queues {
            QueueScope::Any => String::new(),
            QueueScope::Only(queues) => queues.iter().map(QueueName::as_str).collect::<Vec<_>>().join("\n"),
        };
        let networks = scope.networks.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
        Self::new([is_org_agent, all_branches], &ticked, giveable, [&queues, &networks, ""], faults)
    }

    /// As a form was sent that could not be taken.
    pub(crate) fn again(form: &Posted, giveable: &Giveable, faults: &Faults) -> Self {
        let ticked = form.all("deployment").filter_map(|id| id.parse().ok()).collect();
        let texts = [form.text("queues"), form.text("networks"), form.text(OTHERS)];
        Self::new([form.is_ticked("org_agent"), form.is_ticked("all_branches")], &ticked, giveable, texts, faults)
    }

    fn new(
        [is_org_agent, all_branches]: [bool; 2],
        ticked: &BTreeSet<DeploymentId>,
        giveable: &Giveable,
        [queues, networks, others]: [&str; 3],
        faults: &Faults,
    ) -> Self {
        let is_crowded = giveable.deployments.len() > BOXES;
        let shown = giveable.deployments.iter().filter(|it| !is_crowded || ticked.contains(&it.id));
        let ticks = shown.map(|it| Tick {
            id: it.id.to_string(),
            name: it.name.clone(),
            is_branch: it.parent.is_some(),
            is_ticked: ticked.contains(&it.id),
        });
        Self {
            is_org_agent,
            may_be_org_agent: giveable.is_all,
            all_branches,
            may_be_all_branches: giveable.all_branches,
            deployments: ticks.collect(),
            others: is_crowded.then(|| {
                Field::new(OTHERS, "Other deployments")
                    .long()
                    .value(others)
                    .hint("There are too many for a box each: write the names of those to add, one per line.")
            }),
            queues: Field::new("queues", "Queues")
                .long()
                .value(queues)
                .hint("One per line, such as `default`. Left empty, the token serves any queue.")
                .faults(faults, "queues"),
            networks: Field::new("networks", "Networks")
                .long()
                .value(networks)
                .hint("Addresses or networks that the token may be used from, one per line, such as `10.0.0.0/8`. Left empty, it may be used anywhere.")
                .faults(faults, "networks"),
            wrong: faults.of_field("scope", "The permissions").0,
        }
    }
}

/// Why a form with permissions was not taken, and the status of the answer in which it is shown again.
#[derive(Debug)]
pub(crate) struct Refused {
    pub status: StatusCode,
    pub faults: Faults,
}

impl Refused {
    /// Of whoever may create or change tokens, and not let one reach this: it stands at the permissions, and nothing that was written is lost.
    pub(crate) fn of(error: Error) -> std::result::Result<Self, Failure> {
        let (status, error) = match error {
            Error::Denied { .. } => (StatusCode::FORBIDDEN, Error::invalid("scope", NOT_YOURS)),
            other => (StatusCode::UNPROCESSABLE_ENTITY, other),
        };
        Ok(Self { status, faults: Faults::of(error)? })
    }
}

/// What a form says that a token shall reach.
///
/// # Errors
/// [`Error::Invalid`] at `queues`, `networks` or `scope`.
pub(crate) fn read(form: &Posted, deployments: &[Deployment]) -> Result<Scope> {
    let mut faults = Vec::new();
    let queues = form.lines("queues").into_iter().map(|text| {
        let read = text.parse::<QueueName>();
        read.map_err(|wrong| Error::invalid("queues", of_line(text, &wrong)))
    });
    let queues = told(queues.collect::<Result<BTreeSet<_>>>(), &mut faults)?;
    let networks = form.lines("networks").into_iter().map(|text| {
        let read = text.parse::<Network>();
        read.map_err(|wrong| Error::invalid("networks", of_line(text, &wrong)))
    });
    let networks = told(networks.collect::<Result<Vec<_>>>(), &mut faults)?;
    let reached = told(reached(form, deployments), &mut faults)?;
    match (queues, networks, reached) {
        (Some(queues), Some(networks), Some(deployments)) => {
            let queues = if queues.is_empty() { QueueScope::Any } else { QueueScope::Only(queues) };
            Ok(Scope { deployments, queues, networks })
        }
        _ => Err(Error::Invalid(faults)),
    }
}

/// What is wrong with a line, as a sentence of its own.
fn of_line(text: &str, wrong: &impl Display) -> String {
    format!("\"{}\" {wrong}", shown(text))
}

/// What was read; none where it is at fault, which is noted, so that whoever sent a form is told all at once.
///
/// # Errors
/// Whatever is no fault at a field.
pub(crate) fn told<T>(read: Result<T>, faults: &mut Vec<FieldError>) -> Result<Option<T>> {
    match read {
        Ok(read) => Ok(Some(read)),
        Err(Error::Invalid(more)) => {
            faults.extend(more);
            Ok(None)
        }
        Err(other) => Err(other),
    }
}

/// The deployments of a form.
fn reached(form: &Posted, deployments: &[Deployment]) -> Result<DeploymentScope> {
    if form.is_ticked("org_agent") {
        return Ok(DeploymentScope::Every);
    }
    let ids = form.all("deployment").map(|id| id.parse().map_err(|_| Error::NotFound("deployment")));
    let mut reached = ids.collect::<Result<BTreeSet<_>>>()?;
    for name in form.lines(OTHERS) {
        let named = deployments
            .iter()
            .find(|it| it.name == name)
            .ok_or_else(|| Error::invalid("scope", format!("No deployment is called \"{}\".", shown(name))))?;
        reached.insert(named.id);
    }
    let all_branches = form.is_ticked("all_branches");
    if reached.is_empty() && !all_branches {
        return Err(Error::invalid(
            "scope",
            "Tick at least one deployment, or turn Org Agent on: the token would reach nothing.",
        ));
    }
    Ok(DeploymentScope::Only { deployments: reached, all_branches })
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "0192f3a1-7c3e-7b21-9f60-3a5c1e0d4b77";

    fn read_text(form: &str) -> Result<Scope> {
        read(&Posted::of(form), &[])
    }

    #[test]
    fn the_toggle_wins_over_the_boxes() {
        assert_eq!(read_text(&format!("org_agent=on&deployment={ID}&queues=&networks=")), Ok(Scope::widest()));
        let one = read_text(&format!("deployment={ID}&all_branches=on&queues=a%0D%0Ab&networks=10.0.0.0%2F8"))
            .expect("a scope");
        let ids = [ID.parse().expect("an id")];
        assert_eq!(one.deployments, DeploymentScope::Only { deployments: ids.into(), all_branches: true });
        assert_eq!(one.queues, QueueScope::Only(["a", "b"].map(|it| it.parse().expect("a queue")).into()));
        assert_eq!(one.network_texts(), ["10.0.0.0/8"]);
    }

    #[test]
    fn a_token_that_would_reach_nothing_is_a_fault() {
        for (form, field) in [
            ("queues=", "scope"),
            ("org_agent=on&queues=no+blanks", "queues"),
            ("org_agent=on&networks=10.0.0.1%2F8", "networks"),
        ] {
            let Err(Error::Invalid(faults)) = read_text(form) else { panic!("{form} is taken") };
            assert_eq!(faults[0].field, field, "{form}");
        }
        let Err(Error::Invalid(faults)) = read_text("queues=no+blanks&networks=x") else { panic!("it is taken") };
        assert_eq!(faults.iter().map(|it| it.field.as_str()).collect::<Vec<_>>(), ["queues", "networks", "scope"]);
        assert_eq!(read_text("deployment=x"), Err(Error::NotFound("deployment")));
    }
}
