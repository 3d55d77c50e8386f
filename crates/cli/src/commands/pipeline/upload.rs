//! `countersign pipeline upload`: steps that a job adds to its build.

use std::{
    io::Read,
    path::{Path, PathBuf},
};

use clap::{Args, ValueEnum, builder::BoolishValueParser};
use countersign_agent::commands::{ChangedFiles, pipeline as upload};
use countersign_domain::pipeline::{
    MAX_TEXT, if_changed,
    upload::{Options, documents_with, to_yaml},
};
use serde_json::Value;

use crate::{
    Ambient,
    commands::job_flags::{JobFlags, plain, standard_input},
    failure::{Exit, Outcome},
    output::Printer,
};

/// Where a pipeline is looked for when none is named and standard input is not read.
const PLACES: [&str; 9] = [
    "buildkite.yml",
    "buildkite.yaml",
    "buildkite.json",
    ".buildkite/pipeline.yml",
    ".buildkite/pipeline.yaml",
    ".buildkite/pipeline.json",
    "buildkite/pipeline.yml",
    "buildkite/pipeline.yaml",
    "buildkite/pipeline.json",
];

/// How a pipeline is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// JSON
    Json,
    /// YAML
    Yaml,
}

/// Add the steps of a pipeline to the build, from inside a job
///
/// The files, else standard input, else the one file among buildkite.yml, .buildkite/pipeline.yml and buildkite/pipeline.yml, also with
/// .yaml and .json. Each document of YAML is sent by itself. Everything is read and checked before anything is sent.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  countersign pipeline upload .buildkite/deploy.yml")]
pub(super) struct Upload {
    /// The files
    files: Vec<PathBuf>,
    /// Put these steps in the place of those that have not started
    #[arg(long, env = "BUILDKITE_PIPELINE_REPLACE", value_parser = BoolishValueParser::new(), default_missing_value = "true", num_args = 0..=1, require_equals = true, default_value_t = false)]
    replace: bool,
    /// Print the pipeline and send nothing
    #[arg(long, env = "BUILDKITE_PIPELINE_UPLOAD_DRY_RUN", value_parser = BoolishValueParser::new(), default_missing_value = "true", num_args = 0..=1, require_equals = true, default_value_t = false)]
    dry_run: bool,
    /// How it is printed
    #[arg(long, value_enum, default_value = "json", env = "BUILDKITE_PIPELINE_UPLOAD_DRY_RUN_FORMAT")]
    format: Format,
    /// Leave $NAME as it is
    #[arg(long, env = "BUILDKITE_PIPELINE_NO_INTERPOLATION", value_parser = BoolishValueParser::new(), default_missing_value = "true", num_args = 0..=1, require_equals = true, default_value_t = false)]
    no_interpolation: bool,
    /// Send it even if it holds the value of a secret variable
    #[arg(long, env = "BUILDKITE_AGENT_PIPELINE_UPLOAD_ALLOW_SECRETS", value_parser = BoolishValueParser::new(), default_missing_value = "true", num_args = 0..=1, require_equals = true, default_value_t = false)]
    allow_secrets: bool,
    /// Skip steps whose if_changed names no changed file
    #[arg(long, env = "BUILDKITE_AGENT_APPLY_IF_CHANGED", value_parser = BoolishValueParser::new(), default_missing_value = "true", num_args = 0..=1, require_equals = true, default_value_t = true)]
    apply_if_changed: bool,
    /// What is compared with to find the changed files [default: the branch that a pull request is for, else the default branch]
    #[arg(long, value_name = "COMMIT", env = "BUILDKITE_GIT_DIFF_BASE")]
    git_diff_base: Option<String>,
    /// Fetch it first
    #[arg(long, env = "BUILDKITE_FETCH_DIFF_BASE", value_parser = BoolishValueParser::new(), default_missing_value = "true", num_args = 0..=1, require_equals = true, default_value_t = false)]
    fetch_diff_base: bool,
    /// A file that lists the changed files, one per line; then git is not asked
    #[arg(long, value_name = "FILE", env = "BUILDKITE_CHANGED_FILES_PATH")]
    changed_files_path: Option<PathBuf>,
    /// As it is without --allow-secrets
    #[arg(long, hide = true)]
    reject_secrets: bool,
    #[command(flatten)]
    job: JobFlags,
}

