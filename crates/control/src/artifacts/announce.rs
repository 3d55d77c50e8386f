//! Announcing artifacts: what is to come, from inside a job.

use std::collections::BTreeSet;

use countersign_domain::artifact::{self, ArtifactPath, ArtifactState, DEFAULT_CONTENT_TYPE};
use countersign_domain::id::{ArtifactId, Id};
use countersign_domain::text::{FieldError, check_line, shown_up_to};
use countersign_store::artifacts::{self, Artifact, Batch};
use countersign_store::{Lane, Tx};
use serde_json::json;

use crate::access::actions::UploadArtifacts;
use crate::scene::Subject;
use crate::{Control, Error, Grant, Result, input};

use super::Limits;
use super::address::{Purpose, Signature};

/// The most artifacts of one batch; agents send 30.
pub const MAX_BATCH: usize = 100;
/// The most bytes of a path on the agent's machine, an address or a destination.
const MAX_PLACE: usize = 4_096;
/// The most bytes of a content type.
const MAX_CONTENT_TYPE: usize = 255;
/// Most characters of a path that a message repeats.
const SHOWN: usize = 200;
/// How addresses of the users' own places begin.
const SCHEMES: [&str; 5] = ["s3://", "gs://", "rt://", "https://", "http://"];

/// A file that is to come.
#[derive(Debug, Clone, Default)]
pub struct NewArtifact {
    /// Relative, with `/` between names.
    pub path: String,
    /// Where it is on the agent's machine.
    pub absolute_path: String,
    /// Bytes.
    pub size: i64,
    /// SHA-1, hexadecimal.
    pub sha1: String,
    /// SHA-256, hexadecimal; empty from older agents.
    pub sha256: String,
    /// Its type; empty where the agent does not know it.
    pub content_type: String,
    /// Where it will be, at a destination of the user's own.
    pub url: Option<String>,
}

/// Files that are to come.
#[derive(Debug, Clone, Default)]
pub struct NewBatch {
    /// The agent's own id: when it comes again, nothing is made anew.
    pub id: String,
    /// The user's own place that the bytes go to; empty: the server's.
    pub upload_destination: String,
    /// The files.
    pub artifacts: Vec<NewArtifact>,
}

/// Where the bytes of announced artifacts go.
#[derive(Debug, Clone)]
pub struct Announced {
    /// The artifacts, in the order in which they were given.
    pub ids: Vec<ArtifactId>,
    /// Where each one's bytes can be sent by themselves; empty at a destination of the user's own.
    pub addresses: Vec<String>,
    /// Form fields that let any of them be sent as a form; empty at a destination of the user's own.
    pub form: Vec<(&'static str, String)>,
}

impl Control {
    /// Announces artifacts of the job. The same batch again gets the same answer.
    ///
    /// # Errors
    /// [`Error::Invalid`] names the artifact and what is wrong with it; [`Error::Conflict`] for what is above a [limit](Limits), and
    /// when the batch's id was used for other artifacts.
    pub async fn announce_artifacts(&self, grant: &Grant<UploadArtifacts>, batch: NewBatch) -> Result<Announced> {
        let job = grant.job()?.clone();
        let id: Id<Batch> = input::field("id", batch.id.parse())?;
        let destination = destination(&batch.upload_destination)?;
        if batch.artifacts.is_empty() || batch.artifacts.len() > MAX_BATCH {
            return Err(Error::invalid("artifacts", format!("must be 1 to {MAX_BATCH} in one call")));
        }
        // Of no limit's concern, and not worth a look-up, is what could never be taken.
        let limits = self.settings().artifacts;
        let mut paths = BTreeSet::new();
        let mut rows = Vec::with_capacity(batch.artifacts.len());
        for (index, new) in batch.artifacts.into_iter().enumerate() {
            let checked = checked(index, &new, &limits, destination.is_some())?;
            if !paths.insert(new.path.clone()) {
                return Err(at(index, "path", format!("{} stands in this call twice", shown(&new.path))));
            }
            rows.push(Artifact {
                id: self.fresh_id(),
                organization: job.organization,
                build: job.build,
                job: job.job,
                batch: id,
                path: new.path,
                absolute_path: new.absolute_path,
                size: new.size,
                sha1: new.sha1,
                sha256: (!new.sha256.is_empty()).then_some(new.sha256),
                content_type: checked,
                url: new.url.filter(|_| destination.is_some()),
                upload_destination: destination.clone(),
                state: ArtifactState::New,
                created_at: self.now(),
                stored_at: None,
                finished_at: None,
            });
        }
        let ids = self
            .write(grant, Lane::Normal, (rows, limits), |tx, scene| {
                Box::pin(async move {
                    let (rows, limits) = &scene.input;
                    let Some(first) = rows.first() else { return Ok(Vec::new()) };
                    let known = artifacts::of_batch(tx, first.job, first.batch).await?;
                    if !known.is_empty() {
                        return again(&known, rows);
                    }
                    make_room(tx, rows, limits).await?;
                    for (position, row) in (0..).zip(rows) {
                        artifacts::insert(tx, position, row).await?;
                    }
                    let size: i64 = rows.iter().map(|row| row.size).sum();
                    let subject = Subject::find_job(tx, scene.organization, first.job).await?;
                    scene
                        .audit(tx, "artifacts.announced", subject, json!({ "count": rows.len(), "size": size }))
                        .await?;
                    Ok(rows.iter().map(|row| row.id).collect())
                })
            })
            .await?;
        if destination.is_some() {
            return Ok(Announced { ids, addresses: Vec::new(), form: Vec::new() });
        }
        let (keys, now) = (self.keys(), self.now());
        let addresses = ids
            .iter()
            .map(|id| self.artifact_address(*id, &Signature::make(&keys, Purpose::Upload(*id), now)))
            .collect();
        let signature = Signature::make(&keys, Purpose::Form(job.job, id), now);
        let form = vec![
            ("job", job.job.to_string()),
            ("batch", id.to_string()),
            ("expires", signature.expires),
            ("key", signature.key),
            ("signature", signature.tag),
        ];
        Ok(Announced { ids, addresses, form })
    }

