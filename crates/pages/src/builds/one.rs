//! A build's own page: where it stands and what can be done with it, what it consists of, and what its jobs left behind.

use askama::Template;
use countersign_control::access::actions::{CancelBuild, CreateBuild, ViewBuilds};
use countersign_control::builds::{Annotation, Build, Cursor, Glance, Left, Room};
use countersign_control::{Error, PageRequest};
use countersign_domain::id::AnnotationId;

use crate::brief::Brief;
use crate::failure::Failure;
use crate::frame::{self, Answer, Frame, Link};
use crate::offers::Offers;
use crate::parts::{Pager, When};
use crate::query::{Query, address};
use crate::visit::Visit;
use crate::weight;

use super::annotations::{self, Note, Notes};
use super::artifacts::{self, Row as ArtifactRow};
use super::entries::{May, Row};
use super::graph::Picture;
use super::pairs::{self, Pairs};
use super::waterfall::Waterfall;
use super::{first_line, states, title};

/// Jobs and other steps of one part.
pub(crate) const ROWS: u32 = 40;
/// The most bytes that the message takes.
const MESSAGE: usize = 4 * 1024;
/// How much is read of what jobs left: one character more than is shown of a value, so that its end can be marked.
const ROOM: Room = Room {
    annotations: (annotations::MOST, annotations::SHORT),
    meta_data: (pairs::KEYS as i64, pairs::VALUE as i64 + 1),
};

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
    canceled: Option<When>,
    /// Who canceled it; empty where nobody can tell.
    canceler: String,
    /// What stands for a time that there is none of: it may come yet, or not.
    none: &'static str,
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

fn facts(visit: &Visit, whole: &Glance, offers: &Offers<'_>) -> Facts {
    let (build, now) = (&whole.build, visit.control().now());
    let stands = states::build(build.state);
    let count = |class: &str| -> i64 {
        let of_class = whole.counts.iter().filter(|(state, well, _)| states::class_of(*state, *well) == class);
        of_class.map(|(.., count)| count).sum()
    };
    let said = [
        ("good", "passed"),
        ("bad", "failed"),
        ("active", "running"),
        ("waiting", "waiting"),
        ("", "canceled or not run"),
    ];
    let jobs = said.map(|(class, words)| (count(class), words)).into_iter().filter(|(count, _)| *count > 0);
    let jobs: Vec<String> = jobs.map(|(count, words)| format!("{count} {words}")).collect();
    let creator = match (&whole.creator, build.created_by) {
        (Some(user), _) => Brief::of_user(user).to_string(),
        (None, Some(_)) => "somebody who has left".to_owned(),
        (None, None) => "the server".to_owned(),
    };
    let canceler = match (&whole.canceler, build.canceled_by) {
        (Some(user), _) => Brief::of_user(user).to_string(),
        (None, Some(_)) => "somebody who has left".to_owned(),
        // A job of it, or the server.
        (None, None) => String::new(),
    };
    Facts {
        title: title(build),
        number: build.number,
        message: build
            .message
            .as_deref()
            .filter(|it| first_line(it) != **it)
            .map(|it| weight::cut(it, MESSAGE))
            .unwrap_or_default(),
        state: stands.words,
        state_class: stands.class,
        branch: build.branch.clone(),
        commit: build.commit.clone(),
        source: states::source(build.source),
        creator,
        created: When::new(build.created_at),
        started: build.started_at.map(When::new),
        finished: build.finished_at.map(When::new),
        canceled: build.canceled_at.map(When::new),
        canceler,
        none: if build.state.is_finished() { "Never" } else { "Not yet" },
        took: states::between(build.started_at, build.finished_at, now),
        deployment: offers.name(),
        jobs: jobs.join(", "),
        repeats: whole.rebuilt_from.as_ref().map(|it| Link::new(format!("#{}", it.number), visit.build_path(it, ""))),
    }
}

fn ways(visit: &Visit, build: &Build, offers: &Offers<'_>) -> Ways {
    let may_cancel = !build.state.is_finished() && build.canceled_at.is_none() && offers.can::<CancelBuild>();
    Ways {
        here: visit.seen.page.clone(),
        cancel: may_cancel.then(|| visit.build_path(build, "/cancel")),
        rebuild: offers.can::<CreateBuild>().then(|| visit.build_path(build, "/rebuild")),
    }
}

/// What an annotation looks like, and where to its links lead. Markdown is work: it is done beside the threads that answer everybody.
async fn beside<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Failure> {
    Ok(tokio::task::spawn_blocking(work).await.map_err(Error::internal)?)
}

