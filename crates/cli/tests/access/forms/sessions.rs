//! Sign-ins in browsers: none is chosen by somebody else, each ends when it is to, and nothing is accepted from it by whoever asks after the answer
//! that ended it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use countersign_control::access::actions::{CreateInvitation, ViewMembers};
use countersign_control::invitations::NewInvitation;
use countersign_control::members::MemberReference;
use countersign_domain::Role;
use countersign_testkit::Engine;
use countersign_testkit::harness::figures::tell;
use countersign_testkit::harness::setting::Size;

use super::browser::{ADA, Answer, Call, GRACE, GRACES, PASSWORD, Server, public_id, send};

const SETTINGS: &str = "/organizations/acme/settings";
/// Another Organization Admin of acme's, whose sign-in ends.
const ROB: &str = "rob@acme.example";
/// How many browsers ask at once.
const AT_ONCE: usize = 32;
/// How often something has to be accepted before it ends.
const BEFORE: usize = 64;

/// Rob becomes an admin, and chooses a password; answers his cookie.
async fn rob(server: &Server) -> String {
    let value = invitation(server, ROB, Role::Admin).await;
    let fields = [("link", value.as_str()), ("name", "Rob"), ("password", PASSWORD)];
    let answer = server.send(&Call::form("/invitation", &fields)).await;
    assert_eq!(answer.status, 303, "{}", answer.text);
    answer.sign_in().expect("a cookie")
}

async fn invitation(server: &Server, email: &str, role: Role) -> String {
    let new = NewInvitation { email: email.to_owned(), role, expires_at: None };
    let grant = server.world.admin::<CreateInvitation>();
    let made = server.world.control.create_invitation(&grant, new).await.expect("an invitation");
    made.secret.reveal().to_owned()
}

/// Whether this is who is signed in.
async fn is(server: &Server, cookie: &str, email: &str) -> bool {
    let answer = server.get("/account", cookie).await;
    answer.status == 200 && answer.text.contains(email)
}

#[tokio::test]
async fn a9_nobody_chooses_the_sign_in_of_somebody_else() {
    let server = Server::new().await;
    let ada = server.links_in(ADA, PASSWORD).await;
    // One that was made up, of the right form; one that was true; and that of whoever planted it, who hopes to share hers.
    let made_up = {
        let changed = if ada.ends_with('0') { "1" } else { "0" };
        format!("{}{changed}", &ada[..ada.len() - 1])
    };
    let mut newcomers = 0;
    for way in ["password", "link", "invitation"] {
        let graces = server.links_in(GRACE, GRACES).await;
        assert!(is(&server, &graces, GRACE).await, "the control: it is Grace's");
        for planted in ["countersign=x", &made_up, &graces] {
            let link = server.link(ADA).await;
            let form = match way {
                "password" => Call::form("/sign-in", &[("email", ADA), ("password", PASSWORD)]),
                "link" => Call::form("/sign-in/link", &[("link", &link), ("password", PASSWORD)]),
                _ => {
                    newcomers += 1;
                    let invited = invitation(&server, &format!("new-{newcomers}@acme.example"), Role::Member).await;
                    Call::form("/invitation", &[("link", &invited), ("name", "New"), ("password", PASSWORD)])
                }
            };
            let answer = server.send(&form.of(planted)).await;
            assert_eq!(answer.status, 303, "{way}: {}", answer.text);
            let given = answer.sign_in().expect("a cookie");
            assert!(given != planted && public_id(&given) != planted, "{way}: what was planted is kept");
            assert_eq!(server.get("/account", &given).await.status, 200, "{way}: the new one is good");
            let old = server.get("/account", planted).await;
            assert_eq!(old.status, 303, "{way}: what was planted is somebody's: {}", old.text);
        }
    }
    // One's own of before ends too: a value is never kept over a sign-in.
    let first = server.signs_in(ADA, PASSWORD).await;
    let form = Call::form("/sign-in", &[("email", ADA), ("password", PASSWORD)]);
    let second = server.send(&form.of(&first)).await.sign_in().expect("a cookie");
    assert!(is(&server, &second, ADA).await && !is(&server, &first, ADA).await);
}

/// What ends a sign-in of Rob's, or takes from him what he was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Change {
    SignOut,
    EndedElsewhere,
    SignedOutEverywhere,
    PasswordChanged,
    LinkUsed,
    SignedInAnew,
    AnotherSignsIn,
    Demoted,
    Removed,
    Expired,
}

impl Change {
    const ALL: [Self; 10] = [
        Self::SignOut,
        Self::EndedElsewhere,
        Self::SignedOutEverywhere,
        Self::PasswordChanged,
        Self::LinkUsed,
        Self::SignedInAnew,
        Self::AnotherSignsIn,
        Self::Demoted,
        Self::Removed,
        Self::Expired,
    ];

