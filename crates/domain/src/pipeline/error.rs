//! Why a pipeline cannot be taken.

use std::fmt;

use super::tree::Node;

/// A pipeline cannot be taken. Reads: `Step 2 of the pipeline (line 7): 'retry' is …`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PipelineError {
    /// The step that is wrong, from 1, a group counted as one; `None` when it is no step.
    pub step: Option<usize>,
    /// The line that is wrong, from 1; `None` when it is not known, as in JSON.
    pub line: Option<u64>,
    /// What is wrong and what to do.
    pub problem: String,
}

impl PipelineError {
    pub(super) fn of_all(problem: impl Into<String>) -> Self {
        Self { step: None, line: None, problem: problem.into() }
    }

    pub(super) fn at(node: &Node, problem: impl Into<String>) -> Self {
        Self { step: None, line: node.line, problem: problem.into() }
    }

    /// Says which step it is, unless that is said already.
    pub(super) fn of_step(self, number: usize) -> Self {
        Self { step: self.step.or(Some(number)), ..self }
    }
}

impl fmt::Display for PipelineError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.step, self.line) {
            (Some(step), Some(line)) => write!(f, "Step {step} of the pipeline (line {line}): {}.", self.problem),
            (Some(step), None) => write!(f, "Step {step} of the pipeline: {}.", self.problem),
            (None, Some(line)) => write!(f, "The pipeline (line {line}): {}.", self.problem),
            (None, None) => write!(f, "The pipeline: {}.", self.problem),
        }
    }
}

impl std::error::Error for PipelineError {}
