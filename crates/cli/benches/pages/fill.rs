//! Rows as years leave them: tokens, the agents of them, what the audit log says. They are written through the store, a batch in a transaction,
//! with times that lie back, which no operation would give them.

use std::sync::Arc;
use std::time::Duration;

use countersign_domain::id::{
    AgentId, AuditEventId, DagsterAgentId, DeploymentId, Id, OrganizationId, SecretId, TokenId,
};
use countersign_domain::token::Prefix;
use countersign_domain::{
    AgentState, Clock, DeploymentScope, Kind, QueueScope, RevealPolicy, Scope, Timestamp, TokenSecret,
};
use countersign_store::agents::{self, Agent};
use countersign_store::audit::{self, Event};
use countersign_store::dagster_agents::{self, Heard};
use countersign_store::deployments::{self, Deployment};
use countersign_store::tokens::secrets::{self, NewSecret};
use countersign_store::tokens::{self, Token, scopes};
use countersign_store::{BoxFuture, Lane, Sql, StoreError, Tx, params};
use countersign_testkit::{SeededEntropy, World};
use futures_util::StreamExt;

const TOKENS: usize = 100_000;
/// Agents that are connected, and as many that are gone.
const AGENTS: usize = 10_000;
/// Of those that are connected, how many came with one token.
const BUSY: usize = 4_000;
const DAGSTER_AGENTS: usize = 10_000;
const DEPLOYMENTS: usize = 1_000;
const EVENTS: usize = 100_000;
/// Rows of one transaction, which PostgreSQL has half a minute for.
const BATCH: usize = 250;
/// Transactions that are under way at one time.
const AT_ONCE: usize = 8;

const DAY: Duration = Duration::from_secs(24 * 3600);
/// Over how long tokens were made.
const YEARS: Duration = DAY.saturating_mul(3 * 365);

/// What was made, where it is looked at.
pub struct Made {
    pub middle_token: TokenId,
    /// One of the oldest.
    pub late_token: TokenId,
    /// A public id of an old one.
    pub old_public_id: String,
    /// The one with many agents.
    pub busy_token: TokenId,
    pub middle_agent: AgentId,
    pub middle_dagster_agent: DagsterAgentId,
    pub middle_event: AuditEventId,
}

/// A token with what follows its making.
#[derive(Clone)]
struct Row {
    token: Token,
    secret: SecretId,
    digest: Arc<countersign_domain::TokenDigest>,
    scope: Option<Scope>,
}

/// Fills acme, with `1 / part` of everything.
pub async fn fill(world: &World, part: usize) -> Made {
    let deployments = deployments(world, part).await;
    let tokens = tokens(world, part, &deployments).await;
    let agents = agents(world, part, &tokens).await;
    let dagster = dagster_agents(world, part, &tokens).await;
    let events = events(world, part).await;
    let old = &tokens[tokens.len() / 50];
    Made {
        middle_token: tokens[tokens.len() / 2].token.id,
        late_token: old.token.id,
        old_public_id: old.token.public_id.to_string(),
        busy_token: busy(&tokens).token.id,
        middle_agent: agents[agents.len() / 2],
        middle_dagster_agent: dagster[dagster.len() / 2],
        middle_event: events[events.len() / 2],
    }
}

fn busy(tokens: &[Row]) -> &Row {
    tokens.iter().rev().find(|it| is_good(it)).expect("a token that stands")
}

fn is_good(it: &Row) -> bool {
    it.token.revoked_at.is_none() && it.token.expires_at.is_none()
}

/// When the row of this number of so many was made: the first the longest ago.
fn made_at(now: Timestamp, over: Duration, number: usize, of: usize) -> Timestamp {
    now.minus(over.mul_f64(1.0 - number as f64 / of as f64))
}

/// Writes rows, a batch in a transaction, and a few of those at one time: each statement is a way to PostgreSQL and back. What gets a number of the
/// organization is written one batch at a time, for each transaction waits for the one that took the number before.
async fn write<T: Clone + Send + Sync + 'static>(
    world: &World,
    rows: &[T],
    at_once: usize,
    each: impl for<'a> Fn(&'a mut Tx, &'a T) -> BoxFuture<'a, Result<(), StoreError>> + Copy + Send + Sync + 'static,
) {
    let batches = rows.chunks(BATCH).map(|some| async move {
        let done: Result<(), StoreError> = world
            .control
            .store()
            .transact(Lane::Normal, some.to_vec(), move |tx, rows: &Vec<T>| {
                Box::pin(async move {
                    for row in rows {
                        each(tx, row).await?;
                    }
                    Ok(())
                })
            })
            .await;
        done.expect("the rows are written");
    });
    futures_util::stream::iter(batches).buffer_unordered(at_once).collect::<Vec<()>>().await;
}

