//! A whole system on a database of its own, with two organizations.

use std::future::Future;
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use countersign_control::access::actions::{CreateOrganization, CreateUserToken};
use countersign_control::organizations::{Created, NewOrganization};
use countersign_control::user_tokens::NewUserToken;
use countersign_control::{Action, Caller, Control, Grant, Origin, Presented, Settings};
use countersign_domain::{Clock, KeyRing, RevealPolicy, Role};
use countersign_store::{Lane, Sql, Store, StoreError, params, users};
use tokio::sync::oneshot;

use crate::{Engine, ManualClock, SeededEntropy, TestDatabase};

/// An organization, and the values that were shown when it was made.
#[derive(Debug)]
pub struct Tenant {
    /// What was made.
    pub created: Created,
    /// The first Organization Admin.
    pub admin: Caller,
}

impl Tenant {
    /// The value of the default agent token.
    #[must_use]
    pub fn agent_token(&self) -> &str {
        self.created.agent_secret.reveal()
    }

    /// The value of the admin's user token.
    #[must_use]
    pub fn user_token(&self) -> &str {
        self.created.user_secret.reveal()
    }

    /// What its admin may do.
    ///
    /// # Panics
    /// When they may not.
    #[must_use]
    pub fn may<A: Action>(&self, control: &Control) -> Grant<A> {
        control.grant_own(&self.admin).expect("an Organization Admin may")
    }
}

/// A system under test.
#[derive(Debug)]
pub struct World {
    /// The system.
    pub control: Control,
    /// Its clock.
    pub clock: Arc<ManualClock>,
    /// The organization that a case works in.
    pub acme: Tenant,
    /// Another one, of which nothing may ever appear.
    pub globex: Tenant,
    /// The operator.
    pub operator: Caller,
    /// The database; last, so that it goes last.
    pub database: TestDatabase,
}

impl World {
    /// A fresh system.
    ///
    /// # Panics
    /// When it cannot be made.
    pub async fn new(engine: Engine) -> Self {
        Self::with(engine, settings()).await
    }

    /// A fresh system with settings of its own.
    ///
    /// # Panics
    /// When it cannot be made.
    pub async fn with(engine: Engine, settings: Settings) -> Self {
        let database = TestDatabase::new(engine).await;
        let clock = Arc::new(ManualClock::default());
        let entropy = Arc::new(SeededEntropy::new(7));
        let store = Store::create(database.options(clock.clone())).await.expect("a fresh database");
        let keys = KeyRing::generate(clock.now(), &*entropy);
        let control = Control::new(store, keys, clock.clone(), entropy, settings).keeping_blobs(database.blobs());
        let operator = control.local_operator();
        let grant: Grant<CreateOrganization> = control.grant_own(&operator).expect("the operator may");
        let acme =
            control.initialize(&grant, organization("acme", "ada@acme.example")).await.expect("the first organization");
        let globex = control
            .create_organization(&grant, organization("globex", "grace@globex.example"))
            .await
            .expect("the second organization");
        let acme = tenant(&control, acme).await;
        let globex = tenant(&control, globex).await;
        Self { control, clock, acme, globex, operator, database }
    }

    /// Who shows this value, from this machine.
    ///
    /// # Errors
    /// As [`Control::authenticate`].
    pub async fn authenticate(&self, value: &str) -> countersign_control::Result<Caller> {
        self.authenticate_from(value, "127.0.0.1").await
    }

    /// Who shows this value, from an address.
    ///
    /// # Errors
    /// As [`Control::authenticate`].
    ///
    /// # Panics
    /// When the address is none.
    pub async fn authenticate_from(&self, value: &str, ip: &str) -> countersign_control::Result<Caller> {
        let origin = Origin { ip: ip.parse().expect("an address"), user_agent: None, request_id: None };
        self.control.authenticate(Presented { value: Some(value), origin }).await
    }

