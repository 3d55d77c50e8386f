//! A cut of the power, without a machine to lose it: a server works on an ext4 image; it is stopped, so that nothing more is
//! acknowledged; the image is copied as it is on the disk at that moment, without what the system only holds in memory; and a
//! second server starts on the copy.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use countersign_store::Database;
use countersign_testkit::harness::dice::Dice;
use countersign_testkit::harness::figures::tell;
use countersign_testkit::harness::installation::Installation;
use countersign_testkit::harness::journal::{Journal, Records};
use countersign_testkit::harness::load::Load;
use countersign_testkit::harness::mounts::{self, Mount};
use countersign_testkit::harness::program::Program;
use countersign_testkit::harness::verdict::{self, Verdict};
use countersign_testkit::harness::{moment, rows};

/// The size of the image: room for some seconds of load.
const IMAGE: u64 = 128 << 20;
/// The shortest and the longest that a server works before the cut. Most cuts fall soon after the first start.
const LIFE: (Duration, Duration) = (Duration::from_millis(50), Duration::from_millis(1_500));
/// The same for every fourth cut: long enough for checkpoints.
const LONG_LIFE: (Duration, Duration) = (Duration::from_secs(2), Duration::from_secs(4));

/// What a number of cuts left.
#[derive(Default)]
pub struct Cuts {
    pub count: usize,
    pub verdict: Verdict,
    /// Why a server did not start after a cut, once for each.
    pub did_not_start: Vec<String>,
    acknowledged: usize,
    unanswered: usize,
}

impl Cuts {
    /// Cuts the power `count` times, each time of a fresh instance; with `until_found`, no longer than until something is missing.
    pub async fn run(program: &Program, count: usize, until_found: bool) -> Self {
        let dice = Dice::new(2);
        let mut cuts = Self::default();
        while cuts.count < count && !(until_found && cuts.found()) {
            let (low, high) = if cuts.count % 4 == 3 { LONG_LIFE } else { LIFE };
            cuts.cut(program, dice.between(low, high)).await;
        }
        cuts
    }

    fn found(&self) -> bool {
        !self.verdict.is_clean() || !self.did_not_start.is_empty()
    }

    pub fn report(&self, what: &str) {
        tell(format_args!(
            "{what}: {} power cuts, {} acknowledged changes before them, {} calls without an answer, {} looked for, {} lost, \
             {} revoked tokens accepted, {} servers that did not start",
            self.count,
            self.acknowledged,
            self.unanswered,
            self.verdict.checked,
            self.verdict.lost.len(),
            self.verdict.revived.len(),
            self.did_not_start.len(),
        ));
    }

    async fn cut(&mut self, program: &Program, life: Duration) {
        let folder = tempfile::Builder::new().prefix("countersign-cut-").tempdir().expect("a folder");
        let at = |name: &str| folder.path().join(name);
        for name in ["live", "copy"] {
            std::fs::create_dir(at(name)).expect("a place to mount on");
        }
        mounts::make_image(&at("live.img"), IMAGE);
        let live = Mount::image(&at("live.img"), &at("live"));

        // Set up by the sound program: only the server is on trial.
        let mut installation = install(live.point(), &at("logs")).await;
        installation.program = program.clone();
        let journal = Arc::new(Journal::default());
        let server = installation.start().await;
        let load = Load::start(&installation, &journal, self.count as u64);
        moment::sleep(life).await;

        server.freeze();
        let cut = moment::now();
        mounts::copy_image(&at("live.img"), &at("copy.img"));
        server.kill().await;
        load.stop().await;
        drop(live);

        mounts::check_image(&at("copy.img"));
        let copy = Mount::image(&at("copy.img"), &at("copy"));
        installation.data = copy.point().join("data");
        installation.database = Database::Sqlite { folder: installation.data.clone() };
        let records = journal.snapshot().until(cut);
        self.count += 1;
        self.acknowledged += records.acknowledged();
        self.unanswered += records.unanswered;
        assert_eq!(records.refused, Vec::<String>::new(), "sound calls that were refused");
        self.look(&installation, &records).await;
    }

    /// Starts a server on what the cut left, and holds it to what was acknowledged.
    async fn look(&mut self, installation: &Installation, records: &Records) {
        let server = match installation.try_start().await {
            Ok(server) => server,
            Err(why) => return self.did_not_start.push(why),
        };
        let verdict = verdict::check(server.address, records).await;
        let is_clean = verdict.is_clean();
        self.verdict.add(verdict);
        server.end().await;
        if is_clean {
            rows::must_be_whole(&installation.database).await;
            assert_eq!(installation.verify_audit().await, Ok(()));
        }
    }
}

async fn install(mounted: &Path, logs: &Path) -> Installation {
    let data = mounted.join("data");
    let database = Database::Sqlite { folder: data.clone() };
    Installation::init(crate::sound(), database, &data, logs).await
}
