//! The audit log: searched, in parts, with how far it is sealed.

use askama::Template;
use countersign_control::access::actions::ViewAudit;
use countersign_control::audit::{Event, Verdict, Wanted};
use countersign_control::{PageRequest, Part};

use crate::form::Faults;
use crate::frame::{self, Answer, Frame};
use crate::parts::{Choice, Pager, When};
use crate::query::{Query, address};
use crate::visit::{Tab, Visit};

use super::period::{Edge, Written};

/// Rows of one part.
const ROWS: u32 = 50;
/// The most characters of a detail that a row shows; the whole is in an export.
const DETAIL: usize = 400;

#[derive(Template)]
#[template(path = "audit.html")]
struct Page {
    frame: Frame,
    path: String,
    search: String,
    actions: Vec<Choice>,
    /// Both ends of the time of which the rows are.
    edges: [Edge; 2],
    /// What is wrong with nothing that can be written here.
    problems: Vec<String>,
    /// Whether no time is given; whether one is that is none.
    is_whole: bool,
    is_refused: bool,
    /// Where the rows of the time are as a file, or all.
    export: String,
    sealed: i64,
    unsealed: i64,
    /// What checking the chain said, where that was asked for.
    verdict: Option<String>,
    holds: bool,
    rows: Vec<Row>,
    pager: Pager,
}

/// An event as a row of a table.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    pub at: When,
    pub actor: String,
    pub credential: String,
    pub action: String,
    pub subject: String,
    pub ip: String,
    pub detail: String,
    pub is_sealed: bool,
}

impl Row {
    pub(crate) fn new(it: &Event) -> Self {
        let detail = if it.detail == "{}" { "" } else { it.detail.as_str() };
        Self {
            at: When::new(it.occurred_at),
            actor: if it.actor_name.is_empty() { it.actor_kind.clone() } else { it.actor_name.clone() },
            credential: it.credential.clone().unwrap_or_default(),
            action: it.action.clone(),
            subject: format!("{} {}", it.subject_kind.replace('_', " "), it.subject_name),
            ip: it.ip.clone().unwrap_or_default(),
            detail: shortened(detail),
            is_sealed: it.sealed.is_some(),
        }
    }
}

fn shortened(text: &str) -> String {
    let start: String = text.chars().take(DETAIL).collect();
    if start.len() < text.len() { format!("{start}…") } else { start }
}

/// What can be chosen, as actions begin.
const ACTIONS: [(&str, &str); 11] = [
    ("", "Everything"),
    ("agent_token.", "Agent tokens"),
    ("user_token.", "User tokens"),
    ("member.", "Members"),
    ("invitation.", "Invitations"),
    // Sign-ins, and the links by which there are some.
    ("sign_in", "Signing in, and links for it"),
    ("password.", "Passwords"),
    ("team.", "Teams"),
    ("deployment", "Deployments"),
    ("agent.", "Agents"),
    ("build.", "Builds"),
];

/// A part of the log.
pub(crate) async fn show(visit: Visit, query: Query) -> Answer {
    list(&visit, &query, None).await
}

/// Reads the chain from its first row to its last: work for whoever asks for it by a form, and not for each link that is followed.
pub(crate) async fn check(visit: Visit) -> Answer {
    let verdict = visit.control().verify_audit(&visit.may::<ViewAudit>()?).await?.verdict;
    list(&visit, &Query::default(), Some(verdict)).await
}