    /// What acme's admin may do.
    ///
    /// # Panics
    /// When they may not.
    #[must_use]
    pub fn admin<A: Action>(&self) -> Grant<A> {
        self.acme.may(&self.control)
    }

    /// The value of a user token of somebody who joins acme and is no admin there: globex's admin.
    ///
    /// # Panics
    /// When they have joined already.
    pub async fn member(&self) -> String {
        const HAND_OVER: Sql =
            Sql { name: "hand over", text: "UPDATE tokens SET user_id = $2, created_by = $2 WHERE id = $1" };
        let issued = self.control.create_user_token(&self.admin::<CreateUserToken>(), NewUserToken::default()).await;
        let issued = issued.expect("a user token");
        let (of, who) = (self.acme.created.organization.id, self.globex.created.admin.id);
        // No operation makes a token for somebody else: one of the admin's is made theirs.
        let joined: Result<(), StoreError> = self
            .control
            .store()
            .transact(Lane::Normal, (of, who, issued.token.id), |tx, (of, who, token)| {
                Box::pin(async move {
                    users::insert_member(tx, *of, *who, Role::Member).await?;
                    tx.execute(HAND_OVER, &params![*token, *who]).await.map(drop)
                })
            })
            .await;
        joined.expect("they join");
        issued.secret.reveal().to_owned()
    }

    /// Keeps every other write waiting, on SQLite, where one writes at a time, until what this answers is dropped.
    ///
    /// # Panics
    /// When the store cannot be written to.
    pub async fn hold_writes(&self) -> mpsc::Sender<()> {
        let (hold, held) = mpsc::channel();
        let (begins, begun) = oneshot::channel();
        let store = self.control.store().clone();
        tokio::spawn(async move {
            let input = Mutex::new((held, Some(begins)));
            let holding = store.transact(Lane::Normal, input, |_, input| {
                Box::pin(async move {
                    let (held, begins) = &mut *input.lock().expect("nobody panics while holding it");
                    begins.take().map(|begins| begins.send(()));
                    // It ends with its sender.
                    let _ = held.recv();
                    Ok::<_, StoreError>(())
                })
            });
            holding.await
        });
        begun.await.expect("the store can be written to");
        hold
    }

    /// Another system on the same database, as after a restart.
    ///
    /// # Panics
    /// When it cannot be opened.
    pub async fn reopened(self) -> Self {
        let Self { control, clock, acme, globex, operator, database } = self;
        let keys = KeyRing::parse(&control.keys().render()).expect("what was rendered can be read");
        control.store().close().await;
        let store = Store::open(database.options(clock.clone())).await.expect("the database opens again");
        let control = Control::new(store, keys, clock.clone(), Arc::new(SeededEntropy::new(8)), settings())
            .keeping_blobs(database.blobs());
        Self { control, clock, acme, globex, operator, database }
    }
}

/// As a server has them, but that a ping is answered at once: the clock stands still, and a ping that is held would never end.
fn settings() -> Settings {
    Settings { ping_hold: Duration::ZERO, ..Settings::default() }
}

fn organization(slug: &str, admin: &str) -> NewOrganization {
    NewOrganization {
        slug: slug.to_owned(),
        name: None,
        admin: admin.to_owned(),
        reveal_policy: Some(RevealPolicy::Window),
    }
}

async fn tenant(control: &Control, created: Created) -> Tenant {
    let origin = Origin::local();
    let presented = Presented { value: Some(created.user_secret.reveal()), origin };
    let admin = control.authenticate(presented).await.expect("a fresh user token is accepted");
    Tenant { created, admin }
}

/// Runs a case on every engine, each time in a world of its own.
///
/// # Panics
/// When the case does.
pub async fn for_each_engine<F, Fut>(case: F)
where
    F: Fn(World) -> Fut,
    Fut: Future<Output = ()>,
{
    for engine in Engine::all() {
        case(World::new(engine).await).await;
    }
}
