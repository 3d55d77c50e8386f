//! The conformance suite: every contract of the system, on every engine.
//!
//! One list of cases ([`list`]), none of which names an engine. Each runs in a world of its own, beside a twin organization. When it
//! has passed, nothing of the twin may have changed, and nothing of it may be in what the first organization can see ([`twin`]).
//!
//! ```text
//! cargo test -p countersign-control --test conformance             every case
//! cargo test -p countersign-control --test conformance -- revoke   those whose name holds the word
//! ```

#![expect(clippy::expect_used, reason = "a fault of the test's own ends its case")]

mod access;
mod acting;
mod agents;
mod annotations;
mod artifact_bytes;
mod artifacts;
mod asked;
mod audit_chain;
mod audit_period;
mod audit_rows;
mod bounds;
mod builds;
mod cast;
mod clusters;
mod code_locations;
mod controls;
mod dagster;
mod dagster_agents;
mod dagster_requests;
mod dagster_runs;
mod dagster_runs_lost;
mod dagster_snapshots;
mod deployment_roles;
mod deployments;
mod dispatch;
mod dump;
mod every_agent;
mod explaining;
mod following;
mod foreign;
mod graph;
mod instance;
mod invitations;
mod jobs;
mod keys;
mod leaving;
mod limits;
mod list;
mod listing;
mod logs;
mod lost;
mod managed_tokens;
mod many_deployments;
mod members;
mod meta_data;
mod names;
mod narrowing;
mod numbers;
mod oidc;
mod operations;
mod organizations;
mod passkeys;
mod people;
mod permitting;
mod provider;
mod queue_counts;
mod reach;
mod references;
mod registering;
mod retention;
mod revealing;
mod roles_at_bounds;
mod rotating;
mod run;
mod runs_at_bounds;
mod scopes;
mod searching;
mod service_users;
mod shown;
mod sight;
mod signing_in;
mod signing_in_links;
mod signing_in_meanwhile;
mod signing_in_proof;
mod signing_in_rows;
mod sql;
mod standing;
mod steps;
mod tampering;
mod teams;
mod texts;
mod tokens;
mod twin;
mod unclaimed;
mod updating;
mod usage;
mod user_tokens;
mod waiting;
mod watching;
mod worlds;

use std::process::ExitCode;

use countersign_testkit::Engine;

use run::Report;

fn main() -> ExitCode {
    // Options of the standard runner mean nothing here; a word chooses cases by their names.
    let words: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    // More threads than processors: a case that works hard must not keep the connections of the others from being served.
    let threads = 4 * run::AT_ONCE;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(threads).enable_all().build();
    let runtime = runtime.expect("a runtime");
    let reports = runtime.block_on(async {
        let mut rules = run::rules(list::RULES, &words);
        rules.push(run::outcome("controls::of_the_runner", controls::of_the_runner()).await);
        let mut reports = vec![Report::new("rules", rules)];
        // One after the other: cases on one engine must not make those on the other wait for a processor until a connection is given up.
        for engine in Engine::all() {
            let all = [
                list::CASES,
                agents::CASES,
                every_agent::CASES,
                audit_period::CASES,
                organizations::CASES,
                shown::CASES,
                members::CASES,
                invitations::CASES,
                signing_in::CASES,
                signing_in_links::CASES,
                signing_in_meanwhile::CASES,
                explaining::CASES,
                permitting::CASES,
                updating::CASES,
                signing_in_proof::CASES,
                signing_in_rows::CASES,
                passkeys::CASES,
                provider::CASES,
                service_users::CASES,
                names::CASES,
                runs_at_bounds::CASES,
                code_locations::CASES,
                dagster_requests::CASES,
                dagster_snapshots::CASES,
                dagster_runs::CASES,
                dagster_runs_lost::CASES,
                teams::CASES,
                deployment_roles::CASES,
                roles_at_bounds::CASES,
                managed_tokens::CASES,
                searching::CASES,
                many_deployments::CASES,
                asked::CASES,
                watching::CASES,
                following::CASES,
            ]
            .concat();
            let cases = all.into_iter().filter(|case| run::is_wanted(case.name, &words)).collect();
            reports.push(Report::new(engine.name(), run::each(engine, cases).await));
        }
        reports
    });
    for report in &reports {
        report.print();
    }
    let tried: usize = reports.iter().map(Report::tried).sum();
    let failed: usize = reports.iter().map(Report::failed).sum();
    if tried > 0 && failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
