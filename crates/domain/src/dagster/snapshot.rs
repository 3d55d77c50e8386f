//! Snapshots: what an agent has read out of a code location, packed.

use std::fmt;
use std::io::{self, Read};
use std::str::FromStr;

use flate2::Compression;
use flate2::read::{ZlibDecoder, ZlibEncoder};

/// The most bytes of a snapshot as it is sent, packed.
pub const MAX_SNAPSHOT_PACKED: usize = 8 * 1024 * 1024;
/// The most bytes of a snapshot once it is unpacked.
pub const MAX_SNAPSHOT: usize = 64 * 1024 * 1024;
/// Bytes that are unpacked in one go.
const PIECE: usize = 64 * 1024;

/// What a snapshot is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SnapshotKind {
    /// Why a code location could not be loaded.
    Error,
    /// A repository of definitions.
    Repository,
    /// A job.
    Job,
}

impl SnapshotKind {
    /// Every kind.
    pub const ALL: [Self; 3] = [Self::Error, Self::Repository, Self::Job];

    /// The word for programs, as the protocol has it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Repository => "repository",
            Self::Job => "job",
        }
    }
}

impl fmt::Display for SnapshotKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The text is no kind of snapshot.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("must be error, repository or job")]
pub struct NotAKindOfSnapshot;

impl FromStr for SnapshotKind {
    type Err = NotAKindOfSnapshot;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text).ok_or(NotAKindOfSnapshot)
    }
}

/// The most bytes that a snapshot of `size` bytes is packed: a little more than it was, for what cannot be packed, and never more than
/// [`MAX_SNAPSHOT_PACKED`].
#[must_use]
pub fn most_packed(size: usize) -> usize {
    size.saturating_add(size / 1_000).saturating_add(1_024).min(MAX_SNAPSHOT_PACKED)
}

/// Packs bytes as a zlib stream, as tightly as agents do.
///
/// # Errors
/// There is no memory for it.
pub fn pack(bytes: &[u8]) -> io::Result<Vec<u8>> {
    let mut packed = Vec::new();
    ZlibEncoder::new(bytes, Compression::default()).read_to_end(&mut packed)?;
    Ok(packed)
}

/// Why packed bytes were not unpacked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadPacked {
    /// They are no zlib stream (RFC 1950), not a whole one, or more than one.
    #[error("is not a whole zlib stream")]
    Broken,
    /// They would be more than that. Nothing beyond it was unpacked.
    #[error("would be more than {0} bytes once it is unpacked, the most that is taken")]
    TooLarge(usize),
}

/// Unpacks a zlib stream of at most `most` bytes, and hands it over piece by piece: little is held, whatever it claims to be. Answers how many
/// bytes there were.
///
/// # Errors
/// [`BadPacked`]; what was handed over before is not to be used then.
pub fn unpack_each(packed: &[u8], most: usize, mut each: impl FnMut(&[u8])) -> Result<usize, BadPacked> {
    let mut stream = ZlibDecoder::new(packed);
    let mut piece = vec![0; PIECE];
    let mut count = 0_usize;
    loop {
        let read = stream.read(&mut piece).map_err(|_| BadPacked::Broken)?;
        if read == 0 {
            // What comes behind the stream was looked at by nobody.
            let is_whole = usize::try_from(stream.total_in()).is_ok_and(|read| read == packed.len());
            return if is_whole { Ok(count) } else { Err(BadPacked::Broken) };
        }
        count = count.saturating_add(read);
        if count > most {
            return Err(BadPacked::TooLarge(most));
        }
        each(piece.get(..read).unwrap_or_default());
    }
}

/// Unpacks a zlib stream of at most `most` bytes of text.
///
/// # Errors
/// [`BadPacked`], also [`BadPacked::Broken`] for what is no UTF-8.
pub fn unpack_text(packed: &[u8], most: usize) -> Result<String, BadPacked> {
    let mut text = Vec::new();
    unpack_each(packed, most, |piece| text.extend_from_slice(piece))?;
    String::from_utf8(text).map_err(|_| BadPacked::Broken)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packed(bytes: &[u8]) -> Vec<u8> {
        pack(bytes).expect("into memory")
    }

    #[test]
    fn kinds_read_back() {
        for kind in SnapshotKind::ALL {
            assert_eq!(kind.to_string().parse(), Ok(kind));
        }
        assert_eq!("Job".parse::<SnapshotKind>(), Err(NotAKindOfSnapshot));
    }

    #[test]
    fn what_was_packed_is_unpacked() {
        let text = "ä line\n".repeat(50_000);
        assert_eq!(unpack_text(&packed(text.as_bytes()), text.len()), Ok(text.clone()));
        assert_eq!(unpack_text(&packed(b""), 0), Ok(String::new()));
        for broken in [&b""[..], b"hello", &packed(text.as_bytes())[..20], &[0x1f, 0x8b, 8, 0]] {
            assert_eq!(unpack_text(broken, 1_000_000), Err(BadPacked::Broken), "{} bytes", broken.len());
        }
        assert_eq!(unpack_text(&packed(&[0xFF, 0xFE]), 9), Err(BadPacked::Broken));
        let followed = [packed(b"hello"), vec![0; 1_000]].concat();
        assert_eq!(unpack_text(&followed, 9), Err(BadPacked::Broken), "something comes behind it");
    }

    #[test]
    fn a_bomb_is_not_unpacked_to_its_end() {
        let bomb = packed(&vec![0; MAX_SNAPSHOT + 1]);
        assert!(bomb.len() < 1_000_000, "{} bytes", bomb.len());
        let mut seen = 0;
        let outcome = unpack_each(&bomb, 1_000_000, |piece| seen += piece.len());
        assert_eq!(outcome, Err(BadPacked::TooLarge(1_000_000)));
        assert!(seen <= 1_000_000);
        assert_eq!(unpack_each(&bomb, MAX_SNAPSHOT, |_| {}), Err(BadPacked::TooLarge(MAX_SNAPSHOT)));
    }
}
