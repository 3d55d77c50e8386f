//! The hashes of a file.

use std::{
    fs::File,
    io::{self, Read},
    path::Path,
};

use aws_lc_rs::digest::{Context, SHA1_FOR_LEGACY_USE_ONLY, SHA256};
use countersign_domain::text::hex;

/// How much is read at once.
const PIECE: usize = 256 * 1024;

/// SHA-1 and SHA-256 of a file, in lower-case hexadecimal, and how many bytes they are of.
pub(super) fn sums(path: &Path) -> io::Result<(String, String, u64)> {
    let mut sums = Sums::new();
    sums.read(File::open(path)?)?;
    Ok(sums.end())
}

/// Both hashes, as bytes come.
pub(super) struct Sums {
    sha1: Context,
    sha256: Context,
    size: u64,
}

impl Sums {
    pub fn new() -> Self {
        Self { sha1: Context::new(&SHA1_FOR_LEGACY_USE_ONLY), sha256: Context::new(&SHA256), size: 0 }
    }

    pub fn take(&mut self, bytes: &[u8]) {
        self.sha1.update(bytes);
        self.sha256.update(bytes);
        self.size += bytes.len() as u64;
    }

    pub fn read(&mut self, mut file: impl Read) -> io::Result<()> {
        let mut piece = vec![0; PIECE];
        loop {
            match file.read(&mut piece) {
                Ok(0) => return Ok(()),
                Ok(count) => self.take(&piece[..count]),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    pub fn end(self) -> (String, String, u64) {
        (hex(self.sha1.finish().as_ref()), hex(self.sha256.finish().as_ref()), self.size)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sums_of_hello() {
        let mut sums = Sums::new();
        sums.read(&b"hello"[..]).expect("reads");
        let (sha1, sha256, size) = sums.end();
        assert_eq!(sha1, "aaf4c61ddcc5e8a2dabede0f3b482cd9aea9434d");
        assert_eq!(sha256, "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824");
        assert_eq!(size, 5);
    }
}
