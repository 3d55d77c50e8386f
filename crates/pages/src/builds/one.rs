//! A build's own page: where it stands and what can be done with it, what it consists of, and what its jobs left behind.

use askama::Template;
use countersign_control::access::actions::{CancelBuild, CreateBuild, ViewBuilds};
use countersign_control::builds::{Annotation, Build, Cursor, Whole};
use countersign_control::{Error, PageRequest};
use countersign_domain::pipeline::Env;

use crate::failure::Failure;
use crate::frame::{self, Answer, Frame, Link};
use crate::parts::{Pager, When};
use crate::query::{Query, address};
use crate::visit::Visit;

use super::annotations::{Note, Notes};
use super::artifacts::{self, Row as ArtifactRow};
use super::entries::{May, Row};
use super::graph::Picture;
use super::waterfall::Waterfall;
use super::{first_line, states, title};

/// Jobs and other steps of one part.
const ROWS: u32 = 50;
/// The most keys of meta-data and variables on the page.
const KEYS: usize = 30;
/// The most characters of a value there.
const VALUE: usize = 200;

#[derive(Template)]
#[template(path = "build.html")]
struct Page {
    frame: Frame,
    facts: Facts,
    ways: Ways,
    views: Vec<Link>,
    /// Where news of it comes from, while there may be any.
    stream: Option<String>,
    notes: Notes,
    /// One annotation alone.
    note: Option<Note>,
    rows: Vec<Row>,
    pager: Pager,
    graph: Option<Picture>,
    is_too_large: bool,
    waterfall: Option<Waterfall>,
    artifacts: Vec<ArtifactRow>,
    all_artifacts: String,
    meta_data: Pairs,
    env: Pairs,
}

/// What is known of a build.
#[derive(Debug, Clone)]
struct Facts {
    title: String,
    number: i64,
    message: String,
    state: &'static str,
    state_class: &'static str,
    branch: String,
    commit: String,
    source: &'static str,
    creator: String,
    created: When,
    started: Option<When>,
    finished: Option<When>,
    took: String,
    deployment: String,
    jobs: String,
    /// The build that it repeats.
    repeats: Option<Link>,
}

/// What can be done with a build, by whoever may.
#[derive(Debug, Clone, Default)]
struct Ways {
    here: String,
    cancel: Option<String>,
    rebuild: Option<String>,
}

/// Keys and values, as many as there is room for.
#[derive(Debug, Clone, Default)]
pub(crate) struct Pairs {
    pub shown: Vec<(String, String)>,
    /// How many there are beside.
    pub more: usize,
}

impl Pairs {
    fn of<'a>(all: impl ExactSizeIterator<Item = (&'a str, &'a str)>) -> Self {
        let more = all.len().saturating_sub(KEYS);
        let shown = all.take(KEYS).map(|(key, value)| (cut(key), cut(value)));
        Self { shown: shown.collect(), more }
    }

    pub(crate) fn of_env(env: &Env) -> Self {
        Self::of(env.iter().map(|(key, value)| (key.as_str(), value.as_str())))
    }
}

fn cut(text: &str) -> String {
    let start: String = text.chars().take(VALUE).collect();
    if start.len() < text.len() { format!("{start}…") } else { start }
}

/// A way to look at a build.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum View {
    Steps,
    Graph,
    Waterfall,
}

impl View {
    const ALL: [Self; 3] = [Self::Steps, Self::Graph, Self::Waterfall];

    /// In an address, and for people.
    const fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Steps => ("", "Steps"),
            Self::Graph => ("graph", "Graph"),
            Self::Waterfall => ("waterfall", "Waterfall"),
        }
    }
}

async fn facts(visit: &Visit, whole: &Whole) -> Result<Facts, Failure> {
    let (build, now) = (&whole.build, visit.control().now());
    let stands = states::build(build.state);
    let names = crate::words::names(&visit.deployments().await?);
    let count = |class: &str| -> i64 {
        let of_class = whole.counts.iter().filter(|(state, well, _)| states::class_of(*state, *well) == class);
        of_class.map(|(.., count)| count).sum()
    };
    let said = [("good", "passed"), ("bad", "failed"), ("active", "running"), ("waiting", "waiting")];
    let jobs = said.map(|(class, words)| (count(class), words)).into_iter().filter(|(count, _)| *count > 0);
    let jobs: Vec<String> = jobs.map(|(count, words)| format!("{count} {words}")).collect();
    Ok(Facts {
        title: title(build),
        number: build.number,
        message: build.message.clone().filter(|it| first_line(it) != *it).unwrap_or_default(),
        state: stands.words,
        state_class: stands.class,
        branch: build.branch.clone(),
        commit: build.commit.clone(),
        source: build.source.as_str(),
        creator: visit.name_of(build.created_by).await?,
        created: When::new(build.created_at),
        started: build.started_at.map(When::new),
        finished: build.finished_at.map(When::new),
        took: states::between(build.started_at, build.finished_at, now),
        deployment: names.get(&build.deployment).cloned().unwrap_or_default(),
        jobs: jobs.join(", "),
        repeats: whole.rebuilt_from.as_ref().map(|it| Link::new(format!("#{}", it.number), visit.build_path(it, ""))),
    })
}

