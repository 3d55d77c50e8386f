//! A server that is killed in the middle, again and again: whatever it has acknowledged is there when it starts again, no
//! revoked token is accepted, nothing is half done, and the audit log is whole. On each engine.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use countersign_testkit::harness::dice::Dice;
use countersign_testkit::harness::figures::tell;
use countersign_testkit::harness::installation::Installation;
use countersign_testkit::harness::journal::{Journal, Records};
use countersign_testkit::harness::load::Load;
use countersign_testkit::harness::program::{self, Fault, Program};
use countersign_testkit::harness::setting::Size;
use countersign_testkit::harness::verdict::{self, Verdict};
use countersign_testkit::harness::{moment, rows};
use countersign_testkit::{Engine, TestDatabase};

/// The shortest and the longest that a server works after its first acknowledgement before it is killed.
const LIFE: (Duration, Duration) = (Duration::from_millis(30), Duration::from_millis(300));
/// How long the first acknowledgement after a start may take, and how often it is looked for.
const PATIENCE: Duration = Duration::from_secs(60);
const LOOK_EVERY: Duration = Duration::from_millis(2);
/// How many of each kind are looked for after each start.
const LAST: usize = 60;
/// How many kills the control may take until its fault shows.
const CONTROL_KILLS: usize = 40;
/// The goal for a start on SQLite, in the middle and for all but one in a hundred; held to in the release profile.
const START: (Duration, Duration) = (Duration::from_millis(100), Duration::from_millis(500));

/// What a loop of kills left.
#[derive(Default)]
struct Killed {
    kills: usize,
    verdict: Verdict,
    starts: Vec<Duration>,
    records: Records,
}

/// Kills a server under load `kills` times, or until something is found missing.
async fn kill(installation: &Installation, kills: usize) -> Killed {
    let journal = Arc::new(Journal::default());
    let dice = Dice::new(9);
    let mut killed = Killed::default();
    while killed.kills < kills {
        let server = installation.start().await;
        killed.starts.push(server.started_in);
        killed.verdict.add(verdict::check(server.address, &journal.snapshot().last(LAST)).await);
        if !killed.verdict.is_clean() {
            break;
        }
        let before = journal.acknowledged();
        let load = Load::start(installation, &journal, killed.kills as u64);
        // However slow the machine is: where nothing was acknowledged, nothing can be missing.
        let began = moment::now();
        while journal.acknowledged() == before {
            assert!(moment::since(began) < PATIENCE, "nothing is acknowledged");
            moment::sleep(LOOK_EVERY).await;
        }
        moment::sleep(dice.between(LIFE.0, LIFE.1)).await;
        server.kill().await;
        load.stop().await;
        killed.kills += 1;
    }
    killed.starts.sort();
    killed.records = journal.snapshot();
    killed
}

impl Killed {
    fn report(&self, what: &str) {
        tell(format_args!(
            "{what}: {} kills, {} acknowledged changes ({} tokens, {} revoked, {} agents), {} calls without an answer, \
             {} looked for in all, {} lost, {} revoked tokens accepted; start in {} ms (middle), {} ms (99 of 100)",
            self.kills,
            self.records.acknowledged(),
            self.records.tokens.len(),
            self.records.tokens.iter().filter(|token| token.revoked.is_some()).count(),
            self.records.agents.len(),
            self.records.unanswered,
            self.verdict.checked,
            self.verdict.lost.len(),
            self.verdict.revived.len(),
            self.start(50).as_millis(),
            self.start(99).as_millis(),
        ));
    }

    fn start(&self, percent: usize) -> Duration {
        self.starts[(self.starts.len() * percent / 100).min(self.starts.len() - 1)]
    }
}

async fn install(engine: Engine) -> (Installation, TestDatabase) {
    let database = TestDatabase::new(engine).await;
    let folder = database.folder.path();
    let program = Program::sound(env!("CARGO_BIN_EXE_countersign"));
    let installation =
        Installation::init(program, database.database.clone(), &folder.join("data"), &folder.join("logs")).await;
    (installation, database)
}

async fn survives_kills(engine: Engine) {
    let (installation, database) = install(engine).await;
    let mut killed = kill(&installation, Size::asked().pick(100, 1_000)).await;
    killed.verdict.must_be_clean(engine.name());

    let server = installation.start().await;
    killed.verdict.add(verdict::check(server.address, &killed.records).await);
    server.end().await;
    killed.report(engine.name());
    killed.verdict.must_be_clean("at the end");
    assert_eq!(killed.records.refused, Vec::<String>::new(), "sound calls that were refused");
    rows::must_be_whole(&database.database).await;
    assert_eq!(installation.verify_audit().await, Ok(()));
    if Size::asked() == Size::Release && engine == Engine::Sqlite {
        let (middle, nearly_all) = (killed.start(50), killed.start(99));
        assert!(middle <= START.0 && nearly_all <= START.1, "a start takes {middle:?}, or up to {nearly_all:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_acknowledged_survives_kills() {
    if Size::asked() == Size::Release {
        // One after the other: how long a start takes is measured there.
        for engine in Engine::all() {
            survives_kills(engine).await;
        }
    } else {
        Engine::side_by_side(survives_kills).await;
    }
}

#[test]
fn an_acknowledgement_before_its_commit_is_caught() {
    if let Some(arguments) = program::planted() {
        let mut ambient = countersign_cli::Ambient::take();
        ambient.arguments = arguments.into_iter().map(Into::into).collect();
        assert_eq!(countersign_cli::run(ambient), ExitCode::SUCCESS);
        return;
    }
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        for engine in Engine::all() {
            let (mut installation, _database) = install(engine).await;
            installation.program =
                Program::faulty(Fault::AcknowledgeEarly, "an_acknowledgement_before_its_commit_is_caught");
            let killed = kill(&installation, CONTROL_KILLS).await;
            killed.report(&format!("control, acknowledged before the commit, on {}", engine.name()));
            assert!(!killed.verdict.is_clean(), "the planted fault went unnoticed");
        }
    });
}
