//! What a page costs in an organization with many rows: 100,000 agent tokens, 10,000 connected agents and as many that are gone, Dagster+ agents, a
//! log of 1,000,000 lines, 100,000 rows of the audit log. Each page is asked for again and again by an Organization Admin who is signed in, in
//! process, so that what is counted is the server's: credential, grant, rows and template. The floor is the page of signing in, of the same run.
//!
//! `cargo bench --bench pages -- 100` fills a hundredth of it, and `-- 1 SQL` prints only pages whose name holds `SQL`.

#![expect(clippy::print_stdout, reason = "a measurement's result is what it prints")]
#![expect(clippy::disallowed_methods, reason = "a measurement takes real time")]
#![expect(clippy::expect_used, reason = "a failed measurement stops the run")]

mod ask;
mod fill;
mod log;
mod people;

use std::time::Instant;

use countersign_testkit::{Engine, World};

use ask::{Figures, Server, processor_time};

/// How often each page is asked for.
const CALLS: usize = 200;
/// How often before anything is counted.
const WARM: usize = 5;
/// What nineteen of twenty answers are to be below, in milliseconds.
const WANTED: f64 = 50.0;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|it| !it.starts_with("--")).collect();
    let part = arguments.first().map_or(1, |text| text.parse().expect("by how much less there is"));
    let only = arguments.get(1).cloned().unwrap_or_default();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    for engine in Engine::all() {
        runtime.block_on(measure(engine, part, &only));
    }
}

async fn measure(engine: Engine, part: usize, only: &str) {
    let began = Instant::now();
    let world = World::new(engine).await;
    let made = fill::fill(&world, part).await;
    let log = log::write(&world, part).await;
    people::invite(&world, part).await;
    world.control.seal_audit().await.expect("the audit log is sealed");
    statistics(&world).await;
    let server = Server::new(&world).await;
    println!("{}, filled in {:.0} s", engine.name(), began.elapsed().as_secs_f64());
    println!(
        "{:<52} {:>8} {:>8} {:>8} {:>8} {:>8} {:>8}",
        "page", "p50 ms", "p95 ms", "p99 ms", "CPU ms", "bytes", "x floor"
    );
    let floor = figures(&server, "/sign-in").await;
    floor.tell("the floor: /sign-in", &floor);
    for (name, path) in pages(&made, &log) {
        if name.contains(only) {
            figures(&server, &path).await.tell(&name, &floor);
        }
    }
}

/// What PostgreSQL's own house-keeping does within minutes.
async fn statistics(world: &World) {
    if let countersign_store::Database::Postgres { url } = &world.database.database {
        let (client, connection) =
            tokio_postgres::connect(url, tokio_postgres::NoTls).await.expect("the server answers");
        let driver = tokio::spawn(connection);
        client.batch_execute("VACUUM ANALYZE").await.expect("it has been there a while");
        drop(client);
        driver.await.expect("no panic").expect("the connection ends");
    }
}

/// Asks for one page again and again.
async fn figures(server: &Server, path: &str) -> Figures {
    let mut bytes = 0;
    for _ in 0..WARM {
        bytes = server.page(path).await;
    }
    let (mut took, before) = (Vec::with_capacity(CALLS), processor_time());
    for _ in 0..CALLS {
        let began = Instant::now();
        server.page(path).await;
        took.push(began.elapsed());
    }
    took.sort_unstable();
    Figures { took, bytes, cpu: (processor_time() - before) / CALLS as f64 }
}

