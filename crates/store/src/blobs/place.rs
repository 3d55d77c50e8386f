//! Where blobs are: a folder, an S3-compatible store, or, for tests, memory.

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use object_store::aws::AmazonS3Builder;
use object_store::local::LocalFileSystem;
use object_store::memory::InMemory;
use object_store::prefix::PrefixStore;
use object_store::{BackoffConfig, ClientOptions, ObjectStore, RetryConfig};

use super::{BlobError, Blobs};

/// Bytes that are gathered before they are written to a folder.
const PART_OF_FOLDER: usize = 256 * 1024;
/// Bytes of a part of an S3 upload: the smallest that S3 takes, so that as little as possible is held in memory.
const PART_OF_S3: usize = 5 * 1024 * 1024;
/// Bytes that are read from a folder in one go.
const PIECE_OF_FOLDER: u64 = 64 * 1024;
/// Bytes that are read from an S3-compatible store in one go: each is a call of its own.
const PIECE_OF_S3: u64 = 1024 * 1024;
/// How long opening a connection to an S3-compatible store may take.
const CONNECT_TIME: Duration = Duration::from_secs(5);
/// How long one call to it may take, with a part's bytes.
const CALL_TIME: Duration = Duration::from_secs(30);
/// How often a call that failed is made again.
const RETRIES: usize = 2;
/// For how long it is: whoever waits for the answer tries again, too.
const RETRY_TIME: Duration = Duration::from_secs(20);

/// A secret of a configuration: never shown.
#[derive(Clone)]
pub struct Secret(String);

impl Secret {
    /// Keeps the value.
    #[must_use]
    pub const fn new(value: String) -> Self {
        Self(value)
    }

    /// The value, for whom it is meant for.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[secret]")
    }
}

/// An S3-compatible store.
#[derive(Debug, Clone)]
pub struct S3 {
    /// Its address; none: that of the region.
    pub endpoint: Option<String>,
    /// Its region.
    pub region: String,
    /// The bucket; it must be there.
    pub bucket: String,
    /// What names begin with; none: nothing.
    pub prefix: Option<String>,
    /// The id of the access key and its secret; none: the role of the machine.
    pub key: Option<(String, Secret)>,
}

impl Blobs {
    /// In a folder, which is made if it is not there. What an earlier server did not come to the end of is removed.
    ///
    /// # Errors
    /// The folder cannot be made or used.
    pub fn folder(folder: &Path) -> Result<Self, BlobError> {
        make_private(folder).map_err(|error| unusable(folder, &error))?;
        remove_unfinished(folder).map_err(|error| unusable(folder, &error))?;
        let store = LocalFileSystem::new_with_prefix(folder)?.with_fsync(true);
        Ok(Self::new(Arc::new(store), PART_OF_FOLDER, PIECE_OF_FOLDER, folder.display().to_string()))
    }

    /// In an S3-compatible store. Nothing is asked of it yet.
    ///
    /// # Errors
    /// A setting cannot be used; the message holds no secret.
    pub fn s3(place: &S3) -> Result<Self, BlobError> {
        let options = ClientOptions::new().with_connect_timeout(CONNECT_TIME).with_timeout(CALL_TIME);
        let retry = RetryConfig { backoff: BackoffConfig::default(), max_retries: RETRIES, retry_timeout: RETRY_TIME };
        let mut builder = AmazonS3Builder::new()
            .with_client_options(options)
            .with_retry(retry)
            .with_region(&place.region)
            .with_bucket_name(&place.bucket);
        let mut about = format!("s3://{}", place.bucket);
        if let Some(endpoint) = &place.endpoint {
            builder = builder.with_endpoint(endpoint).with_allow_http(endpoint.starts_with("http://"));
        }
        if let Some((id, secret)) = &place.key {
            builder = builder.with_access_key_id(id).with_secret_access_key(secret.reveal());
        }
        let store: Arc<dyn ObjectStore> = match place.prefix.as_deref().map(|it| it.trim_matches('/')) {
            None | Some("") => Arc::new(builder.build()?),
            Some(prefix) => {
                about.push('/');
                about.push_str(prefix);
                Arc::new(PrefixStore::new(builder.build()?, prefix))
            }
        };
        Ok(Self::new(store, PART_OF_S3, PIECE_OF_S3, about))
    }

    /// In memory, for tests: gone with the last clone.
    #[must_use]
    pub fn memory() -> Self {
        Self::new(Arc::new(InMemory::new()), PART_OF_FOLDER, PIECE_OF_FOLDER, "memory".to_owned())
    }
}

fn unusable(folder: &Path, error: &std::io::Error) -> BlobError {
    use std::io::ErrorKind::{QuotaExceeded, StorageFull};
    match error.kind() {
        StorageFull | QuotaExceeded => BlobError::StorageFull,
        _ => BlobError::Unavailable { why: format!("the folder {}: {error}", folder.display()) },
    }
}

fn make_private(folder: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

/// A file that is being written has `#` and a number behind its name; no blob's name has.
fn remove_unfinished(folder: &Path) -> std::io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            remove_unfinished(&entry.path())?;
        } else if entry.file_name().to_string_lossy().contains('#') {
            std::fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}
