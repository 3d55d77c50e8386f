//! How much pages show, for the page of limits.

use countersign_control::jobs::{MAX_LINE, MAX_TRIES};

use crate::builds::{annotations, artifacts, find, graph, list, log, one, pairs};
use crate::{agents, overview, streams};

/// What is limited, how much of it there may be, and what becomes of the rest.
pub type Row = (&'static str, u64, &'static str);

const NEXT: &str = "the next part has them";
const API: &str = "the API has the rest";

/// What one page shows at the most.
#[must_use]
pub fn shown() -> Vec<Row> {
    vec![
        ("builds of one part of a list", u64::from(list::ROWS), NEXT),
        ("jobs and other steps of one part of a build", u64::from(one::ROWS), NEXT),
        ("steps of a graph", countersign_control::builds::MAX_DRAWN as u64, "it is not drawn"),
        ("lines of a graph", graph::LINES as u64, "the rest is not drawn, and counted"),
        ("annotations that the page of a build names", annotations::MOST.unsigned_abs(), API),
        ("characters of one there", annotations::SHORT.unsigned_abs(), "a page of its own has more"),
        ("bytes of HTML of all of them there", annotations::ROOM as u64, "a page of its own has them"),
        ("bytes of an annotation on a page of its own", annotations::LONG as u64, API),
        ("keys of meta-data, and variables", pairs::KEYS as u64, API),
        ("characters of a value of those", pairs::VALUE as u64, API),
        (
            "artifacts on the page of a build and of a job",
            u64::from(artifacts::FIRST),
            "the list of artifacts has them",
        ),
        ("tries of a job", MAX_TRIES.unsigned_abs(), "the last ones are shown"),
        ("lines of one part of a log", log::LINES as u64, NEXT),
        ("bytes of the same, as they were written", log::BYTES as u64, NEXT),
        ("bytes of the same in the page", log::ROOM as u64, NEXT),
        ("bytes of one line of a log", MAX_LINE as u64, "the rest is in the download"),
        ("lines that one search of a log finds", find::MOST as u64, "*Search on* goes on"),
        ("bytes that it looks at", find::LOOKED_AT as u64, "*Search on* goes on"),
        ("lines that it looks at, where they are short", find::LINES as u64, "*Search on* goes on"),
        ("jobs of one part of what an agent had", u64::from(agents::one::ROWS), NEXT),
        ("queues on the overview", overview::QUEUES as u64, "the newest are shown"),
        ("windows of one person that follow something", streams::OF_PERSON as u64, "429; *Look again* is the way"),
        ("the same of all people", streams::OF_ALL as u64, "429; *Look again* is the way"),
    ]
}
