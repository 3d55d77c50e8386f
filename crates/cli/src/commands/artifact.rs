//! `countersign artifact`: files that the jobs of a build leave behind, from inside a job.

use std::{
    io::{IsTerminal, Write},
    num::NonZeroUsize,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

use clap::{Args, Subcommand};
use countersign_agent::{
    Environment, Progress, Tally,
    commands::artifact::{self, Search, Upload},
};

use super::job_flags::{JobFlags, plain};
use crate::{
    Ambient,
    failure::{Exit, Outcome},
    output::{Printer, counted},
};

/// Leave files behind, and fetch what other jobs left, from inside a job
#[derive(Debug, Args)]
pub struct Artifact {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Upload files
    ///
    /// In a pattern, `*` and `?` stay within a name, `**` crosses folders. Nothing found is no error.
    #[command(after_help = "Example:\n  countersign artifact upload 'pkg/*.tar.gz;log/**/*.log'")]
    Upload(UploadArgs),
    /// Download files
    ///
    /// In a query, `*` also crosses folders. Each file goes to its own path below the destination; a destination that is no folder
    /// and does not end in a slash is the name for one file. Unfinished downloads go on where they were cut off.
    #[command(after_help = "Example:\n  countersign artifact download 'pkg/*.tar.gz' .")]
    Download {
        /// A path or a pattern
        query: String,
        /// The folder, or the name for one file
        destination: String,
        #[command(flatten)]
        search: SearchArgs,
        /// Accepted for scripts of other agents [env: BUILDKITE_NO_S3_MULTIPART_DOWNLOAD]
        #[arg(long, hide = true)]
        no_s3_multipart_download: bool,
        #[command(flatten)]
        job: JobFlags,
    },
    /// List artifacts
    #[command(after_help = "Example:\n  countersign artifact search \"*\" --format \"%p %s\\n\"")]
    Search {
        /// A path or a pattern
        query: String,
        #[command(flatten)]
        search: SearchArgs,
        /// How each is printed: %i id, %p path, %c time, %j job, %s size, %S SHA-1, %T SHA-256, %u address
        #[arg(long, default_value = "%j %p %c\\n")]
        format: String,
        /// Finding nothing is no error
        #[arg(long)]
        allow_empty_results: bool,
        #[command(flatten)]
        job: JobFlags,
    },
    /// Print the SHA-1 of one artifact
    #[command(after_help = "Example:\n  countersign artifact shasum pkg/app.tar.gz --sha256")]
    Shasum {
        /// A path or a pattern that finds one
        query: String,
        /// SHA-256 instead
        #[arg(long)]
        sha256: bool,
        #[command(flatten)]
        search: SearchArgs,
        #[command(flatten)]
        job: JobFlags,
    },
}

#[derive(Debug, Args)]
struct UploadArgs {
    /// Patterns, separated by the delimiter
    patterns: String,
    /// A place of your own [env: BUILDKITE_ARTIFACT_UPLOAD_DESTINATION]; this agent uploads to the server only
    destination: Option<String>,
    /// The type of every file; by default each file's extension says it [env: BUILDKITE_ARTIFACT_CONTENT_TYPE]
    #[arg(long, value_name = "TYPE")]
    content_type: Option<String>,
    /// The patterns are paths [env: BUILDKITE_AGENT_ARTIFACT_LITERAL]
    #[arg(long)]
    literal: bool,
    /// What separates patterns; nothing: there is one [default: ;] [env: BUILDKITE_AGENT_ARTIFACT_DELIMITER]
    #[arg(long, value_name = "TEXT")]
    delimiter: Option<String>,
    /// Look through links to folders [env: BUILDKITE_AGENT_ARTIFACT_GLOB_RESOLVE_FOLLOW_SYMLINKS]
    #[arg(long, alias = "follow-symlinks")]
    glob_resolve_follow_symlinks: bool,
    /// Leave out files that are links [env: BUILDKITE_ARTIFACT_UPLOAD_SKIP_SYMLINKS]
    #[arg(long)]
    upload_skip_symlinks: bool,
    /// Send files as forms [env: BUILDKITE_NO_MULTIPART_ARTIFACT_UPLOAD]
    #[arg(long)]
    no_multipart_artifact_upload: bool,
    /// How many files are sent at once; by default as many as there are processors [env: BUILDKITE_ARTIFACT_UPLOAD_CONCURRENCY]
    #[arg(long, value_name = "NUMBER")]
    concurrency: Option<NonZeroUsize>,
    #[command(flatten)]
    job: JobFlags,
}

#[derive(Debug, Clone, Args)]
struct SearchArgs {
    /// The build [env: BUILDKITE_BUILD_ID]
    #[arg(long, value_name = "UUID")]
    build: Option<String>,
    /// Only artifacts of this step (key or label), or of this job
    #[arg(long, value_name = "STEP")]
    step: Option<String>,
    /// Also artifacts of jobs that were retried [env: BUILDKITE_AGENT_INCLUDE_RETRIED_JOBS]
    #[arg(long)]
    include_retried_jobs: bool,
}

impl SearchArgs {
    /// The build to look in, and what for.
    fn of(self, query: String, environment: &Environment) -> (Option<String>, Search) {
        let build = self.build.or_else(|| environment.get("BUILDKITE_BUILD_ID").map(str::to_owned));
        let retried = self.include_retried_jobs || is_set(environment, "BUILDKITE_AGENT_INCLUDE_RETRIED_JOBS");
        (build, Search { query, step: self.step, include_retried_jobs: retried })
    }
}

fn is_set(environment: &Environment, name: &str) -> bool {
    environment.get(name).is_some_and(|value| matches!(value, "true" | "1"))
}

impl Artifact {
    pub(super) async fn run(self, ambient: &Ambient, printer: Printer) -> Outcome {
        let environment = &ambient.environment;
        match self.command {
            Command::Upload(args) => args.run(ambient, printer).await,
            Command::Download { query, destination, search, no_s3_multipart_download: _, job } => {
                let (build, search) = search.of(query, environment);
                let access = job.access(build, ambient)?;
                let count =
                    artifact::download(&access, &search, &destination, watched("Downloading")).await.map_err(plain)?;
                printer.say(format_args!("Downloaded {}", counted(count, "artifact")));
                Ok(Exit::Done)
            }
            Command::Search { query, search, format, allow_empty_results, job } => {
                let (build, search) = search.of(query, environment);
                let access = job.access(build, ambient)?;
                let found = artifact::search(&access, &search, allow_empty_results).await.map_err(plain)?;
                if printer.is_json() {
                    printer.result(&found, String::new)?;
                } else {
                    let lines: String = found.iter().map(|it| artifact::formatted(it, &format)).collect();
                    printer.write(lines.as_bytes())?;
                }
                Ok(Exit::Done)
            }
            Command::Shasum { query, sha256, search, job } => {
                let (build, search) = search.of(query, environment);
                let access = job.access(build, ambient)?;
                let sum = artifact::shasum(&access, &search, sha256).await.map_err(plain)?;
                printer.result(&sum, || sum.clone())?;
                Ok(Exit::Done)
            }
        }
    }
}

impl UploadArgs {
    async fn run(self, ambient: &Ambient, printer: Printer) -> Outcome {
        let environment = &ambient.environment;
        let text = |flag: Option<String>, name: &str| flag.or_else(|| environment.get(name).map(str::to_owned));
        let number = environment.get("BUILDKITE_ARTIFACT_UPLOAD_CONCURRENCY");
        let number = number
            .map(|text| {
                text.parse::<NonZeroUsize>()
                    .map_err(|_| plain("BUILDKITE_ARTIFACT_UPLOAD_CONCURRENCY is no number from 1 on"))
            })
            .transpose()?;
        let processors = || std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
        let upload = Upload {
            patterns: self.patterns,
            destination: text(self.destination, "BUILDKITE_ARTIFACT_UPLOAD_DESTINATION"),
            content_type: text(self.content_type, "BUILDKITE_ARTIFACT_CONTENT_TYPE"),
            literal: self.literal || is_set(environment, "BUILDKITE_AGENT_ARTIFACT_LITERAL"),
            delimiter: text(self.delimiter, "BUILDKITE_AGENT_ARTIFACT_DELIMITER").unwrap_or_else(|| ";".to_owned()),
            follow_links: self.glob_resolve_follow_symlinks
                || is_set(environment, "BUILDKITE_AGENT_ARTIFACT_GLOB_RESOLVE_FOLLOW_SYMLINKS"),
            skip_links: self.upload_skip_symlinks || is_set(environment, "BUILDKITE_ARTIFACT_UPLOAD_SKIP_SYMLINKS"),
            by_parts: !(self.no_multipart_artifact_upload
                || is_set(environment, "BUILDKITE_NO_MULTIPART_ARTIFACT_UPLOAD")),
            at_once: self.concurrency.or(number).unwrap_or_else(processors).get(),
        };
        let access = self.job.access(None, ambient)?;
        let folder = Path::new(".").canonicalize().map_err(plain)?;
        let count = artifact::upload(&access, &upload, &folder, watched("Uploading")).await.map_err(plain)?;
        if count == 0 {
            printer.say(format_args!("No files matched the paths: {}", upload.patterns));
        } else {
            printer.say(format_args!("Uploaded {}", counted(count, "artifact")));
        }
        Ok(Exit::Done)
    }
}

/// Shows on a terminal how far it is, each time a hundredth more is through; elsewhere nothing.
fn watched(doing: &'static str) -> Progress {
    if !std::io::stderr().is_terminal() {
        return Progress::default();
    }
    let shown = Mutex::new(None);
    Progress::told_to(Arc::new(move |tally: Tally| {
        let hundredths = (tally.bytes_done * 100).checked_div(tally.bytes).unwrap_or(0).min(100);
        let now = (tally.files_done, hundredths);
        let mut shown = shown.lock().unwrap_or_else(PoisonError::into_inner);
        if *shown == Some(now) {
            return;
        }
        *shown = Some(now);
        let mut out = std::io::stderr().lock();
        let end = if tally.files_done == tally.files { "\n" } else { "" };
        // Nobody looks any more: no reason to fail.
        let _ = write!(
            out,
            "\r{doing} {} of {} files, {hundredths}% of {} MiB{end}",
            tally.files_done,
            tally.files,
            tally.bytes.div_ceil(1 << 20)
        );
        let _ = out.flush();
    }))
}