/// One annotation, on a page of its own; none where there is none of this id.
async fn alone(visit: &Visit, build: &Build, query: &Query, artifacts: &str) -> Result<Option<Note>, Failure> {
    let Some(id) = query.said("annotation").and_then(|id| id.parse::<AnnotationId>().ok()) else { return Ok(None) };
    let found = match visit.control().build_annotation(&visit.may::<ViewBuilds>()?, build.id, id).await {
        Ok(found) => found,
        Err(Error::NotFound(_)) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let artifacts = artifacts.to_owned();
    Ok(Some(beside(move || Note::whole(&found, &artifacts)).await?))
}

/// As many annotations as there is room for.
async fn notes(all: Vec<(Annotation, i64)>, count: i64, artifacts: &str, path: &str) -> Result<Notes, Failure> {
    let (artifacts, path) = (artifacts.to_owned(), path.to_owned());
    let page_of = move |it: &Annotation| address(&path, &[("annotation", it.id.to_string().as_str())]);
    beside(move || Notes::of(&all, count, &artifacts, page_of)).await
}

/// The page.
pub(crate) async fn show(visit: Visit, query: Query) -> Answer {
    let build = visit.build().await?;
    let (control, grant) = (visit.control(), visit.may::<ViewBuilds>()?);
    let whole = control.build_at_a_glance(&grant, build.id).await?;
    let (now, path) = (control.now(), visit.build_path(&build, ""));
    let word = query.said("view").unwrap_or_default();
    let view = View::ALL.into_iter().find(|it| it.words().0 == word).unwrap_or(View::Steps);
    let word = view.words().0;
    let after = query.after::<Cursor>();
    let is_first = after.is_none();

    let artifacts_path = visit.build_path(&build, "/artifacts");
    let note = alone(&visit, &build, &query, &artifacts_path).await?;
    let is_beginning = is_first && note.is_none() && view == View::Steps;
    let left = if is_beginning { Some(control.left_on_build(&grant, build.id, ROOM).await?) } else { None };
    let (notes, meta_data, env) = match left {
        Some(Left { annotations, annotations_count, meta_data, keys_count, env }) => (
            notes(annotations, annotations_count, &artifacts_path, &path).await?,
            Pairs::of_meta_data(&meta_data, keys_count),
            Pairs::of_env(&env),
        ),
        None => <(Notes, Pairs, Pairs)>::default(),
    };

    let graph = if view == View::Graph { control.build_graph(&grant, build.id).await? } else { None };
    let window = match view {
        View::Graph => None,
        _ if note.is_some() => None,
        _ => Some(control.build_window(&grant, build.id, after.unwrap_or_default(), ROWS).await?),
    };
    let (entries, next) = window.map_or((Vec::new(), None), |it| (it.entries, it.next));
    let offers = visit.offers_in(build.deployment).await?;
    let may = May::of(&offers);
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
    let views = View::ALL.into_iter().map(|it| {
        let (word, words) = it.words();
        Link::new(words, address(&path, &[("view", word)])).current(it == view && note.is_none())
    });
    frame::show(&Page {
        frame: visit.build_frame(&build),
        facts: facts(&visit, &whole, &offers),
        ways: ways(&visit, &build, &offers),
        views: views.collect(),
        stream: (!build.state.is_finished()).then(|| visit.build_path(&build, "/events")),
        notes,
        note,
        rows,
        pager: Pager::new(&path, &[("view", word)], is_first, next.map(|it| it.to_string())),
        is_too_large: view == View::Graph && graph.is_none(),
        graph: graph.as_ref().map(Picture::of),
        waterfall,
        artifacts: artifacts
            .iter()
            .map(|it| {
                let job = entries.iter().filter_map(|entry| entry.job.as_ref()).find(|job| job.id == it.job);
                ArtifactRow::new(&visit, &build, it, job)
            })
            .collect(),
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
            of: some(),
            href: Some("/organizations/acme/builds/demo/1/jobs/0192f3a1-7c3e-7b21-9f60-3a5c1e0d4b77".to_owned()),
            kind: "Command",
            state: "Waits for an agent",
            state_class: "ended",
            is_inner: true,
            is_old: true,
            agent: Some(Link::new(some(), "/organizations/acme/agents/0192f3a1-7c3e-7b21-9f60-3a5c1e0d4b77")),
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
                source: "through the API",
                creator: some(),
                created: When::new(Timestamp::EPOCH),
                started: None,
                finished: None,
                canceled: Some(When::new(Timestamp::EPOCH)),
                canceler: some(),
                none: "Not yet",
                took: String::new(),
                deployment: some(),
                jobs: String::new(),
                repeats: Some(Link::new(some(), "/x")),
            },
            ways: Ways { here: "/x".to_owned(), cancel: Some("/x".to_owned()), rebuild: Some("/x".to_owned()) },
            views: Vec::new(),
            stream: Some("/x".to_owned()),
            notes: Notes { shown: Vec::new(), others: vec![(some(), "/x".to_owned())], more: 1 },
            note: None,
            rows: vec![row(text)],
            pager: Pager::new("/", &[], true, None),
            graph: None,
            is_too_large: true,
            waterfall: None,
            artifacts: Vec::new(),
            all_artifacts: "/x".to_owned(),
            meta_data: Pairs { shown: vec![(some(), Some(some()))], more: 1 },
            env: Pairs { shown: vec![(some(), None)], more: 0 },
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
        let pair = ("SOME_KEY_OF_USUAL_LENGTH".to_owned(), "v".repeat(pairs::VALUE));
        let many = vec![pair; pairs::KEYS];
        page.meta_data = Pairs::of_meta_data(&many, 30);
        page.env = Pairs::of_meta_data(&many, 30);
        let size = page.render().expect("a page").len();
        // With as many annotations and artifacts as there may be.
        assert!(size < 64_000, "{size} bytes");
    }
}
