//! Agents of both protocols in one list.
//!
//! Each protocol has a table, and neither is read whole for a part of the list: of each as many rows are read as the part has, in the order of ids,
//! which are made alike and tell when an agent first came. So the id of the last entry is the place in both tables.

use std::cmp::Reverse;

use countersign_domain::Timestamp;
use countersign_domain::id::{AuditEventId, Id, OrganizationId};
use countersign_store::agents::search::{self, Sought, Standing};
use countersign_store::dagster_agents::{self, DagsterAgent};
use countersign_store::{StoreError, Tx, agents, audit};

use crate::access::actions::{ViewAgents, ViewAudit};
use crate::audit::Event;
use crate::{Control, Grant, Page, PageRequest, Part, Result, SEARCHED};

use super::list::check;

/// An agent of either protocol.
#[derive(Debug, Clone)]
pub enum AnyAgent {
    /// One that registers, takes jobs and holds a session: Buildkite's, and the native one.
    Registered(Box<agents::Agent>),
    /// One that a Dagster+ agent is.
    Dagster(Box<DagsterAgent>),
}

/// The id of an agent of either protocol.
pub type AnyAgentId = Id<AnyAgent>;

/// How agents speak with the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// As Buildkite's and native agents do.
    Buildkite,
    /// As Dagster+ agents do.
    Dagster,
}

impl AnyAgent {
    /// Its id.
    #[must_use]
    pub const fn id(&self) -> AnyAgentId {
        match self {
            Self::Registered(it) => it.id.cast(),
            Self::Dagster(it) => it.id.cast(),
        }
    }
}

/// A part of one table: its rows, newest first, and the last one that was looked at where there may be more behind it.
type Found<T> = (Vec<T>, Option<AnyAgentId>);

/// What is asked of the store.
struct Asked {
    sought: Sought,
    protocol: Option<Protocol>,
    /// Since when those were heard of that are there.
    since: Timestamp,
    page: PageRequest<AnyAgentId>,
}

impl Control {
    /// A part of the organization's agents of both protocols, or of one, newest first. Where only some are wanted and no index knows which,
    /// [`SEARCHED`] of each are looked at in one call; so a part may be short, or have none, and the list go on behind it.
    ///
    /// # Errors
    /// [`crate::Error::Invalid`] at `search` or `queue`.
    pub async fn every_agent(
        &self,
        grant: &Grant<ViewAgents>,
        sought: Sought,
        protocol: Option<Protocol>,
        page: PageRequest<AnyAgentId>,
    ) -> Result<Part<AnyAgent, AnyAgentId>> {
        check(sought.search.as_deref(), sought.queue.as_deref())?;
        let asked = Asked { sought, protocol, since: self.heard_since(true), page };
        let (registered, dagster) = self
            .read(grant, asked, |tx, scene| {
                Box::pin(async move {
                    let (asked, of) = (&scene.input, scene.organization);
                    let registered = match asked.protocol {
                        Some(Protocol::Dagster) => (Vec::new(), None),
                        _ => registered(tx, of, asked).await?,
                    };
                    let dagster = match asked.protocol {
                        Some(Protocol::Buildkite) => (Vec::new(), None),
                        _ => dagster(tx, of, asked).await?,
                    };
                    Ok((registered, dagster))
                })
            })
            .await?;
        let (mut rows, last) = registered;
        for agent in &mut rows {
            self.overlay_agent(agent);
        }
        let registered = (rows.into_iter().map(|it| AnyAgent::Registered(Box::new(it))).collect(), last);
        let (rows, last) = dagster;
        let dagster = (rows.into_iter().map(|it| AnyAgent::Dagster(Box::new(it))).collect(), last);
        Ok(merged(registered, dagster, AnyAgent::id, &page))
    }

    /// What the organization's audit log says of one agent of either protocol, newest first; nothing of one that is not the organization's.
    ///
    /// # Errors
    /// Only [`crate::Error::Unavailable`] and [`crate::Error::Internal`].
    pub async fn agent_audit_events(
        &self,
        grant: &Grant<ViewAudit>,
        agent: AnyAgentId,
        page: PageRequest<AuditEventId>,
    ) -> Result<Page<Event>> {
        let rows = self
            .read(grant, (agent, page), |tx, scene| {
                Box::pin(async move {
                    let (agent, page) = scene.input;
                    Ok(audit::of_subject(tx, scene.organization, agent, page.start(), page.rows()).await?)
                })
            })
            .await?;
        Ok(Page::of(rows, &page))
    }
}

/// Whether each row of a table is one that is sought, but for those that went: then nothing is searched.
fn is_plain(sought: &Sought) -> bool {
    sought.is_everything() && matches!(sought.standing, Standing::There | Standing::Any)
}

