//! How long jobs waited for an agent, as a picture.

use askama::Template;
use countersign_control::queues::{Standing, Waits};

use crate::builds::states;
use crate::words::Names;

/// How long jobs wait, by queue: two bars, one in the other.
#[derive(Debug, Clone, Template)]
#[template(path = "parts/waits.html")]
pub(crate) struct Bars {
    pub(super) rows: Vec<Bar>,
}

impl askama::filters::HtmlSafe for Bars {}

#[derive(Debug, Clone)]
pub(super) struct Bar {
    pub name: String,
    pub deployment: String,
    pub p50: u64,
    pub p95: u64,
    pub words: String,
}

impl Bars {
    /// To look at.
    pub(crate) fn sample() -> Self {
        let bar = |deployment: &str, p50, p95, words: &str| Bar {
            name: "default".to_owned(),
            deployment: deployment.to_owned(),
            p50,
            p95,
            words: words.to_owned(),
        };
        Self {
            rows: vec![
                bar("production", 90, LONGEST, "p50 9 s, p95 1 min 4 s"),
                bar("staging", 40, 200, "p50 4 s, p95 20 s"),
            ],
        }
    }
}

/// The length of the longest bar.
const LONGEST: u64 = 640;

impl Bars {
    /// Of those queues of the table whose waits are known; none where no job began, or none waited.
    pub(super) fn of(queues: &[Standing], waits: &[Waits], names: &Names) -> Option<Self> {
        let shown: Vec<&Waits> = queues.iter().take(super::QUEUES).filter_map(|it| waits_of(it, waits)).collect();
        let longest = shown.iter().map(|it| it.p95).max()?;
        // A picture of bars that are all of nothing says nothing; the table says it.
        if longest.as_secs() == 0 {
            return None;
        }
        let most = longest.as_millis();
        let length = |millis: u128| u64::try_from(u128::from(LONGEST) * millis / most).unwrap_or(LONGEST).max(1);
        let rows = shown.iter().map(|it| Bar {
            name: it.queue.clone(),
            deployment: names.get(&it.deployment).cloned().unwrap_or_default(),
            p50: length(it.p50.as_millis()),
            p95: length(it.p95.as_millis()),
            words: format!("p50 {}, p95 {}", states::duration(it.p50), states::duration(it.p95)),
        });
        Some(Self { rows: rows.collect() })
    }
}

/// How long the jobs of a queue waited, where that is known.
pub(super) fn waits_of<'a>(it: &Standing, waits: &'a [Waits]) -> Option<&'a Waits> {
    waits.iter().find(|of| of.deployment == it.queue.deployment && of.queue == it.queue.name)
}
