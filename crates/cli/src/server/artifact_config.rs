//! Where a server keeps the bytes of artifacts, and how many it takes.

use std::path::{Path, PathBuf};

use clap::Args;
use countersign_control::artifacts::Limits;
use countersign_store::blobs::{BlobError, Blobs, S3, Secret};
use serde::Deserialize;
use url::Url;

use crate::{
    failure::{Failure, Outcome},
    flags::variables,
    private_file,
};

/// The region that is named when none was: stores other than Amazon's look at it only to compare signatures.
const DEFAULT_REGION: &str = "us-east-1";

/// What a secret of this page is of.
const KEY: &str = "the secret of the S3 access key";

/// Flags about artifacts.
#[derive(Debug, Clone, Default, Args)]
pub struct ArtifactFlags {
    /// Where artifacts are kept: a folder, or s3://BUCKET/PREFIX [default: blobs in the data folder]
    #[arg(long, value_name = "PLACE", env = variables::ARTIFACT_STORE)]
    artifact_store: Option<String>,
    /// The address of an S3-compatible store [default: that of the region]
    #[arg(long, value_name = "URL", env = variables::S3_ENDPOINT)]
    s3_endpoint: Option<Url>,
    /// The region of the S3 store [default: us-east-1]
    #[arg(long, value_name = "REGION", env = variables::S3_REGION)]
    s3_region: Option<String>,
    /// The id of the S3 access key [default: the role of the machine]
    #[arg(long, value_name = "ID", env = variables::S3_ACCESS_KEY_ID)]
    s3_access_key_id: Option<String>,
    /// The secret of the S3 access key: the value or file://PATH
    #[arg(long, value_name = "SECRET", env = variables::S3_SECRET_ACCESS_KEY, hide_env_values = true, value_parser = secret)]
    s3_secret_access_key: Option<Secret>,
    /// The most bytes of one artifact, for example 500MiB [default: 5GiB]
    #[arg(long, value_name = "BYTES", env = variables::MAX_ARTIFACT_SIZE, value_parser = bytes)]
    max_artifact_size: Option<u64>,
    /// The most artifacts of one job [default: 10000]
    #[arg(long, value_name = "NUMBER", env = variables::MAX_ARTIFACTS_PER_JOB)]
    max_artifacts_per_job: Option<u32>,
    /// The most bytes of one job's artifacts together [default: 50GiB]
    #[arg(long, value_name = "BYTES", env = variables::MAX_ARTIFACT_SIZE_PER_JOB, value_parser = bytes)]
    max_artifact_size_per_job: Option<u64>,
}

/// The section of the configuration file.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct ArtifactSection {
    store: Option<String>,
    s3_endpoint: Option<Url>,
    s3_region: Option<String>,
    s3_access_key_id: Option<String>,
    s3_secret_access_key: Option<String>,
    s3_secret_access_key_file: Option<PathBuf>,
    max_size: Option<String>,
    max_per_job: Option<u32>,
    max_size_per_job: Option<String>,
}

impl std::fmt::Debug for ArtifactSection {
    /// Without the secret.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ArtifactSection").field("store", &self.store).finish_non_exhaustive()
    }
}

/// Where the bytes of artifacts are kept.
#[derive(Debug, Clone)]
pub enum ArtifactStore {
    /// In a folder; none: `blobs` in the data folder.
    Folder(Option<PathBuf>),
    /// In an S3-compatible store. Its secret may still be `file://PATH` of a private file.
    S3(S3),
}

impl ArtifactStore {
    /// Opens it. An S3-compatible store is asked nothing yet: it may come later than the server.
    ///
    /// # Errors
    /// The folder cannot be used, or a setting of the store cannot.
    pub fn open(&self, default: &Path) -> Outcome<Blobs> {
        let opened = match self {
            Self::Folder(folder) => Blobs::folder(folder.as_deref().unwrap_or(default)),
            Self::S3(place) => {
                let key =
                    place.key.as_ref().map(|(id, secret)| Outcome::Ok((id.clone(), read(secret, KEY)?))).transpose()?;
                Blobs::s3(&S3 { key, ..place.clone() })
            }
        };
        opened.map_err(|error| match error {
            BlobError::StorageFull => Failure::unavailable("no space is left for the folder of artifacts"),
            other => Failure::bad_input(other).about("the store of artifacts (--artifact-store)"),
        })
    }
}

