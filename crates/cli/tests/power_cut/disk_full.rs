//! A disk without space: changes are refused with a word that says why, reading works, and taking access away works; when there
//! is space again, so does everything, without a restart.

use std::fs;
use std::net::SocketAddr;
use std::time::Duration;

use countersign_store::Database;
use countersign_testkit::harness::api::{self, Created};
use countersign_testkit::harness::figures::tell;
use countersign_testkit::harness::http::{Answer, Call, Connection};
use countersign_testkit::harness::installation::{Installation, Made};
use countersign_testkit::harness::moment;
use countersign_testkit::harness::mounts::Mount;
use countersign_testkit::harness::program::Program;

/// The size of the disk: room for the reserve, a write-ahead log as long as it gets, and a thousand tokens.
const DISK: u64 = 14 << 20;
/// What lies on it besides, until space is wanted.
const BALLAST: usize = 2 << 20;
/// The length of each description.
const DESCRIPTION: usize = 900;
/// How many tokens are made while there is room for them, and revoked when there is none.
const REVOKED: usize = 100;
/// More than fit on the disk.
const TOO_MANY: usize = 20_000;
/// How long a refusal may take, and how long the server may take to notice that there is space again.
const REFUSED_WITHIN: Duration = Duration::from_secs(1);
const WELL_AGAIN_WITHIN: Duration = Duration::from_secs(5);

/// Asks one server as its admin.
struct Admin {
    connection: Connection,
    made: Made,
}

impl Admin {
    fn new(address: SocketAddr, made: &Made) -> Self {
        Self { connection: Connection::new(address), made: made.clone() }
    }

    async fn ask(&mut self, call: &Call) -> Answer {
        self.connection.call(call).await.expect("the server answers")
    }

    async fn create(&mut self) -> Result<Created, Answer> {
        let call = api::create_agent_token(&self.made.user_token, &self.made.organization, &"d".repeat(DESCRIPTION));
        let answer = self.ask(&call).await;
        api::created_agent_token(&answer).ok_or(answer)
    }

    async fn revoke(&mut self, token: &Created) {
        let answer = self.ask(&api::revoke_agent_token(&self.made.user_token, &token.id)).await;
        assert!(api::is_revoked(&answer), "revoking on a full disk: {} {}", answer.status, answer.text());
    }
}

/// Whether this says that the disk is full, and when to try again.
fn says_full(answer: &Answer) -> bool {
    answer.status == 503 && answer.text().contains("storage_full") && answer.headers.contains_key("retry-after")
}

pub async fn fill(program: &Program) {
    let folder = tempfile::Builder::new().prefix("countersign-full-").tempdir().expect("a folder");
    let point = folder.path().join("disk");
    fs::create_dir(&point).expect("a place to mount on");
    let disk = Mount::memory(DISK, &point);
    let ballast = disk.point().join("ballast");
    fs::write(&ballast, vec![1; BALLAST]).expect("the ballast");
    let data = disk.point().join("data");
    let database = Database::Sqlite { folder: data.clone() };
    let installation = Installation::init(program.clone(), database, &data, &folder.path().join("logs")).await;
    let server = installation.start().await;
    let mut admin = Admin::new(server.address, &installation.made);

    let mut tokens = Vec::new();
    let mut quickest;
    let refused = loop {
        let began = moment::now();
        match admin.create().await {
            Ok(token) => tokens.push(token),
            Err(answer) => {
                quickest = moment::since(began);
                break answer;
            }
        }
        assert!(tokens.len() < TOO_MANY, "the disk never fills");
    };
    // It stays full, but for what still fits into a page: a machine that stalls does not do so each time.
    for _ in 0..3 {
        let began = moment::now();
        match admin.create().await {
            Ok(token) => tokens.push(token),
            Err(answer) => {
                assert!(says_full(&answer), "{} {}", answer.status, answer.text());
                quickest = quickest.min(moment::since(began));
            }
        }
    }
    assert!(quickest < REFUSED_WITHIN, "a refusal took {quickest:?}");
    assert!(says_full(&refused), "{} {:?} {}", refused.status, refused.headers, refused.text());
    assert!(tokens.len() > 2 * REVOKED, "only {} tokens fit on the disk", tokens.len());

    let (revoked, kept) = tokens.split_at(REVOKED);
    while_full(&mut admin, revoked, kept).await;
    server.kill().await;

    // A server starts on a full disk, too.
    let server = installation.start().await;
    let mut admin = Admin::new(server.address, &installation.made);
    still_full(&mut admin, revoked, kept).await;

    fs::remove_file(&ballast).expect("room");
    let room = moment::now();
    while let Err(answer) = admin.create().await {
        assert!(says_full(&answer), "{} {}", answer.status, answer.text());
        assert!(moment::since(room) < WELL_AGAIN_WITHIN, "there is space and it is not used");
        moment::sleep(Duration::from_millis(20)).await;
    }
    tell(format_args!(
        "full disk: {} tokens until it was full; {} of {} revoked then; well again {} ms after there was space",
        tokens.len(),
        revoked.len() + 1,
        revoked.len() + 1,
        moment::since(room).as_millis()
    ));
    server.end().await;
    countersign_testkit::harness::rows::must_be_whole(&installation.database).await;
    assert_eq!(installation.verify_audit().await, Ok(()));
}

/// Registers agents until that is refused, too: a registration is smaller than a token with a long description, so a few may fit
/// where such a token does not.
async fn fill_the_rest(admin: &mut Admin, token: &Created) {
    for _ in 0..TOO_MANY {
        let answer = admin.ask(&api::register(&token.value, "agent")).await;
        if !answer.is_success() {
            assert!(says_full(&answer), "a registration on a full disk: {} {}", answer.status, answer.text());
            return;
        }
    }
    panic!("registrations never fill the disk");
}

async fn while_full(admin: &mut Admin, revoked: &[Created], kept: &[Created]) {
    for token in kept {
        let answer = admin.ask(&api::identify(&token.value)).await;
        assert!(answer.is_success(), "reading on a full disk: {} {}", answer.status, answer.text());
    }
    fill_the_rest(admin, &kept[0]).await;
    for token in revoked {
        admin.revoke(token).await;
        let answer = admin.ask(&api::identify(&token.value)).await;
        assert_eq!((answer.status, api::reason(&answer).as_str()), (401, "revoked"));
    }
}

async fn still_full(admin: &mut Admin, revoked: &[Created], kept: &[Created]) {
    for token in revoked {
        let answer = admin.ask(&api::identify(&token.value)).await;
        assert_eq!((answer.status, api::reason(&answer).as_str()), (401, "revoked"));
    }
    let answer = admin.create().await.expect_err("there is still no space");
    assert!(says_full(&answer), "{} {}", answer.status, answer.text());
    admin.revoke(&kept[0]).await;
}
