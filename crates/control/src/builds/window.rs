//! A part of what a build consists of, however much that is: its steps in the order of the text, each command with its jobs.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use countersign_domain::graph::Kind;
use countersign_domain::id::{BuildId, StepId};
use countersign_store::builds;
use countersign_store::jobs::Job;
use countersign_store::jobs::window::{self, Stretch};
use countersign_store::steps::{self, texts};

use crate::access::actions::ViewBuilds;
use crate::{Control, Error, Grant, MAX_PAGE, Result};

use super::whole::{Entry, Reader};

/// The longest text that a step is sorted by, in bytes: 101 plans deep, at seven each.
const MAX_SORT: usize = 1_024;

/// Where a part ends, as a text for addresses: what the last whole step is sorted by and, of a step that was not shown whole, the part and
/// the number of the last job.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Cursor {
    after: String,
    within: Option<(i64, i64)>,
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.after)?;
        match self.within {
            Some((part, position)) => write!(f, ".{part}.{position}"),
            None => Ok(()),
        }
    }
}

/// The text ends no part of a build.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("ends no part of a build")]
pub struct NotACursor;

impl FromStr for Cursor {
    type Err = NotACursor;

    fn from_str(text: &str) -> std::result::Result<Self, NotACursor> {
        let mut parts = text.split('.');
        let after = parts.next().unwrap_or_default();
        if after.len() > MAX_SORT || !after.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            return Err(NotACursor);
        }
        let number = |text: &str| text.parse::<i64>().map_err(|_| NotACursor);
        let within = match (parts.next(), parts.next(), parts.next()) {
            (None, ..) => None,
            (Some(part), Some(position), None) => Some((number(part)?, number(position)?)),
            _ => return Err(NotACursor),
        };
        Ok(Self { after: after.to_owned(), within })
    }
}

/// A part of a build.
#[derive(Debug, Clone)]
pub struct Window {
    /// Jobs and other steps, groups among them, in the order of the text.
    pub entries: Vec<Entry>,
    /// Where the next part begins; none at the end.
    pub next: Option<Cursor>,
}

impl Control {
    /// A part of one of the organization's builds: at most `limit` entries, and [`MAX_PAGE`] of them, behind `after`. Groups are among them,
    /// before their members.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn build_window(
        &self,
        grant: &Grant<ViewBuilds>,
        build: BuildId,
        after: Cursor,
        limit: u32,
    ) -> Result<Window> {
        self.read(grant, (build, after, limit.clamp(1, MAX_PAGE)), |tx, scene| {
            Box::pin(async move {
                let (id, after, limit) = &scene.input;
                let of = scene.organization;
                builds::find(tx, of, *id).await?.ok_or(Error::NotFound("build"))?;
                let most = usize::try_from(*limit).unwrap_or(usize::MAX);
                let rows = steps::page(tx, of, *id, &after.after, i64::from(*limit) + 1).await?;
                let Some(last) = rows.iter().take(most).next_back() else {
                    return Ok(Window { entries: Vec::new(), next: None });
                };
                let first = rows.first().map(|row| row.sort.clone()).unwrap_or_default();
                let stretch = Stretch {
                    after: after.after.clone(),
                    up_to: last.sort.clone(),
                    within: after.within.map(|(part, position)| (first, part, position)),
                };
                let mut planned = texts::of_stretch(tx, *id, &stretch.after, &stretch.up_to).await?;
                let mut jobs: BTreeMap<StepId, Vec<Job>> = BTreeMap::new();
                for job in window::of_stretch(tx, of, *id, &stretch, i64::from(*limit) + 1).await? {
                    jobs.entry(job.step).or_default().push(job);
                }
                let mut found = Vec::new();
                let mut before = after.after.clone();
                for step in rows.iter().take(most) {
                    let text = planned.remove(&step.id).ok_or_else(|| Error::internal("a step has no text"))?;
                    let text = Arc::new(text);
                    if step.step.kind == Kind::Command {
                        for job in jobs.remove(&step.id).unwrap_or_default() {
                            let end = Cursor { after: before.clone(), within: Some((job.part, job.position)) };
                            found.push((step, Arc::clone(&text), Some(job), end));
                        }
                    } else {
                        let end = Cursor { after: step.sort.clone(), within: None };
                        found.push((step, text, None, end));
                    }
                    before.clone_from(&step.sort);
                }
                let has_more = found.len() > most || rows.len() > most;
                found.truncate(most);
                // Where every step that was looked at is shown whole, the next part begins behind them.
                let next = found.last().map_or_else(|| Cursor { after: before, within: None }, |it| it.3.clone());
                let mut reader = Reader::new(of);
                let mut entries = Vec::with_capacity(found.len());
                for (step, text, job, _) in found {
                    entries.push(reader.entry(tx, step, &text, job).await?);
                }
                Ok(Window { entries, next: has_more.then_some(next) })
            })
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_read_as_it_is_written() {
        for text in ["", "0001", "000100z0002", "0001.0.17", ".3.4"] {
            assert_eq!(text.parse::<Cursor>().map(|it| it.to_string()).as_deref(), Ok(text));
        }
        for text in ["ä", "0001.1", "0001.1.2.3", "0001.x.1", "'", "a b", "0\u{0}", &"0".repeat(MAX_SORT + 1)] {
            assert_eq!(text.parse::<Cursor>(), Err(NotACursor), "{text}");
        }
    }
}