fn ways(visit: &Visit, build: &Build, here: String) -> Ways {
    let may_cancel = !build.state.is_finished() && build.canceled_at.is_none() && visit.can::<CancelBuild>();
    Ways {
        here,
        cancel: may_cancel.then(|| visit.build_path(build, "/cancel")),
        rebuild: visit.can::<CreateBuild>().then(|| visit.build_path(build, "/rebuild")),
    }
}

/// One annotation alone, or as many as there is room for. Markdown is work: it is done beside the threads that answer everybody.
async fn rendered(
    all: Vec<Annotation>,
    asked: Option<String>,
    artifacts: String,
    path: String,
) -> Result<(Option<Note>, Notes), Failure> {
    let work = move || {
        let note = asked.and_then(|id| all.iter().find(|it| it.id.to_string() == id));
        if let Some(note) = note {
            return (Some(Note::whole(note, &artifacts)), Notes::default());
        }
        let page_of = |it: &Annotation| address(&path, &[("annotation", it.id.to_string().as_str())]);
        (None, Notes::of(&all, &artifacts, page_of))
    };
    Ok(tokio::task::spawn_blocking(work).await.map_err(Error::internal)?)
}

/// The page.
pub(crate) async fn show(visit: Visit, query: Query) -> Answer {
    let build = visit.build().await?;
    let (control, grant) = (visit.control(), visit.may::<ViewBuilds>()?);
    let whole = control.whole_builds(&grant, vec![build.id], false).await?.pop();
    let whole = whole.ok_or(Error::NotFound("build"))?;
    let (now, path) = (control.now(), visit.build_path(&build, ""));
    let word = query.said("view").unwrap_or_default();
    let view = View::ALL.into_iter().find(|it| it.words().0 == word).unwrap_or(View::Steps);
    let word = view.words().0;
    let after = query.after::<Cursor>();
    let is_first = after.is_none();

    let artifacts_path = visit.build_path(&build, "/artifacts");
    let all = control.build_annotations(&grant, build.id).await?;
    let asked = query.said("annotation").map(str::to_owned);
    let is_noted = asked.as_deref().is_some_and(|id| all.iter().any(|it| it.id.to_string() == id));
    let is_beginning = is_first && !is_noted && view == View::Steps;
    let (note, notes) = if is_noted || is_beginning {
        rendered(all, asked, artifacts_path.clone(), path.clone()).await?
    } else {
        (None, Notes::default())
    };

    let graph = if view == View::Graph { control.build_graph(&grant, build.id).await? } else { None };
    let window = match view {
        View::Graph => None,
        _ if note.is_some() => None,
        _ => Some(control.build_window(&grant, build.id, after.unwrap_or_default(), ROWS).await?),
    };
    let (entries, next) = window.map_or((Vec::new(), None), |it| (it.entries, it.next));
    let may = May::of(&visit);
    let rows = if view == View::Steps {
        entries.iter().map(|it| Row::new(&visit, &build, it, may, now)).collect()
    } else {
        Vec::new()
    };
    let waterfall =
        (view == View::Waterfall).then(|| Waterfall::of(&build, &entries, |job| visit.job_path(&build, job, ""), now));
    let artifacts = if is_beginning {
        control.build_artifacts(&grant, build.id, PageRequest::first(artifacts::FIRST)).await?.items
    } else {
        Vec::new()
    };
    let (meta_data, env) = if is_beginning {
        let pairs = whole.meta_data.iter().map(|(key, value)| (key.as_str(), value.as_str()));
        (Pairs::of(pairs), Pairs::of_env(&control.build_env(&grant, build.id).await?))
    } else {
        (Pairs::default(), Pairs::default())
    };
    let views = View::ALL.into_iter().map(|it| {
        let (word, words) = it.words();
        Link::new(words, address(&path, &[("view", word)])).current(it == view && note.is_none())
    });
    frame::show(&Page {
        frame: visit.build_frame(&build),
        facts: facts(&visit, &whole).await?,
        ways: ways(&visit, &build, visit.seen.page.clone()),
        views: views.collect(),
        stream: (!build.state.is_finished()).then(|| visit.build_path(&build, "/events")),
        notes,
        note,
        rows,
        pager: Pager::new(&path, &[("view", word)], is_first, next.map(|it| it.to_string())),
        is_too_large: view == View::Graph && graph.is_none(),
        graph: graph.as_ref().map(Picture::of),
        waterfall,
        artifacts: artifacts.iter().map(|it| ArtifactRow::new(&visit, &build, it)).collect(),
        all_artifacts: artifacts_path,
        meta_data,
        env,
    })
}

