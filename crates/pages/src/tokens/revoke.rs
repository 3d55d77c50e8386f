//! Revoking an agent token. What will happen is shown first; when it has changed by the time that it is confirmed, it is shown again. Of a token that is
//! revoked already it is said by whom and when, and it can be chosen what becomes of agents that are still connected.

use askama::Template;
use countersign_control::Result;
use countersign_control::access::actions::{RevokeAgentToken, ViewAgentTokens};
use countersign_control::agent_tokens::{AgentToken, Revocation, Situation, TokenReference};
use countersign_control::agents::Reach;

use crate::failure::Failure;
use crate::form::{Faults, Posted, not_offered};
use crate::frame::{self, Answer, Frame};
use crate::notice::{Notice, then};
use crate::parts::{Choice, Field};
use crate::visit::Visit;
use crate::words::count;

use super::ended::Revoked;
use super::permit::{LABEL, REACH, reaches};
use super::title;

/// The most hosts that are named.
const HOSTS: usize = 20;

#[derive(Template)]
#[template(path = "token_revoke.html")]
struct Page {
    frame: Frame,
    action: String,
    back: String,
    token: String,
    /// By whom and when it was revoked, if it was.
    revoked: Option<Revoked>,
    problems: Vec<String>,
    /// What hangs on the token, in sentences.
    effects: Vec<String>,
    hosts: Vec<String>,
    more_hosts: String,
    /// What was shown, so that it is known when it has changed.
    shown: String,
    reason: Field,
    /// What can be chosen; nothing where nothing is left to be done.
    reaches: Vec<Choice>,
}

fn effects(it: &Situation) -> Vec<String> {
    let is_revoked = it.revoked_at.is_some();
    let mut effects = Vec::new();
    if !is_revoked {
        effects.push("No agent can register with it any more, from the moment that you confirm.".to_owned());
    }
    if it.agents.is_empty() {
        effects.push("No agent is connected with it.".to_owned());
    } else {
        let jobs = match it.jobs() {
            0 => "no job".to_owned(),
            some => count(some, "job", "jobs"),
        };
        let (agents, them, they_run) = match it.agents.len() {
            1 => ("1 agent is".to_owned(), "it", "It runs"),
            many => (format!("{many} agents are"), "them", "They run"),
        };
        let still = if is_revoked { " still" } else { "" };
        effects.push(format!("{agents}{still} connected with it: choose below what becomes of {them}."));
        effects.push(format!("{they_run} {jobs} at this moment."));
    }
    if !it.dagster_agents.is_empty() && !is_revoked {
        effects.push(match it.dagster_agents.len() {
            1 => "1 Dagster+ agent uses it and is refused at its next call, whatever you choose.".to_owned(),
            many => format!("{many} Dagster+ agents use it and are refused at their next call, whatever you choose."),
        });
    }
    effects
}

/// What can be chosen. Agents of a revoked token are kept already: of them one of the others is chosen, and none is before.
fn offered(it: &Situation, chosen: Option<Reach>) -> Vec<Choice> {
    match it.revoked_at {
        None => reaches(Some(chosen.unwrap_or_default())),
        Some(_) if it.agents.is_empty() => Vec::new(),
        Some(_) => reaches(chosen).into_iter().filter(|it| it.value != Reach::Keep.as_str()).collect(),
    }
}

fn page(
    visit: &Visit,
    token: &AgentToken,
    (it, revoked): (&Situation, Option<Revoked>),
    form: Option<&Posted>,
    faults: &Faults,
) -> Page {
    let path = |below| visit.token_path(token.token.id, below);
    let hosts = it.hosts();
    let more = hosts.len().saturating_sub(HOSTS);
    let said = form.map(|form| form.text("reason"));
    let reason = Field::new("reason", "Reason").required().first().faults(faults, "reason");
    let reason = match &revoked {
        None => reason
            .value(said.unwrap_or_default())
            .hint("Kept with the token and in the audit log, such as \"Left in a public log\"."),
        Some(revoked) => reason.value(said.unwrap_or(&revoked.reason)).hint(
            "The agents are told this reason, and it is kept in the audit log. The reason that the token was revoked for stays as it is.",
        ),
    };
    Page {
        frame: visit.token_frame(if revoked.is_some() { "Its agents" } else { "Revoke" }, token),
        action: path("/revoke"),
        back: path(""),
        token: title(token),
        revoked,
        problems: faults.beside(&["reason"]),
        effects: effects(it),
        more_hosts: if more > 0 { format!("and {}", count(more, "more", "more")) } else { String::new() },
        hosts: hosts.into_iter().take(HOSTS).map(str::to_owned).collect(),
        shown: it.digest(),
        reason,
        reaches: offered(it, form.and_then(|form| form.was_chosen(REACH))),
    }
}

async fn look(visit: &Visit, form: Option<&Posted>, faults: &Faults) -> std::result::Result<Page, Failure> {
    let token = visit.agent_token().await?;
    let grant = visit.may::<ViewAgentTokens>()?;
    let situation = visit.control().agent_token_situation(&grant, token.token.id).await?;
    let revoked = Revoked::of(visit, &token.token).await?;
    Ok(page(visit, &token, (&situation, revoked), form, faults))
}

