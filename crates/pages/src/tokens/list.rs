//! The list of agent tokens: searched, filtered, in parts.

use askama::Template;
use countersign_control::PageRequest;
use countersign_control::access::actions::{CreateAgentToken, RevealAgentToken, UpdateAgentToken, ViewAgentTokens};
use countersign_control::agent_tokens::{Found, Search, Selection};
use countersign_control::revealing;
use countersign_domain::Timestamp;

use crate::brief::Brief;
use crate::frame::{self, Answer, Frame, Link};
use crate::parts::{Choice, Pager, When};
use crate::query::Query;
use crate::visit::{Tab, Visit};
use crate::words::{self, Names, State};

use super::title;

/// Rows of one part.
const ROWS: u32 = 50;
/// The most bytes of what a row says of a token's permissions; all of them are on its page.
const PERMISSIONS: usize = 240;

#[derive(Template)]
#[template(path = "tokens.html")]
struct Page {
    frame: Frame,
    kinds: Vec<Link>,
    /// Where tokens are created, for whoever may.
    create: Option<String>,
    path: String,
    search: String,
    selections: Vec<Choice>,
    rows: Vec<Row>,
    /// Whether everything is shown that there is.
    is_everything: bool,
    pager: Pager,
}

/// A token in a list.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    pub href: String,
    pub description: Brief,
    pub public_id: String,
    pub permissions: Brief,
    pub creator: Brief,
    pub created: When,
    pub last_used: Option<When>,
    pub last_used_ip: String,
    pub agents: i64,
    pub expires: Option<When>,
    pub state: &'static str,
    pub state_class: &'static str,
    /// Where its value is asked for, while it can be.
    pub reveal: Option<String>,
    /// Where its description is edited, for whoever may.
    pub describe: Option<String>,
    /// Where its permissions are edited, for whoever may.
    pub edit: Option<String>,
}

impl Row {
    pub(crate) fn new(visit: &Visit, it: &Found, names: &Names, now: Timestamp) -> Self {
        let token = &it.token.token;
        let state = State::of(token, now);
        let may_change = state != State::Revoked && visit.can::<UpdateAgentToken>();
        let may_reveal = revealing::is_open(token, now) && visit.can::<RevealAgentToken>();
        let path = |below| visit.token_path(token.id, below);
        Self {
            href: path(""),
            description: title(&it.token).into(),
            public_id: token.public_id.to_string(),
            permissions: Brief::within(&words::permissions(&it.token.scope, names), PERMISSIONS),
            creator: match &it.creator {
                Some(it) => Brief::of_person(&it.name, &it.email, it.is_service),
                None => "the operator".into(),
            },
            created: When::day(token.created_at),
            last_used: token.last_used_at.map(|at| When::ago(at, now)),
            last_used_ip: token.last_used_ip.clone().unwrap_or_default(),
            agents: it.agents.saturating_add(it.dagster_agents),
            expires: token.expires_at.map(|at| When::ago(at, now)),
            state: state.words(),
            state_class: state.class(),
            reveal: may_reveal.then(|| path("/reveal")),
            describe: may_change.then(|| path("/edit")),
            edit: may_change.then(|| path("/permissions")),
        }
    }
}

/// The word of each selection in an address, and for people.
static SELECTIONS: [(Selection, &str, &str); 5] = [
    (Selection::Live, "", "Active"),
    (Selection::Expiring, "expiring", "Expiring within 30 days"),
    (Selection::Unused, "unused", "Unused for 30 days"),
    (Selection::Revoked, "revoked", "Revoked"),
    (Selection::All, "all", "All"),
];

