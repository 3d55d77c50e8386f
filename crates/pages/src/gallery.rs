//! Every component on one page, to look at and to try while one works on it. Development alone has it: no release serves these addresses.

use askama::Template;
use axum::Router;
use axum::extract::Extension;
use axum::middleware::from_fn_with_state;
use axum::routing::get;
use countersign_control::Control;
use countersign_control::jobs::LogLines;
use countersign_domain::Timestamp;
use countersign_domain::build::JobState;

use crate::around;
use crate::builds::{artifacts, graph, log, pairs, waterfall};
use crate::chart::Columns;
use crate::form::Faults;
use crate::frame::{self, Answer, Frame, Link};
use crate::overview;
use crate::parts::{Choice, Field, Pager, Secret, When};
use crate::permissions::{Permissions, Tick};
use crate::seen::Seen;
use crate::settings::{audit, roles};
use crate::sign_in::ways;
use crate::site::Site;
use crate::tokens;

const COMPONENTS: &str = "/dev/components";
const DIALOG: &str = "/dev/components/dialog";

/// The routes that only development has, to stand beside those of [`crate::router`]; none of a release.
pub fn development(control: Control, is_development: bool) -> Router {
    if !is_development {
        return Router::new();
    }
    let site = Site::new(control);
    Router::new()
        .route(COMPONENTS, get(show))
        .route(DIALOG, get(show_dialog))
        .layer(from_fn_with_state(site.clone(), around::around))
        .with_state(site)
}

/// When everything here happened.
const NOON: Timestamp = Timestamp::from_micros(1_767_355_200_000_000);

#[derive(Template)]
#[template(path = "dev/components.html")]
struct Page {
    frame: Frame,
    /// A button and a badge for each.
    states: [(&'static str, &'static str); 5],
    /// How far back moments lie.
    moments: Vec<When>,
    problems: Vec<String>,
    fields: Vec<Field>,
    policies: Vec<Choice>,
    kinds: Vec<Link>,
    secret: Secret<'static>,
    start: tokens::one::Start<'static>,
    pager: Pager,
    columns: Columns,
    waits: overview::Bars,
    graph: graph::Picture,
    waterfall: waterfall::Waterfall,
    log: log::Log,
    artifacts: Vec<artifacts::Row>,
    rows: Vec<audit::Row>,
    pairs: pairs::Pairs,
    roles: roles::Roles,
    ways: ways::Ways,
    dialog: &'static str,
}

#[derive(Template)]
#[template(path = "dev/dialog.html")]
struct Dialog {
    frame: Frame,
    back: &'static str,
    permissions: Permissions,
}

/// Fields of each sort; of those that are wrong the first has the focus.
fn fields() -> Vec<Field> {
    let faults = Faults::some(&[("email", "is not an address"), ("reason", "is too long; at most 500 characters")]);
    vec![
        Field::new("plain", "A line of text").value("as it was written"),
        Field::new("hinted", "With a hint").hint("What to write, and what becomes of it.").required(),
        Field::new("until", "A moment (UTC)").kind("datetime-local"),
        Field::new("secret", "A password").kind("password").complete("new-password").required(),
        Field::new("email", "What is wrong").kind("email").value("ada at acme").required().faults(&faults, "email"),
        Field::new("reason", "Several lines").long().value("One\nTwo").hint("A hint.").faults(&faults, "reason"),
    ]
}

fn moments() -> Vec<When> {
    let back = [5, 90, 7_200, 259_200, 31_536_000].map(std::time::Duration::from_secs);
    let mut moments: Vec<When> = back.into_iter().map(|back| When::ago(NOON.minus(back), NOON)).collect();
    moments.push(When::ago(NOON.plus(std::time::Duration::from_secs(1_000_000)), NOON));
    moments.push(When::new(NOON));
    moments
}

/// The page.
fn page(seen: &Seen) -> Page {
    let counts = (0..24).map(|hour| (format!("{hour:02}:00"), (hour * 7) % 13)).collect();
    Page {
        frame: Frame::plain("Components", seen),
        states: [
            ("good", "Passed"),
            ("active", "Running"),
            ("warning", "Waits for a person"),
            ("bad", "Failed"),
            ("ended", "Canceled"),
        ],
        moments: moments(),
        problems: vec!["What is wrong with no field stands here.".to_owned()],
        fields: fields(),
        policies: vec![Choice::new("window", "For 10 minutes", true), Choice::new("never", "Never", false)],
        kinds: vec![Link::new("Agent tokens", COMPONENTS).current(true), Link::new("User tokens", COMPONENTS)],
        secret: Secret::of_token("csnat_0000000000_this-value-opens-nothing"),
        start: tokens::one::Start::sample(),
        pager: Pager { first: Some(COMPONENTS.to_owned()), next: Some(COMPONENTS.to_owned()) },
        columns: Columns::new("Agents connected", ["Time", "Agents"], counts),
        waits: overview::Bars::sample(),
        graph: graph::Picture::sample(),
        waterfall: waterfall::Waterfall::sample(),
        log: written(),
        artifacts: vec![file("reports/unit.xml", "Uploaded", "good"), file("reports/later.xml", "Uploading", "active")],
        rows: vec![event()],
        pairs: pairs(),
        roles: roles::Roles::sample(&When::new(NOON)),
        ways: ways::Ways::sample(COMPONENTS),
        dialog: DIALOG,
    }
}

