//! Why a credential was refused.

use std::{fmt, str::FromStr};

use crate::Timestamp;

/// The reason that a holder of a genuine value is told. Everything else is told [`Refusal::Unknown`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Refusal {
    /// Not a value that this server knows, or its secret is wrong.
    Unknown,
    /// Taken back.
    Revoked,
    /// An older secret of the token, whose time of overlap has passed.
    Rotated,
    /// Its time has run out.
    Expired,
    /// Used from an address outside its networks.
    Network,
    /// Used for a deployment or a queue outside its scope.
    Scope,
    /// A token of another kind than this call asks for.
    Kind,
    /// Used too often.
    Rate,
}

impl Refusal {
    /// Every reason, in the order of declaration.
    pub const ALL: [Self; 8] = [
        Self::Unknown,
        Self::Revoked,
        Self::Rotated,
        Self::Expired,
        Self::Network,
        Self::Scope,
        Self::Kind,
        Self::Rate,
    ];

    /// Why the secret of a token is refused at `now`, if it is. The token's own end comes before its secret's: who learns that a token is
    /// revoked has no use for the newer value.
    #[must_use]
    pub fn of_secret(
        revoked_at: Option<Timestamp>,
        expires_at: Option<Timestamp>,
        valid_until: Option<Timestamp>,
        now: Timestamp,
    ) -> Option<Self> {
        if revoked_at.is_some() {
            Some(Self::Revoked)
        } else if expires_at.is_some_and(|at| at <= now) {
            Some(Self::Expired)
        } else if valid_until.is_some_and(|at| at <= now) {
            Some(Self::Rotated)
        } else {
            None
        }
    }

    /// The word for programs: in bodies, columns and metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Revoked => "revoked",
            Self::Rotated => "rotated",
            Self::Expired => "expired",
            Self::Network => "network",
            Self::Scope => "scope",
            Self::Kind => "kind",
            Self::Rate => "rate",
        }
    }
}

impl fmt::Display for Refusal {
    /// A sentence for people: what happened and what to do.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unknown => "The token is not known here. Check that it was copied whole and belongs to this server.",
            Self::Revoked => "This token was revoked. Ask an administrator of the organization for another one.",
            Self::Rotated => "This token was rotated and this is an older value of it. Use the newest value.",
            Self::Expired => "This token has expired, or what it was for has ended. An agent registers again; anyone else asks an administrator for another one.",
            Self::Network => "This token may not be used from this network address. Ask an administrator to allow it.",
            Self::Scope => {
                "This token does not reach this deployment or queue, or there is none of that name. Check the agent's tags, or ask for a wider scope."
            }
            Self::Kind => "This is a token of another kind than this call asks for. Check which token was configured.",
            Self::Rate => "This token was used too often in a short time. Wait, then try again.",
        })
    }
}

/// The text is no reason.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("is not a reason for a refusal: unknown, revoked, rotated, expired, network, scope, kind or rate")]
pub struct NotARefusal;

impl FromStr for Refusal {
    type Err = NotARefusal;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|refusal| refusal.as_str() == text).ok_or(NotARefusal)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_reads_back_and_is_one_of_a_kind() {
        for refusal in Refusal::ALL {
            assert_eq!(refusal.as_str().parse(), Ok(refusal));
            assert_eq!(Refusal::ALL.iter().filter(|other| other.to_string() == refusal.to_string()).count(), 1);
        }
        assert_eq!("Revoked".parse::<Refusal>(), Err(NotARefusal));
    }
}