/// Shows what will happen.
pub(crate) async fn show(visit: Visit) -> Answer {
    visit.may::<RevokeAgentToken>()?;
    frame::show(&look(&visit, None, &Faults::default()).await?)
}

/// Revokes the token, or has its agents leave, if what will happen is what was shown. Otherwise it is shown as it is by now.
pub(crate) async fn submit(visit: Visit, form: Posted) -> Answer {
    visit.may::<RevokeAgentToken>()?;
    let token = visit.agent_token().await?;
    match revoke(&visit, &token, &form).await {
        Ok(notice) => Ok(then(&visit.site, &visit.token_path(token.token.id, ""), notice)),
        Err(error) => {
            let faults = Faults::of(error)?;
            frame::again(&look(&visit, Some(&form), &faults).await?)
        }
    }
}

async fn revoke(visit: &Visit, token: &AgentToken, form: &Posted) -> Result<Notice> {
    let (control, was_revoked) = (visit.control(), token.token.revoked_at.is_some());
    let reach: Reach = form.chosen(REACH, LABEL)?;
    let notice = match reach {
        _ if !was_revoked => Notice::AgentTokenRevoked,
        Reach::Keep => return Err(not_offered(REACH, LABEL)),
        Reach::Drain => Notice::AgentsDrained,
        Reach::Disconnect => Notice::AgentsDisconnected,
    };
    let revocation = Revocation {
        token: TokenReference::Id(token.token.id),
        reason: form.text("reason").trim().to_owned(),
        connected_agents: reach,
        expected: Some(form.text("shown").to_owned()),
    };
    control.revoke_agent_token(&control.grant_own::<RevokeAgentToken>(&visit.caller)?, revocation).await?;
    Ok(notice)
}

#[cfg(test)]
mod tests {
    use countersign_control::agent_tokens::Using;
    use countersign_domain::Timestamp;
    use countersign_domain::id::{AgentId, JobId};

    use crate::naughty::{TEXTS, assert_inert};
    use crate::seen::Seen;
    use crate::theme::Theme;

    use super::*;

    fn agent(n: u8, job: Option<JobId>) -> Using {
        let agent: AgentId = format!("0192f3a1-7c3e-7b21-9f60-3a5c1e0d4b{n:02}").parse().expect("an id");
        Using { agent, name: "a".to_owned(), hostname: Some(format!("host-{n}")), job }
    }

    #[test]
    fn what_will_happen_is_said_in_sentences() {
        let job: JobId = "0192f3a1-7c3e-7b21-9f60-3a5c1e0d4b77".parse().expect("an id");
        let situation = Situation { agents: vec![agent(10, Some(job)), agent(11, None)], ..Situation::default() };
        assert_eq!(
            effects(&situation),
            [
                "No agent can register with it any more, from the moment that you confirm.",
                "2 agents are connected with it: choose below what becomes of them.",
                "They run 1 job at this moment.",
            ]
        );
        assert_eq!(situation.hosts(), ["host-10", "host-11"]);
        let one = Situation { agents: vec![agent(10, None)], ..Situation::default() };
        assert_eq!(
            effects(&one)[1..],
            ["1 agent is connected with it: choose below what becomes of it.", "It runs no job at this moment."]
        );
        let revoked = Situation { revoked_at: Some(Timestamp::EPOCH), ..one };
        assert_eq!(effects(&revoked)[0], "1 agent is still connected with it: choose below what becomes of it.");
    }

    #[test]
    fn agents_of_a_revoked_token_are_not_kept_by_a_choice() {
        let values = |it: &Situation, chosen| {
            let all = offered(it, chosen).into_iter().map(|it| (it.value, it.is_chosen));
            all.filter_map(|(value, is_chosen)| is_chosen.then_some(value)).collect::<Vec<_>>()
        };
        let one = Situation { agents: vec![agent(10, None)], ..Situation::default() };
        assert_eq!(values(&one, None), ["KEEP"]);
        assert_eq!(offered(&one, None).len(), 3);
        let revoked = Situation { revoked_at: Some(Timestamp::EPOCH), ..one };
        assert_eq!(values(&revoked, None), [""; 0]);
        assert_eq!(values(&revoked, Some(Reach::Drain)), ["DRAIN"]);
        assert_eq!(offered(&revoked, Some(Reach::Keep)).len(), 2);
        assert!(offered(&Situation { agents: Vec::new(), ..revoked }, None).is_empty());
    }

    #[test]
    fn whatever_a_host_is_called_stays_text() {
        let seen = Seen { is_safe: true, page: "/x".to_owned(), theme: Theme::System, notice: None };
        for text in TEXTS {
            let page = Page {
                frame: Frame::plain("Revoke", &seen),
                action: "/revoke".to_owned(),
                back: "/".to_owned(),
                token: (*text).to_owned(),
                revoked: Some(Revoked::sample(text)),
                problems: vec![(*text).to_owned()],
                effects: Vec::new(),
                hosts: vec![(*text).to_owned()],
                more_hosts: String::new(),
                shown: String::new(),
                reason: Field::new("reason", "Reason").value(*text),
                reaches: reaches(Some(Reach::Keep)),
            };
            assert_inert(&page.render().expect("a page"), text);
        }
    }
}
