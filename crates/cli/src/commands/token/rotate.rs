//! `countersign token rotate`.

use std::time::Duration;

use clap::Args;
use serde_json::{Value, json};

use super::{Named, reference};
use crate::{
    Ambient,
    api::{documents, shapes::text},
    failure::Outcome,
    flags::{duration, variables},
    output::{Printer, local_time},
};

/// Longest overlap, in days; a longer one is a mistake.
const MAX_OVERLAP_DAYS: u64 = 3650;

/// Give an agent token a new secret; the old value stays good for a while
///
/// The token keeps its ids, its scope and its agents. Afterwards the old value is refused as `rotated`.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  countersign token rotate 4f9Kd0aZ81b --overlap 24h")]
pub(super) struct Rotate {
    #[command(flatten)]
    named: Named,
    /// How long the old value stays good, such as 30m, 24h or 7d, at most 3650d; 0s: not at all
    #[arg(long, value_name = "TIME", default_value = "24h", value_parser = overlap, env = variables::OVERLAP)]
    overlap: Duration,
}

impl Rotate {
    pub async fn run(self, ambient: &Ambient, printer: Printer) -> Outcome<()> {
        let until = ambient.clock.now().plus(self.overlap);
        let input = json!({ "id": reference(&self.named.token), "oldValidUntil": until.to_string() });
        let mut answer: Value =
            self.named.api(ambient)?.call(documents::TOKEN_ROTATE, json!({ "input": input })).await?;
        let rotated = &mut answer["agentTokenRotate"];
        let (token, value, until) =
            (rotated["agentToken"].take(), rotated["tokenValue"].take(), rotated["oldValidUntil"].take());
        printer.result(&json!({ "token": token, "value": value, "oldValidUntil": until }), || {
            format!(
                "Token {} has a new value; the old one is good until {}.\n{}",
                text(&token, "publicId"),
                local_time(until.as_str()),
                value.as_str().unwrap_or_default()
            )
        })
    }
}

/// How long an old value stays good.
fn overlap(text: &str) -> Result<Duration, String> {
    const MAX: Duration = Duration::from_secs(MAX_OVERLAP_DAYS * 24 * 3600);
    let given = duration(text)?;
    if given > MAX {
        return Err(format!("must be at most {MAX_OVERLAP_DAYS}d"));
    }
    Ok(given)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_overlap_has_an_end() {
        assert_eq!(overlap("0s"), Ok(Duration::ZERO));
        assert!(overlap("3650d").is_ok());
        for wrong in ["3651d", "99999999999d", "soon"] {
            assert!(overlap(wrong).is_err(), "{wrong}");
        }
    }
}
