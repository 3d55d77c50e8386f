//! How long a job's log is, for whoever reads it from its end.

use std::ops::Range;

use countersign_domain::id::JobId;
use countersign_store::jobs;
use countersign_store::jobs::log;

use crate::access::actions::ViewBuilds;
use crate::{Control, Error, Grant, Result};

/// What can be read of a log: its parts without a gap, by their positions.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LogExtent {
    runs: Vec<Range<i64>>,
}

impl LogExtent {
    /// Of pieces in the order of their beginnings. Behind a gap nothing can be read, unless it goes `over_gaps`.
    fn of(pieces: Vec<Range<i64>>, over_gaps: bool) -> Self {
        let mut runs: Vec<Range<i64>> = Vec::new();
        for piece in pieces {
            let end = runs.last().map_or(0, |run| run.end);
            if piece.start > end && !over_gaps {
                break;
            }
            match runs.last_mut() {
                Some(run) if piece.start <= run.end => run.end = run.end.max(piece.end),
                _ => runs.push(piece),
            }
        }
        Self { runs }
    }

    /// How many bytes can be read.
    #[must_use]
    pub fn size(&self) -> i64 {
        self.runs.iter().map(|run| run.end - run.start).sum()
    }

    /// From which position on there are as many bytes, or all of them.
    #[must_use]
    pub fn last(&self, bytes: i64) -> i64 {
        let mut left = bytes;
        for run in self.runs.iter().rev() {
            let size = run.end - run.start;
            if left <= size {
                return run.end - left;
            }
            left -= size;
        }
        0
    }
}

impl Control {
    /// How much can be read now of the log of one of the organization's jobs.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn job_log_extent(&self, grant: &Grant<ViewBuilds>, job: JobId) -> Result<LogExtent> {
        self.read(grant, job, |tx, scene| {
            Box::pin(async move {
                let job = jobs::find(tx, scene.organization, scene.input).await?.ok_or(Error::NotFound("job"))?;
                let pieces = log::places(tx, job.id).await?;
                Ok(LogExtent::of(pieces, job.state.is_finished()))
            })
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_that_touch_are_one() {
        let all = LogExtent::of(vec![0..4, 2..6, 6..9, 1..3], false);
        assert_eq!((all.size(), all.last(3), all.last(100)), (9, 6, 0));
        assert_eq!(LogExtent::of(Vec::new(), true), LogExtent::default());
    }

    #[test]
    fn a_gap_ends_it_unless_the_job_has_ended() {
        let pieces = || vec![0..4, 8..10, 10..12];
        assert_eq!(LogExtent::of(pieces(), false).size(), 4);
        let whole = LogExtent::of(pieces(), true);
        assert_eq!((whole.size(), whole.last(2), whole.last(4), whole.last(5)), (8, 10, 8, 3));
        assert_eq!(LogExtent::of(std::iter::once(3..5).collect(), false).size(), 0, "its beginning is missing");
    }
}
