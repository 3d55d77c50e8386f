//! How long what builds leave is kept: flags, and a section of the configuration file.

use std::time::Duration;

use clap::Args;
use countersign_control::Retention;
use serde::Deserialize;

use crate::{
    failure::{Failure, Outcome},
    flags::{duration, variables},
};

/// The shortest time that anything is kept: uploads that are under way when a build ends need a part of it.
const SHORTEST: Duration = Duration::from_secs(24 * 3600);
/// The longest: a thousand years are as good as for ever.
const LONGEST: Duration = Duration::from_secs(1_000 * 366 * 24 * 3600);
/// The shortest time after which a job that no agent takes expires.
const SHORTEST_EXPIRY: Duration = Duration::from_secs(60);

/// Flags about what is kept.
#[derive(Debug, Clone, Default, Args)]
pub struct RetentionFlags {
    /// How long builds are kept after their end, for example 90d; 0d: for ever [default: 365d]
    #[arg(long, value_name = "TIME", env = variables::KEEP_BUILDS, value_parser = kept)]
    keep_builds: Option<Duration>,
    /// How long their logs are kept, if that is shorter; 0d: as long as the builds [default: 180d]
    #[arg(long, value_name = "TIME", env = variables::KEEP_LOGS, value_parser = kept)]
    keep_logs: Option<Duration>,
    /// How long the bytes of their artifacts are kept, if that is shorter; 0d: as long as the builds [default: 180d]
    #[arg(long, value_name = "TIME", env = variables::KEEP_ARTIFACTS, value_parser = kept)]
    keep_artifacts: Option<Duration>,
    /// How long agents that are gone and that no job names are kept; 0d: for ever [default: 30d]
    #[arg(long, value_name = "TIME", env = variables::KEEP_AGENTS, value_parser = kept)]
    keep_agents: Option<Duration>,
    /// How long a job waits for an agent before it expires, which fails its build; 0d: for ever [default: 30d]
    #[arg(long, value_name = "TIME", env = variables::JOB_EXPIRY, value_parser = expiry)]
    job_expiry: Option<Duration>,
}

/// The section of the configuration file.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct RetentionSection {
    builds: Option<String>,
    logs: Option<String>,
    artifacts: Option<String>,
    agents: Option<String>,
    unclaimed_jobs: Option<String>,
}

/// Puts flags and file together: what is kept, and how long a job waits.
///
/// # Errors
/// A value of the file cannot be used.
pub(super) fn resolve(
    flags: &RetentionFlags,
    file: RetentionSection,
    (keep, expires): (Retention, Option<Duration>),
) -> Outcome<(Retention, Option<Duration>)> {
    let RetentionSection { builds, logs, artifacts, agents, unclaimed_jobs } = file;
    let retention = Retention {
        builds: said(flags.keep_builds, "builds", builds, kept, keep.builds)?,
        logs: said(flags.keep_logs, "logs", logs, kept, keep.logs)?,
        artifacts: said(flags.keep_artifacts, "artifacts", artifacts, kept, keep.artifacts)?,
        agents: said(flags.keep_agents, "agents", agents, kept, keep.agents)?,
    };
    Ok((retention, said(flags.job_expiry, "unclaimed_jobs", unclaimed_jobs, expiry, expires)?))
}

/// What a flag says, else the file, else the default; nothing at all stands for ever.
fn said(
    flag: Option<Duration>,
    name: &str,
    text: Option<String>,
    read: fn(&str) -> Result<Duration, String>,
    default: Option<Duration>,
) -> Outcome<Option<Duration>> {
    let in_file = text.map(|text| read(&text)).transpose();
    let in_file =
        in_file.map_err(|why| Failure::bad_input(format!("the configuration file: retention.{name}: {why}")))?;
    Ok(match flag.or(in_file) {
        Some(time) => Some(time).filter(|time| !time.is_zero()),
        None => default,
    })
}

fn kept(text: &str) -> Result<Duration, String> {
    within(text, SHORTEST, "a day, for example 90d")
}

fn expiry(text: &str) -> Result<Duration, String> {
    within(text, SHORTEST_EXPIRY, "a minute, for example 30d")
}

fn within(text: &str, shortest: Duration, words: &str) -> Result<Duration, String> {
    let given = duration(text)?;
    if !given.is_zero() && (given < shortest || given > LONGEST) {
        return Err(format!("must be at least {words}, and at most a thousand years; 0d stands for ever"));
    }
    Ok(given)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: Duration = Duration::from_secs(24 * 3600);

    fn of(flags: &RetentionFlags, text: &str) -> Outcome<(Retention, Option<Duration>)> {
        let section = toml::from_str(text).expect("a section");
        resolve(flags, section, (Retention::default(), Some(30 * DAY)))
    }

    #[test]
    fn a_flag_wins_over_the_file_and_0d_stands_for_ever() {
        let (keep, expires) = of(&RetentionFlags::default(), "builds = \"90d\"\nlogs = \"0d\"\n").expect("good");
        assert_eq!((keep.builds, keep.logs, keep.agents), (Some(90 * DAY), None, Some(30 * DAY)));
        assert_eq!(expires, Some(30 * DAY));
        let flags = RetentionFlags { keep_builds: Some(Duration::ZERO), job_expiry: Some(DAY), ..Default::default() };
        let (keep, expires) = of(&flags, "builds = \"90d\"\nunclaimed_jobs = \"2h\"\n").expect("good");
        assert_eq!((keep.builds, expires), (None, Some(DAY)));
        assert_eq!(of(&RetentionFlags::default(), "unclaimed_jobs = \"2h\"\n").expect("good").1, Some(DAY / 12));
    }

    #[test]
    fn what_is_too_short_or_no_time_is_named() {
        for (text, word) in [
            ("builds = \"23h\"", "retention.builds: must be at least a day"),
            ("agents = \"90\"", "retention.agents: write a whole number and a unit"),
            ("logs = \"999999d\"", "a thousand years"),
            ("unclaimed_jobs = \"5s\"", "retention.unclaimed_jobs: must be at least a minute"),
        ] {
            let failure = of(&RetentionFlags::default(), text).expect_err(text);
            assert!(failure.message.contains(word), "{text}: {failure}");
        }
    }
}
