//! Checking the chain of an audit log from its first row to its head.

use countersign_domain::audit::{self as chain, Broken, Head as Place, Link};
use countersign_domain::id::OrganizationId;
use countersign_store::audit;

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
        // The head first: rows that are sealed while this runs lie beyond it and are left for the next check.
        let (head, unsealed) = self
            .store()
            .read(of, |tx, of| {
                Box::pin(async move {
                    let head = audit::find_head(tx, *of).await?;
                    let unsealed = audit::count_unsealed(tx, *of).await?;
                    Ok::<_, countersign_store::StoreError>((head, unsealed))
                })
            })
            .await?;
        let Some(head) = head else {
            let stray = self.sealed_after(of, 0).await?;
            let verdict = match stray.first() {
                None => Verdict::Holds,
                Some(link) => broken(link.sequence, "There are sealed rows, but the head of the chain is gone."),
            };
            return Ok(Chain { organization: of, sealed: 0, unsealed, verdict });
        };
        let sealed = head.sequence;
        let verdict = match check(&self.keys(), of, &head) {
            Ok(end) => self.follow(of, &end).await?,
            Err(_) => broken(sealed, "The head of the chain does not fit its MAC: it was changed, or the key ring is another one."),
        };
        Ok(Chain { organization: of, sealed, unsealed, verdict })
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
        let what = format!("The log ends at row {}, but its head says {}: rows were removed.", at.sequence, end.sequence);
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
