//! What a build consists of, as people see it: the jobs of its commands, and each wait, block, input and trigger as a job of its own.

use countersign_domain::graph::Kind;
use countersign_domain::id::BuildId;
use countersign_store::jobs::{self, Job};
use countersign_store::steps::{self, StepRow};

use crate::access::actions::ViewBuilds;
use crate::{Control, Grant, MAX_PAGE, Result};

/// A part of a build.
#[derive(Debug, Clone)]
pub enum Part {
    /// A command's job.
    Command(Box<Job>),
    /// A wait, a block, an input or a trigger.
    Step(Box<StepRow>),
}

impl Control {
    /// All parts of one of the organization's builds, in the order of its steps; a job's successor behind it. Groups are not among them.
    ///
    /// # Errors
    /// Only [`crate::Error::Unavailable`] and [`crate::Error::Internal`]; another organization's build has none.
    pub async fn build_parts(&self, grant: &Grant<ViewBuilds>, id: BuildId) -> Result<Vec<Part>> {
        self.read(grant, id, |tx, scene| {
            Box::pin(async move {
                let (of, id) = (scene.organization, scene.input);
                let mut jobs = jobs::of_build(tx, of, id).await?.into_iter().peekable();
                let mut parts = Vec::with_capacity(jobs.len());
                let mut after = String::new();
                loop {
                    let page = steps::page(tx, of, id, &after, i64::from(MAX_PAGE)).await?;
                    let Some(last) = page.last() else { return Ok(parts) };
                    after.clone_from(&last.sort);
                    for step in page {
                        match step.step.kind {
                            Kind::Command => {
                                while let Some(job) = jobs.next_if(|job| job.step == step.id) {
                                    parts.push(Part::Command(Box::new(job)));
                                }
                            }
                            Kind::Group => {}
                            Kind::Wait | Kind::Block | Kind::Input | Kind::Trigger => {
                                parts.push(Part::Step(Box::new(step)));
                            }
                        }
                    }
                }
            })
        })
        .await
    }
}
