//! Hashing and checking passwords: argon2id, on threads of their own, a few at a time.
//!
//! Each hash takes [`MEMORY`] and some tens of milliseconds of a processor. So [`HASHES_AT_ONCE`] are worked on, [`HASHES_WAITING`] wait, and
//! whoever comes then is told to come again: a crowd that guesses fills neither the memory nor the line of everybody else.

use std::sync::Arc;

use argon2::password_hash::phc::PasswordHash;
use argon2::{Algorithm, Argon2, Params, PasswordHasher, PasswordVerifier, Version};
use countersign_domain::{Entropy, Password};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::{Control, Error, Result};

/// KiB that one hash takes. This and the two below are the first choice of OWASP's cheat sheet for argon2id with one lane.
const MEMORY: u32 = 19 * 1024;
/// Passes over that memory.
const PASSES: u32 = 2;
/// Lanes.
const LANES: u32 = 1;
/// Bytes of salt.
const SALT: usize = 16;
/// The most hashes that are worked on at one time: they take 76 MiB together.
pub const HASHES_AT_ONCE: usize = 4;
/// The most that wait for their turn.
pub const HASHES_WAITING: usize = 64;

/// Where hashing takes turns.
#[derive(Debug)]
pub(crate) struct Hashing {
    working: Arc<Semaphore>,
    here: Arc<Semaphore>,
}

impl Default for Hashing {
    fn default() -> Self {
        let of = |places| Arc::new(Semaphore::new(places));
        Self { working: of(HASHES_AT_ONCE), here: of(HASHES_AT_ONCE + HASHES_WAITING) }
    }
}

impl Hashing {
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
    /// The same password under the parameters of today, if it was kept under others.
    pub again: Option<String>,
}

impl Control {
    /// Hashes a password under the parameters of today; answers a PHC string.
    pub(super) async fn hash_password(&self, password: Arc<Password>) -> Result<String> {
        let salt = salt(self.entropy());
        let places = self.hashing().enter().await?;
        apart(places, move || hash(&password, &salt)).await
    }

    /// Checks a password against what is kept. Where nothing is kept, as much work is done, and it is not the one.
    pub(super) async fn check_password(&self, password: Arc<Password>, kept: Option<String>) -> Result<Checked> {
        let salt = salt(self.entropy());
        let places = self.hashing().enter().await?;
        apart(places, move || check(&password, kept.as_deref(), &salt)).await
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

fn argon2() -> Result<Argon2<'static>> {
    let params = Params::new(MEMORY, PASSES, LANES, None).map_err(Error::internal)?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

fn hash(password: &Password, salt: &[u8]) -> Result<String> {
    let hash: PasswordHash = argon2()?.hash_password_with_salt(password.reveal(), salt).map_err(Error::internal)?;
    Ok(hash.to_string())
}

fn check(password: &Password, kept: Option<&str>, salt: &[u8]) -> Result<Checked> {
    let nobodys = nobodys();
    let parsed = PasswordHash::new(kept.unwrap_or(&nobodys)).map_err(Error::internal)?;
    let matches = match argon2()?.verify_password(password.reveal(), &parsed) {
        Ok(()) => kept.is_some(),
        Err(argon2::password_hash::Error::PasswordInvalid) => false,
        Err(other) => return Err(Error::internal(other)),
    };
    let is_outdated = kept.is_some_and(|kept| !kept.starts_with(&head()));
    let again = if matches && is_outdated { Some(hash(password, salt)?) } else { None };
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
    use super::*;

    const SOME: [u8; SALT] = [7; SALT];

    fn checked(password: &str, kept: Option<&str>) -> Checked {
        check(&Password::shown(password), kept, &SOME).expect("checked")
    }

    #[test]
    fn a_password_matches_its_own_hash_alone() {
        let kept = hash(&Password::shown("correct horse"), &SOME).expect("hashed");
        assert!(kept.starts_with(&head()), "{kept}");
        assert_eq!(checked("correct horse", Some(&kept)), Checked { matches: true, again: None });
        assert_eq!(checked("correct horsE", Some(&kept)), Checked { matches: false, again: None });
        assert_eq!(checked("correct horse", None), Checked { matches: false, again: None });
        let other = hash(&Password::shown("correct horse"), &[8; SALT]).expect("hashed");
        assert_ne!(kept, other, "by its salt");
    }

    #[test]
    fn other_parameters_are_replaced_once_the_password_was_right() {
        let weak = Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::new(8 * 1024, 1, 1, None).expect("fit"));
        let weak: PasswordHash = weak.hash_password_with_salt(b"correct horse", &SOME).expect("hashed");
        let weak = weak.to_string();
        assert_eq!(checked("wrong", Some(&weak)), Checked { matches: false, again: None });
        let again = checked("correct horse", Some(&weak)).again.expect("hashed anew");
        assert_eq!(checked("correct horse", Some(&again)), Checked { matches: true, again: None });
    }

    #[test]
    fn what_is_kept_and_cannot_be_read_is_a_fault_of_ours() {
        assert!(matches!(check(&Password::shown("x"), Some("plain"), &SOME), Err(Error::Internal(_))));
    }
}