    /// The signed address of an artifact's bytes. It begins as the server's settings say, never as a caller says.
    pub(super) fn artifact_address(&self, id: ArtifactId, signature: &Signature) -> String {
        format!("{}/v3/artifacts/{id}?{}", self.settings().public_url, signature.query())
    }
}

/// What was announced before under the same id.
fn again(known: &[Artifact], rows: &[Artifact]) -> Result<Vec<ArtifactId>> {
    let same = known.len() == rows.len()
        && known.iter().zip(rows).all(|(known, row)| {
            (&known.path, known.size, &known.sha1, &known.upload_destination)
                == (&row.path, row.size, &row.sha1, &row.upload_destination)
        });
    if same {
        Ok(known.iter().map(|row| row.id).collect())
    } else {
        Err(Error::Conflict("This batch id was used for other artifacts; use a new one for each batch.".to_owned()))
    }
}

async fn make_room(tx: &mut Tx, rows: &[Artifact], limits: &Limits) -> Result<()> {
    let Some(first) = rows.first() else { return Ok(()) };
    let (count, size) = artifacts::totals(tx, first.job).await?;
    let count = count.unsigned_abs() + rows.len() as u64;
    if count > u64::from(limits.per_job) {
        return Err(Error::Conflict(format!(
            "The job would have {count} artifacts; at most {} are allowed. Pack small files into an archive.",
            limits.per_job
        )));
    }
    let size = rows.iter().fold(size.unsigned_abs(), |sum, row| sum.saturating_add(row.size.unsigned_abs()));
    if size > limits.size_per_job {
        return Err(Error::Conflict(format!(
            "The job's artifacts would have {size} bytes together; at most {} are allowed.",
            limits.size_per_job
        )));
    }
    Ok(())
}

/// Checks one artifact; answers its content type.
fn checked(index: usize, new: &NewArtifact, limits: &Limits, elsewhere: bool) -> Result<String> {
    ArtifactPath::parse(&new.path).map_err(|why| at(index, "path", format!("{} {why}", shown(&new.path))))?;
    if new.absolute_path.len() > MAX_PLACE || new.absolute_path.contains('\0') {
        return Err(at(index, "absolute_path", format!("must have at most {MAX_PLACE} bytes and no NUL")));
    }
    let size = u64::try_from(new.size).map_err(|_| at(index, "file_size", "must be 0 or more"))?;
    if size > limits.size {
        let what = format!("of {} is {size}; at most {} bytes are allowed", shown(&new.path), limits.size);
        return Err(at(index, "file_size", what));
    }
    artifact::check_hash(&new.sha1, 20).map_err(|why| at(index, "sha1sum", why))?;
    if !new.sha256.is_empty() {
        artifact::check_hash(&new.sha256, 32).map_err(|why| at(index, "sha256sum", why))?;
    }
    if let Some(url) = new.url.as_deref().filter(|_| elsewhere) {
        check_place(url).map_err(|why| at(index, "url", why))?;
    }
    let kind = new.content_type.trim();
    let fits = kind.len() <= MAX_CONTENT_TYPE && kind.contains('/') && kind.bytes().all(|b| matches!(b, b' '..=b'~'));
    Ok(if fits { kind.to_owned() } else { DEFAULT_CONTENT_TYPE.to_owned() })
}

fn destination(text: &str) -> Result<Option<String>> {
    if text.is_empty() {
        return Ok(None);
    }
    check_place(text).map_err(|why| Error::invalid("upload_destination", why))?;
    Ok(Some(text.to_owned()))
}

fn check_place(text: &str) -> std::result::Result<(), String> {
    check_line(text, MAX_PLACE).map_err(|why| why.to_string())?;
    if SCHEMES.iter().any(|scheme| text.starts_with(scheme)) {
        Ok(())
    } else {
        Err(format!("must begin with one of {}", SCHEMES.join(", ")))
    }
}

fn at(index: usize, field: &str, why: impl std::fmt::Display) -> Error {
    Error::Invalid(vec![FieldError::new(format!("artifacts[{index}].{field}"), why)])
}

/// A path in a message.
fn shown(path: &str) -> String {
    format!("\"{}\"", shown_up_to(path, SHOWN))
}
