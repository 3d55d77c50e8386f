//! Hashing and checking passwords: argon2id, on threads of their own, a few at a time.
//!
//! What is hashed is not the password but what a key of the ring makes of it. So whoever has the database alone cannot even guess: they lack the
//! key. A password moves to the newest key at its next use, as digests of tokens do, and until then it needs its own.
//!
//! Each hash takes [`MEMORY`] and some tens of milliseconds of a processor. So [`HASHES_AT_ONCE`] are worked on, [`HASHES_WAITING`] wait, and
//! whoever comes then is told to come again: a crowd that guesses fills neither the memory nor the line of everybody else. Whoever is signed in
//! has a line of their own, [`OWN_HASHES_AT_ONCE`] wide: a crowd of strangers keeps nobody from proving who they are.

use std::sync::Arc;

use argon2::password_hash::phc::PasswordHash;
use argon2::{Algorithm, Argon2, Params, PasswordHasher, PasswordVerifier, Version};
use countersign_domain::password::BadPassword;
use countersign_domain::{Entropy, KeyRing, Password};
use countersign_store::passwords::Kept;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use zeroize::Zeroizing;

use crate::{Control, Error, Result};

/// What the keys of the ring make of passwords, and of nothing else.
const LABEL: &str = "countersign/password/v1";
/// KiB that one hash takes. This and the two below are the first choice of OWASP's cheat sheet for argon2id with one lane.
const MEMORY: u32 = 19 * 1024;
/// Passes over that memory.
const PASSES: u32 = 2;
/// Lanes.
const LANES: u32 = 1;
/// Bytes of salt.
const SALT: usize = 16;
/// The most hashes that are worked on at one time for those who are not signed in yet: they take 76 MiB together.
pub const HASHES_AT_ONCE: usize = 4;
/// The most hashes that are worked on at one time for those who are signed in: they take 38 MiB together.
pub const OWN_HASHES_AT_ONCE: usize = 2;
/// The most that wait for their turn, in each of the two lines.
pub const HASHES_WAITING: usize = 64;

/// In which line somebody stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Asking {
    /// Somebody who is not signed in, whoever they are.
    Stranger,
    /// Somebody who is, or shows a user token, about their own password.
    Oneself,
}

/// Where hashing takes turns.
#[derive(Debug)]
pub(crate) struct Hashing {
    strangers: Line,
    own: Line,
}

impl Default for Hashing {
    fn default() -> Self {
        Self { strangers: Line::of(HASHES_AT_ONCE), own: Line::of(OWN_HASHES_AT_ONCE) }
    }
}

impl Hashing {
    fn line(&self, asking: Asking) -> &Line {
        match asking {
            Asking::Stranger => &self.strangers,
            Asking::Oneself => &self.own,
        }
    }
}

/// So many who work, and those who wait for it.
#[derive(Debug)]
struct Line {
    working: Arc<Semaphore>,
    here: Arc<Semaphore>,
}

impl Line {
    fn of(at_once: usize) -> Self {
        let of = |places| Arc::new(Semaphore::new(places));
        Self { working: of(at_once), here: of(at_once + HASHES_WAITING) }
    }

    /// A place among those who wait, and then among those who work. The work takes it with it: a caller who leaves gives up no memory that is
    /// still used.
    async fn enter(&self) -> Result<(OwnedSemaphorePermit, OwnedSemaphorePermit)> {
        const BUSY: Error =
            Error::Unavailable { code: "busy", message: "Too many people sign in at this moment; try again." };
        let here = Arc::clone(&self.here).try_acquire_owned().map_err(|_| BUSY)?;
        let working = Arc::clone(&self.working).acquire_owned().await.map_err(|_| BUSY)?;
        Ok((here, working))
    }
}

/// What checking a password has found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Checked {
    /// Whether it is the one.
    pub matches: bool,
    /// The same password under the parameters and the key of today, if it was kept under others.
    pub again: Option<Kept>,
}

