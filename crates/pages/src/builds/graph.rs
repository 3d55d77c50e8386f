//! The steps of a build as a picture: a column for each that must have been before, drawn on the server, with a table that says the same.

use std::collections::BTreeMap;

use askama::Template;
use askama::filters::HtmlSafe;
use countersign_control::builds::Graph;
use countersign_domain::id::StepId;

use crate::words;

use super::states;

/// Width and height of a step, and what is between two, in units of the picture.
const WIDTH: usize = 168;
const HEIGHT: usize = 44;
const BESIDE: usize = 48;
const BELOW: usize = 16;
/// Around the whole.
const AROUND: usize = 8;
/// The most characters of a name in the picture; its title has all of them.
const NAME: usize = 21;

/// The most characters of a name in the table, and the most names of what one step waits for.
const LONG_NAME: usize = 32;
const NAMED: usize = 3;
/// The most lines that are drawn: more are no picture that anybody reads.
pub(crate) const LINES: usize = 160;

/// The picture, and the table that says the same.
#[derive(Debug, Clone, Template)]
#[template(path = "parts/graph.html")]
pub(crate) struct Picture {
    width: usize,
    height: usize,
    boxes: Vec<Node>,
    lines: Vec<Line>,
    /// How many lines are not drawn.
    more: usize,
}

impl HtmlSafe for Picture {}

/// A step.
#[derive(Debug, Clone)]
struct Node {
    x: usize,
    y: usize,
    name: String,
    short: String,
    kind: &'static str,
    state: &'static str,
    class: &'static str,
    /// What it waits for, by name.
    waits_for: String,
}

/// From one step to another that waits for it.
#[derive(Debug, Clone)]
struct Line {
    /// As SVG writes paths: numbers and the letters of its commands.
    path: String,
}

impl Line {
    /// From the right edge of one step to the left edge of another.
    fn between(before: &Node, after: &Node) -> Self {
        let (x, y) = (before.x + WIDTH, before.y + HEIGHT / 2);
        let (to_x, to_y) = (after.x, after.y + HEIGHT / 2);
        let (bend, to_bend) = (x + BESIDE / 2, to_x.saturating_sub(BESIDE / 2));
        Self { path: format!("M{x} {y}C{bend} {y} {to_bend} {to_y} {to_x} {to_y}") }
    }
}

impl Picture {
    /// Of the steps of a build.
    pub(crate) fn of(graph: &Graph) -> Self {
        let places: BTreeMap<StepId, usize> = graph.steps.iter().enumerate().map(|(at, it)| (it.id, at)).collect();
        let place = |id: StepId| places.get(&id).copied();
        let mut waits: Vec<(usize, usize)> =
            graph.waits.iter().filter_map(|(before, after)| place(*before).zip(place(*after))).collect();
        for (at, step) in graph.steps.iter().enumerate() {
            let gate = step.gate.as_ref().map(|gate| gate.step);
            waits.extend([gate, step.parent].into_iter().flatten().filter_map(place).map(|before| (before, at)));
        }
        waits.sort_unstable();
        waits.dedup();

        let names: Vec<String> = graph
            .steps
            .iter()
            .map(|step| {
                let said = step.label.clone().or_else(|| step.key.clone()).filter(|text| !text.is_empty());
                words::short(&said.unwrap_or_else(|| states::kind(step.step.kind).to_owned()), LONG_NAME)
            })
            .collect();
        let columns = columns(graph.steps.len(), &waits);
        let mut rows = BTreeMap::new();
        let mut boxes = Vec::with_capacity(names.len());
        for (at, (step, column)) in graph.steps.iter().zip(&columns).enumerate() {
            let row = rows.entry(*column).or_insert(0_usize);
            let stands = states::whole_step(step);
            let before = waits.iter().filter(|(_, after)| *after == at).filter_map(|(before, _)| names.get(*before));
            let before: Vec<&str> = before.map(String::as_str).collect();
            let name = names.get(at).cloned().unwrap_or_default();
            boxes.push(Node {
                x: AROUND + column * (WIDTH + BESIDE),
                y: AROUND + *row * (HEIGHT + BELOW),
                short: words::short(&name, NAME),
                name,
                kind: states::kind(step.step.kind),
                state: stands.words,
                class: stands.class,
                waits_for: few(&before),
            });
            *row += 1;
        }
        let lines = waits.iter().filter_map(|(before, after)| boxes.get(*before).zip(boxes.get(*after)));
        let lines: Vec<Line> = lines.take(LINES).map(|(before, after)| Line::between(before, after)).collect();
        let across = columns.iter().max().map_or(0, |last| last + 1);
        let down = rows.values().max().copied().unwrap_or(0);
        Self {
            width: 2 * AROUND + (across * (WIDTH + BESIDE)).saturating_sub(BESIDE),
            height: 2 * AROUND + (down * (HEIGHT + BELOW)).saturating_sub(BELOW),
            more: waits.len().saturating_sub(lines.len()),
            boxes,
            lines,
        }
    }
}

