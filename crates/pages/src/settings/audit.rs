//! The audit log: searched, in parts, with how far it is sealed.

mod actions;
mod detail;
mod row;
mod subjects;

use askama::Template;
use countersign_control::access::actions::ViewAudit;
use countersign_control::audit::{Extent, Verdict, Wanted};
use countersign_control::{PageRequest, Part};

use crate::form::Faults;
use crate::frame::{self, Answer, Frame};
use crate::parts::{Choice, Pager};
use crate::query::{Query, address};
use crate::visit::{Tab, Visit};
use crate::words::count;

use super::period::{Edge, Written};

pub(crate) use detail::Detail;
pub(crate) use row::{Row, fit};

/// Rows of one part.
const ROWS: u32 = 50;
/// The most bytes that the texts of the rows take in the page.
const ROOM: usize = 44_000;

#[derive(Template)]
#[template(path = "audit.html")]
struct Page {
    frame: Frame,
    path: String,
    search: String,
    actions: Vec<(&'static str, Vec<Choice>)>,
    /// Whether what agents, jobs and the server did is left out.
    people_only: bool,
    /// Both ends of the time of which the rows are.
    edges: [Edge; 2],
    /// What is wrong with nothing that can be written here.
    problems: Vec<String>,
    /// Whether no time is given; whether one is that is none.
    is_whole: bool,
    is_refused: bool,
    /// Where the rows of the time are as a file, or all.
    export: String,
    /// How much of the log is sealed, in a sentence.
    extent: String,
    /// What checking the chain said, where that was asked for.
    verdict: Option<String>,
    holds: bool,
    rows: Vec<Row>,
    pager: Pager,
}

/// A part of the log.
pub(crate) async fn show(visit: Visit, query: Query) -> Answer {
    list(&visit, &query, None).await
}

/// Reads the chain from its first row to its last: work for whoever asks for it by a form, and not for each link that is followed.
pub(crate) async fn check(visit: Visit) -> Answer {
    let verdict = visit.control().verify_audit(&visit.may::<ViewAudit>()?).await?.verdict;
    list(&visit, &Query::default(), Some(verdict)).await
}

/// How much of the log is sealed.
fn how_sealed(extent: &Extent) -> String {
    let number = |it: i64| usize::try_from(it).unwrap_or_default();
    let (sealed, open) = (number(extent.sealed), number(extent.unsealed));
    let all = count(sealed + open, "row", "rows");
    match (sealed, open) {
        (_, 0) => format!("{all}, all sealed."),
        (0, _) => format!("{all}, none sealed yet; sealing takes a few seconds."),
        (_, 1) => format!("{all}; the newest one is not sealed yet; sealing takes a few seconds."),
        (_, open) => format!("{all}; the newest {open} are not sealed yet; sealing takes a few seconds."),
    }
}

async fn list(visit: &Visit, query: &Query, verdict: Option<Verdict>) -> Answer {
    let (control, grant) = (visit.control(), visit.may::<ViewAudit>()?);
    let written = Written::of(query);
    let said = query.said("action").unwrap_or_default();
    let action = actions::known(said);
    let people_only = query.said("people") == Some("on");
    let text = query.said("search").unwrap_or_default().to_owned();
    let some = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
    let page = PageRequest { after: query.after(), limit: ROWS };
    let found = match written.period() {
        Ok(period) => {
            let wanted = Wanted { action: some(action), text: some(&text), people_only, period };
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
    let people = if people_only { "on" } else { "" };
    let said = [
        ("search", text.as_str()),
        ("action", action),
        ("people", people),
        ("from", written.from.as_str()),
        ("until", written.until.as_str()),
    ];
    let mut rows = subjects::rows(visit, &found.items).await?;
    fit(&mut rows, ROOM);
    let page = Page {
        frame: visit.settings(Tab::AuditLog, "Audit log"),
        actions: actions::choices(action),
        people_only,
        extent: how_sealed(&extent),
        holds: !matches!(verdict, Some(Verdict::Broken { .. })),
        verdict: verdict.map(|it| match it {
            Verdict::Holds => "The chain holds from its first row to its last.".to_owned(),
            Verdict::Broken { what, .. } => what,
        }),
        rows,
        pager: Pager::new(&path, &said, page.after.is_none(), last),
        export: address(&format!("{path}/export"), if faults.is_empty() { &said[3..] } else { &[] }),
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
    use crate::naughty::{HEAVY, TEXTS, assert_inert};
    use crate::seen::Seen;
    use crate::theme::Theme;

    use super::*;

    #[test]
    fn whatever_the_log_tells_stays_text() {
        let seen = Seen { is_safe: true, page: "/x".to_owned(), theme: Theme::System, notice: None };
        for text in TEXTS {
            let some = || (*text).to_owned();
            let page = Page {
                frame: Frame::plain("Audit log", &seen),
                path: "/x".to_owned(),
                search: some(),
                actions: Vec::new(),
                people_only: true,
                edges: [
                    Edge::new(text, &Faults::at("from", text), "from", "From"),
                    Edge::new(text, &Faults::default(), "until", "Until"),
                ],
                is_whole: false,
                is_refused: false,
                problems: Vec::new(),
                export: "/x".to_owned(),
                extent: how_sealed(&Extent { sealed: 1, unsealed: 1 }),
                verdict: Some(some()),
                holds: false,
                rows: vec![Row::sample(text)],
                pager: Pager::new("/", &[], true, None),
            };
            assert_inert(&page.render().expect("a page"), text);
        }
    }

    fn page(seen: &Seen, rows: Vec<Row>, pager: Pager) -> Page {
        let edge = |name, label| Edge::new("", &Faults::default(), name, label);
        Page {
            frame: Frame::plain("Audit log", seen),
            path: "/x".to_owned(),
            search: String::new(),
            actions: actions::choices(""),
            people_only: true,
            edges: [edge("from", "From"), edge("until", "Until")],
            is_whole: true,
            is_refused: false,
            problems: Vec::new(),
            export: "/x".to_owned(),
            extent: how_sealed(&Extent { sealed: 123_456, unsealed: 1 }),
            verdict: None,
            holds: true,
            rows,
            pager,
        }
    }

    #[test]
    fn a_part_in_which_nothing_was_found_leads_on() {
        let seen = Seen { is_safe: true, page: "/x".to_owned(), theme: Theme::System, notice: None };
        let said = |last: Option<String>| {
            let pager = Pager::new("/x", &[("search", "ada")], true, last);
            let page = Page { search: "ada".to_owned(), actions: Vec::new(), ..page(&seen, Vec::new(), pager) };
            page.render().expect("a page")
        };
        let html = said(Some("1".to_owned()));
        assert!(html.contains("that were looked at matches.") && html.contains(r#"rel="next""#), "{html}");
        assert!(said(None).contains("No rows match."));
    }

    #[test]
    fn a_page_of_the_log_is_small() {
        let seen = Seen { is_safe: true, page: "/x".to_owned(), theme: Theme::System, notice: None };
        for text in HEAVY {
            let some = || text.repeat(1_000);
            let row = Row {
                credential: "4f9Kd0aZ81b".to_owned(),
                action: "agent_token.rotation_finished".to_owned(),
                kind: "agent token".to_owned(),
                href: Some("/organizations/acme/settings/tokens/00000000-0000-7000-8000-000000000000".to_owned()),
                ip: "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff".to_owned(),
                ..Row::sample(&some())
            };
            let mut rows = vec![row; ROWS as usize];
            fit(&mut rows, ROOM);
            let page = page(&seen, rows, Pager::new("/x", &[], true, None));
            let size = page.render().expect("a page").len();
            assert!(size < 95_000, "{size} bytes of {text}");
        }
    }
}
