//! Checking the chain of an audit log from its first row to its head.

use countersign_domain::audit::{self as chain, Broken, Head as Place, Link};
use countersign_domain::id::OrganizationId;
use countersign_store::{StoreError, Tx, audit, organizations};

use crate::access::actions::{ViewAudit, ViewInstance};
use crate::{Control, Error, Grant, MAX_PAGE, Result};

use super::{bytes_of, seal::check};

/// What a check found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Every sealed row fits.
    Holds,
    /// The first row that does not fit, in words, and its id when there is one.
    Broken {
        /// In words.
        what: String,
        /// The place in the chain, from 1.
        sequence: i64,
    },
}

/// The state of one organization's audit log.
#[derive(Debug, Clone)]
pub struct Chain {
    /// Whose; nil for the instance itself.
    pub organization: OrganizationId,
    /// How many rows are sealed.
    pub sealed: i64,
    /// How many are not yet.
    pub unsealed: i64,
    /// Whether the sealed ones fit.
    pub verdict: Verdict,
}

/// What a log looks like from outside its chain.
struct Outline {
    head: Option<audit::Head>,
    unsealed: i64,
    /// The lowest and the highest place.
    ends: Option<(i64, i64)>,
    /// Whether it is an organization's, whose making is the first thing in it.
    is_of_organization: bool,
}

async fn outline(tx: &mut Tx, of: OrganizationId) -> std::result::Result<Outline, StoreError> {
    Ok(Outline {
        head: audit::find_head(tx, of).await?,
        unsealed: audit::count_unsealed(tx, of).await?,
        ends: audit::ends(tx, of).await?,
        is_of_organization: organizations::find(tx, of).await?.is_some(),
    })
}

impl Outline {
    /// Rows where a chain has none. Head and rows are written together, so no snapshot of an untouched log shows such a thing.
    fn fault(&self) -> Option<Verdict> {
        let end = self.head.as_ref().map(|head| head.sequence);
        match (end, self.ends) {
            (None, ends) => {
                let first = ends.map_or(1, |(first, _)| first);
                Some(broken(
                    first,
                    "The head of the chain is gone. It was made with the organization: somebody took it away.",
                ))
            }
            (Some(0), None) if self.is_of_organization && self.unsealed == 0 => {
                Some(broken(1, "The log is empty, though the organization's making must be in it: rows were removed."))
            }
            (Some(_), Some((first, _))) if first < 1 => {
                Some(broken(first, "There is a row before the first of the chain: it was put in."))
            }
            (Some(end), Some((_, last))) if last > end => {
                Some(broken(end + 1, "There are sealed rows behind the end of the chain: they were put in."))
            }
            _ => None,
        }
    }
}

impl Control {
    /// Checks the grant's organization's audit log.
    ///
    /// # Errors
    /// Only [`Error::Unavailable`] and [`Error::Internal`]; a broken chain is an answer.
    pub async fn verify_audit(&self, grant: &Grant<ViewAudit>) -> Result<Chain> {
        self.verify_chain(grant.organization()).await
    }

    /// Checks any organization's audit log: for the operator.
    ///
    /// # Errors
    /// As [`Control::verify_audit`].
    pub async fn verify_audit_of(&self, _: &Grant<ViewInstance>, of: OrganizationId) -> Result<Chain> {
        self.verify_chain(of).await
    }

    async fn verify_chain(&self, of: OrganizationId) -> Result<Chain> {
        // One snapshot for all that can be said without the rows: those that are sealed while this runs lie beyond it and are left
        // for the next check.
        let outline = self.store().read(of, |tx, of| Box::pin(outline(tx, *of))).await.map_err(Error::from)?;
        let Outline { head, unsealed, .. } = &outline;
        let sealed = head.as_ref().map_or(0, |head| head.sequence);
        let verdict = match (outline.fault(), head) {
            (Some(fault), _) => fault,
            (None, None) => Verdict::Holds,
            (None, Some(head)) => match check(&self.keys(), of, head) {
                Ok(end) => self.follow(of, &end).await?,
                Err(_) => broken(
                    sealed,
                    "The head of the chain does not fit its MAC: it was changed, or the key ring is another one.",
                ),
            },
        };
        Ok(Chain { organization: of, sealed, unsealed: *unsealed, verdict })
    }

    async fn follow(&self, of: OrganizationId, end: &Place) -> Result<Verdict> {
        let mut at = Place::START;
        while at.sequence < end.sequence {
            let links = self.sealed_after(of, at.sequence).await?;
            if links.is_empty() {
                break;
            }
            let wanted = links.into_iter().filter(|link| link.sequence <= end.sequence).map(Ok::<_, Broken>);
            match chain::verify(at, wanted) {
                Ok(place) => at = place,
                Err(error) => {
                    let sequence = match error {
                        Broken::Gap { expected, .. } => expected,
                        Broken::Changed { sequence } => sequence,
                    };
                    return Ok(broken(sequence, error));
                }
            }
        }
        if at == *end {
            return Ok(Verdict::Holds);
        }
        let what =
            format!("The log ends at row {}, but its head says {}: rows were removed.", at.sequence, end.sequence);
        Ok(broken(at.sequence + 1, what))
    }

    async fn sealed_after(&self, of: OrganizationId, after: i64) -> Result<Vec<Link>> {
        let events = self
            .store()
            .read((of, after), |tx, (of, after)| Box::pin(audit::sealed(tx, *of, *after, i64::from(MAX_PAGE))))
            .await
            .map_err(Error::from)?;
        let links = events.iter().filter_map(|event| {
            let (sequence, hash) = event.sealed.clone()?;
            // A hash of another length fits no row.
            let hash = hash.as_slice().try_into().unwrap_or([0xff; 32]);
            Some(Link { sequence, canonical: bytes_of(event), hash })
        });
        Ok(links.collect())
    }
}

fn broken(sequence: i64, what: impl std::fmt::Display) -> Verdict {
    Verdict::Broken { what: what.to_string(), sequence }
}
