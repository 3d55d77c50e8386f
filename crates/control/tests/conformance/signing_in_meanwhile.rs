//! A password that was checked and is another one by the time that something is done by it: nothing is done.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use countersign_control::access::actions::{AcceptInvitation, ChangePassword, ProveAgain};
use countersign_control::invitations::NewInvitation;
use countersign_control::{Caller, Control, Error, Settings};
use countersign_domain::id::UserId;
use countersign_domain::{Entropy, Password, Refusal, Role};
use countersign_store::IntoValue;
use countersign_testkit::{SeededEntropy, World};
use tokio::runtime::Handle;
use tokio::task::block_in_place;

use crate::acting::{IP, field_of, may, next, person, refused, try_caller};
use crate::signing_in::{ADA, PASSWORD, browser, by_link, cookie, organization, try_sign_in};
use crate::sql;
use crate::worlds::ring;

pub const CASES: &[crate::run::Case] = crate::list::cases!["signing_in_meanwhile"
    nothing_is_done_by_a_password_that_is_another_one_by_then,
    nothing_is_accepted_by_a_password_that_is_another_one_by_then,
];

const NEW: &str = "another one altogether";

/// Randomness during whose n-th call something happens: the salt is drawn after the kept password was read, and before anything is done by it.
struct Meanwhile {
    inner: SeededEntropy,
    left: AtomicUsize,
    happens: Mutex<Option<Box<dyn FnOnce() + Send>>>,
}

impl Entropy for Meanwhile {
    fn fill(&self, buffer: &mut [u8]) {
        self.inner.fill(buffer);
        if self.left.fetch_sub(1, Ordering::SeqCst) == 1 {
            let happens = self.happens.lock().expect("nobody panicked").take().expect("it happens once");
            happens();
        }
    }
}

/// A server on the same database. Once it has asked for randomness so many times, a person has another password.
fn server(world: &World, asked: usize, whose: UserId, anothers: UserId) -> (Control, Arc<Meanwhile>) {
    let control = world.control.clone();
    let change = async move {
        let text = "UPDATE passwords SET phc = (SELECT phc FROM passwords WHERE user_id = $2) WHERE user_id = $1";
        assert_eq!(sql::change(&control, text, vec![whose.into_value(), anothers.into_value()]).await, 1);
    };
    let happens: Box<dyn FnOnce() + Send> = Box::new(|| block_in_place(|| Handle::current().block_on(change)));
    let entropy = Arc::new(Meanwhile {
        inner: SeededEntropy::new(next()),
        left: AtomicUsize::new(asked),
        happens: Mutex::new(Some(happens)),
    });
    let keys = ring(&world.control.keys());
    let store = world.control.store().clone();
    (Control::new(store, keys, world.clock.clone(), entropy.clone(), Settings::default()), entropy)
}

/// Whether it has happened after the password was found right: a wrong one is counted.
async fn was_right_before(server: &Control, meanwhile: &Meanwhile) -> bool {
    let has_happened = meanwhile.happens.lock().expect("nobody panicked").is_none();
    has_happened && refused(server, Refusal::Unknown).await == 0
}

pub async fn nothing_is_done_by_a_password_that_is_another_one_by_then(world: &World) {
    let control = &world.control;
    let ada = world.acme.created.admin.id;
    let bob = person(control, &world.acme, "bob@acme.example", Role::Member).await.user().expect("a person");
    by_link(world, "bob@acme.example", NEW).await;

    by_link(world, ADA, PASSWORD).await;
    // After the id, the public id and the secret of the new sign-in.
    let (there, meanwhile) = server(world, 4, ada, bob);
    assert_eq!(field_of(try_sign_in(&there, ADA, PASSWORD, IP).await), "password");
    assert!(was_right_before(&there, &meanwhile).await);
    try_sign_in(&there, ADA, NEW, IP).await.expect("the password of now is good");

    let proving = async |asked: usize| {
        let signed_in = by_link(world, ADA, PASSWORD).await;
        let (there, meanwhile) = server(world, asked, ada, bob);
        (cookie(&there, &signed_in).await, there, meanwhile)
    };
    let (caller, there, meanwhile) = proving(1).await;
    let proof = there.prove_again(&may::<ProveAgain>(&there, &caller), Password::shown(PASSWORD)).await;
    assert_eq!(field_of(proof), "password");
    assert!(was_right_before(&there, &meanwhile).await);

    // While the old one is checked, and while the new one is hashed.
    for asked in [1, 2] {
        let (caller, there, meanwhile) = proving(asked).await;
        let grant = may::<ChangePassword>(&there, &caller);
        let changed = there.change_password(&grant, Password::shown(PASSWORD), "a third one altogether").await;
        assert!(matches!(changed, Err(Error::Conflict(_))), "{changed:?}");
        assert!(was_right_before(&there, &meanwhile).await);
        assert!(try_sign_in(&there, ADA, NEW, IP).await.is_ok(), "what another has set stays");
    }
}

pub async fn nothing_is_accepted_by_a_password_that_is_another_one_by_then(world: &World) {
    const CAROL: &str = "carol@umbrella.example";
    let control = &world.control;
    let carol = organization(world, "umbrella", CAROL).await.user().expect("a person");
    let bob = person(control, &world.acme, "bob@acme.example", Role::Member).await.user().expect("a person");
    by_link(world, "bob@acme.example", NEW).await;
    by_link(world, CAROL, PASSWORD).await;
    let new = NewInvitation { email: CAROL.to_owned(), role: Role::Member, expires_at: None };
    let issued = control.create_invitation(&world.admin(), new).await.expect("made");
    // After the id that somebody new would have.
    let (there, meanwhile) = server(world, 2, carol, bob);
    let accept = async |password: &str| {
        let holder: Caller = try_caller(&there, issued.secret.reveal()).await.expect("a good invitation");
        let grant = may::<AcceptInvitation>(&there, &holder);
        there.accept_invitation_and_sign_in(&grant, &browser(), None, password).await
    };
    assert_eq!(field_of(accept(PASSWORD).await), "password");
    assert!(was_right_before(&there, &meanwhile).await);
    let joined = "SELECT COUNT(*) AS n FROM members WHERE user_id = $1";
    let count = async || sql::value::<i64>(control, joined, vec![carol.into_value()], "n").await;
    assert_eq!(count().await, 1);
    accept(NEW).await.expect("the password of now is good");
    assert_eq!(count().await, 2);
}
