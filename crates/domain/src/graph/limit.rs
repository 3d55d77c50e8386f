//! Concurrency groups: how many jobs with one key run at once.

/// The largest limit of a concurrency group. So many of its jobs are looked at when one ends.
pub const MAX_LIMIT: u32 = 1_000;

/// A job of a concurrency group that has not ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Contender {
    /// Whether it is held back by the group and by nothing else.
    pub is_limited: bool,
    /// How many may run at once, as its own step says.
    pub limit: u32,
    /// Whether it runs as soon as there is room, rather than after all that were made before it.
    pub eager: bool,
}

/// Which of a group's jobs may run now, by their places in `all`: they stand in the order in which they were made. `admitted` is how
/// many of the whole group may run already.
#[must_use]
pub fn admit(all: &[Contender], mut admitted: i64) -> Vec<usize> {
    let mut chosen = Vec::new();
    for (place, it) in all.iter().enumerate() {
        let has_turn = it.eager || place < it.limit as usize;
        if it.is_limited && has_turn && admitted < i64::from(it.limit) {
            admitted += 1;
            chosen.push(place);
        }
    }
    chosen
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITED: Contender = Contender { is_limited: true, limit: 1, eager: false };
    const RUNNING: Contender = Contender { is_limited: false, ..LIMITED };
    const WAITING: Contender = RUNNING;

    #[test]
    fn one_after_the_other_in_their_order() {
        assert_eq!(admit(&[LIMITED, LIMITED], 0), [0]);
        assert_eq!(admit(&[RUNNING, LIMITED], 1), [] as [usize; 0]);
        assert_eq!(
            admit(&[WAITING, LIMITED], 0),
            [] as [usize; 0],
            "an earlier one that waits for other steps keeps its turn"
        );
        let two = Contender { limit: 2, ..LIMITED };
        assert_eq!(admit(&[WAITING, two, two], 0), [1]);
        assert_eq!(admit(&[two, two, two], 0), [0, 1]);
    }

    #[test]
    fn an_eager_one_passes_those_that_wait() {
        let eager = Contender { eager: true, ..LIMITED };
        assert_eq!(admit(&[WAITING, eager, eager], 0), [1]);
        assert_eq!(admit(&[WAITING, RUNNING, eager], 1), [] as [usize; 0]);
        assert_eq!(admit(&[], 0), [] as [usize; 0]);
    }
}