impl Control {
    /// Judges a password that somebody wants, beside what others know of them, and hashes it under the parameters and the key of today. Both are work.
    pub(super) async fn hash_new_password(
        &self,
        asking: Asking,
        text: Zeroizing<String>,
        known: Vec<String>,
    ) -> Result<std::result::Result<Kept, BadPassword>> {
        let (keys, salt) = (self.keys(), salt(self.entropy()));
        let places = self.hashing().line(asking).enter().await?;
        apart(places, move || {
            let known: Vec<&str> = known.iter().map(String::as_str).collect();
            match Password::new(&text, &known) {
                Ok(password) => hash(&keys, &password, &salt).map(Ok),
                Err(bad) => Ok(Err(bad)),
            }
        })
        .await
    }

    /// Checks a password against what is kept. Where nothing is kept, as much work is done, and it is not the one.
    pub(super) async fn check_password(
        &self,
        asking: Asking,
        password: Arc<Password>,
        kept: Option<Kept>,
    ) -> Result<Checked> {
        let (keys, salt) = (self.keys(), salt(self.entropy()));
        let places = self.hashing().line(asking).enter().await?;
        apart(places, move || check(&keys, &password, kept.as_ref(), &salt)).await
    }
}

async fn apart<T, P>(places: P, work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T>
where
    T: Send + 'static,
    P: Send + 'static,
{
    let working = tokio::task::spawn_blocking(move || {
        let _places = places;
        work()
    });
    working.await.map_err(|_| Error::internal("a thread that hashes a password panicked"))?
}

fn salt(entropy: &dyn Entropy) -> [u8; SALT] {
    let mut salt = [0; SALT];
    entropy.fill(&mut salt);
    salt
}

fn today() -> Result<Argon2<'static>> {
    let params = Params::new(MEMORY, PASSES, LANES, None).map_err(Error::internal)?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

fn hash(keys: &KeyRing, password: &Password, salt: &[u8]) -> Result<Kept> {
    let (key, keyed) = keys.mac(LABEL, password.reveal());
    let keyed = Zeroizing::new(keyed);
    let hash: PasswordHash = today()?.hash_password_with_salt(&keyed[..], salt).map_err(Error::internal)?;
    Ok(Kept { phc: hash.to_string(), key })
}

fn check(keys: &KeyRing, password: &Password, kept: Option<&Kept>, salt: &[u8]) -> Result<Checked> {
    let nobodys = Kept { phc: nobodys(), key: keys.newest().clone() };
    let against = kept.unwrap_or(&nobodys);
    let keyed = keys.mac_by(LABEL, password.reveal(), &against.key).map(Zeroizing::new).map_err(|missing| {
        tracing::error!(%missing, "a password needs a key that the key ring has not");
        Error::Unavailable { code: "key_ring", message: "The server lacks a key; its operator must look." }
    })?;
    let parsed = PasswordHash::new(&against.phc).map_err(Error::internal)?;
    let matches = match today()?.verify_password(&keyed[..], &parsed) {
        Ok(()) => kept.is_some(),
        Err(argon2::password_hash::Error::PasswordInvalid) => false,
        Err(other) => return Err(Error::internal(other)),
    };
    let is_outdated = kept.is_some_and(|kept| !kept.phc.starts_with(&head()) || kept.key != *keys.newest());
    let again = if matches && is_outdated { Some(hash(keys, password, salt)?) } else { None };
    Ok(Checked { matches, again })
}

/// How a hash under the parameters of today begins.
fn head() -> String {
    format!("$argon2id$v=19$m={MEMORY},t={PASSES},p={LANES}$")
}

/// What the password of somebody is checked against who has none: as much work as any other, and nothing hashes to zeros.
fn nobodys() -> String {
    format!("{}{}${}", head(), "A".repeat(22), "A".repeat(43))
}

#[cfg(test)]
mod tests {
    use countersign_domain::Timestamp;

    use super::*;

    const SOME: [u8; SALT] = [7; SALT];

    struct Same(u8);
    impl Entropy for Same {
        fn fill(&self, buffer: &mut [u8]) {
            buffer.fill(self.0);
        }
    }

    fn ring() -> KeyRing {
        KeyRing::generate(Timestamp::EPOCH, &Same(1))
    }

    fn made(keys: &KeyRing, password: &str, salt: u8) -> Kept {
        hash(keys, &Password::shown(password), &[salt; SALT]).expect("hashed")
    }

    fn checked(keys: &KeyRing, password: &str, kept: Option<&Kept>) -> Checked {
        check(keys, &Password::shown(password), kept, &SOME).expect("checked")
    }

    #[tokio::test]
    async fn a_crowd_of_strangers_is_sent_away_and_takes_no_place_of_those_who_are_signed_in() {
        let hashing = Hashing::default();
        let mut inside = Vec::new();
        for _ in 0..HASHES_AT_ONCE {
            inside.push(hashing.line(Asking::Stranger).enter().await.expect("a place"));
        }
        let waiting = Arc::clone(&hashing.strangers.here).try_acquire_many_owned(64).expect("those who wait");
        let refused = hashing.line(Asking::Stranger).enter().await.map(drop);
        assert!(matches!(refused, Err(Error::Unavailable { code: "busy", .. })), "{refused:?}");
        for _ in 0..OWN_HASHES_AT_ONCE {
            inside.push(hashing.line(Asking::Oneself).enter().await.expect("a place of their own"));
        }
        drop((inside, waiting));
        drop(hashing.line(Asking::Stranger).enter().await.expect("places come back"));
    }

    #[test]
    fn a_password_matches_its_own_hash_alone() {
        let keys = ring();
        let kept = made(&keys, "correct horse", 7);
        assert!(kept.phc.starts_with(&head()), "{}", kept.phc);
        assert_eq!(checked(&keys, "correct horse", Some(&kept)), Checked { matches: true, again: None });
        assert_eq!(checked(&keys, "correct horsE", Some(&kept)), Checked { matches: false, again: None });
        assert_eq!(checked(&keys, "correct horse", None), Checked { matches: false, again: None });
        assert_ne!(kept, made(&keys, "correct horse", 8), "by its salt");
    }

    #[test]
    fn other_parameters_are_replaced_once_the_password_was_right() {
        let keys = ring();
        let weak = Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::new(8 * 1024, 1, 1, None).expect("fit"));
        let (key, keyed) = keys.mac(LABEL, b"correct horse");
        let weak: PasswordHash = weak.hash_password_with_salt(&keyed, &SOME).expect("hashed");
        let weak = Kept { phc: weak.to_string(), key };
        assert_eq!(checked(&keys, "wrong", Some(&weak)), Checked { matches: false, again: None });
        let again = checked(&keys, "correct horse", Some(&weak)).again.expect("hashed anew");
        assert_eq!(checked(&keys, "correct horse", Some(&again)), Checked { matches: true, again: None });
    }

    #[test]
    fn nobody_guesses_without_the_key_and_a_newer_one_takes_over() {
        let mut keys = ring();
        let kept = made(&keys, "correct horse", 7);
        let thiefs = KeyRing::generate(Timestamp::EPOCH, &Same(2));
        let guess = Kept { key: thiefs.newest().clone(), ..kept.clone() };
        assert!(!checked(&thiefs, "correct horse", Some(&guess)).matches);
        let missing = check(&thiefs, &Password::shown("correct horse"), Some(&kept), &SOME);
        assert!(matches!(missing, Err(Error::Unavailable { code: "key_ring", .. })), "{missing:?}");
        keys.add(Timestamp::EPOCH, &Same(3));
        let again = checked(&keys, "correct horse", Some(&kept)).again.expect("hashed anew");
        assert_eq!(again.key, *keys.newest());
        assert_eq!(checked(&keys, "correct horse", Some(&again)), Checked { matches: true, again: None });
    }

    #[test]
    fn what_is_kept_and_cannot_be_read_is_a_fault_of_ours() {
        let keys = ring();
        let kept = Kept { phc: "plain".to_owned(), key: keys.newest().clone() };
        assert!(matches!(check(&keys, &Password::shown("x"), Some(&kept), &SOME), Err(Error::Internal(_))));
    }
}
