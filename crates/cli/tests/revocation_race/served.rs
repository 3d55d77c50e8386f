//! The real server, and the two credentials that are raced: agent tokens, which register agents, and user tokens, which create
//! agent tokens.

use std::net::SocketAddr;

use countersign_store::Database;
use countersign_testkit::harness::api::{self, Created};
use countersign_testkit::harness::http::{Answer, Call, Connection};
use countersign_testkit::harness::installation::{Installation, Made, Server};
use countersign_testkit::harness::moment::Instant;
use countersign_testkit::harness::program::Program;
use countersign_testkit::harness::race::{Gate, Use};
use countersign_testkit::{Engine, TestDatabase};

/// A server on a database of its own.
pub struct Served {
    installation: Installation,
    server: Server,
    database: TestDatabase,
}

impl Served {
    pub async fn new(engine: Engine) -> Self {
        let database = TestDatabase::new(engine).await;
        let program = Program::sound(env!("CARGO_BIN_EXE_countersign"));
        let folder = database.folder.path();
        let mut installation =
            Installation::init(program, database.database.clone(), &folder.join("data"), &folder.join("logs")).await;
        // Nothing is sealed while the witness is needed: sealing would change the transaction that a row belongs to.
        installation.server_arguments = ["--sweep-interval", "1d"].map(Into::into).to_vec();
        let server = installation.start().await;
        Self { installation, server, database }
    }

    pub const fn database(&self) -> &Database {
        &self.database.database
    }

    pub async fn end(self) {
        self.server.end().await;
    }
}

/// Who revokes, and where.
struct Admin {
    address: SocketAddr,
    made: Made,
}

impl Admin {
    fn of(served: &Served) -> Self {
        Self { address: served.server.address, made: served.installation.made.clone() }
    }

    async fn line(&self) -> Connection {
        let mut connection = Connection::new(self.address);
        connection.open().await.expect("the server listens");
        connection
    }

    async fn must<T>(&self, call: &Call, acknowledged: impl Fn(&Answer) -> Option<T>) -> (T, Instant) {
        let answer = self.line().await.call(call).await.expect("the server answers");
        let done = acknowledged(&answer);
        (done.unwrap_or_else(|| panic!("{} {}", answer.status, answer.text())), answer.at)
    }
}

/// Sends a use once.
async fn enter(line: &mut Connection, call: &Call, is_accepted: impl Fn(&Answer) -> bool) -> Use {
    match line.call(call).await {
        Ok(answer) if is_accepted(&answer) => Use::Accepted,
        Ok(answer) if answer.status == 401 => Use::Refused,
        Ok(answer) => Use::Unexpected(format!("{} {}", answer.status, answer.text())),
        Err(lost) => Use::Unexpected(lost.0),
    }
}

/// Agent tokens: a use registers an agent.
pub struct AgentTokens(Admin);

impl AgentTokens {
    pub fn new(served: &Served) -> Self {
        Self(Admin::of(served))
    }
}

impl Gate for AgentTokens {
    type Key = Created;
    type Line = Connection;

    async fn line(&self) -> Connection {
        self.0.line().await
    }

    async fn issue(&self) -> Created {
        let made = &self.0.made;
        let call = api::create_agent_token(&made.user_token, &made.organization, "race");
        self.0.must(&call, api::created_agent_token).await.0
    }

    async fn enter(&self, line: &mut Connection, key: &Created) -> Use {
        enter(line, &api::register(&key.value, "agent"), |answer| api::registered(answer).is_some()).await
    }

    async fn revoke(&self, key: &Created) -> Instant {
        let call = api::revoke_agent_token(&self.0.made.user_token, &key.id);
        self.0.must(&call, |answer| api::is_revoked(answer).then_some(())).await.1
    }
}

/// User tokens: a use creates an agent token.
pub struct UserTokens(Admin);

impl UserTokens {
    pub fn new(served: &Served) -> Self {
        Self(Admin::of(served))
    }
}

impl Gate for UserTokens {
    type Key = Created;
    type Line = Connection;

    async fn line(&self) -> Connection {
        self.0.line().await
    }

    async fn issue(&self) -> Created {
        let call = api::create_user_token(&self.0.made.user_token, "race");
        self.0.must(&call, api::created_user_token).await.0
    }

    async fn enter(&self, line: &mut Connection, key: &Created) -> Use {
        let call = api::create_agent_token(&key.value, &self.0.made.organization, "raced");
        enter(line, &call, |answer| api::created_agent_token(answer).is_some()).await
    }

    async fn revoke(&self, key: &Created) -> Instant {
        let call = api::revoke_user_token(&self.0.made.user_token, &key.id);
        self.0.must(&call, |answer| api::is_user_token_revoked(answer).then_some(())).await.1
    }
}