async fn deployments(world: &World, part: usize) -> Vec<DeploymentId> {
    let (of, now, entropy) = (world.acme.created.organization.id, world.clock.now(), SeededEntropy::new(21));
    let rows: Vec<(OrganizationId, Deployment)> = (1..DEPLOYMENTS / part)
        .map(|number| (of, Deployment::named(Id::new(now, &entropy), format!("service-{number}"), now)))
        .collect();
    write(world, &rows, AT_ONCE, |tx, (of, row)| Box::pin(deployments::insert(tx, *of, row))).await;
    rows.into_iter().map(|(_, row)| row.id).collect()
}

async fn tokens(world: &World, part: usize, deployments: &[DeploymentId]) -> Vec<Row> {
    let (count, entropy) = (TOKENS / part, SeededEntropy::new(22));
    let (now, keys, prefix) = (world.clock.now(), world.control.keys(), Prefix::default());
    let rows: Vec<Row> = (0..count)
        .map(|number| {
            let secret = TokenSecret::mint(&prefix, Kind::AgentToken, &entropy);
            let created_at = made_at(now, YEARS, number, count);
            // A few end soon, some have ended, a tenth was revoked; of the oldest a few are used by nobody, the rest was used today.
            let expires_at = match number % 1_000 {
                7 => Some(now.plus(10 * DAY)),
                it if it % 50 == 11 => Some(now.minus(DAY)),
                _ => None,
            };
            let is_forgotten = number < count / 20 && number % 50 == 1;
            let used = created_at.plus(if is_forgotten { DAY } else { YEARS }).min(now.minus(DAY / 24));
            let word = if number < count / 100 && number % 10 == 2 { "needle" } else { "runners" };
            let token = Token {
                id: Id::new(created_at, &entropy),
                organization: world.acme.created.organization.id,
                number: None,
                kind: Kind::AgentToken,
                family: "AgentToken".to_owned(),
                public_id: secret.public_id().clone(),
                user: None,
                description: Some(format!("CI {word} of team {}, host {number}", number % 500)),
                is_public: false,
                reveal_policy: RevealPolicy::Never,
                reveal_until: None,
                data_key: None,
                data_key_id: None,
                generation: 1,
                created_at,
                created_by: Some(world.acme.created.admin.id),
                expires_at,
                revoked_at: (number % 10 == 3).then(|| created_at.plus(DAY)),
                revoked_by: None,
                revoked_reason: Some("retired".to_owned()),
                last_used_at: Some(used),
                last_used_ip: Some("192.0.2.7".to_owned()),
            };
            let scope = (number % 2 == 1).then(|| Scope {
                deployments: DeploymentScope::Only {
                    deployments: (0..3).map(|at| deployments[(number + at) % deployments.len()]).collect(),
                    all_branches: number % 4 == 1,
                },
                queues: QueueScope::Only(["linux".parse().expect("a queue")].into()),
                networks: vec!["192.0.2.0/24".parse().expect("a network")],
            });
            Row { digest: Arc::new(keys.digest(&secret)), secret: Id::new(created_at, &entropy), token, scope }
        })
        .collect();
    write(world, &rows, 1, |tx, row| Box::pin(token(tx, row))).await;
    rows
}

async fn token(tx: &mut Tx, row: &Row) -> Result<(), StoreError> {
    const PAST: Sql = Sql {
        name: "bench: what became of a token",
        text: "UPDATE tokens SET revoked_at = $2, revoked_reason = $3, last_used_at = $4, last_used_ip = $5 WHERE id = $1",
    };
    let it = &row.token;
    tokens::insert(tx, it).await?;
    let secret = NewSecret {
        id: row.secret,
        token: it.id,
        public_id: it.public_id.clone(),
        generation: 1,
        digest: (*row.digest).clone(),
        sealed: None,
        made_by: None,
    };
    secrets::insert(tx, &secret).await?;
    if let Some(scope) = &row.scope {
        scopes::replace(tx, it.organization, it.id, scope).await?;
    }
    let reason = it.revoked_at.and(it.revoked_reason.clone());
    let values = params![it.id, it.revoked_at, reason, it.last_used_at, it.last_used_ip.clone()];
    tx.execute(PAST, &values).await.map(drop)
}

