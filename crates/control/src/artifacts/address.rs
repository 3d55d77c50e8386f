//! Signed addresses: what stands for a token where bytes travel.
//!
//! A signature is over the purpose, what it is for, and the time at which it ends. It has one spelling: whatever character of an address
//! is changed, the address is refused. It holds nothing that is worth anything elsewhere.

use std::time::Duration;

use countersign_domain::id::{ArtifactId, DagsterRunLogId, DagsterSnapshotId, Id, JobId};
use countersign_domain::text::hex;
use countersign_domain::{KeyId, KeyRing, Timestamp};
use countersign_store::artifacts::Batch;

use crate::{Error, Result};

/// How long an upload may be begun.
pub const UPLOAD_TIME: Duration = Duration::from_secs(3600);
/// How long a download may be begun: an agent that fetches many files has all their addresses from one search.
pub const DOWNLOAD_TIME: Duration = Duration::from_secs(30 * 60);
/// What keys are derived under for this and nothing else.
const LABEL: &str = "artifact address";

/// What an address is good for. Each is a message of its own shape, so that no signature fits another purpose.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Purpose {
    /// `PUT` the bytes of this artifact.
    Upload(ArtifactId),
    /// `POST` a form with the bytes of one artifact of this batch.
    Form(JobId, Id<Batch>),
    /// `GET` the bytes of this artifact.
    Download(ArtifactId),
    /// `PUT` the bytes of this snapshot.
    Snapshot(DagsterSnapshotId),
    /// `PUT` the bytes of this log of a run.
    RunLog(DagsterRunLogId),
    /// `GET` them.
    ReadRunLog(DagsterRunLogId),
}

impl Purpose {
    fn message(self, expires: &str) -> String {
        match self {
            Self::Upload(artifact) => format!("PUT upload\n{artifact}\n{expires}"),
            Self::Form(job, batch) => format!("POST form\n{job}\n{batch}\n{expires}"),
            Self::Download(artifact) => format!("GET download\n{artifact}\n{expires}"),
            Self::Snapshot(snapshot) => format!("PUT snapshot\n{snapshot}\n{expires}"),
            Self::RunLog(log) => format!("PUT run log\n{log}\n{expires}"),
            Self::ReadRunLog(log) => format!("GET run log\n{log}\n{expires}"),
        }
    }

    const fn time(self) -> Duration {
        match self {
            Self::Upload(_) | Self::Form(..) | Self::Snapshot(_) | Self::RunLog(_) => UPLOAD_TIME,
            Self::Download(_) | Self::ReadRunLog(_) => DOWNLOAD_TIME,
        }
    }
}

/// The three parts that make a signature: when it ends (seconds since the epoch), the key, the tag in hexadecimal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Signature {
    pub expires: String,
    pub key: String,
    pub tag: String,
}

impl Signature {
    /// Signs.
    pub fn make(keys: &KeyRing, purpose: Purpose, now: Timestamp) -> Self {
        let expires = (now.plus(purpose.time()).as_millis() / 1000).to_string();
        let (key, tag) = keys.mac(LABEL, purpose.message(&expires).as_bytes());
        Self { expires, key: key.to_string(), tag: hex(&tag) }
    }

    /// As the query of an address.
    pub fn query(&self) -> String {
        format!("expires={}&key={}&signature={}", self.expires, self.key, self.tag)
    }

    /// Reads the query of an address: exactly as [`Signature::query`] writes it.
    pub fn from_query(query: &str) -> Option<Self> {
        let mut parts = query.split('&');
        let mut part = |name: &str| parts.next()?.strip_prefix(name)?.strip_prefix('=').map(str::to_owned);
        let signature = Self { expires: part("expires")?, key: part("key")?, tag: part("signature")? };
        parts.next().is_none().then_some(signature)
    }

    /// Whether it is ours, for this, and has not ended. All that is wrong gets one answer.
    pub fn check(&self, keys: &KeyRing, purpose: Purpose, now: Timestamp) -> Result<()> {
        let ends = self.expires.parse::<i64>().ok().filter(|seconds| seconds.to_string() == self.expires);
        let stands = ends.is_some_and(|seconds| now.as_millis() / 1000 < seconds);
        if self.is_ours(keys, purpose) && stands { Ok(()) } else { Err(refused()) }
    }