async fn registered(
    tx: &mut Tx,
    of: OrganizationId,
    asked: &Asked,
) -> std::result::Result<Found<agents::Agent>, StoreError> {
    let (after, rows, sought) = (asked.page.start().cast(), asked.page.rows(), &asked.sought);
    let (found, last) = if is_plain(sought) {
        search::plain(tx, of, sought.standing == Standing::There, after, rows).await?
    } else {
        search::search(tx, of, sought, SEARCHED, after, rows).await?
    };
    Ok((found, last.map(Id::cast)))
}

async fn dagster(
    tx: &mut Tx,
    of: OrganizationId,
    asked: &Asked,
) -> std::result::Result<Found<DagsterAgent>, StoreError> {
    let (after, rows, sought) = (asked.page.start().cast(), asked.page.rows(), &asked.sought);
    let (found, last) = if is_plain(sought) {
        let is_any = sought.standing == Standing::Any;
        let since = if is_any { Timestamp::from_micros(i64::MIN) } else { asked.since };
        dagster_agents::search::plain(tx, of, since, after, rows).await?
    } else {
        dagster_agents::search::search(tx, of, sought, asked.since, SEARCHED, after, rows).await?
    };
    Ok((found, last.map(Id::cast)))
}

/// Two parts in one order. What is behind the place up to which either table was looked is left to the next part: something of that table may come
/// before it.
fn merged<T, I>(
    one: (Vec<T>, Option<Id<I>>),
    other: (Vec<T>, Option<Id<I>>),
    id: impl Fn(&T) -> Id<I>,
    asked: &PageRequest<Id<I>>,
) -> Part<T, Id<I>> {
    // Newer ids are higher, so the higher of two places is reached first.
    let looked = one.1.max(other.1);
    let mut rows: Vec<T> = one.0.into_iter().chain(other.0).collect();
    rows.retain(|it| looked.is_none_or(|looked| id(it) >= looked));
    rows.sort_by_key(|it| Reverse(id(it)));
    Part::of(rows, asked, looked, id)
}

#[cfg(test)]
mod tests {
    use countersign_domain::id::of;

    use super::*;

    type Number = Id<of::Agent>;

    fn id(number: u8) -> Number {
        Id::from_bytes([number; 16])
    }

    /// A table as the store reads it: at most `rows` of those that fit among the first `within` below a place.
    fn table(all: &[u8], after: Option<Number>, within: usize, rows: usize) -> (Vec<Number>, Option<Number>) {
        let below: Vec<u8> = all.iter().copied().filter(|it| after.is_none_or(|after| id(*it) < after)).collect();
        let looked = &below[..below.len().min(within.max(rows))];
        // Odd ones are sought.
        let mut found: Vec<Number> = looked.iter().filter(|it| **it % 2 == 1).map(|it| id(*it)).collect();
        found.truncate(rows);
        if found.len() == rows {
            let last = found.last().copied();
            return (found, last);
        }
        let last = looked.last().filter(|_| looked.len() < below.len()).map(|it| id(*it));
        (found, last)
    }

    #[test]
    fn parts_of_two_tables_are_one_list_without_gap_or_repeat() {
        let all: Vec<u8> = (1..=250).rev().collect();
        for (name, splits) in [
            ("in turns", |it: u8| it % 4 < 2),
            ("one after the other", |it: u8| it > 100),
            ("all in one", |_: u8| true),
            ("few in one", |it: u8| it % 50 == 1),
        ] as [(&str, fn(u8) -> bool); 4]
        {
            let (one, other): (Vec<u8>, Vec<u8>) = all.iter().partition(|it| splits(**it));
            for (limit, within) in [(1, 1), (3, 2), (7, 20), (40, 1_000), (200, 10)] {
                let (mut after, mut seen, mut parts) = (None, Vec::new(), 0);
                loop {
                    let asked = PageRequest { after, limit };
                    let rows = limit as usize + 1;
                    let part =
                        merged(table(&one, after, within, rows), table(&other, after, within, rows), |it| *it, &asked);
                    assert!(part.items.len() <= limit as usize, "{name}");
                    seen.extend(part.items);
                    parts += 1;
                    assert!(parts <= 260, "{name} comes to no end");
                    let Some(next) = part.next else { break };
                    assert!(after.is_none_or(|after| next < after), "{name} goes on");
                    after = Some(next);
                }
                let expected: Vec<Number> = all.iter().filter(|it| **it % 2 == 1).map(|it| id(*it)).collect();
                assert_eq!(seen, expected, "{name}, {limit} of {within}");
            }
        }
    }
}