/// A part of the list.
pub(crate) async fn show(visit: Visit, query: Query) -> Answer {
    let grant = visit.may::<ViewAgentTokens>()?;
    let (control, word) = (visit.control(), query.said("filter").unwrap_or_default());
    let selected = SELECTIONS.iter().find(|(_, of, _)| *of == word);
    let (selection, word, _) = *selected.unwrap_or(&SELECTIONS[0]);
    let text = query.said("search").unwrap_or_default().to_owned();
    let after = query.after();
    let search = Search { selection, text: Some(text.clone()).filter(|text| !text.is_empty()) };
    let found = control.search_agent_tokens(&grant, search, PageRequest { after, limit: ROWS }).await?;

    let names = words::names(&visit.deployments().await?);
    let now = control.now();
    let path = visit.path("/settings/tokens");
    let last = found.next.map(|it| it.to_string());
    let pager = Pager::new(&path, &[("search", text.as_str()), ("filter", word)], after.is_none(), last);
    let choices = SELECTIONS.iter().map(|(it, word, words)| Choice::new(*word, *words, *it == selection));
    frame::show(&Page {
        frame: visit.settings(Tab::AgentTokens, "Agent tokens"),
        kinds: visit.kinds(Tab::AgentTokens),
        create: visit.can::<CreateAgentToken>().then(|| visit.path("/settings/tokens/new")),
        path,
        is_everything: text.is_empty() && selection == Selection::Live && after.is_none(),
        search: text,
        selections: choices.collect(),
        rows: found.items.iter().map(|it| Row::new(&visit, it, &names, now)).collect(),
        pager,
    })
}

#[cfg(test)]
mod tests {
    use crate::naughty::{HEAVY, TEXTS, assert_inert};
    use crate::seen::Seen;
    use crate::theme::Theme;
    use crate::weight;

    use super::*;

    fn page(text: &str) -> Page {
        let at = When::new(Timestamp::EPOCH);
        let row = Row {
            href: "/organizations/acme/settings/tokens/1".to_owned(),
            description: text.into(),
            public_id: "4f9Kd0aZ81b".to_owned(),
            permissions: Brief::within(text, PERMISSIONS),
            creator: Brief::of_person(text, text, false),
            created: at.clone(),
            last_used: Some(at.clone()),
            last_used_ip: text.to_owned(),
            agents: 3,
            expires: Some(at),
            state: "Active",
            state_class: "good",
            reveal: Some("/reveal".to_owned()),
            describe: Some("/edit".to_owned()),
            edit: Some("/permissions".to_owned()),
        };
        let seen = Seen { is_safe: true, page: "/x".to_owned(), theme: Theme::System, notice: None };
        Page {
            frame: Frame::plain(text, &seen),
            kinds: Vec::new(),
            create: None,
            path: "/organizations/acme/settings/tokens".to_owned(),
            search: text.to_owned(),
            selections: Vec::new(),
            rows: vec![row],
            is_everything: false,
            pager: Pager::new("/", &[], true, None),
        }
    }

    #[test]
    fn whatever_a_token_is_called_stays_text() {
        for text in TEXTS {
            assert_inert(&page(text).render().expect("a page"), text);
        }
    }

    #[test]
    fn a_page_of_the_list_is_small() {
        for text in HEAVY {
            let mut page = page(&text.repeat(1_000));
            let row = Row { last_used_ip: "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff".to_owned(), ..page.rows[0].clone() };
            page.rows = vec![row; ROWS as usize];
            let (size, of_search) = (page.render().expect("a page").len(), weight::of(&page.search));
            assert!(size - 3 * of_search < 100_000, "{size} bytes of {text}");
        }
    }

    #[test]
    fn a_part_in_which_nothing_was_found_leads_on() {
        let mut page = page("runners");
        page.rows.clear();
        page.pager = Pager::new("/x", &[("search", "runners")], true, Some("1".to_owned()));
        let html = page.render().expect("a page");
        assert!(
            html.contains("None of those that were looked at matches.") && html.contains(r#"rel="next""#),
            "{html}"
        );
        page.pager = Pager::new("/x", &[("search", "runners")], true, None);
        assert!(page.render().expect("a page").contains("No tokens match."));
    }

    #[test]
    fn an_empty_list_says_what_to_do() {
        let mut page = page("Agent tokens");
        page.rows.clear();
        page.is_everything = true;
        page.create = Some("/organizations/acme/settings/tokens/new".to_owned());
        let html = page.render().expect("a page");
        assert!(html.contains("No agent token yet") && html.contains("+ Create agent token"), "{html}");
    }
}
