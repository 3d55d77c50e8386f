//! Where a build's steps are: in a file, or in a pipeline that has them.

use std::{
    convert::Infallible,
    io::Read,
    path::{Path, PathBuf},
    str::FromStr,
};

use countersign_domain::pipeline::{MAX_TEXT, Pipeline};

use crate::failure::{Failure, Outcome};

/// Largest file that is read, in bytes: as much as the server takes.
const MAX_FILE: u64 = MAX_TEXT as u64;

/// What `--pipeline` names. A slug has neither dot nor slash, so that it can be told from a file without looking for one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Source {
    /// The steps are in a file; `-` is standard input.
    File(PathBuf),
    /// The steps are those that the pipeline has.
    Stored(String),
}

impl FromStr for Source {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let is_file = text == "-" || text.contains(['/', '.']);
        Ok(if is_file { Self::File(PathBuf::from(text)) } else { Self::Stored(text.to_owned()) })
    }
}

/// The text of a pipeline's file. What is wrong with it is said before anything is sent, and with the file's name.
pub(in crate::commands) fn read_steps(path: &Path) -> Outcome<String> {
    let definition = read(path)?;
    Pipeline::parse(&definition).map_err(|error| Failure::bad_input(format!("{}: {error}", path.display())))?;
    Ok(definition)
}

fn read(path: &Path) -> Outcome<String> {
    let from = |error: std::io::Error| Failure::bad_input(format!("the pipeline {}: {error}", path.display()));
    let mut bytes = Vec::new();
    if path == Path::new("-") {
        std::io::stdin().lock().take(MAX_FILE + 1).read_to_end(&mut bytes).map_err(from)?;
    } else {
        std::fs::File::open(path).and_then(|file| file.take(MAX_FILE + 1).read_to_end(&mut bytes)).map_err(from)?;
    }
    if bytes.len() as u64 > MAX_FILE {
        return Err(Failure::bad_input(format!("the pipeline {} is larger than {MAX_FILE} bytes", path.display())));
    }
    String::from_utf8(bytes)
        .map_err(|_| Failure::bad_input(format!("the pipeline {} is not UTF-8 text", path.display())))
}

/// The pipeline's name in addresses: that of its file, as far as a slug can hold it.
pub(super) fn slug_of(path: &Path) -> String {
    /// The most characters that are taken.
    const MOST: usize = 60;
    let stem = path.file_stem().map(|stem| stem.to_string_lossy().to_lowercase()).unwrap_or_default();
    let marks = |c: char| if c.is_ascii_alphanumeric() { c } else { '-' };
    let text: String = stem.chars().map(marks).take(MOST).collect();
    let text = text.trim_matches('-');
    if text.is_empty() { "pipeline".to_owned() } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pipeline_is_named_after_its_file() {
        for (file, slug) in [("examples/pipeline.yml", "pipeline"), ("-", "pipeline"), ("Über Nacht.yaml", "ber-nacht")]
        {
            assert_eq!(slug_of(Path::new(file)), slug);
        }
    }

    #[test]
    fn a_slug_is_told_from_a_file_by_its_form() {
        for file in ["-", "pipeline.yml", "./web", "/nowhere/web", ".buildkite/pipeline.yml"] {
            assert_eq!(file.parse(), Ok(Source::File(PathBuf::from(file))), "{file}");
        }
        for slug in ["web", "deploy-web"] {
            assert_eq!(slug.parse(), Ok(Source::Stored(slug.to_owned())), "{slug}");
        }
    }
}
