//! Whether steps name each other as they should: keys that are one step's, dependencies on what there is, and no step that waits
//! for itself in the end.

use std::collections::{HashMap, HashSet};

use super::PipelineError;
use crate::plan::{Fate, PlannedStep, Work};
use crate::text::shown;

/// Where a step was written.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    /// Among the steps of the pipeline, from 1; a group's members have the group's.
    pub number: usize,
    pub line: Option<u64>,
}

/// Checks the steps against each other and against the `keys` that the build has already.
pub(super) fn check(steps: &[PlannedStep], places: &[Place], keys: &[String]) -> Result<(), PipelineError> {
    let earlier: HashSet<&str> = keys.iter().map(String::as_str).collect();
    let mut by_key: HashMap<&str, usize> = HashMap::new();
    for (index, step) in steps.iter().enumerate() {
        let Some(key) = step.key.as_deref() else { continue };
        let place = places[index];
        if earlier.contains(key) {
            return Err(
                place.fault(format!("the key '{key}' belongs to a step that is in the build already; choose another"))
            );
        }
        if by_key.insert(key, index).is_some() {
            return Err(
                place.fault(format!("the key '{key}' belongs to an earlier step; give each step a key of its own"))
            );
        }
    }
    let mut waits_for = implied(steps);
    for (index, step) in steps.iter().enumerate() {
        for dependency in step.depends_on.iter().flatten() {
            match by_key.get(dependency.step.as_str()) {
                Some(other) => waits_for[index].push(*other),
                None if earlier.contains(dependency.step.as_str()) => {}
                None => {
                    let problem = format!(
                        "'depends_on' names '{}', which is the key of no step or group",
                        shown(&dependency.step)
                    );
                    return Err(places[index].fault(problem));
                }
            }
        }
    }
    match cycle(&waits_for) {
        None => Ok(()),
        Some(cycle) => {
            let at = cycle.first().copied().unwrap_or_default();
            Err(places[at].fault(format!("waits for itself: {}", described(&cycle, steps, places))))
        }
    }
}

impl Place {
    fn fault(self, problem: String) -> PipelineError {
        PipelineError { step: Some(self.number), line: self.line, problem }
    }
}

/// What steps wait for without saying so: a group for its members, a wait or block for all that stands before it, any other
/// step for the last wait or block. A wait stands for what it waits for itself, so that there are few of these.
fn implied(steps: &[PlannedStep]) -> Vec<Vec<usize>> {
    let mut waits_for = vec![Vec::new(); steps.len()];
    let mut last = None;
    let mut since: Vec<usize> = Vec::new();
    for (index, step) in steps.iter().enumerate() {
        if let Some(group) = step.group {
            waits_for[group].push(index);
        }
        // What does not take part waits for nothing, and nothing waits for it unless it says so.
        if step.fate != Fate::Run || step.work == Work::Group {
            continue;
        }
        let parts = matches!(step.work, Work::Wait { .. } | Work::Block(_));
        match (parts, step.depends_on.is_none()) {
            (true, true) => {
                waits_for[index].append(&mut since);
                since.push(index);
            }
            (false, true) => {
                waits_for[index].extend(last);
                since.push(index);
            }
            (_, false) => since.push(index),
        }
        if parts {
            last = Some(index);
        }
    }
    waits_for
}

/// A circle, from the first of its steps in the text round to itself; `None` when there is none.
fn cycle(waits_for: &[Vec<usize>]) -> Option<Vec<usize>> {
    #[derive(Clone, Copy, PartialEq)]
    enum Seen {
        Never,
        OnTheWay,
        Done,
    }
    let mut seen = vec![Seen::Never; waits_for.len()];
    for start in 0..waits_for.len() {
        if seen[start] != Seen::Never {
            continue;
        }
        // The way from the start, and for each step on it how many of those it waits for have been looked at.
        let mut way = vec![(start, 0)];
        seen[start] = Seen::OnTheWay;
        while let Some((step, looked)) = way.last_mut() {
            let Some(next) = waits_for[*step].get(*looked).copied() else {
                seen[*step] = Seen::Done;
                way.pop();
                continue;
            };
            *looked += 1;
            match seen[next] {
                Seen::Done => {}
                Seen::Never => {
                    seen[next] = Seen::OnTheWay;
                    way.push((next, 0));
                }
                Seen::OnTheWay => {
                    let mut round: Vec<usize> =
                        way.iter().map(|(step, _)| *step).skip_while(|step| *step != next).collect();
                    let first = round.iter().enumerate().min_by_key(|(_, step)| **step).map_or(0, |(at, _)| at);
                    round.rotate_left(first);
                    return Some(round);
                }
            }
        }
    }
    None
}

/// `'a' → 'b' → 'a'`; the middle of a long one is left out.
fn described(cycle: &[usize], steps: &[PlannedStep], places: &[Place]) -> String {
    const SHOWN: usize = 10;
    let name = |index: &usize| {
        let (step, place) = (&steps[*index], places[*index]);
        let kind = match step.work {
            Work::Wait { .. } => "wait",
            Work::Block(_) => "block",
            _ => "step",
        };
        match (step.key.as_deref().or(step.label.as_deref()), place.line) {
            (Some(name), _) => format!("'{}'", shown(name)),
            (None, Some(line)) => format!("the {kind} of line {line}"),
            (None, None) => format!("the {kind} number {}", place.number),
        }
    };
    let mut names: Vec<String> = cycle.iter().take(SHOWN).map(name).collect();
    if cycle.len() > SHOWN {
        names.push(format!("{} more", cycle.len() - SHOWN));
    }
    names.extend(cycle.first().map(name));
    names.join(" → ")
}
