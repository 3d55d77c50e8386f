//! The artifacts of a build: the list, and the way to the bytes of one.

use askama::Template;
use countersign_control::access::actions::ViewBuilds;
use countersign_control::artifacts::Artifact;
use countersign_control::builds::Build;
use countersign_control::jobs::Job;
use countersign_control::{Error, PageRequest};
use countersign_domain::artifact::ArtifactState;
use countersign_domain::id::ArtifactId;

use crate::frame::{self, Answer, Frame, Link};
use crate::parts::{Pager, When};
use crate::query::Query;
use crate::visit::Visit;
use crate::weight;

use super::entries::job_name;
use super::states;

/// Artifacts of one part.
const ROWS: u32 = 60;
/// Artifacts on the page of a build and of a job.
pub(crate) const FIRST: u32 = 15;

/// The most bytes that a path takes in a list, and what a job is called.
const PATH: usize = 400;
const JOB: usize = 100;

#[derive(Template)]
#[template(path = "artifacts.html")]
struct Page {
    frame: Frame,
    path: String,
    /// The one path that is asked for.
    wanted: String,
    artifacts: Vec<Row>,
    pager: Pager,
}

/// An artifact in a list.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    pub path: String,
    /// Where its bytes are; none while there are none.
    pub href: Option<String>,
    /// Whether its bytes are at a place of the user's own.
    pub is_elsewhere: bool,
    pub size: String,
    pub state: &'static str,
    pub state_class: &'static str,
    /// Its job's page, by what the job is called where that is known already.
    pub job: Link,
    pub is_job_named: bool,
    /// When it was announced; none while its bytes are not there.
    pub uploaded: Option<When>,
}

impl Row {
    pub(crate) fn new(visit: &Visit, build: &Build, it: &Artifact, job: Option<&Job>) -> Self {
        let (state, state_class) = match it.state {
            ArtifactState::New => ("Uploading", "active"),
            ArtifactState::Finished => ("Uploaded", "good"),
            ArtifactState::Error => ("Never came", "bad"),
            ArtifactState::Deleted => ("Deleted", "ended"),
        };
        let is_elsewhere = it.upload_destination.is_some();
        let has_bytes = it.state == ArtifactState::Finished && !is_elsewhere;
        Self {
            path: weight::cut(&it.path, PATH),
            href: has_bytes.then(|| visit.build_path(build, &format!("/artifacts/{}", it.id))),
            is_elsewhere,
            size: states::bytes(it.size),
            state,
            state_class,
            job: Link::new(
                job.map_or_else(|| "Show job".to_owned(), |job| weight::cut(&job_name(job), JOB)),
                visit.job_path(build, it.job, ""),
            ),
            is_job_named: job.is_some(),
            uploaded: (it.state == ArtifactState::Finished).then(|| When::new(it.created_at)),
        }
    }
}

/// A part of the list, or the artifacts of one path.
pub(crate) async fn show(visit: Visit, query: Query) -> Answer {
    let build = visit.build().await?;
    let (control, grant) = (visit.control(), visit.may::<ViewBuilds>()?);
    let page = PageRequest { after: query.after(), limit: ROWS };
    let wanted = query.said("path").unwrap_or_default().to_owned();
    let found = if wanted.is_empty() {
        control.build_artifacts(&grant, build.id, page).await?
    } else {
        control.build_artifacts_at(&grant, build.id, wanted.clone(), page).await?
    };
    let path = visit.build_path(&build, "/artifacts");
    let last = found.items.last().filter(|_| found.has_more).map(|it| it.id.to_string());
    let frame = visit.build_frame(&build);
    let name = frame.title.clone();
    frame::show(&Page {
        frame: Frame { title: "Artifacts".to_owned(), ..frame }.crumb(name, visit.build_path(&build, "")),
        pager: Pager::new(&path, &[("path", wanted.as_str())], page.after.is_none(), last),
        artifacts: found.items.iter().map(|it| Row::new(&visit, &build, it, None)).collect(),
        path,
        wanted,
    })
}

/// Leads to the bytes of an artifact, by an address that is good for a while. What lies at a place of the user's own is not led to: a job
/// chose that address.
pub(crate) async fn fetch(visit: Visit) -> Answer {
    let build = visit.build().await?;
    let id: ArtifactId = visit.param("artifact").parse().map_err(|_| Error::NotFound("artifact"))?;
    let (artifact, address) = visit.control().artifact(&visit.may::<ViewBuilds>()?, id).await?;
    if artifact.build != build.id || artifact.upload_destination.is_some() {
        return Err(Error::NotFound("artifact").into());
    }
    match address {
        Some(address) => Ok(frame::to(&address)),
        None => Err(Error::Conflict("The artifact has no bytes to download.".to_owned()).into()),
    }
}

#[cfg(test)]
mod tests {
    use countersign_domain::Timestamp;

    use crate::naughty::{TEXTS, assert_inert};
    use crate::seen::Seen;
    use crate::theme::Theme;

    use super::*;

    fn page(text: &str) -> Page {
        let seen = Seen { is_safe: true, page: "/x".to_owned(), theme: Theme::System, notice: None };
        let row = Row {
            path: text.to_owned(),
            href: Some("/x".to_owned()),
            is_elsewhere: false,
            size: "1 B".to_owned(),
            state: "Uploaded",
            state_class: "good",
            job: Link::new(text, "/x"),
            is_job_named: true,
            uploaded: Some(When::new(Timestamp::EPOCH)),
        };
        Page {
            frame: Frame::plain("Artifacts", &seen),
            path: "/x".to_owned(),
            wanted: text.to_owned(),
            artifacts: vec![row],
            pager: Pager::new("/", &[], true, None),
        }
    }

    #[test]
    fn whatever_an_artifact_is_called_stays_text() {
        for text in TEXTS {
            assert_inert(&page(text).render().expect("a page"), text);
        }
    }

    #[test]
    fn a_page_of_artifacts_is_small() {
        let mut page = page("target/release/deps/a-path-that-is-as-long-as-paths-of-artifacts-are.html");
        page.artifacts = vec![page.artifacts[0].clone(); ROWS as usize];
        let size = page.render().expect("a page").len();
        assert!(size < 100_000, "{size} bytes");
    }
}