/// Some names and how many there are beside: each of many steps may wait for all before it.
fn few(names: &[&str]) -> String {
    let (named, others) = names.split_at(names.len().min(NAMED));
    match others.len() {
        0 => named.join(", "),
        more => format!("{} and {more} more", named.join(", ")),
    }
}

impl Picture {
    /// To look at: three steps, the last of which waits for the others.
    pub(crate) fn sample() -> Self {
        let node = |at: usize, row: usize, name: &str, state, class, waits_for: &str| Node {
            x: AROUND + at * (WIDTH + BESIDE),
            y: AROUND + row * (HEIGHT + BELOW),
            name: name.to_owned(),
            short: name.to_owned(),
            kind: "Command",
            state,
            class,
            waits_for: waits_for.to_owned(),
        };
        let boxes = vec![
            node(0, 0, "Unit", "Passed", "good", ""),
            node(0, 1, "Lint", "Running", "active", ""),
            node(1, 0, "Ship", "Waits for other steps", "ended", "Unit, Lint"),
        ];
        let lines =
            boxes.iter().take(2).zip(std::iter::repeat(&boxes[2])).map(|(before, after)| Line::between(before, after));
        let lines = lines.collect();
        Self { width: 2 * (AROUND + WIDTH) + BESIDE, height: 2 * (AROUND + HEIGHT) + BELOW, boxes, lines, more: 0 }
    }
}

/// The column of each of `count` steps: one behind the last of those that it waits for. What waits in a ring, which no build does, ends all the
/// same.
fn columns(count: usize, waits: &[(usize, usize)]) -> Vec<usize> {
    let mut columns = vec![0_usize; count];
    for _ in 0..count {
        let mut has_changed = false;
        for (before, after) in waits {
            let behind = columns.get(*before).map_or(0, |it| it + 1);
            if let Some(column) = columns.get_mut(*after)
                && *column < behind
                && behind < count
            {
                *column = behind;
                has_changed = true;
            }
        }
        if !has_changed {
            break;
        }
    }
    columns
}

#[cfg(test)]
mod tests {
    use crate::naughty::{TEXTS, assert_inert};

    use super::*;

    #[test]
    fn each_step_stands_behind_what_it_waits_for() {
        assert_eq!(columns(4, &[(0, 2), (1, 2), (2, 3)]), [0, 0, 1, 2]);
        assert_eq!(columns(3, &[(2, 0), (0, 1)]), [1, 2, 0], "also behind one that is later in the text");
        assert_eq!(columns(2, &[(0, 1), (1, 0)]).len(), 2, "a ring comes to an end");
        assert_eq!(columns(0, &[]), [0_usize; 0]);
    }

    #[test]
    fn whatever_a_step_is_called_stays_text() {
        for text in TEXTS {
            let node = Node {
                x: 0,
                y: 0,
                name: (*text).to_owned(),
                short: (*text).to_owned(),
                kind: "Command",
                state: "Passed",
                class: "good",
                waits_for: (*text).to_owned(),
            };
            let line = Line::between(&node, &node);
            let picture = Picture { width: 1, height: 1, boxes: vec![node], lines: vec![line], more: 1 };
            assert_inert(&picture.to_string(), text);
        }
    }

    #[test]
    fn the_largest_graph_is_small() {
        let node = |at: usize| Node {
            x: 9_999,
            y: at * 60,
            name: "n".repeat(LONG_NAME),
            short: "n".repeat(NAME),
            kind: "Command",
            state: "Not run: what it waited for failed",
            class: "warning",
            waits_for: few(&["n".repeat(LONG_NAME).as_str(); 119]),
        };
        let boxes: Vec<Node> = (0..countersign_control::builds::MAX_DRAWN).map(node).collect();
        let lines = (0..LINES).map(|at| Line::between(&boxes[at % 2], &boxes[119])).collect();
        let size = Picture { width: 9_999, height: 9_999, boxes, lines, more: 1 }.to_string().len();
        assert!(size < 92_000, "{size} bytes");
        assert_eq!(few(&["a", "b"]), "a, b");
        assert!(few(&["a"; 9]).ends_with("a and 6 more"));
    }
}
