//! Every form by every role: what is offered does what it is for, and what is not offered is refused and changes nothing.
//!
//! What is offered is read from the pages: somebody begins at the start page and follows every link. So a control that is shown and then
//! refused is found out here, one that is hidden though its operation would be let, and a page that opens to whom no way leads there.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use countersign_control::access::actions::ViewOrganization;
use countersign_testkit::{Engine, Member, table};
use tokio::runtime::Builder;

use super::browser::{Call, PASSWORD, Server, asked};
use super::offered::Offered;
use super::targets::{By, Form, Targets};

/// Whom a form is tried by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Who {
    OrganizationAdmin,
    Member(Member),
}

impl Who {
    fn all() -> Vec<Self> {
        [Self::OrganizationAdmin].into_iter().chain(Member::ALL.map(Self::Member)).collect()
    }

    const fn name(self) -> &'static str {
        match self {
            Self::OrganizationAdmin => "organization admin",
            Self::Member(it) => it.name(),
        }
    }
}

/// What somebody met.
#[derive(Default)]
struct Met {
    /// By form, the word for the table.
    forms: BTreeMap<String, String>,
    wrong: Vec<String>,
}

/// A form is one's own or anyone's: roles have nothing to do with it. And one that stands on its page only after others were sent; `narrow`
/// has the same of what was given before.
fn is_of_roles(form: &Form) -> bool {
    form.by == By::Member && !form.route.ends_with("/deployments/{id}/roles/take")
}

async fn met(who: Who) -> Met {
    let server = Server::on(Engine::Sqlite).await;
    let world = &server.world;
    world.members_look_on().await;
    let targets = Box::pin(Targets::of(&server)).await;
    let narrow = Box::pin(Targets::narrow(&server, &targets.ada)).await;
    let forms: Vec<Form> = targets.forms.into_iter().filter(is_of_roles).chain(narrow).collect();
    let all = world.control.deployments(&world.admin::<ViewOrganization>()).await.expect("deployments");
    let elsewhere = all.iter().find(|it| it.name == Targets::ELSEWHERE).expect("it was made").id;
    let shown: Vec<_> = all.iter().filter(|it| it.parent.is_none() && it.id != elsewhere).map(|it| it.id).collect();
    let (cookie, own) = match who {
        Who::OrganizationAdmin => (targets.ada.clone(), None),
        Who::Member(it) => {
            let own = world.joins(it, &shown, elsewhere).await;
            (server.links_in(&it.email(), PASSWORD).await, Some(own.to_string()))
        }
    };
    let of_admin = Offered::to(&server, &targets.ada).await;
    let offered = Offered::to(&server, &cookie).await;
    let mut met = Met::default();
    met.looks(&server, &cookie, &offered, &of_admin).await;
    met.sends(&server, &cookie, &offered, &forms).await;
    met.sends_others(&server, &offered, &forms, own.as_deref()).await;
    met
}

impl Met {
    /// Each way that is offered leads to a page. Each page that the admin is led to and they are not is not theirs to see, and what goes on
    /// there is not either.
    async fn looks(&mut self, server: &Server, cookie: &str, offered: &Offered, of_admin: &Offered) {
        for (address, status) in offered.pages.iter().filter(|(_, status)| **status != 200) {
            self.wrong.push(format!("{address}: offered, and answers {status}"));
        }
        for address in of_admin.pages.keys().filter(|it| !offered.pages.contains_key(*it)) {
            let status = server.get(address, cookie).await.status.as_u16();
            // Of what stands behind `?`, whose tokens are listed is the only thing that is for some.
            let is_for_some = !address.contains('?') || address.contains("?for=");
            if is_for_some && !matches!(status, 403 | 404) {
                self.wrong.push(format!("{address}: no way leads there, and it answers {status}"));
            }
        }
        for page in of_admin.pages.keys().filter(|it| !it.contains('?')) {
            let stream = format!("{page}/events");
            if status_of(server, &stream, &of_admin.cookie).await != 200 {
                continue;
            }
            let status = status_of(server, &stream, cookie).await;
            if (status == 200) != offered.pages.contains_key(page) {
                self.wrong.push(format!("{stream}: answers {status}, and its page does not"));
            }
        }
    }

    /// What is not offered first: it changes no row. Then what is.
    async fn sends(&mut self, server: &Server, cookie: &str, offered: &Offered, forms: &[Form]) {
        let before = server.rows().await;
        let (theirs, others): (Vec<_>, Vec<_>) = forms.iter().partition(|form| offered.has(form));
        for form in others {
            let status = sent(server, cookie, form).await;
            if !matches!(status.as_str(), "403" | "404") {
                self.wrong.push(format!("{}: not offered, and answers {status}", form.words()));
            }
            self.sends_nothing(server, cookie, form).await;
            self.forms.insert(form.words(), status);
        }
        let changes = before.changes(&server.rows().await);
        if !changes.is_empty() {
            self.wrong.push(format!("what was not offered was done: {changes:#?}"));
        }
        for form in theirs {
            let status = sent(server, cookie, form).await;
            if status != "done" {
                self.wrong.push(format!("{}: offered, and answers {status}", form.words()));
            }
            self.forms.insert(form.words(), status);
        }
    }