/// Puts flags and file together.
///
/// # Errors
/// What is said does not fit together, or a value of the file cannot be used.
pub(super) fn resolve(flags: &ArtifactFlags, file: ArtifactSection) -> Outcome<(ArtifactStore, Limits)> {
    let defaults = Limits::default();
    let in_file = |name: &str, text: Option<String>| {
        let read = text.map(|text| bytes(&text)).transpose();
        read.map_err(|why| Failure::bad_input(format!("the configuration file: artifacts.{name}: {why}")))
    };
    let (size, size_per_job) =
        (in_file("max_size", file.max_size)?, in_file("max_size_per_job", file.max_size_per_job)?);
    let limits = Limits {
        per_job: flags.max_artifacts_per_job.or(file.max_per_job).unwrap_or(defaults.per_job),
        size: flags.max_artifact_size.or(size).unwrap_or(defaults.size),
        size_per_job: flags.max_artifact_size_per_job.or(size_per_job).unwrap_or(defaults.size_per_job),
    };
    let place = flags.artifact_store.clone().or(file.store);
    let Some(bucket) = place.as_deref().and_then(|place| place.strip_prefix("s3://")) else {
        if place.as_deref().is_some_and(|place| place.contains("://")) {
            return Err(Failure::bad_input("--artifact-store must be a folder or s3://BUCKET/PREFIX"));
        }
        return Ok((ArtifactStore::Folder(place.map(PathBuf::from)), limits));
    };
    let (bucket, prefix) = bucket.split_once('/').unwrap_or((bucket, ""));
    if bucket.is_empty() {
        return Err(Failure::bad_input("--artifact-store s3:// names no bucket"));
    }
    let id = flags.s3_access_key_id.clone().or(file.s3_access_key_id);
    let secret = match (&flags.s3_secret_access_key, file.s3_secret_access_key, file.s3_secret_access_key_file) {
        (Some(secret), ..) => Some(secret.clone()),
        (None, Some(_), Some(_)) => {
            return Err(Failure::bad_input(
                "the configuration file says both artifacts.s3_secret_access_key and artifacts.s3_secret_access_key_file; \
                 keep one of them",
            ));
        }
        (None, Some(text), None) => Some(Secret::new(text)),
        (None, None, Some(path)) => Some(Secret::new(format!("file://{}", path.display()))),
        (None, None, None) => None,
    };
    let key = match (id, secret) {
        (Some(id), Some(secret)) => Some((id, secret)),
        (None, None) => None,
        _ => {
            return Err(Failure::bad_input(
                "an S3 access key needs both its id (--s3-access-key-id) and its secret (--s3-secret-access-key)",
            ));
        }
    };
    let endpoint = flags.s3_endpoint.clone().or(file.s3_endpoint);
    Ok((
        ArtifactStore::S3(S3 {
            endpoint: endpoint.map(|url| url.as_str().trim_end_matches('/').to_owned()),
            region: flags.s3_region.clone().or(file.s3_region).unwrap_or_else(|| DEFAULT_REGION.to_owned()),
            bucket: bucket.to_owned(),
            prefix: Some(prefix.to_owned()).filter(|it| !it.is_empty()),
            key,
        }),
        limits,
    ))
}

/// The secret that was given, or that a private file holds. `what` it is of, for whoever reads why it could not be read.
pub(super) fn read(given: &Secret, what: &'static str) -> Outcome<Secret> {
    let Some(path) = given.reveal().strip_prefix("file://") else { return Ok(given.clone()) };
    let text = private_file::read(Path::new(path)).map_err(|error| Failure::bad_input(error).about(what))?;
    Ok(Secret::new(text.trim().to_owned()))
}

#[expect(clippy::unnecessary_wraps, reason = "what the flag's reader expects")]
pub(super) fn secret(text: &str) -> Result<Secret, String> {
    Ok(Secret::new(text.to_owned()))
}

/// A number of bytes: a whole number, and `KiB`, `MiB` or `GiB` if it is not of bytes.
fn bytes(text: &str) -> Result<u64, String> {
    let wrong = || "write a whole number of bytes, or one with a unit, for example 500MiB or 5GiB".to_owned();
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let number: u64 = text[..digits].parse().map_err(|_| wrong())?;
    let unit: u64 = match &text[digits..] {
        "" => 1,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        _ => return Err(wrong()),
    };
    // A database's integers end there.
    let most = i64::MAX.unsigned_abs();
    number.checked_mul(unit).filter(|bytes| *bytes <= most).ok_or_else(|| "that is too many".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_have_units() {
        assert_eq!(bytes("5"), Ok(5));
        assert_eq!(bytes("5GiB"), Ok(5 << 30));
        for wrong in ["", "GiB", "5 GiB", "5GB", "-1", "99999999999999999999", "9999999999GiB"] {
            assert!(bytes(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_folder_and_a_bucket_are_told_apart() {
        let flags = |place: &str| ArtifactFlags { artifact_store: Some(place.to_owned()), ..ArtifactFlags::default() };
        let of = |flags: &ArtifactFlags| resolve(flags, ArtifactSection::default());
        assert!(matches!(of(&ArtifactFlags::default()), Ok((ArtifactStore::Folder(None), _))));
        assert!(matches!(of(&flags("/srv/blobs")), Ok((ArtifactStore::Folder(Some(_)), _))));
        let Ok((ArtifactStore::S3(place), _)) = of(&flags("s3://bucket/a/b")) else { panic!("an S3 store") };
        assert_eq!(
            (place.bucket.as_str(), place.prefix.as_deref(), place.key.is_none()),
            ("bucket", Some("a/b"), true)
        );
        assert!(of(&flags("s3://")).is_err());
        assert!(of(&flags("ftp://x/y")).is_err());
        let half = ArtifactFlags { s3_access_key_id: Some("id".to_owned()), ..flags("s3://bucket") };
        assert!(of(&half).is_err());
        let whole = ArtifactFlags { s3_secret_access_key: Some(Secret::new("hunter2".to_owned())), ..half };
        let shown = format!("{whole:?} {:?}", of(&whole).expect("both halves"));
        assert!(!shown.contains("hunter2"), "{shown}");
    }
}
