//! Running a script, and the conversation with it.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use countersign_testkit::harness::figures::tell;
use countersign_testkit::harness::setting::{self, BROWSER_TOOLS};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::process::Command;

use crate::stage::Stage;

/// What a script has checked.
#[derive(Debug)]
pub struct Check {
    /// What it follows.
    pub follows: String,
    /// What was seen instead; none where it holds.
    pub fault: Option<String>,
}

/// What a script said.
#[derive(Debug, Default)]
pub struct Told {
    pub checks: Vec<Check>,
    /// Lines of a table.
    pub rows: Vec<String>,
    /// Whether it came to its end.
    is_done: bool,
}

impl Told {
    /// All that was checked holds, and the script came to its end.
    #[track_caller]
    pub fn must_hold(&self, script: &str) {
        let faults: Vec<_> =
            self.checks.iter().filter_map(|it| Some(format!("{}: {}", it.follows, it.fault.as_ref()?))).collect();
        assert!(faults.is_empty(), "{script}: {} checks do not hold:\n{}", faults.len(), faults.join("\n"));
        assert!(self.is_done, "{script} did not come to its end");
    }

    /// What was checked is what is listed, each once.
    #[track_caller]
    pub fn follows(&self, parts: &[&str]) {
        let checked: Vec<_> = self.checks.iter().map(|it| it.follows.as_str()).collect();
        let (once, listed): (BTreeSet<_>, BTreeSet<_>) =
            (checked.iter().copied().collect(), parts.iter().copied().collect());
        assert_eq!(once.len(), checked.len(), "two checks follow the same: {checked:#?}");
        let without: Vec<_> = listed.difference(&once).collect();
        let unlisted: Vec<_> = once.difference(&listed).collect();
        assert!(without.is_empty() && unlisted.is_empty(), "no check follows {without:#?}; not listed: {unlisted:#?}");
    }
}

/// Runs a script to its end. What it writes for people goes where this test's own words go.
pub async fn run(stage: &Stage, script: &str, out: &Path, is_whole: bool) -> Told {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/browser").join(script);
    let mut child = Command::new("node")
        .arg(path)
        .env_clear()
        .env("PATH", "/usr/local/bin:/usr/bin:/bin")
        // Chromium keeps its profile below.
        .env("HOME", stage.folder())
        .env("TMPDIR", stage.folder())
        .env("LC_ALL", "C.UTF-8")
        .env("TZ", "UTC")
        .env(BROWSER_TOOLS, setting::browser_tools())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .expect("node starts: Debian's package nodejs has it");
    let mut words = child.stdin.take().expect("it was piped");
    let mut lines = BufReader::new(child.stdout.take().expect("it was piped")).lines();
    let first = stage.setting(out, is_whole).await;
    words.write_all(format!("{first}\n").as_bytes()).await.expect("the script listens");
    let mut told = Told::default();
    while let Some(line) = lines.next_line().await.expect("the script writes text") {
        let said: Value = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{script}: {error}: {line}"));
        let text = |name: &str| said[name].as_str().map(str::to_owned);
        if let Some(wish) = text("ask") {
            match wish.as_str() {
                "advance" => {
                    let seconds = said["seconds"].as_u64().expect("a number of seconds");
                    stage.world.clock.advance(Duration::from_secs(seconds));
                }
                "write" => stage.write(&text("text").expect("what is written")).await,
                other => panic!("{script} asks for what nobody here does: {other}"),
            }
            words.write_all(b"{}\n").await.expect("the script listens");
        } else if let Some(row) = text("row") {
            told.rows.push(row);
        } else if let Some(follows) = text("check") {
            let fault = if said["ok"] == true { None } else { Some(text("saw").unwrap_or_default()) };
            tell(format_args!(
                "browser: {script}: {follows}: {}",
                if fault.is_none() { "holds" } else { "DOES NOT HOLD" }
            ));
            told.checks.push(Check { follows, fault });
        } else {
            told.is_done |= said["done"] == true;
        }
    }
    let status = child.wait().await.expect("it is our child");
    told.is_done &= status.success();
    told
}
