//! A build as a picture of it needs it: its steps and which waits for which; and what tells that a picture is an old one.

use countersign_domain::Timestamp;
use countersign_domain::build::BuildState;
use countersign_domain::id::{BuildId, StepId};
use countersign_store::builds::{self, annotations, tally};
use countersign_store::steps::{self, StepRow, edges};

use crate::access::actions::ViewBuilds;
use crate::{Control, Error, Grant, Result};

/// The most steps of a graph: more are no picture that anybody reads.
pub const MAX_DRAWN: usize = 120;
/// The most lines of a graph.
const MAX_LINES: i64 = 2_000;

/// The steps of a build, and which waits for which.
#[derive(Debug, Clone)]
pub struct Graph {
    /// The steps, in the order of the text.
    pub steps: Vec<StepRow>,
    /// Pairs of which the second waits, or has waited, for the first. What a wait or a block keeps is not among them: that is its steps' gate.
    pub waits: Vec<(StepId, StepId)>,
}

/// What changes whenever something changes that people see of a build, but for logs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pulse {
    /// Where it stands.
    pub state: BuildState,
    steps: tally::Pulse,
    annotations: (i64, Timestamp),
}

impl Control {
    /// One of the organization's builds as a graph; none for one of more than [`MAX_DRAWN`] steps.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn build_graph(&self, grant: &Grant<ViewBuilds>, id: BuildId) -> Result<Option<Graph>> {
        self.read(grant, id, |tx, scene| {
            Box::pin(async move {
                let (of, id) = (scene.organization, scene.input);
                builds::find(tx, of, id).await?.ok_or(Error::NotFound("build"))?;
                let most = i64::try_from(MAX_DRAWN).unwrap_or(i64::MAX);
                let steps = steps::page(tx, of, id, "", most + 1).await?;
                if steps.len() > MAX_DRAWN {
                    return Ok(None);
                }
                Ok(Some(Graph { steps, waits: edges::of_build(tx, id, MAX_LINES).await? }))
            })
        })
        .await
    }

    /// What tells whether one of the organization's builds looks as it did.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn build_pulse(&self, grant: &Grant<ViewBuilds>, id: BuildId) -> Result<Pulse> {
        self.read(grant, id, |tx, scene| {
            Box::pin(async move {
                let (of, id) = (scene.organization, scene.input);
                let steps = tally::pulse(tx, of, id).await?.ok_or(Error::NotFound("build"))?;
                let annotations = annotations::pulse(tx, id).await?;
                Ok(Pulse { state: steps.state, steps, annotations })
            })
        })
        .await
    }
}
