//! The list of builds: by pipeline, branch and state, in parts.

use std::collections::BTreeMap;

use askama::Template;
use countersign_control::access::actions::ViewBuilds;
use countersign_control::builds::{Build, Wanted};
use countersign_control::{Error, PageRequest};
use countersign_domain::Timestamp;
use countersign_domain::build::BuildState;
use countersign_domain::id::BuildId;

use crate::frame::{self, Answer, Frame};
use crate::parts::{Choice, Pager, When};
use crate::query::Query;
use crate::visit::Visit;

use super::states;
use super::title;

/// Builds of one part.
pub(crate) const ROWS: u32 = 40;
/// The most characters of a commit that are shown: enough to tell commits apart.
const COMMIT: usize = 10;

#[derive(Template)]
#[template(path = "builds.html")]
struct Page {
    frame: Frame,
    path: String,
    pipeline: String,
    branch: String,
    states: Vec<Choice>,
    rows: Vec<Row>,
    /// Whether everything is shown that there is.
    is_everything: bool,
    pager: Pager,
}

/// A build in a list.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    pub href: String,
    pub title: String,
    pub pipeline: String,
    pub number: i64,
    pub branch: String,
    pub commit: String,
    pub state: &'static str,
    pub state_class: &'static str,
    pub creator: String,
    pub created: When,
    /// How long it has run; empty before its first job.
    pub took: String,
}

impl Row {
    pub(crate) fn new(visit: &Visit, it: &Build, creator: String, now: Timestamp) -> Self {
        let stands = states::build(it.state);
        Self {
            href: visit.build_path(it, ""),
            title: title(it),
            pipeline: it.pipeline_name.clone(),
            number: it.number,
            branch: it.branch.clone(),
            commit: it.commit.chars().take(COMMIT).collect(),
            state: stands.words,
            state_class: stands.class,
            creator,
            created: When::ago(it.created_at, now),
            took: states::between(it.started_at, it.finished_at, now),
        }
    }
}

/// The word of each choice of states in an address, and for people.
static STATES: [(&str, &str, &[BuildState]); 7] = [
    ("", "All", &[]),
    ("running", "Under way", &[BuildState::Running, BuildState::Failing, BuildState::Canceling]),
    ("scheduled", "Scheduled", &[BuildState::Scheduled]),
    ("blocked", "Waiting for a person", &[BuildState::Blocked]),
    ("passed", "Passed", &[BuildState::Passed]),
    ("failed", "Failed", &[BuildState::Failed, BuildState::Failing]),
    ("canceled", "Canceled", &[BuildState::Canceled, BuildState::Canceling]),
];

/// A part of the list.
pub(crate) async fn show(visit: Visit, query: Query) -> Answer {
    let (control, grant) = (visit.control(), visit.may::<ViewBuilds>()?);
    let said = |name| query.said(name).unwrap_or_default().to_owned();
    let (pipeline, branch, word) = (said("pipeline"), said("branch"), said("state"));
    let (word, _, selected) = *STATES.iter().find(|(of, ..)| *of == word).unwrap_or(&STATES[0]);
    let after: Option<BuildId> = query.after();
    let of_pipeline = if pipeline.is_empty() {
        Some(None)
    } else {
        match control.pipeline(&grant, &pipeline).await {
            Ok(found) => Some(Some(found.id)),
            // Nothing fits, and that is what the page says.
            Err(Error::NotFound(_)) => None,
            Err(error) => return Err(error.into()),
        }
    };
    let found = match of_pipeline {
        Some(of_pipeline) => {
            let branches = Some(branch.clone()).filter(|it| !it.is_empty()).into_iter().collect();
            let wanted = Wanted { pipeline: of_pipeline, states: selected.to_vec(), branches, ..Wanted::default() };
            Some(control.search_builds(&grant, wanted, PageRequest { after, limit: ROWS }).await?)
        }
        None => None,
    };
    let (builds, next) = found.map_or((Vec::new(), None), |part| (part.items, part.next));

    let (now, path) = (control.now(), visit.path("/builds"));
    let mut names = BTreeMap::new();
    let mut rows = Vec::with_capacity(builds.len());
    for build in &builds {
        let known = names.get(&build.created_by).cloned();
        let creator = match known {
            Some(name) => name,
            None => visit.name_of(build.created_by).await?.to_string(),
        };
        names.insert(build.created_by, creator.clone());
        rows.push(Row::new(&visit, build, creator, now));
    }
    let asked = [("pipeline", pipeline.as_str()), ("branch", branch.as_str()), ("state", word)];
    frame::show(&Page {
        frame: visit.frame("Builds"),
        pager: Pager::new(&path, &asked, after.is_none(), next.map(|it| it.to_string())),
        states: STATES.iter().map(|(of, words, _)| Choice::new(*of, *words, *of == word)).collect(),
        is_everything: pipeline.is_empty() && branch.is_empty() && word.is_empty() && after.is_none(),
        path,
        pipeline,
        branch,
        rows,
    })
}

#[cfg(test)]
mod tests {
    use crate::naughty::{TEXTS, assert_inert};
    use crate::seen::Seen;
    use crate::theme::Theme;

    use super::*;

    fn page(text: &str) -> Page {
        let seen = Seen { is_safe: true, page: "/x".to_owned(), theme: Theme::System, notice: None };
        let some = || text.to_owned();
        let row = Row {
            href: "/organizations/acme/builds/demo/1".to_owned(),
            title: some(),
            pipeline: some(),
            number: 1,
            branch: some(),
            commit: some(),
            state: "Running",
            state_class: "active",
            creator: some(),
            created: When::new(Timestamp::EPOCH),
            took: "1 s".to_owned(),
        };
        Page {
            frame: Frame::plain("Builds", &seen),
            path: "/organizations/acme/builds".to_owned(),
            pipeline: some(),
            branch: some(),
            states: Vec::new(),
            rows: vec![row],
            is_everything: false,
            pager: Pager::new("/", &[], true, None),
        }
    }

    #[test]
    fn whatever_a_build_is_called_stays_text() {
        for text in TEXTS {
            assert_inert(&page(text).render().expect("a page"), text);
        }
    }

    #[test]
    fn a_page_of_the_list_is_small() {
        let mut page = page("Mend the site generator where it forgets what it was told");
        page.rows = vec![page.rows[0].clone(); ROWS as usize];
        let size = page.render().expect("a page").len();
        assert!(size < 100_000, "{size} bytes");
    }

    #[test]
    fn an_empty_list_says_what_to_do() {
        let mut page = page("");
        page.rows.clear();
        page.is_everything = true;
        assert!(page.render().expect("a page").contains("No build yet"), "it says how to make one");
        page.is_everything = false;
        assert!(page.render().expect("a page").contains("No build fits."));
        page.pager = Pager::new("/", &[], true, Some("1".to_owned()));
        let html = page.render().expect("a page");
        assert!(html.contains("that were looked at fits.") && html.contains(r#"rel="next""#), "{html}");
    }
}
