//! A build for whoever looks at it: what stands above everything that it consists of, and the starts of what its jobs left. What those left may be
//! many megabytes, and a page asks for it again whenever there is news, so that no more is read than there is room for.

use countersign_domain::build::JobState;
use countersign_domain::id::{AnnotationId, BuildId};
use countersign_domain::pipeline::Env;
use countersign_store::builds::annotations::{self, Annotation};
use countersign_store::builds::{self, Build, meta_data};
use countersign_store::jobs;
use countersign_store::users::User;

use crate::access::actions::ViewBuilds;
use crate::{Control, Error, Grant, Result};

use super::whole::Reader;

/// What stands above all that a build consists of.
#[derive(Debug, Clone)]
pub struct Glance {
    /// The build.
    pub build: Build,
    /// Who made it; none for somebody who is no member any more, and for the server.
    pub creator: Option<User>,
    /// Who canceled it; none as above, and where a job did.
    pub canceler: Option<User>,
    /// The build that it repeats.
    pub rebuilt_from: Option<Build>,
    /// How many of its jobs stand where, and whether with exit status 0; those that were run again are not counted.
    pub counts: Vec<(JobState, bool, i64)>,
}

/// How much is wanted of what jobs left on a build.
#[derive(Debug, Clone, Copy)]
pub struct Room {
    /// The most annotations, and the most characters of each.
    pub annotations: (i64, i64),
    /// The most keys of meta-data, and the most characters of each value.
    pub meta_data: (i64, i64),
}

/// What jobs left on a build, as far as there was room.
#[derive(Debug, Clone)]
pub struct Left {
    /// Annotations, perhaps their starts alone, each with how many bytes the whole of it has.
    pub annotations: Vec<(Annotation, i64)>,
    /// How many there are.
    pub annotations_count: i64,
    /// Keys and values, perhaps their starts alone.
    pub meta_data: Vec<(String, String)>,
    /// How many keys there are.
    pub keys_count: i64,
    /// The variables that every job begins with: the pipeline's, and over them the build's.
    pub env: Env,
}

impl Control {
    /// What stands above all that one of the organization's builds consists of.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn build_at_a_glance(&self, grant: &Grant<ViewBuilds>, id: BuildId) -> Result<Glance> {
        self.read(grant, id, |tx, scene| {
            Box::pin(async move {
                let (of, id) = (scene.organization, scene.input);
                let build = builds::find(tx, of, id).await?.ok_or(Error::NotFound("build"))?;
                let mut reader = Reader::new(of);
                let rebuilt_from = match build.rebuilt_from {
                    Some(other) => builds::find(tx, of, other).await?,
                    None => None,
                };
                Ok(Glance {
                    creator: reader.person(tx, build.created_by).await?,
                    canceler: reader.person(tx, build.canceled_by).await?,
                    rebuilt_from,
                    counts: jobs::counts_of_build(tx, of, id).await?,
                    build,
                })
            })
        })
        .await
    }

    /// What jobs left on one of the organization's builds, as far as there is room.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn left_on_build(&self, grant: &Grant<ViewBuilds>, id: BuildId, room: Room) -> Result<Left> {
        self.read(grant, (id, room), |tx, scene| {
            Box::pin(async move {
                let (id, room) = scene.input;
                builds::find(tx, scene.organization, id).await?.ok_or(Error::NotFound("build"))?;
                let (notes, note) = room.annotations;
                let (keys, value) = room.meta_data;
                Ok(Left {
                    annotations: annotations::starts(tx, id, notes, note).await?,
                    annotations_count: annotations::count(tx, id).await?,
                    meta_data: meta_data::starts(tx, id, keys, value).await?,
                    keys_count: meta_data::count(tx, id).await?,
                    env: builds::variables(tx, id).await?.merged(),
                })
            })
        })
        .await
    }

    /// One of the annotations of one of the organization's builds, whole.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn build_annotation(
        &self,
        grant: &Grant<ViewBuilds>,
        build: BuildId,
        id: AnnotationId,
    ) -> Result<Annotation> {
        self.read(grant, (build, id), |tx, scene| {
            Box::pin(async move {
                let (build, id) = scene.input;
                builds::find(tx, scene.organization, build).await?.ok_or(Error::NotFound("build"))?;
                annotations::find(tx, build, id).await?.ok_or(Error::NotFound("annotation"))
            })
        })
        .await
    }
}