/// A log with groups and colours.
fn written() -> log::Log {
    let text =
        "--- Getting ready\n\u{1b}[32mready\u{1b}[0m\n+++ Tests\n\u{1b}[1;31merror\u{1b}[0m: the gate is open\nplain";
    let mut part = LogLines {
        first: 1,
        lines: text.lines().map(|line| line.as_bytes().to_vec()).collect(),
        before: Vec::new(),
        ended: 5,
        reaches_end: true,
        state: JobState::Running,
    };
    log::Log::of(&mut part, log::Keep::First, false)
}

fn file(path: &str, state: &'static str, state_class: &'static str) -> artifacts::Row {
    artifacts::Row {
        path: path.to_owned(),
        href: (state_class == "good").then(|| COMPONENTS.to_owned()),
        is_elsewhere: false,
        size: "1.2 KiB".to_owned(),
        state,
        state_class,
        job: Link::new("Unit", COMPONENTS),
        is_job_named: true,
        uploaded: (state_class == "good").then(|| When::new(NOON)),
    }
}

fn pairs() -> pairs::Pairs {
    let shown = vec![("RUST_LOG".to_owned(), Some("info".to_owned())), ("DEPLOY_TOKEN".to_owned(), None)];
    pairs::Pairs { shown, more: 0 }
}

fn event() -> audit::Row {
    audit::Row {
        at: When::exactly(NOON),
        actor: "ada@example.com".into(),
        credential: "0000000000".to_owned(),
        action: "agent_token.revoked".to_owned(),
        kind: "agent token".to_owned(),
        subject: "4f9Kd0aZ81b".into(),
        described: "Build farm in Oslo".into(),
        href: Some(COMPONENTS.to_owned()),
        ip: "192.0.2.7".to_owned(),
        detail: audit::Detail::of(&format!(r#"{{"reason":"Left in a public log{}"}}"#, ", and read".repeat(20))),
        is_late: true,
    }
}

fn dialog(seen: &Seen) -> Dialog {
    let tick =
        |name: &str, is_branch, is_ticked| Tick { id: name.to_owned(), name: name.to_owned(), is_branch, is_ticked };
    Dialog {
        frame: Frame::plain("Permissions", seen),
        back: COMPONENTS,
        permissions: Permissions {
            is_org_agent: false,
            may_be_org_agent: true,
            may_be_all_branches: true,
            all_branches: true,
            deployments: vec![tick("production", false, true), tick("a-branch", true, false)],
            others: None,
            queues: Field::new("queues", "Queues").long(),
            networks: Field::new("networks", "Networks").long(),
            wrong: Some("The permissions name a deployment that is gone.".to_owned()),
        },
    }
}

async fn show(Extension(seen): Extension<Seen>) -> Answer {
    frame::show(&page(&seen))
}

async fn show_dialog(Extension(seen): Extension<Seen>) -> Answer {
    frame::show(&dialog(&seen))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use crate::theme::Theme;

    use super::*;

    /// A part that is made without being included is known by something of its own.
    const MADE: [(&str, &str); 13] = [
        ("columns.html", "class=\"columns\""),
        ("field.html", "class=\"field is-wrong\""),
        ("graph.html", "class=\"graph\""),
        ("log.html", "class=\"lines\""),
        ("passkey.html", "data-passkey=\"get\""),
        ("roles.html", "id=\"roles\""),
        ("ways.html", "Sign in with id.example"),
        ("pager.html", "class=\"pager\""),
        ("secret.html", "data-secret"),
        ("start.html", "class=\"start\""),
        ("waits.html", "class=\"waits\""),
        ("waterfall.html", "class=\"waterfall\""),
        ("when.html", "<time"),
    ];

    #[test]
    fn every_component_is_shown() {
        let seen = Seen { is_safe: true, page: "/x".to_owned(), theme: Theme::System, notice: None };
        let shown =
            format!("{}{}", page(&seen).render().expect("the page"), dialog(&seen).render().expect("the dialog"));
        let sources = [include_str!("../templates/dev/components.html"), include_str!("../templates/dev/dialog.html")];
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("templates/parts");
        let mut count = 0;
        for entry in std::fs::read_dir(folder).expect("there are parts") {
            let name = entry.expect("a part").file_name().into_string().expect("a name");
            let is_included = sources.iter().any(|source| source.contains(&format!("parts/{name}")));
            let is_made = MADE.iter().any(|(of, mark)| *of == name && shown.contains(mark));
            assert!(is_included || is_made, "/dev/components does not show parts/{name}");
            count += 1;
        }
        assert!(count > 12, "only {count} parts were found");
        for class in ["notice", "problem", "empty", "effects", "numbers", "facts", "button primary", "button danger"] {
            assert!(shown.contains(&format!("class=\"{class}\"")), "{class}");
        }
    }
}