impl Upload {
    pub(super) async fn run(self, ambient: &Ambient, printer: Printer) -> Outcome {
        let texts = texts(&self.files).await?;
        let options = Options { interpolate: !self.no_interpolation };
        let variable = |name: &str| ambient.environment.get(name).map(str::to_owned);
        let mut documents = Vec::new();
        for (name, text) in texts {
            let read = documents_with(&text, &variable, options);
            documents.extend(read.map_err(|error| plain(format!("{name}: {error}")))?);
        }
        self.apply_if_changed(&mut documents, ambient).await;
        if self.dry_run {
            return show(&documents, self.format, printer);
        }
        let access = self.job.access(None, ambient)?;
        if !self.allow_secrets || self.reject_secrets {
            upload::refuse_secrets(&access, &documents).map_err(plain)?;
        }
        let count = documents.len();
        upload::upload(&access, documents, self.replace).await.map_err(plain)?;
        let what = if count == 1 { "The pipeline is".to_owned() } else { format!("{count} pipelines are") };
        printer.say(format_args!("{what} uploaded."));
        Ok(Exit::Done)
    }
}

impl Upload {
    /// Decides `if_changed`, which the server cannot. When the files are not known, no step is skipped.
    async fn apply_if_changed(&self, documents: &mut [Value], ambient: &Ambient) {
        let mut known = None;
        if self.apply_if_changed && documents.iter().any(if_changed::asks) {
            let changed = ChangedFiles {
                base: self.git_diff_base.clone(),
                fetch: self.fetch_diff_base,
                list: self.changed_files_path.clone(),
            };
            match changed.find(&ambient.environment).await {
                Ok(files) => known = Some(files),
                Err(error) => tracing::warn!(%error, "which files were changed is not known; no step is skipped"),
            }
        }
        for document in documents {
            for fault in if_changed::apply(document, known.as_deref()) {
                tracing::warn!("{fault}");
            }
        }
    }
}

fn show(documents: &[Value], format: Format, printer: Printer) -> Outcome {
    for (index, document) in documents.iter().enumerate() {
        let text = match format {
            Format::Json => format!("{document:#}\n"),
            Format::Yaml => {
                let between = if index == 0 { "" } else { "---\n" };
                format!("{between}{}", to_yaml(document).map_err(plain)?)
            }
        };
        printer.write(text.as_bytes())?;
    }
    Ok(Exit::Done)
}

/// Names and texts of what is uploaded.
async fn texts(files: &[PathBuf]) -> Outcome<Vec<(String, String)>> {
    if files.is_empty() {
        if let Some(text) = standard_input(MAX_TEXT).await? {
            return Ok(vec![("standard input".to_owned(), text)]);
        }
        let found: Vec<&str> = PLACES.into_iter().filter(|place| Path::new(place).is_file()).collect();
        return match found.as_slice() {
            [one] => read(Path::new(one)).map(|it| vec![it]),
            [] => Err(plain(format!("there is no pipeline: name a file, or make one of {}", PLACES.join(", ")))),
            several => Err(plain(format!("there is more than one pipeline: {}; name one", several.join(", ")))),
        };
    }
    files.iter().map(|file| read(file)).collect()
}

fn read(file: &Path) -> Outcome<(String, String)> {
    let name = file.display().to_string();
    let wrong = |problem: String| plain(format!("{name}: {problem}"));
    let opened = std::fs::File::open(file).map_err(|error| wrong(error.to_string()))?;
    let mut text = String::new();
    let limit = u64::try_from(MAX_TEXT).unwrap_or(u64::MAX);
    opened.take(limit + 1).read_to_string(&mut text).map_err(|error| wrong(error.to_string()))?;
    if text.len() > MAX_TEXT {
        return Err(wrong(format!("it is larger than {MAX_TEXT} bytes")));
    }
    Ok((name, text))
}