/// Connected agents first by number, then those that are gone; in time they are mixed.
async fn agents(world: &World, part: usize, tokens: &[Row]) -> Vec<AgentId> {
    let (now, entropy, count) = (world.clock.now(), SeededEntropy::new(23), 2 * AGENTS / part);
    let good: Vec<&Row> = tokens.iter().rev().filter(|it| is_good(it)).take(2_000).collect();
    let rows: Vec<Agent> = (0..count)
        .map(|number| {
            let is_there = number % 2 == 0;
            let of = if number < 2 * BUSY / part { busy(tokens) } else { good[number % good.len()] };
            let created_at = made_at(now, 29 * DAY, number, count);
            Agent {
                id: Id::new(created_at, &entropy),
                organization: world.acme.created.organization.id,
                token: of.token.id,
                secret: of.secret,
                deployment: world.acme.created.organization.default_deployment,
                queue: ["default", "linux", "mac", "gpu"][number % 4].to_owned(),
                name: format!("agent-{number}"),
                hostname: Some(format!("host-{}.example", number / 4)),
                operating_system: Some("linux".to_owned()),
                arch: Some("x86_64".to_owned()),
                version: Some("3.137.0".to_owned()),
                build: None,
                user_agent: Some("buildkite-agent/3.137.0".to_owned()),
                ip: "192.0.2.7".to_owned(),
                pid: Some(7),
                priority: None,
                tags: ["queue=linux", "os=linux", "arch=x86_64", "team=platform"].map(str::to_owned).to_vec(),
                ignore_in_dispatches: false,
                state: if is_there { AgentState::Connected } else { AgentState::Disconnected },
                created_at,
                connected_at: Some(created_at),
                last_seen_at: Some(now),
                heartbeat_at: Some(now),
                disconnected_at: (!is_there).then(|| created_at.plus(DAY).min(now)),
                lost_at: None,
                stop_requested_at: None,
                stop_requested_by: None,
                stop_forced_at: None,
                stop_forced_by: None,
                stop_note: None,
                paused_at: None,
                paused_by: None,
                paused_note: None,
                paused_until: None,
            }
        })
        .collect();
    write(world, &rows, AT_ONCE, |tx, row| Box::pin(agent(tx, row))).await;
    rows.into_iter().map(|row| row.id).collect()
}

async fn agent(tx: &mut Tx, row: &Agent) -> Result<(), StoreError> {
    const PAST: Sql = Sql {
        name: "bench: what became of an agent",
        text: "UPDATE agents SET state = $2, connected_at = $3, last_seen_at = $4, heartbeat_at = $4, disconnected_at = $5 WHERE id = $1",
    };
    assert!(agents::insert(tx, row).await?, "its token stands");
    let values = params![row.id, row.state.as_str(), row.connected_at, row.last_seen_at, row.disconnected_at];
    tx.execute(PAST, &values).await.map(drop)
}

/// Half of them run; the others have been silent for an hour.
async fn dagster_agents(world: &World, part: usize, tokens: &[Row]) -> Vec<DagsterAgentId> {
    let (now, entropy, count) = (world.clock.now(), SeededEntropy::new(24), DAGSTER_AGENTS / part);
    let rows: Vec<(DagsterAgentId, Heard, Timestamp)> = (0..count)
        .map(|number| {
            let heard = Heard {
                organization: world.acme.created.organization.id,
                token: busy(tokens).token.id,
                process: Id::new(now, &entropy),
                label: Some(format!("dagster-{number}")),
                launcher: Some("ProcessUserCodeLauncher".to_owned()),
                version: Some("1.13.27".to_owned()),
                image_tag: None,
                ip: "192.0.2.9".to_owned(),
                errors: Vec::new(),
            };
            let at = if number % 2 == 0 { now } else { now.minus(DAY / 24) };
            (Id::new(made_at(now, 29 * DAY, number, count), &entropy), heard, at)
        })
        .collect();
    write(world, &rows, AT_ONCE, |tx, row| Box::pin(dagster_agent(tx, row))).await;
    rows.into_iter().map(|(id, ..)| id).collect()
}

async fn dagster_agent(tx: &mut Tx, row: &(DagsterAgentId, Heard, Timestamp)) -> Result<(), StoreError> {
    const PAST: Sql = Sql {
        name: "bench: when an agent was heard",
        text: "UPDATE dagster_agents SET heartbeat_at = $2 WHERE id = $1",
    };
    let (id, heard, at) = row;
    dagster_agents::insert(tx, *id, heard).await?;
    dagster_agents::hear(tx, heard, &[]).await?;
    tx.execute(PAST, &params![*id, *at]).await.map(drop)
}

async fn events(world: &World, part: usize) -> Vec<AuditEventId> {
    let (now, entropy, count) = (world.clock.now(), SeededEntropy::new(25), EVENTS / part);
    let rows: Vec<Event> = (0..count)
        .map(|number| {
            let occurred_at = made_at(now, YEARS, number, count);
            let id: AuditEventId = Id::new(occurred_at, &entropy);
            let action = ["agent.registered", "agent.disconnected", "build.created", "agent_token.created"][number % 4];
            Event {
                id,
                organization: world.acme.created.organization.id,
                occurred_at,
                actor_kind: "user".to_owned(),
                actor_id: Some(world.acme.created.admin.id.cast()),
                actor_name: "ada@acme.example".to_owned(),
                credential: Some("4f9Kd0aZ81b".to_owned()),
                action: action.to_owned(),
                subject_kind: "agent".to_owned(),
                subject_id: Id::new(occurred_at, &entropy),
                subject_name: format!("agent-{number}"),
                detail: r#"{"queue":"linux","version":"3.137.0"}"#.to_owned(),
                ip: Some("192.0.2.7".to_owned()),
                user_agent: Some("buildkite-agent/3.137.0".to_owned()),
                request_id: None,
                sealed: None,
            }
        })
        .collect();
    write(world, &rows, AT_ONCE, |tx, row| Box::pin(audit::insert(tx, row))).await;
    rows.into_iter().map(|row| row.id).collect()
}