#[cfg(test)]
mod tests {
    use countersign_domain::Timestamp;

    use crate::naughty::{TEXTS, assert_inert};
    use crate::seen::Seen;
    use crate::theme::Theme;

    use super::super::entries::Unblock;
    use super::*;

    fn row(text: &str) -> Row {
        let some = || text.to_owned();
        Row {
            name: some(),
            href: Some("/organizations/acme/builds/demo/1/jobs/0192f3a1-7c3e-7b21-9f60-3a5c1e0d4b77".to_owned()),
            kind: "Command",
            state: "Waits for an agent",
            state_class: "ended",
            is_inner: true,
            is_old: true,
            agent: some(),
            waited: "1 s".to_owned(),
            ran: "1 s".to_owned(),
            exit: some(),
            note: some(),
            made: Some(Link::new(some(), "/x")),
            retry: Some("/organizations/acme/builds/demo/1/jobs/0192f3a1-7c3e-7b21-9f60-3a5c1e0d4b77/retry".to_owned()),
            cancel: None,
            unblock: Some(Unblock { path: "/x".to_owned(), is_plain: false, words: some() }),
        }
    }

    fn page(text: &str) -> Page {
        let some = || text.to_owned();
        let seen = Seen { is_safe: true, page: "/x".to_owned(), theme: Theme::System, notice: None };
        Page {
            frame: Frame::plain(some(), &seen),
            facts: Facts {
                title: some(),
                number: 1,
                message: some(),
                state: "Running",
                state_class: "active",
                branch: some(),
                commit: some(),
                source: "api",
                creator: some(),
                created: When::new(Timestamp::EPOCH),
                started: None,
                finished: None,
                took: String::new(),
                deployment: some(),
                jobs: String::new(),
                repeats: Some(Link::new(some(), "/x")),
            },
            ways: Ways { here: "/x".to_owned(), cancel: Some("/x".to_owned()), rebuild: Some("/x".to_owned()) },
            views: Vec::new(),
            stream: Some("/x".to_owned()),
            notes: Notes { shown: Vec::new(), others: vec![(some(), "/x".to_owned())] },
            note: None,
            rows: vec![row(text)],
            pager: Pager::new("/", &[], true, None),
            graph: None,
            is_too_large: true,
            waterfall: None,
            artifacts: Vec::new(),
            all_artifacts: "/x".to_owned(),
            meta_data: Pairs { shown: vec![(some(), some())], more: 1 },
            env: Pairs { shown: vec![(some(), some())], more: 0 },
        }
    }

    #[test]
    fn whatever_a_build_holds_stays_text() {
        for text in TEXTS {
            assert_inert(&page(text).render().expect("a page"), text);
        }
    }

    #[test]
    fn a_part_of_a_build_is_small() {
        let mut page = page("Mend the gate");
        page.rows = vec![row("Unit tests of a crate with a name"); ROWS as usize];
        let pair = ("SOME_KEY_OF_USUAL_LENGTH".to_owned(), "v".repeat(VALUE));
        page.meta_data.shown = vec![pair.clone(); KEYS];
        page.env.shown = vec![pair; KEYS];
        let size = page.render().expect("a page").len();
        assert!(size < 80_000, "{size} bytes");
    }

    #[test]
    fn what_is_too_much_is_counted() {
        let pairs: Vec<(String, String)> = (0..KEYS + 3).map(|at| (at.to_string(), "ä".repeat(VALUE + 1))).collect();
        let pairs = Pairs::of(pairs.iter().map(|(key, value)| (key.as_str(), value.as_str())));
        assert_eq!((pairs.shown.len(), pairs.more), (KEYS, 3));
        assert_eq!(pairs.shown[0].1.chars().count(), VALUE + 1, "the end is marked");
    }
}
