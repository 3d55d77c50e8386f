//! Builds: the list, a build's own page in several views, and what is done with one.

pub(crate) mod act;
pub(crate) mod annotations;
pub(crate) mod ansi;
pub(crate) mod artifacts;
pub(crate) mod entries;
pub(crate) mod find;
pub(crate) mod graph;
pub(crate) mod job;
pub(crate) mod list;
pub(crate) mod live;
pub(crate) mod log;
pub(crate) mod markdown;
pub(crate) mod one;
pub(crate) mod pairs;
pub(crate) mod raw;
pub(crate) mod states;
pub(crate) mod tame;
pub(crate) mod unblock;
pub(crate) mod waterfall;

use countersign_control::Error;
use countersign_control::access::actions::ViewBuilds;
use countersign_control::builds::Build;
use countersign_domain::id::{JobId, StepId};

use crate::failure::Failure;
use crate::frame::Frame;
use crate::visit::Visit;

/// The most characters of a command or a message where it stands for a name.
const NAME: usize = 80;

/// What a build is called: what it is for, or its number alone.
pub(crate) fn title(build: &Build) -> String {
    let message = build.message.as_deref().map(first_line).filter(|line| !line.is_empty());
    message.unwrap_or_else(|| format!("Build {}", build.number))
}

/// What a text is called that may have many lines.
pub(crate) fn first_line(text: &str) -> String {
    crate::words::short(text.lines().next().unwrap_or_default(), NAME)
}

impl Visit {
    /// The build in the address. One spelling of its number only: `01` and `+1` are no numbers of builds.
    pub(crate) async fn build(&self) -> Result<Build, Failure> {
        let text = self.param("build");
        let number = text.parse::<i64>().ok().filter(|number| number.to_string() == text);
        let number = number.ok_or(Error::NotFound("build"))?;
        Ok(self.control().build_by_number(&self.may::<ViewBuilds>()?, self.param("pipeline"), number).await?)
    }

    /// A path of a build.
    pub(crate) fn build_path(&self, build: &Build, below: &str) -> String {
        self.path(&format!("/builds/{}/{}{below}", build.pipeline_slug, build.number))
    }

    /// A path of a job of a build.
    pub(crate) fn job_path(&self, build: &Build, job: JobId, below: &str) -> String {
        self.build_path(build, &format!("/jobs/{job}{below}"))
    }

    /// A path of a step of a build.
    pub(crate) fn step_path(&self, build: &Build, step: StepId, below: &str) -> String {
        self.build_path(build, &format!("/steps/{step}{below}"))
    }

    /// Around a build's own page.
    pub(crate) fn build_frame(&self, build: &Build) -> Frame {
        let builds = self.path("/builds");
        let of_pipeline = crate::query::address(&builds, &[("pipeline", build.pipeline_slug.as_str())]);
        let frame = self.frame(format!("{} #{}", build.pipeline_name, build.number)).crumb("Builds", builds);
        frame.crumb(build.pipeline_name.clone(), of_pipeline)
    }
}
