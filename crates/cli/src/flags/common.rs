//! Flags that several commands share.

use std::{path::PathBuf, time::Duration};

use clap::Args;
use countersign_control::settings::MAX_PING_HOLD;

use super::variables;
use crate::{logs::LogFormat, output::Format};

/// Flags of every command.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Output")]
pub struct OutputArgs {
    /// How results are written
    #[arg(long, global = true, value_enum, default_value_t, env = variables::OUTPUT, hide_env = true)]
    pub output: Format,
    /// What is logged to standard error: error, warn, info, debug, trace, or a filter
    #[arg(long, global = true, value_name = "FILTER", env = variables::LOG, hide_env = true)]
    pub log: Option<String>,
    /// How log lines are written
    #[arg(long, global = true, value_enum, env = variables::LOG_FORMAT, hide_env = true)]
    pub log_format: Option<LogFormat>,
}

/// Where an instance keeps its rows and its keys.
#[derive(Debug, Clone, Default, Args)]
pub struct InstanceArgs {
    /// The data folder [default: $XDG_DATA_HOME/countersign, else ~/.local/share/countersign]
    #[arg(long, value_name = "DIR", env = variables::DATA_DIR)]
    pub data_dir: Option<PathBuf>,
    /// A PostgreSQL database instead of SQLite in the data folder: the address, or file://PATH
    #[arg(long, value_name = "URL", env = variables::DATABASE_URL, hide_env_values = true)]
    pub database_url: Option<String>,
    /// The key ring's file [default: key-ring in the data folder]
    #[arg(long, value_name = "FILE", env = variables::KEY_RING_FILE)]
    pub key_ring_file: Option<PathBuf>,
}

/// The server that a command talks to, and as whom.
#[derive(Debug, Clone, Default, Args)]
pub struct ServerArgs {
    /// The server's address [default: that of the saved profile, else http://127.0.0.1:8420]
    #[arg(long, value_name = "URL", env = variables::SERVER)]
    pub server: Option<String>,
    /// Your user token: the value, file://PATH or fd://N [default: that of the saved profile]
    #[arg(long, value_name = "TOKEN", env = variables::USER_TOKEN, hide_env_values = true)]
    pub user_token: Option<String>,
}

/// A length of time: a whole number and `ms`, `s`, `m`, `h` or `d`.
///
/// # Errors
/// In words.
pub fn duration(text: &str) -> Result<Duration, String> {
    let wrong = || "write a whole number and a unit, for example 500ms, 30s, 10m, 24h or 7d".to_owned();
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let number: u64 = text[..digits].parse().map_err(|_| wrong())?;
    let unit_millis: u64 = match &text[digits..] {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return Err(wrong()),
    };
    number.checked_mul(unit_millis).map(Duration::from_millis).ok_or_else(|| "that is too long".to_owned())
}

/// A length of time that is not zero.
///
/// # Errors
/// In words.
pub fn interval(text: &str) -> Result<Duration, String> {
    /// Nothing here is meant to happen less often.
    const MAX: Duration = Duration::from_secs(86_400);
    let given = duration(text)?;
    if given.is_zero() || given > MAX {
        return Err("must be longer than nothing and at most a day".to_owned());
    }
    Ok(given)
}

/// A length of time in whole seconds, as agents are told it.
///
/// # Errors
/// In words.
pub fn whole_seconds(text: &str) -> Result<Duration, String> {
    let given = interval(text)?;
    if given.subsec_nanos() != 0 {
        return Err("must be a whole number of seconds, for example 2s".to_owned());
    }
    Ok(given)
}

/// How long a ping is held.
///
/// # Errors
/// In words.
pub fn hold(text: &str) -> Result<Duration, String> {
    let given = duration(text)?;
    if given > MAX_PING_HOLD {
        return Err(format!("must be at most {}s: agents do not wait for ever", MAX_PING_HOLD.as_secs()));
    }
    Ok(given)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_of_time_have_a_unit() {
        assert_eq!(duration("500ms"), Ok(Duration::from_millis(500)));
        assert_eq!(duration("7d"), Ok(Duration::from_secs(7 * 86_400)));
        for wrong in ["", "5", "s", "-1s", "1.5s", "5 s", "5y", "99999999999999999999s", "9999999999999999999d"] {
            assert!(duration(wrong).is_err(), "{wrong}");
        }
        assert!(interval("0s").is_err());
        assert!(whole_seconds("1500ms").is_err());
        assert_eq!(whole_seconds("2000ms"), Ok(Duration::from_secs(2)));
    }
}