async fn list(visit: &Visit, query: &Query, verdict: Option<Verdict>) -> Answer {
    let (control, grant) = (visit.control(), visit.may::<ViewAudit>()?);
    let written = Written::of(query);
    let said = query.said("action").unwrap_or_default();
    let action = ACTIONS.iter().find(|(of, _)| *of == said).map_or("", |(of, _)| *of);
    let text = query.said("search").unwrap_or_default().to_owned();
    let some = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
    let page = PageRequest { after: query.after(), limit: ROWS };
    let found = match written.period() {
        Ok(period) => {
            let wanted = Wanted { action: some(action), text: some(&text), period };
            control.search_audit_events(&grant, wanted, page).await
        }
        Err(error) => Err(error),
    };
    // Of a time that is none nothing is shown but what is wrong with it.
    let (found, faults) = match found {
        Ok(found) => (found, Faults::default()),
        Err(error) => (Part { items: Vec::new(), next: None }, Faults::of(error)?),
    };
    let extent = control.audit_extent(&grant).await?;
    let path = visit.path("/settings/audit-log");
    let last = found.next.map(|it| it.to_string());
    let said = [
        ("search", text.as_str()),
        ("action", action),
        ("from", written.from.as_str()),
        ("until", written.until.as_str()),
    ];
    let page = Page {
        frame: visit.settings(Tab::AuditLog, "Audit log"),
        actions: ACTIONS.into_iter().map(|(word, words)| Choice::new(word, words, word == action)).collect(),
        sealed: extent.sealed,
        unsealed: extent.unsealed,
        holds: !matches!(verdict, Some(Verdict::Broken { .. })),
        verdict: verdict.map(|it| match it {
            Verdict::Holds => "The chain holds from its first row to its last.".to_owned(),
            Verdict::Broken { what, .. } => what,
        }),
        rows: found.items.iter().map(Row::new).collect(),
        pager: Pager::new(&path, &said, page.after.is_none(), last),
        export: address(&format!("{path}/export"), if faults.is_empty() { &said[2..] } else { &[] }),
        is_whole: written.from.is_empty() && written.until.is_empty(),
        is_refused: !faults.is_empty(),
        edges: [
            Edge::new(&written.from, &faults, "from", "From"),
            Edge::new(&written.until, &faults, "until", "Until"),
        ],
        problems: faults.beside(&["from", "until"]),
        path,
        search: text,
    };
    if faults.is_empty() { frame::show(&page) } else { frame::again(&page) }
}

#[cfg(test)]
mod tests {
    use countersign_domain::Timestamp;

    use crate::naughty::{TEXTS, assert_inert};
    use crate::seen::Seen;
    use crate::theme::Theme;

    use super::*;

    #[test]
    fn what_hands_somebody_an_account_can_be_chosen() {
        for action in
            ["sign_in.started", "sign_in_link.issued", "sign_in_link.used", "password.set", "password.changed"]
        {
            let chosen = ACTIONS.iter().filter(|(of, _)| !of.is_empty() && action.starts_with(of));
            assert_eq!(chosen.count(), 1, "{action}");
        }
    }

    #[test]
    fn whatever_the_log_tells_stays_text() {
        let seen = Seen { is_safe: true, page: "/x".to_owned(), theme: Theme::System, notice: None };
        for text in TEXTS {
            let some = || (*text).to_owned();
            let row = Row {
                at: When::new(Timestamp::EPOCH),
                actor: some(),
                credential: some(),
                action: some(),
                subject: some(),
                ip: some(),
                detail: some(),
                is_sealed: false,
            };
            let page = Page {
                frame: Frame::plain("Audit log", &seen),
                path: "/x".to_owned(),
                search: some(),
                actions: Vec::new(),
                edges: [
                    Edge::new(text, &Faults::at("from", text), "from", "From"),
                    Edge::new(text, &Faults::default(), "until", "Until"),
                ],
                is_whole: false,
                is_refused: false,
                problems: Vec::new(),
                export: "/x".to_owned(),
                sealed: 1,
                unsealed: 1,
                verdict: Some(some()),
                holds: false,
                rows: vec![row],
                pager: Pager::new("/", &[], true, None),
            };
            assert_inert(&page.render().expect("a page"), text);
        }
    }

    #[test]
    fn a_part_in_which_nothing_was_found_leads_on() {
        let seen = Seen { is_safe: true, page: "/x".to_owned(), theme: Theme::System, notice: None };
        let said = |last: Option<String>| {
            let page = Page {
                frame: Frame::plain("Audit log", &seen),
                path: "/x".to_owned(),
                search: "ada".to_owned(),
                actions: Vec::new(),
                edges: [
                    Edge::new("", &Faults::default(), "from", "From"),
                    Edge::new("", &Faults::default(), "until", "Until"),
                ],
                is_whole: true,
                is_refused: false,
                problems: Vec::new(),
                export: "/x".to_owned(),
                sealed: 1,
                unsealed: 1,
                verdict: None,
                holds: true,
                rows: Vec::new(),
                pager: Pager::new("/x", &[("search", "ada")], true, last),
            };
            page.render().expect("a page")
        };
        let html = said(Some("1".to_owned()));
        assert!(html.contains("that were looked at fits.") && html.contains(r#"rel="next""#), "{html}");
        assert!(said(None).contains("Nothing fits."));
    }

    #[test]
    fn a_long_detail_is_cut() {
        assert_eq!(shortened("short"), "short");
        assert_eq!(shortened(&"ä".repeat(DETAIL + 1)).chars().count(), DETAIL + 1);
    }
}
