//! The audit log as a hash chain: each row's hash covers the row and the hash before it, so that no row can be changed,
//! taken out or put in without all later hashes changing. One chain per organization.

use aws_lc_rs::digest::{Context, SHA256};

/// What stands in the place of the hash before the first row.
pub const GENESIS: [u8; 32] = [0; 32];
/// First bytes of a row's canonical form. A form that means something else gets another.
const FORMAT: &[u8] = b"countersign/audit/v1";

/// Who did something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ActorKind {
    /// Nobody known: a refused credential.
    Anonymous,
    /// A user, by whatever credential.
    User,
    /// An agent token.
    AgentToken,
    /// A connected agent.
    Agent,
    /// A job.
    Job,
    /// Whoever runs the instance.
    Operator,
    /// The server itself, for a reason that the row names.
    System,
    /// Whoever holds an invitation.
    Invitation,
}

impl ActorKind {
    /// Every kind, in the order of declaration.
    pub const ALL: [Self; 8] = [
        Self::Anonymous,
        Self::User,
        Self::AgentToken,
        Self::Agent,
        Self::Job,
        Self::Operator,
        Self::System,
        Self::Invitation,
    ];

    /// The word for programs, and in the canonical form of a row: never changes.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Anonymous => "anonymous",
            Self::User => "user",
            Self::AgentToken => "agent_token",
            Self::Agent => "agent",
            Self::Job => "job",
            Self::Operator => "operator",
            Self::System => "system",
            Self::Invitation => "invitation",
        }
    }
}

/// A row as bytes: a mark for the format, then each field behind its length, so that no two different rows give the same bytes.
/// A field that is absent is not the same as one that is empty.
#[must_use]
pub fn canonical(fields: &[Option<&[u8]>]) -> Vec<u8> {
    let length = FORMAT.len() + fields.iter().map(|field| field.map_or(0, <[u8]>::len) + 8).sum::<usize>();
    let mut bytes = Vec::with_capacity(length);
    bytes.extend_from_slice(FORMAT);
    for field in fields {
        match field {
            Some(field) => {
                bytes.extend_from_slice(&(field.len() as u64).to_be_bytes());
                bytes.extend_from_slice(field);
            }
            None => bytes.extend_from_slice(&u64::MAX.to_be_bytes()),
        }
    }
    bytes
}

/// The hash of the row at `sequence` (from 1), over the hash before it ([`GENESIS`] before the first) and the row's canonical bytes.
#[must_use]
pub fn chain_hash(previous: &[u8; 32], sequence: i64, canonical: &[u8]) -> [u8; 32] {
    let mut context = Context::new(&SHA256);
    context.update(previous);
    context.update(&sequence.to_be_bytes());
    context.update(canonical);
    let mut hash = [0; 32];
    hash.copy_from_slice(context.finish().as_ref());
    hash
}

/// A sealed row as it is read back.
#[derive(Debug, Clone)]
pub struct Link {
    /// Its place in the chain, from 1.
    pub sequence: i64,
    /// [`canonical`] bytes of what the row holds now.
    pub canonical: Vec<u8>,
    /// The hash that was stored with it.
    pub hash: [u8; 32],
}

/// Where a chain stands after its last row that fits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// Place of the last row; 0 before the first.
    pub sequence: i64,
    /// Its hash.
    pub hash: [u8; 32],
}

impl Head {
    /// Before the first row.
    pub const START: Self = Self { sequence: 0, hash: GENESIS };

    /// The head after one more row.
    #[must_use]
    pub fn then(&self, canonical: &[u8]) -> Self {
        let sequence = self.sequence + 1;
        Self { sequence, hash: chain_hash(&self.hash, sequence, canonical) }
    }
}

/// The first row that does not fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Broken {
    /// Rows are missing before the next one, or a row stands there twice.
    #[error("The audit log does not go on at row {expected}: the next row is {found}. Rows were removed or put in.")]
    Gap {
        /// The place that was to come.
        expected: i64,
        /// The place that came.
        found: i64,
    },
    /// The row's content, or the hash before it, is not what was sealed.
    #[error("Row {sequence} of the audit log does not fit: it or its hash was changed after it was written.")]
    Changed {
        /// Its place.
        sequence: i64,
    },
}

/// Follows a chain from `head` through its rows, and answers where it ends.
///
/// # Errors
/// The first row that does not fit, as [`Broken`], or the first error of the iterator.
pub fn verify<E: From<Broken>>(head: Head, links: impl IntoIterator<Item = Result<Link, E>>) -> Result<Head, E> {
    links.into_iter().try_fold(head, |head, link| {
        let link = link?;
        let next = head.then(&link.canonical);
        if link.sequence != next.sequence {
            return Err(Broken::Gap { expected: next.sequence, found: link.sequence }.into());
        }
        if link.hash != next.hash {
            return Err(Broken::Changed { sequence: link.sequence }.into());
        }
        Ok(next)
    })
}

#[cfg(test)]
mod tests;