/// Every page of which there is much, by name and address.
fn pages(made: &fill::Made, log: &log::Written) -> Vec<(String, String)> {
    let (tokens, agents) = ("/organizations/acme/settings/tokens", "/organizations/acme/agents");
    let audit = "/organizations/acme/settings/audit-log";
    let page = |name: &str, path: String| (name.to_owned(), path);
    let mut all = vec![
        page("overview", "/organizations/acme".to_owned()),
        page("tokens: live", tokens.to_owned()),
        page("tokens: live, in the middle", format!("{tokens}?after={}", made.middle_token)),
        page("tokens: live, the oldest", format!("{tokens}?after={}", made.late_token)),
    ];
    for filter in ["expiring", "unused", "revoked", "all"] {
        all.push(page(&format!("tokens: {filter}"), format!("{tokens}?filter={filter}")));
        all.push(page(
            &format!("tokens: {filter}, in the middle"),
            format!("{tokens}?filter={filter}&after={}", made.middle_token),
        ));
    }
    let token = |id| format!("{tokens}/{id}");
    all.extend([
        page("tokens: search, many found", format!("{tokens}?search=team+7")),
        page("tokens: search, only old ones found", format!("{tokens}?search=needle")),
        page("tokens: search, nothing found", format!("{tokens}?search=nothing+of+the+sort")),
        page("tokens: search, nothing found, of all", format!("{tokens}?filter=all&search=nothing+of+the+sort")),
        page("tokens: search by a public id", format!("{tokens}?search={}", made.old_public_id)),
        page("token: one with many agents", token(made.busy_token)),
        page("token: revoking it", format!("{}/revoke", token(made.busy_token))),
        page("token: its permissions", format!("{}/permissions", token(made.busy_token))),
        page("token: creating one", format!("{tokens}/new")),
        page("agents: connected", agents.to_owned()),
        page("agents: connected, in the middle", format!("{agents}?after={}", made.middle_agent)),
        page("agents: all", format!("{agents}?show=all")),
        page("agents: all, in the middle", format!("{agents}?show=all&after={}", made.middle_agent)),
        page("agents: search, many found", format!("{agents}?search=linux")),
        page("agents: search, nothing found", format!("{agents}?search=nothing+of+the+sort")),
        page("agents: search, nothing found, of all", format!("{agents}?show=all&search=nothing+of+the+sort")),
        page(
            "agents: Dagster+ agents, in the middle",
            format!("{agents}?kind=dagster&after={}", made.middle_dagster_agent),
        ),
        page("agent: one", format!("{agents}/{}", log.agent)),
        page("builds", "/organizations/acme/builds".to_owned()),
        page("builds: of a branch that has none", "/organizations/acme/builds?branch=nowhere".to_owned()),
        page("builds: failed", "/organizations/acme/builds?state=failed".to_owned()),
    ]);
    for (name, job) in [("a log of large pieces", &log.large), ("a log of small pieces", &log.small)] {
        all.extend([
            page(&format!("{name}: the end"), job.path.clone()),
            page(&format!("{name}: the beginning"), format!("{}?line=1", job.path)),
            page(&format!("{name}: the middle"), format!("{}?line={}", job.path, job.lines / 2)),
            page(&format!("{name}: search, found"), format!("{}?search=line+77", job.path)),
            page(&format!("{name}: search, nothing found"), format!("{}?search=nothing+of+the+sort", job.path)),
            page(
                &format!("{name}: search in the middle"),
                format!("{}?search=nothing+of+the+sort&from={}", job.path, job.lines / 2),
            ),
        ]);
    }
    all.extend([
        page("audit log", audit.to_owned()),
        page("audit log: in the middle", format!("{audit}?after={}", made.middle_event)),
        page("audit log: of what is often done", format!("{audit}?action=agent.")),
        page("audit log: of what was never done", format!("{audit}?action=password.")),
        page("audit log: search, many found", format!("{audit}?search=agent-7")),
        page("audit log: search, nothing found", format!("{audit}?search=nothing+of+the+sort")),
        page("members", "/organizations/acme/settings/members".to_owned()),
        page("teams", "/organizations/acme/settings/teams".to_owned()),
        page("deployments", "/organizations/acme/settings/deployments".to_owned()),
        page("user tokens", "/organizations/acme/settings/user-tokens".to_owned()),
        page("account", "/account".to_owned()),
    ]);
    all
}
