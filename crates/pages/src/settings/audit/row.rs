//! An event as a row of a table: on the page of the log, and on the pages of what it tells of.

use std::time::Duration;

use countersign_control::audit::Event;
use countersign_domain::Timestamp;

use crate::brief::{Brief, address as short_address};
use crate::parts::When;
use crate::weight;

use super::detail::{Detail, spaced};

/// Sealing follows within seconds; a row that is not sealed after so long is late.
const LATE: Duration = Duration::from_secs(60);

/// An event as a row of a table.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    pub at: When,
    pub actor: Brief,
    pub credential: String,
    pub action: String,
    /// Of what kind it is that something was done to, and what it goes by.
    pub kind: String,
    pub subject: Brief,
    /// What that is described as now, where the name says little.
    pub described: Brief,
    /// Where it is, while it is there.
    pub href: Option<String>,
    pub ip: String,
    pub detail: Detail,
    /// Whether it is not sealed while rows around it are, and has had time for it.
    pub is_late: bool,
}

impl Row {
    /// A row on the page of what it tells of.
    fn new(it: &Event) -> Self {
        // Tokens and jobs have no name but the public id, which stands there anyhow.
        let is_told = it.actor_name.is_empty() || Some(&it.actor_name) == it.credential.as_ref();
        let actor = if is_told { spaced(&it.actor_kind) } else { it.actor_name.clone() };
        // What has no name is found by its id.
        let subject = if it.subject_name.is_empty() { it.subject_id.to_string() } else { it.subject_name.clone() };
        Self {
            at: When::exactly(it.occurred_at),
            actor: if actor.contains('@') { short_address(&actor).into() } else { actor.into() },
            credential: it.credential.clone().unwrap_or_default(),
            action: it.action.clone(),
            kind: spaced(&it.subject_kind),
            subject: subject.into(),
            described: Brief::default(),
            href: None,
            ip: it.ip.clone().unwrap_or_default(),
            detail: Detail::of(&it.detail),
            is_late: false,
        }
    }

    /// Events as rows.
    pub(crate) fn all(events: &[Event], now: Timestamp) -> Vec<Self> {
        let are_sealed = events.iter().any(|it| it.sealed.is_some());
        let is_late = |it: &Event| are_sealed && it.sealed.is_none() && it.occurred_at.plus(LATE) < now;
        events.iter().map(|it| Self { is_late: is_late(it), ..Self::new(it) }).collect()
    }

    /// Bytes of its texts in the page, without what stands below the start of its detail.
    pub(crate) fn weight(&self) -> usize {
        let texts =
            [&*self.actor, &self.credential, &self.action, &self.kind, &self.subject, &self.described, &self.ip];
        let way = self.href.as_deref().map_or(0, weight::of);
        texts.into_iter().map(weight::of).sum::<usize>() + way + self.detail.weight()
    }

    /// The parts of the action's name, between which a line may end.
    pub(crate) fn action_parts(&self) -> impl Iterator<Item = &str> {
        self.action.split_inclusive(['.', '_'])
    }
}

/// Keeps all of long details only while the texts of the rows have room in so many bytes of the page.
pub(crate) fn fit(rows: &mut [Row], room: usize) {
    let mut left = room.saturating_sub(rows.iter().map(Row::weight).sum());
    for row in rows {
        row.detail.fit(&mut left);
    }
}

#[cfg(test)]
impl Row {
    /// For a test, with this text wherever somebody else chooses it.
    pub(crate) fn sample(text: &str) -> Self {
        Self {
            at: When::exactly(Timestamp::EPOCH),
            actor: text.into(),
            credential: text.to_owned(),
            action: text.to_owned(),
            kind: text.to_owned(),
            subject: text.into(),
            described: text.into(),
            href: Some("/x".to_owned()),
            ip: text.to_owned(),
            detail: Detail::of(&serde_json::json!({ text: text, "long": text.repeat(100) }).to_string()),
            is_late: false,
        }
    }
}

#[cfg(test)]
mod tests {
    use countersign_domain::id::Id;

    use super::*;

    fn event(name: &str, credential: Option<&str>, sealed: Option<(i64, Vec<u8>)>) -> Event {
        let id: countersign_domain::id::TokenId = "0192f3a1-7c3e-7b21-9f60-3a5c1e0d4b77".parse().expect("an id");
        Event {
            id: Id::cast(id),
            organization: Id::cast(id),
            occurred_at: Timestamp::EPOCH,
            actor_kind: "agent_token".to_owned(),
            actor_id: None,
            actor_name: name.to_owned(),
            credential: credential.map(str::to_owned),
            action: "job.accepted".to_owned(),
            subject_kind: "job".to_owned(),
            subject_id: Id::cast(id),
            subject_name: String::new(),
            detail: "{}".to_owned(),
            ip: None,
            user_agent: None,
            request_id: None,
            sealed,
        }
    }

    #[test]
    fn an_id_stands_once() {
        let told = |name, credential| {
            let row = Row::new(&event(name, credential, None));
            (row.actor.to_string(), row.credential)
        };
        assert_eq!(told("4f9Kd0aZ81b", Some("4f9Kd0aZ81b")), ("agent token".to_owned(), "4f9Kd0aZ81b".to_owned()));
        assert_eq!(
            told("ada@example.com", Some("4f9Kd0aZ81b")),
            ("ada@example.com".to_owned(), "4f9Kd0aZ81b".to_owned())
        );
        let row = Row::new(&event("a", None, None));
        assert!(row.subject.starts_with("0192f3a1") && row.detail.start.is_empty(), "{row:?}");
        assert_eq!(row.action_parts().collect::<Vec<_>>(), ["job.", "accepted"]);
    }

    #[test]
    fn only_what_is_late_is_said_not_to_be_sealed() {
        let (sealed, open) = (event("a", None, Some((1, Vec::new()))), event("a", None, None));
        let late = |events: &[Event], seconds| {
            let rows = Row::all(events, Timestamp::EPOCH.plus(Duration::from_secs(seconds)));
            rows.iter().map(|it| it.is_late).collect::<Vec<_>>()
        };
        let both = [open.clone(), sealed];
        assert_eq!((late(&both, 5), late(&both, 300)), (vec![false, false], vec![true, false]));
        assert_eq!(late(&[open], 300), [false], "the head of the page says how many there are");
    }
}