    /// Does it, as somebody does who works in a browser.
    async fn make(self, stage: &Stage) {
        let Stage { server, ada, rob, robs_other, .. } = stage;
        let form = |path: &str, fields: &[(&str, &str)], cookie: &str| Call::form(path, fields).of(cookie);
        let member = format!("{SETTINGS}/members/{}", stage.id);
        let call = match self {
            Self::SignOut => form("/sign-out", &[], rob),
            Self::EndedElsewhere => form(&format!("/account/sign-ins/{}/end", public_id(rob)), &[], robs_other),
            Self::SignedOutEverywhere => form("/account/sign-out-everywhere", &[], robs_other),
            Self::PasswordChanged => {
                let fields = [("password", PASSWORD), ("new_password", "another horse battery staple")];
                form("/account/password", &fields, robs_other)
            }
            Self::LinkUsed => Call::form("/sign-in/link", &[("link", &stage.link), ("password", GRACES)]),
            Self::SignedInAnew => form("/sign-in", &[("email", ROB), ("password", PASSWORD)], rob),
            Self::AnotherSignsIn => form("/sign-in", &[("email", ADA), ("password", PASSWORD)], rob),
            Self::Demoted => form(&format!("{member}/role"), &[("role", "member")], ada),
            Self::Removed => form(&format!("{member}/remove"), &[], ada),
            Self::Expired => {
                server.world.clock.advance(Duration::from_secs(31 * 24 * 3600));
                return;
            }
        };
        let answer = server.send(&call).await;
        assert!(answer.status == 303 && !answer.location().starts_with("/prove"), "{self:?}: {}", answer.text);
    }

    /// How a call is refused afterwards.
    fn is_refused(self, answer: &Answer) -> bool {
        match self {
            Self::Demoted => answer.status == 403,
            Self::Removed => answer.status == 404 || answer.status == 303 && answer.location().starts_with("/sign-in"),
            _ => answer.status == 303 && answer.location().starts_with("/sign-in"),
        }
    }
}

/// A server, Rob in two browsers, and Ada.
struct Stage {
    server: Server,
    ada: String,
    rob: String,
    robs_other: String,
    /// Rob's.
    id: String,
    /// For Rob.
    link: String,
}

impl Stage {
    async fn set(engine: Engine) -> Self {
        let server = Server::on(engine).await;
        let ada = server.links_in(ADA, PASSWORD).await;
        let rob = rob(&server).await;
        let robs_other = server.signs_in(ROB, PASSWORD).await;
        let reference = MemberReference::parse(ROB).expect("an address");
        let found = server.world.control.find_member(&server.world.admin::<ViewMembers>(), reference).await;
        let (id, link) = (found.expect("a member").user.id.to_string(), server.link(ROB).await);
        Self { server, ada, rob, robs_other, id, link }
    }

    /// The rows of teams: what Rob writes all the while.
    async fn written(&self) -> usize {
        self.server.rows().await.of("teams").count()
    }
}

/// What Rob asks for, the `number`th time: mostly a page for admins alone, and now and then that something be written.
fn asked(number: usize, cookie: &str) -> Call {
    if number.is_multiple_of(8) {
        let name = format!("team-{number}");
        Call::form(format!("{SETTINGS}/teams/new"), &[("name", &name)]).of(cookie)
    } else {
        Call::get(format!("{SETTINGS}/audit-log"), cookie)
    }
}

/// What becomes of those who ask while it ends.
#[derive(Default)]
struct Tally {
    number: AtomicUsize,
    is_over: AtomicBool,
    /// Accepted while it was good.
    early: AtomicUsize,
    /// Sent after the answer.
    late: AtomicUsize,
    wrong: std::sync::Mutex<Vec<String>>,
}