    /// Who may is asked before any field is looked at: somebody to whom the page of a form is refused is told so, and nothing of the form.
    async fn sends_nothing(&mut self, server: &Server, cookie: &str, form: &Form) {
        if server.get(&form.path, cookie).await.status != 403 {
            return;
        }
        let status = server.post(&form.path, cookie, &[]).await.status.as_u16();
        if status != 403 {
            self.wrong.push(format!("{} with no field: its page is refused, and it answers {status}", form.words()));
        }
    }

    /// What else is offered, with what stands in it when it comes up: something may be wrong with that, but nothing with who sends it.
    /// What is about themself comes last: it may take away what the rest needs.
    async fn sends_others(&mut self, server: &Server, offered: &Offered, forms: &[Form], own: Option<&str>) {
        let is_known = |action: &str| forms.iter().any(|form| form.path == action);
        let is_anyones = |action: &str| ["/account", "/sign-", "/appearance"].iter().any(|it| action.starts_with(it));
        // A role of one's own is taken on one's own page alone: on the other it would be taken already.
        let is_there_too =
            |fields: &[(String, String)]| own.is_some_and(|own| fields.iter().any(|(_, value)| value.ends_with(own)));
        let mut others: Vec<_> = offered
            .as_they_come()
            .filter(|(action, fields)| !is_known(action) && !is_anyones(action) && !is_there_too(fields))
            .collect();
        others.sort_by_key(|(action, _)| own.is_some_and(|own| action.contains(own)));
        for (action, fields) in others {
            let fields: Vec<_> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
            let status = server.post(action, &offered.cookie, &fields).await.status.as_u16();
            if matches!(status, 401 | 403) || status >= 500 {
                self.wrong.push(format!("{action} with {fields:?}: offered, and answers {status}"));
            }
        }
    }
}

/// What a stream answers before its body comes.
async fn status_of(server: &Server, path: &str, cookie: &str) -> u16 {
    let listens = Call::get(path, cookie).saying(&[("sec-fetch-site", "same-origin")]);
    asked(&server.router, &listens).await.0.as_u16()
}

/// Sends a form from a page of this server; answers the word for the table.
async fn sent(server: &Server, cookie: &str, form: &Form) -> String {
    let fields: Vec<_> = form.fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let answer = server.send(&Call::form(&form.path, &fields).of(cookie)).await;
    let is_led_away = answer.location().starts_with("/prove") || answer.location().starts_with("/sign-in");
    match answer.status.as_u16() {
        200 | 303 if !is_led_away => "done".to_owned(),
        303 => answer.location().to_owned(),
        other => other.to_string(),
    }
}

/// What each of them met, on a server of their own.
fn all_met(all: &[Who]) -> Vec<Met> {
    let on_its_own = |who: Who| {
        let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(Box::pin(met(who)))
    };
    // So many at a time: each keeps a processor busy.
    let some = all.chunks(4).flat_map(|some| {
        std::thread::scope(|scope| {
            let threads: Vec<_> = some.iter().map(|who| scope.spawn(move || on_its_own(*who))).collect();
            threads.into_iter().map(|it| it.join().expect("it came to its end")).collect::<Vec<_>>()
        })
    });
    some.collect()
}

#[test]
fn what_is_offered_is_done_and_what_is_not_is_refused() {
    let all = Who::all();
    let met = all_met(&all);
    let wrong: Vec<_> = all
        .iter()
        .zip(&met)
        .flat_map(|(who, it)| it.wrong.iter().map(|what| format!("{}: {what}", who.name())))
        .collect();
    assert!(wrong.is_empty(), "{} are not as they are offered:\n{}", wrong.len(), wrong.join("\n"));

    let mut table = String::new();
    for form in met[0].forms.keys() {
        let mut by_word: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for (who, it) in all.iter().zip(&met) {
            by_word.entry(&it.forms[form]).or_default().push(who.name());
        }
        writeln!(table, "{form}").expect("a string");
        for (word, people) in by_word.iter().rev() {
            writeln!(table, "  {word}: {}", people.join(", ")).expect("a string");
        }
    }
    table::must_be_as_printed(
        concat!(env!("CARGO_MANIFEST_DIR"), "/tests/access/forms/roles.txt"),
        &table,
        "who may send which form",
    );
}
