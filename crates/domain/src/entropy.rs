//! Randomness comes from one place.

/// The program's only source of random bytes. In production the operating system's generator; in tests a seeded one.
pub trait Entropy: Send + Sync + 'static {
    /// Fills `buffer` with random bytes. Ends the process rather than return predictable ones.
    fn fill(&self, buffer: &mut [u8]);

    /// Sixteen random bytes.
    fn bytes16(&self) -> [u8; 16] {
        let mut bytes = [0; 16];
        self.fill(&mut bytes);
        bytes
    }

    /// `length` characters of `0-9A-Za-z`, each equally likely: bytes of 248 and above are thrown away, so that no
    /// character is favoured by the remainder.
    fn base62(&self, length: usize) -> String {
        let mut text = String::with_capacity(length);
        let mut buffer = [0; 64];
        while text.len() < length {
            self.fill(&mut buffer);
            for byte in buffer {
                if byte < 248 && text.len() < length {
                    text.push(char::from(BASE62[usize::from(byte % 62)]));
                }
            }
        }
        buffer.fill(0);
        text
    }
}

/// The alphabet of token values: digits, upper case, lower case.
pub const BASE62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

#[cfg(test)]
mod tests {
    use super::*;

    struct Counting(std::sync::atomic::AtomicU8);
    impl Entropy for Counting {
        fn fill(&self, buffer: &mut [u8]) {
            for byte in buffer {
                *byte = self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            }
        }
    }

    #[test]
    fn every_character_is_as_likely_as_the_next() {
        // One full cycle of bytes gives each of the 62 characters exactly four times.
        let text = Counting(0.into()).base62(248);
        for c in BASE62 {
            assert_eq!(text.bytes().filter(|b| b == c).count(), 4, "{}", char::from(*c));
        }
    }
}