async fn ask(router: Router, cookie: String, change: Change, tally: Arc<Tally>, most: usize) {
    while tally.late.load(Ordering::SeqCst) < most {
        let number = tally.number.fetch_add(1, Ordering::SeqCst);
        let is_late = tally.is_over.load(Ordering::SeqCst);
        let answer = send(&router, &asked(number, &cookie)).await;
        let is_refused = change.is_refused(&answer);
        if is_late {
            tally.late.fetch_add(1, Ordering::SeqCst);
        }
        if is_late && !is_refused {
            let what = format!("{} {} after it was over", answer.status, answer.location());
            tally.wrong.lock().expect("nobody has panicked").push(what);
        } else if !is_late && !is_refused {
            let is_accepted =
                answer.status == 200 || answer.location().starts_with("/organizations/acme/settings/teams");
            assert!(is_accepted, "{change:?}: {} {} {}", answer.status, answer.location(), answer.text);
            tally.early.fetch_add(1, Ordering::SeqCst);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a9_a_sign_in_that_has_ended_is_refused_at_the_next_call() {
    for engine in Engine::all() {
        Box::pin(ended(engine)).await;
    }
}

async fn ended(engine: Engine) {
    let most = Size::asked().pick(1_000, 10_000);
    for change in Change::ALL {
        let stage = Box::pin(Stage::set(engine)).await;
        let tally = Arc::new(Tally::default());
        let asking: Vec<_> = (0..AT_ONCE)
            .map(|_| {
                let (router, rob) = (stage.server.router.clone(), stage.rob.clone());
                tokio::spawn(Box::pin(ask(router, rob, change, tally.clone(), most)))
            })
            .collect();
        while tally.early.load(Ordering::SeqCst) < BEFORE {
            assert!(!asking.iter().any(tokio::task::JoinHandle::is_finished), "{change:?}: nobody asks any more");
            tokio::task::yield_now().await;
        }
        change.make(&stage).await;
        tally.is_over.store(true, Ordering::SeqCst);
        let at_its_end = stage.written().await;
        for one in asking {
            one.await.expect("they ask");
        }
        let (early, late) = (tally.early.load(Ordering::SeqCst), tally.late.load(Ordering::SeqCst));
        let wrong = tally.wrong.lock().expect("nobody has panicked").clone();
        tell(format_args!(
            "a9: {}: {change:?}: {early} accepted before, {} of {late} after",
            engine.name(),
            wrong.len()
        ));
        assert!(wrong.is_empty(), "{change:?}: {} of {late} were accepted, such as {}", wrong.len(), wrong[0]);
        assert!(late >= most, "{change:?}: only {late} asked afterwards");
        // Those that were on their way write nothing any more either. Only of time nobody is told that it has run out: who was let in before may end.
        let is_told = change != Change::Expired;
        assert!(!is_told || stage.written().await == at_its_end, "{change:?}: something was written after it was over");
    }
}

/// Control: what takes a sign-in for good after its end is found out by the same count.
#[tokio::test]
async fn a9_a_sign_in_that_lives_on_would_be_found_out() {
    let stage = Box::pin(Stage::set(Engine::Sqlite)).await;
    let tally = Arc::new(Tally::default());
    tally.is_over.store(true, Ordering::SeqCst);
    let router = stage.server.router.clone();
    Box::pin(ask(router, stage.robs_other.clone(), Change::SignOut, tally.clone(), 16)).await;
    assert_eq!(tally.wrong.lock().expect("nobody has panicked").len(), 16);
}

/// The cookies that an answer sets, with the values of sign-ins left out.
fn shape(answer: &Answer) -> Vec<String> {
    let mut lines = answer.cookies();
    for line in &mut lines {
        let (pair, rest) = line.split_once(';').expect("flags");
        let (name, value) = pair.split_once('=').expect("a value");
        if value.starts_with("csnsi_") {
            *line = format!("{name}=SIGN-IN;{rest}");
        }
    }
    lines
}

#[tokio::test]
async fn a9_cookies_have_exactly_their_flags() {
    for (public_url, name, secure) in [
        ("https://ci.example", "__Host-countersign", "; Secure"),
        ("http://localhost:8420", "countersign", ""),
        ("http://127.0.0.1:8420", "countersign", ""),
    ] {
        let server = Server::at(public_url).await;
        let flags = |kept: u32| format!("; Path=/; Max-Age={kept}; HttpOnly; SameSite=Lax{secure}");
        let sign_in = format!("{name}=SIGN-IN{}", flags(30 * 24 * 3600));
        let notice = |word: &str| format!("countersign-notice={word}{}", flags(60));
        let link = server.link(ADA).await;
        let fields = [("link", link.as_str()), ("password", PASSWORD)];
        let linked = server.send(&Call::form("/sign-in/link", &fields)).await;
        assert_eq!(shape(&linked), [notice("password-set"), sign_in.clone()], "{public_url}");
        let ada = linked.sign_in().expect("a cookie");
        let fields = [("email", ADA), ("password", PASSWORD)];
        let again = server.send(&Call::form("/sign-in", &fields)).await;
        assert_eq!(shape(&again), std::slice::from_ref(&sign_in), "{public_url}");
        let invited = invitation(&server, ROB, Role::Member).await;
        let fields = [("link", invited.as_str()), ("name", "Rob"), ("password", PASSWORD)];
        let joined = server.send(&Call::form("/invitation", &fields)).await;
        assert_eq!(shape(&joined), [notice("joined"), sign_in], "{public_url}");
        let look = server.post("/appearance", &ada, &[("theme", "dark")]).await;
        assert_eq!(shape(&look), [format!("countersign-theme=dark{}", flags(365 * 24 * 3600))], "{public_url}");
        let page = server.get("/account", &format!("{ada}; countersign-notice=proved")).await;
        assert_eq!(page.status, 200, "{public_url}: {}", page.location());
        assert_eq!(shape(&page), [format!("countersign-notice={}", flags(0))], "{public_url}");
        let out = server.post("/sign-out", &ada, &[]).await;
        assert_eq!(shape(&out), [notice("signed-out"), format!("{name}={}", flags(0))], "{public_url}");
        // Of the other scheme's name, which a host beside this one could plant, nothing is taken.
        let other = if secure.is_empty() { "__Host-countersign" } else { "countersign" };
        let live = again.sign_in().expect("a cookie");
        let value = live.split_once('=').expect("a value").1;
        assert_eq!(server.get("/account", &live).await.status, 200, "{public_url}: the control");
        let planted = server.get("/account", &format!("{other}={value}")).await;
        assert_eq!(planted.status, 303, "{public_url}: taken by the other name");
        let twice = server.get("/account", &format!("{live}; {live}")).await;
        assert_eq!(twice.status, 303, "{public_url}: of two nobody can tell who has planted one");
    }
}