    fn is_ours(&self, keys: &KeyRing, purpose: Purpose) -> bool {
        let Ok(key) = self.key.parse::<KeyId>() else { return false };
        let Some(tag) = unhex(&self.tag) else { return false };
        keys.verify_mac(LABEL, purpose.message(&self.expires).as_bytes(), &key, &tag).unwrap_or(false)
    }
}

/// The one refusal of an address.
pub(crate) const fn refused() -> Error {
    Error::Denied { action: "artifact.move", needs: "an address that this server signed and that has not expired" }
}

/// Lower-case digits only: a tag has one spelling.
fn unhex(text: &str) -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    let digits = text.as_bytes();
    if digits.len() != 64 || digits.iter().any(|digit| !matches!(digit, b'0'..=b'9' | b'a'..=b'f')) {
        return None;
    }
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use countersign_domain::Entropy;

    use super::*;

    struct Counting(std::sync::atomic::AtomicU8);
    impl Entropy for Counting {
        fn fill(&self, buffer: &mut [u8]) {
            buffer.fill_with(|| self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed));
        }
    }

    fn ring() -> (KeyRing, Counting) {
        let entropy = Counting(7.into());
        (KeyRing::generate(Timestamp::EPOCH, &entropy), entropy)
    }

    #[test]
    fn any_changed_character_is_refused() {
        let (keys, entropy) = ring();
        let now = Timestamp::EPOCH.plus(Duration::from_secs(1_790_000_000));
        let purpose = Purpose::Download(Id::new(now, &entropy));
        let query = Signature::make(&keys, purpose, now).query();
        let check = |text: &str| Signature::from_query(text).is_some_and(|it| it.check(&keys, purpose, now).is_ok());
        assert!(check(&query));
        for at in 0..query.len() {
            for other in ['0', '1', 'a', 'A', 'z', '&', '=', '%', ' ', '+'] {
                let mut changed: Vec<char> = query.chars().collect();
                if changed[at] == other {
                    continue;
                }
                changed[at] = other;
                let changed: String = changed.into_iter().collect();
                assert!(!check(&changed), "{changed}");
            }
            let shorter: String = query.chars().enumerate().filter(|(index, _)| *index != at).map(|(_, c)| c).collect();
            assert!(!check(&shorter), "{shorter}");
        }
        for more in
            [format!("{query}&"), format!("{query}&a=b"), format!("{query} "), query.replace("expires=", "expires=0")]
        {
            assert!(!check(&more), "{more}");
        }
    }

    #[test]
    fn it_is_for_one_thing_and_for_a_time() {
        let (mut keys, entropy) = ring();
        let now = Timestamp::EPOCH.plus(Duration::from_secs(1_790_000_000));
        let (one, other) = (Id::new(now, &entropy), Id::new(now, &entropy));
        let signature = Signature::make(&keys, Purpose::Upload(one), now);
        let good = |purpose, at| signature.check(&keys, purpose, at).is_ok();
        assert!(good(Purpose::Upload(one), now));
        assert!(good(Purpose::Upload(one), now.plus(UPLOAD_TIME - Duration::from_secs(1))));
        assert!(!good(Purpose::Upload(one), now.plus(UPLOAD_TIME)));
        assert!(!good(Purpose::Upload(other), now));
        assert!(!good(Purpose::Download(one), now));
        assert!(!good(Purpose::Snapshot(one.cast()), now));
        let form = Signature::make(&keys, Purpose::Form(one.cast(), other.cast()), now);
        assert!(form.check(&keys, Purpose::Form(one.cast(), other.cast()), now).is_ok());
        assert!(form.check(&keys, Purpose::Form(other.cast(), one.cast()), now).is_err());
        // A newer key does not end what an older one signed; another ring knows nothing of it.
        keys.add(now, &entropy);
        assert!(signature.check(&keys, Purpose::Upload(one), now).is_ok());
        let (stranger, _) = (KeyRing::generate(now, &entropy), ());
        assert!(signature.check(&stranger, Purpose::Upload(one), now).is_err());
    }
}
