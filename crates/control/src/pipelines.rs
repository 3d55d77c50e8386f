//! Pipelines: what builds are runs of, with the steps of builds that bring none.

mod create;
mod update;
mod view;

pub use create::NewPipeline;
pub use update::PipelineChange;

use countersign_domain::text::check_line;

use crate::builds::{MAX_REFERENCE, read};
use crate::{Error, Result, input};

/// Most characters of a pipeline's name.
pub const MAX_NAME: usize = 100;
/// Most characters of a repository's address.
pub const MAX_REPOSITORY: usize = 2_000;

fn check_name(name: &str) -> Result<()> {
    input::field("name", check_line(name, MAX_NAME))
}

/// An address that a command line of git cannot take for a flag. Empty is none.
fn repository(text: Option<String>) -> Result<Option<String>> {
    let Some(text) = text.filter(|text| !text.is_empty()) else { return Ok(None) };
    input::field("repository", check_line(&text, MAX_REPOSITORY))?;
    if text.starts_with('-') || text.contains(char::is_whitespace) {
        return Err(Error::invalid("repository", "is no address: it begins with '-' or holds white space"));
    }
    Ok(Some(text))
}

fn branch(text: &str) -> Result<()> {
    input::field("defaultBranch", check_line(text, MAX_REFERENCE))
}

fn check_steps(steps: Option<&str>) -> Result<()> {
    steps.map_or(Ok(()), |steps| read("steps", steps).map(drop))
}
