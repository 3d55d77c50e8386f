//! Revoking an agent token. What will happen is shown first; when it has changed by the time that it is confirmed, it is shown again.

use askama::Template;
use countersign_control::Result;
use countersign_control::access::actions::{RevokeAgentToken, ViewAgentTokens};
use countersign_control::agent_tokens::{AgentToken, Revocation, Situation, TokenReference};
use countersign_control::agents::Reach;

use crate::failure::Failure;
use crate::form::{Faults, Posted};
use crate::frame::{self, Answer, Frame};
use crate::notice::{Notice, then};
use crate::parts::{Choice, Field};
use crate::visit::Visit;
use crate::words::count;

use super::permit::{reach, reaches};
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
    problems: Vec<String>,
    /// What hangs on the token, in sentences.
    effects: Vec<String>,
    hosts: Vec<String>,
    more_hosts: String,
    /// What was shown, so that it is known when it has changed.
    shown: String,
    reason: Field,
    reaches: Vec<Choice>,
}

fn effects(it: &Situation) -> Vec<String> {
    let mut effects = vec!["No agent can register with it any more, from the moment that you confirm.".to_owned()];
    if it.agents.is_empty() {
        effects.push("No agent is connected with it.".to_owned());
    } else {
        let jobs = count(it.jobs(), "job", "jobs");
        let (agents, them, they_run) = match it.agents.len() {
            1 => ("1 agent is".to_owned(), "it", "It runs"),
            many => (format!("{many} agents are"), "them", "They run"),
        };
        effects.push(format!("{agents} connected with it: choose below what becomes of {them}."));
        effects.push(format!("{they_run} {jobs} at this moment."));
    }
    if !it.dagster_agents.is_empty() {
        effects.push(format!(
            "{} with it. They show the token itself with each call, so they are refused at the next one whatever you choose.",
            if it.dagster_agents.len() == 1 {
                "1 Dagster+ agent runs".to_owned()
            } else {
                format!("{} Dagster+ agents run", it.dagster_agents.len())
            }
        ));
    }
    effects
}

fn page(visit: &Visit, token: &AgentToken, it: &Situation, form: (&str, Reach), faults: &Faults) -> Page {
    let path = |below| visit.token_path(token.token.id, below);
    let hosts = it.hosts();
    let more = hosts.len().saturating_sub(HOSTS);
    Page {
        frame: visit.token_frame("Revoke", token),
        action: path("/revoke"),
        back: path(""),
        token: title(token),
        problems: faults.beside(&["reason"]),
        effects: effects(it),
        more_hosts: if more > 0 { format!("and {}", count(more, "more", "more")) } else { String::new() },
        hosts: hosts.into_iter().take(HOSTS).map(str::to_owned).collect(),
        shown: it.digest(),
        reason: Field::new("reason", "Reason")
            .value(form.0)
            .hint("Kept with the token and in the audit log, such as \"Left in a public log\".")
            .required()
            .first()
            .faults(faults, "reason"),
        reaches: reaches(form.1),
    }
}

/// Shows what will happen.
pub(crate) async fn show(visit: Visit) -> Answer {
    visit.may::<RevokeAgentToken>()?;
    let (token, situation) = look(&visit).await?;
    frame::show(&page(&visit, &token, &situation, ("", Reach::Keep), &Faults::default()))
}

async fn look(visit: &Visit) -> std::result::Result<(AgentToken, Situation), Failure> {
    let token = visit.agent_token().await?;
    let grant = visit.may::<ViewAgentTokens>()?;
    let situation = visit.control().agent_token_situation(&grant, token.token.id).await?;
    Ok((token, situation))
}

/// Revokes the token, if what will happen is what was shown. Otherwise it is shown as it is by now.
pub(crate) async fn submit(visit: Visit, form: Posted) -> Answer {
    visit.may::<RevokeAgentToken>()?;
    let token = visit.agent_token().await?;
    match revoke(&visit, &token, &form).await {
        Ok(()) => Ok(then(&visit.site, &visit.token_path(token.token.id, ""), Notice::Revoked)),
        Err(error) => {
            let faults = Faults::of(error)?;
            let (token, situation) = look(&visit).await?;
            frame::again(&page(&visit, &token, &situation, (form.text("reason"), reach(&form)), &faults))
        }
    }
}

async fn revoke(visit: &Visit, token: &AgentToken, form: &Posted) -> Result<()> {
    let control = visit.control();
    let revocation = Revocation {
        token: TokenReference::Id(token.token.id),
        reason: form.text("reason").trim().to_owned(),
        connected_agents: reach(form),
        expected: Some(form.text("shown").to_owned()),
    };
    control.revoke_agent_token(&control.grant_own::<RevokeAgentToken>(&visit.caller)?, revocation).await.map(drop)
}

#[cfg(test)]
mod tests {
    use countersign_control::agent_tokens::Using;
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
        let situation = Situation { agents: vec![agent(10, Some(job)), agent(11, None)], dagster_agents: Vec::new() };
        assert_eq!(
            effects(&situation),
            [
                "No agent can register with it any more, from the moment that you confirm.",
                "2 agents are connected with it: choose below what becomes of them.",
                "They run 1 job at this moment.",
            ]
        );
        assert_eq!(situation.hosts(), ["host-10", "host-11"]);
        let one = Situation { agents: vec![agent(10, None)], dagster_agents: Vec::new() };
        assert_eq!(
            effects(&one)[1..],
            ["1 agent is connected with it: choose below what becomes of it.", "It runs 0 jobs at this moment."]
        );
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
                problems: vec![(*text).to_owned()],
                effects: Vec::new(),
                hosts: vec![(*text).to_owned()],
                more_hosts: String::new(),
                shown: String::new(),
                reason: Field::new("reason", "Reason").value(*text),
                reaches: reaches(Reach::Keep),
            };
            assert_inert(&page.render().expect("a page"), text);
        }
    }
}
