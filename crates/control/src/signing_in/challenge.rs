//! What lies between asking and answering, as a browser carries it: signed by the key ring, for one purpose and a time.
//!
//! `<key>.<tag and message, base64url>`. It says nothing that the browser may not know. That it is taken once is the row's of its id.

use std::time::Duration;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use countersign_domain::id::{ChallengeId, InvitationId, SignInId, UserId};
use countersign_domain::{KeyId, KeyRing, Timestamp};
use countersign_store::Tx;
use countersign_store::sign_ins::answers;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// How long what somebody was asked can be answered.
pub const CHALLENGE_LIFETIME: Duration = Duration::from_secs(5 * 60);
/// The most bytes of what comes back. What is made has about a thousand, and nothing in it grows with what somebody has.
pub const MAX_CHALLENGE: usize = 16 * 1024;
/// Bytes of the tag.
const TAG: usize = 32;

/// What an answer is for: it is good for nothing else, and by nobody else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Purpose {
    /// Somebody signs in; who, the answer says.
    SignIn,
    /// Somebody who is signed in proves that it is still them.
    Prove(UserId, SignInId),
    /// Somebody who is signed in adds a passkey.
    Add(UserId, SignInId),
    /// Somebody accepts an invitation.
    Accept(InvitationId),
}

/// What is signed.
#[derive(Debug, Serialize, Deserialize)]
struct Message<S> {
    purpose: Purpose,
    id: ChallengeId,
    /// Microseconds since the epoch.
    expires_at: i64,
    state: S,
}

/// A challenge that came back, is ours and has not ended. Whether it was answered before is not known yet.
#[derive(Debug)]
pub(super) struct Challenge<S> {
    pub answer: Answer,
    /// The key that signed it.
    pub key: KeyId,
    /// What is needed to check the answer.
    pub state: S,
}

/// An answer that is to be taken once.
#[derive(Debug, Clone, Copy)]
pub(super) struct Answer {
    pub id: ChallengeId,
    pub expires_at: Timestamp,
}

impl Answer {
    /// Takes it, for a person. False when it was taken before, or its time has run out.
    pub async fn take(self, tx: &mut Tx, user: UserId) -> Result<bool> {
        Ok(self.expires_at > tx.now() && answers::insert(tx, self.id, user, self.expires_at).await?)
    }
}

/// Signs what is to come back. `label` says what it is: keys are derived under it.
pub(super) fn sign<S: Serialize>(
    keys: &KeyRing,
    label: &str,
    purpose: Purpose,
    answer: Answer,
    state: S,
) -> Result<String> {
    let Answer { id, expires_at } = answer;
    let message = Message { purpose, id, expires_at: expires_at.as_micros(), state };
    let message = serde_json::to_vec(&message).map_err(Error::internal)?;
    let (key, tag) = keys.mac(label, &message);
    Ok(format!("{key}.{}", URL_SAFE_NO_PAD.encode([&tag[..], &message[..]].concat())))
}

/// Reads what came back; none for what is not ours, was for something else, or has ended.
pub(super) fn open<S: DeserializeOwned>(
    keys: &KeyRing,
    label: &str,
    purpose: Purpose,
    now: Timestamp,
    text: &str,
) -> Option<Challenge<S>> {
    if text.len() > MAX_CHALLENGE {
        return None;
    }
    let (key, rest) = text.split_once('.')?;
    let key: KeyId = key.parse().ok()?;
    let bytes = URL_SAFE_NO_PAD.decode(rest).ok()?;
    let (tag, message) = bytes.split_first_chunk::<TAG>()?;
    if !keys.verify_mac(label, message, &key, tag).ok()? {
        return None;
    }
    let message: Message<S> = serde_json::from_slice(message).ok()?;
    let expires_at = Timestamp::from_micros(message.expires_at);
    let stands = message.purpose == purpose && now < expires_at;
    stands.then_some(Challenge { answer: Answer { id: message.id, expires_at }, key, state: message.state })
}

#[cfg(test)]
mod tests {
    use countersign_domain::Entropy;
    use countersign_domain::id::Id;

    use super::*;

    const LABEL: &str = "test challenge";

    struct Counting(std::sync::atomic::AtomicU8);
    impl Entropy for Counting {
        fn fill(&self, buffer: &mut [u8]) {
            buffer.fill_with(|| self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed));
        }
    }

    #[test]
    fn what_is_longer_than_the_most_is_not_read() {
        let entropy = Counting(7.into());
        let keys = KeyRing::generate(Timestamp::EPOCH, &entropy);
        let id = Id::new(Timestamp::EPOCH, &entropy);
        let expires_at = Timestamp::EPOCH.plus(CHALLENGE_LIFETIME);
        let of = |length: usize| {
            sign(&keys, LABEL, Purpose::SignIn, Answer { id, expires_at }, "x".repeat(length)).expect("signed")
        };
        // Four letters say three bytes.
        let near = (MAX_CHALLENGE - of(0).len()) / 4 * 3;
        let texts: Vec<String> = (near - 6..near + 6).map(of).collect();
        assert!(
            texts.iter().any(|it| it.len() == MAX_CHALLENGE) && texts.iter().any(|it| it.len() == MAX_CHALLENGE + 1)
        );
        for text in &texts {
            let read = open::<String>(&keys, LABEL, Purpose::SignIn, Timestamp::EPOCH, text);
            assert_eq!(read.is_some(), text.len() <= MAX_CHALLENGE, "{}", text.len());
        }
    }

    #[test]
    fn it_is_ours_for_one_purpose_and_for_a_time() {
        let entropy = Counting(7.into());
        let mut keys = KeyRing::generate(Timestamp::EPOCH, &entropy);
        let now = Timestamp::EPOCH.plus(Duration::from_secs(1_790_000_000));
        let ends = now.plus(Duration::from_secs(300));
        let (user, sign_in, id) = (Id::new(now, &entropy), Id::new(now, &entropy), Id::new(now, &entropy));
        let purpose = Purpose::Prove(user, sign_in);
        let text = sign(&keys, LABEL, purpose, Answer { id, expires_at: ends }, "state").expect("signed");
        let read = |keys: &KeyRing, purpose, at, text: &str| open::<String>(keys, LABEL, purpose, at, text);
        let good = read(&keys, purpose, now, &text).expect("ours");
        assert_eq!((good.answer.id, good.answer.expires_at, good.state.as_str()), (id, ends, "state"));
        assert_eq!(good.key, *keys.newest());
        assert!(open::<String>(&keys, "another label", purpose, now, &text).is_none());
        assert!(read(&keys, purpose, ends, &text).is_none());
        for other in [Purpose::SignIn, Purpose::Add(user, sign_in), Purpose::Prove(sign_in.cast(), user.cast())] {
            assert!(read(&keys, other, now, &text).is_none(), "{other:?}");
        }
        for at in 0..text.len() {
            let changed = if text.as_bytes()[at] == b'A' { "B" } else { "A" };
            let changed = format!("{}{changed}{}", &text[..at], &text[at + 1..]);
            assert!(read(&keys, purpose, now, &changed).is_none(), "{changed}");
        }
        for other in ["", ".", "q7XbT02a.", &format!("{text}=")] {
            assert!(read(&keys, purpose, now, other).is_none(), "{other}");
        }
        keys.add(now, &entropy);
        assert!(read(&keys, purpose, now, &text).is_some(), "a newer key ends nothing");
        assert!(read(&KeyRing::generate(now, &entropy), purpose, now, &text).is_none());
    }
}
