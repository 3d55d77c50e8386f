//! Runs of code locations' jobs that end without their worker's word, and the bounds of what is kept of runs.

use std::time::Duration;

use countersign_control::access::actions::{
    DeleteDeployment, ReportDagsterRun, RevokeAgentToken, TakeDagsterRequests, UpdateAgentToken, ViewDagsterRuns,
};
use countersign_control::agent_tokens::{AgentTokenChange, Revocation, TokenReference};
use countersign_control::agents::Reach;
use countersign_control::dagster::Answer;
use countersign_control::dagster_runs::{NewEvent, NewLog};
use countersign_control::deployments::Deletion;
use countersign_control::{Error, Result};
use countersign_domain::dagster::{MAX_RUN_EVENT, MAX_RUN_EVENTS, MAX_RUN_LOG, RequestKind, RunStatus};
use countersign_store::IntoValue;
use countersign_testkit::World;

use crate::acting::{deployment, field_of, may};
use crate::code_locations::{agent, default_of};
use crate::dagster::{holder, only};
use crate::dagster_runs::{event, launch, loaded, one, store, take, taken, tells};
use crate::sql;

pub const CASES: &[crate::run::Case] = crate::list::cases!["dagster_runs_lost"
    runs_are_lost_with_their_token,
    runs_are_lost_where_their_token_does_not_reach_any_more,
    what_nobody_starts_is_lost,
    an_agent_that_cannot_start_a_run_says_so,
    there_is_an_end_to_what_is_kept,
    logs_have_addresses,
];

pub async fn runs_are_lost_with_their_token(world: &World) {
    let control = &world.control;
    let default = default_of(world);
    loaded(world, default, "default", "sales").await;
    let (revoked, reference) = holder(world, only(&[default], false)).await;
    let run = taken(world, &revoked).await;
    tells(world, &revoked, run.id, "PIPELINE_START").await;
    let other = taken(world, &agent(world).await).await;
    tells(world, &agent(world).await, other.id, "ENGINE_EVENT").await;
    world.clock.advance(Duration::from_secs(60));
    let revocation =
        Revocation { token: reference, reason: "over".to_owned(), connected_agents: Reach::Keep, expected: None };
    control.revoke_agent_token(&world.admin::<RevokeAgentToken>(), revocation).await.expect("revoked");
    let lost = one(world, run.id).await;
    assert_eq!((lost.status, lost.reason.as_deref()), (RunStatus::Lost, Some("its agent's token was revoked")));
    assert_eq!(lost.ended_at, Some(control.now()), "with the time, and at once");
    assert_eq!(one(world, other.id).await.status, RunStatus::Starting, "another token's goes on");

    let (expiring, reference) = holder(world, only(&[default], false)).await;
    let run = taken(world, &expiring).await;
    let at = control.now().plus(Duration::from_secs(3_600));
    let change = AgentTokenChange { expires_at: Some(Some(at)), ..AgentTokenChange::nothing(reference) };
    control.update_agent_token(&world.admin::<UpdateAgentToken>(), change).await.expect("changed");
    world.clock.advance(Duration::from_secs(3_700));
    assert_eq!(control.sweep().await.expect("a round").runs_lost, 1);
    let lost = one(world, run.id).await;
    assert_eq!((lost.reason.as_deref(), lost.ended_at), (Some("its agent's token expired"), Some(at)));
}

pub async fn runs_are_lost_where_their_token_does_not_reach_any_more(world: &World) {
    let control = &world.control;
    let default = default_of(world);
    let prod = deployment(control, &world.acme, "prod", None).await;
    loaded(world, default, "default", "sales").await;
    loaded(world, prod, "prod", "sales").await;
    let (who, reference) = holder(world, only(&[default, prod], false)).await;
    let here = taken(world, &who).await;
    let there = launch(world, prod).await;
    assert_eq!(take(world, &who, "prod").await.len(), 1);
    let TokenReference::Id(id) = reference else { panic!("a token has an id") };
    let narrow = async |scope| {
        let change = AgentTokenChange { scope: Some(scope), ..AgentTokenChange::nothing(TokenReference::Id(id)) };
        control.update_agent_token(&world.admin::<UpdateAgentToken>(), change).await.expect("narrowed");
    };
    let told = async || {
        let text =
            "SELECT detail FROM audit_events WHERE action = 'agent_token.updated' AND subject_id = $1 ORDER BY id";
        let details = sql::details(control, text, vec![id.into_value()]).await;
        details.iter().map(|it| it.get("dagster_runs_lost").cloned()).collect::<Vec<_>>()
    };
    narrow(only(&[default], false)).await;
    assert_eq!(told().await, [Some(1.into())]);
    assert_eq!(one(world, here.id).await.status, RunStatus::Starting);
    let lost = one(world, there.id).await;
    assert_eq!(lost.status, RunStatus::Lost);
    assert_eq!(lost.reason.as_deref(), Some("its agent's token no longer reaches the deployment"));
    world.clock.advance(Duration::from_millis(1));
    narrow(only(&[default, prod], false)).await;
    assert_eq!(told().await, [Some(1.into()), None]);
    let late = store(world, &who, "prod", None, event(there.id, "PIPELINE_SUCCESS")).await.expect("kept");
    assert_eq!(late.withheld, None);
    assert_eq!(one(world, there.id).await.status, RunStatus::Lost, "an end stays");

    let again = launch(world, prod).await;
    let deletion = Deletion { deployment: prod, force: false };
    control.delete_deployment(&world.admin::<DeleteDeployment>(), deletion).await.expect("deleted");
    let lost = one(world, again.id).await;
    assert_eq!((lost.status, lost.reason.as_deref()), (RunStatus::Lost, Some("its deployment was deleted")));
}

pub async fn what_nobody_starts_is_lost(world: &World) {
    let (default, first) = (default_of(world), agent(world).await);
    loaded(world, default, "default", "sales").await;
    let waiting = launch(world, default).await;
    world.clock.advance(RequestKind::Launch.life());
    world.control.sweep().await.expect("a round");
    let lost = one(world, waiting.id).await;
    assert_eq!(lost.status, RunStatus::Lost);
    assert!(lost.reason.as_deref().is_some_and(|why| why.contains("no agent took it in time")), "{lost:?}");

    let run = taken(world, &first).await;
    world.clock.advance(Duration::from_secs(3_600));
    assert_eq!(take(world, &first, "default").await.len(), 0, "it is not started twice");
    world.control.sweep().await.expect("a round");
    let lost = one(world, run.id).await;
    assert!(lost.reason.as_deref().is_some_and(|why| why.contains("said nothing more")), "{lost:?}");

    let heard = taken(world, &first).await;
    tells(world, &first, heard.id, "ENGINE_EVENT").await;
    world.clock.advance(Duration::from_secs(3_600));
    world.control.sweep().await.expect("a round");
    assert_eq!(one(world, heard.id).await.status, RunStatus::Starting, "of this one something was heard");
}

pub async fn an_agent_that_cannot_start_a_run_says_so(world: &World) {
    let control = &world.control;
    let (default, first) = (default_of(world), agent(world).await);
    loaded(world, default, "default", "sales").await;
    let run = launch(world, default).await;
    let given = take(world, &first, "default").await;
    let answer = Answer {
        deployment: "default".to_owned(),
        request: given[0].request.id.to_string(),
        called: "DagsterCloudApiErrorResponse".to_owned(),
        error: Some("no such interpreter".to_owned()),
    };
    control.answer_dagster_request(&may::<TakeDagsterRequests>(control, &first), answer).await.expect("taken");
    let failed = one(world, run.id).await;
    assert_eq!(failed.status, RunStatus::Failure);
    assert_eq!(failed.reason.as_deref(), Some("the agent could not start it: no such interpreter"));
}

pub async fn there_is_an_end_to_what_is_kept(world: &World) {
    let (default, first) = (default_of(world), agent(world).await);
    loaded(world, default, "default", "sales").await;
    let run = taken(world, &first).await;
    let long = NewEvent { entry: format!("\"{}\"", "x".repeat(MAX_RUN_EVENT)), ..event(run.id, "ENGINE_EVENT") };
    store(world, &first, "default", None, long).await.expect("kept");
    let kept = world.control.dagster_run_events(&world.admin::<ViewDagsterRuns>(), run.id, 0, 5).await.expect("a read");
    assert_eq!(kept[0].entry, "{}", "the rest of it is kept");
    assert_eq!(kept[0].message, "it says ENGINE_EVENT");

    let text = "UPDATE dagster_runs SET events = $2 WHERE id = $1";
    let values = vec![run.id.into_value(), MAX_RUN_EVENTS.into_value()];
    assert_eq!(sql::change(&world.control, text, values).await, 1);
    assert_eq!(tells(world, &first, run.id, "ENGINE_EVENT").await, RunStatus::Starting);
    let now = one(world, run.id).await;
    assert_eq!((now.events, now.events_dropped), (MAX_RUN_EVENTS, 1));
    assert_eq!(tells(world, &first, run.id, "PIPELINE_FAILURE").await, RunStatus::Failure, "how it ends is kept");
    assert_eq!(one(world, run.id).await.events, MAX_RUN_EVENTS + 1);
}

pub async fn logs_have_addresses(world: &World) {
    let control = &world.control;
    let (default, first) = (default_of(world), agent(world).await);
    loaded(world, default, "default", "sales").await;
    let run = taken(world, &first).await;
    let grant = || may::<ReportDagsterRun>(control, &first);
    let log = |stream: &str, size| NewLog {
        run: run.id.to_string(),
        name: "compute_logs/abc".to_owned(),
        stream: stream.to_owned(),
        size,
    };
    let address =
        control.run_log_address(&grant(), "default".to_owned(), log("stdout", 5)).await.expect("announced").it;
    let address = address.expect("an address");
    let (path, query) = address.split_once('?').expect("it is signed");
    let id = path.split('/').rev().nth(1).expect("an id").parse().expect("an id");
    let incoming = control.begin_run_log(id, query).await.expect("begun");
    incoming.finish("hello".into()).await.expect("kept");
    let incoming = control.begin_run_log(id, query).await.expect("begun once more");
    incoming.finish("hello!".into()).await.expect("a step goes on writing");
    let much = vec![0; usize::try_from(MAX_RUN_LOG).expect("it fits") + 1];
    let incoming = control.begin_run_log(id, query).await.expect("begun");
    let refused = incoming.finish(much.into()).await;
    assert!(matches!(refused, Err(Error::Conflict(_))), "{refused:?}");
    // Begun while there was room, ended when it was announced anew with too much.
    let incoming = control.begin_run_log(id, query).await.expect("begun");
    let anew =
        control.run_log_address(&grant(), "default".to_owned(), log("stdout", i64::MAX)).await.expect("announced");
    assert_eq!(anew.it, None);
    let refused = incoming.finish("too late".into()).await;
    assert!(matches!(refused, Err(Error::Conflict(_))), "{refused:?}");
    control.run_log_address(&grant(), "default".to_owned(), log("stdout", 6)).await.expect("announced");
    world.clock.advance(Duration::from_secs(1));
    let large =
        control.run_log_address(&grant(), "default".to_owned(), log("stderr", i64::MAX)).await.expect("announced");
    assert_eq!(large.it, None, "it is not sent");
    let view = world.admin::<ViewDagsterRuns>();
    let all = control.dagster_run_logs(&view, run.id).await.expect("a list");
    assert_eq!(
        all.iter().map(|it| (it.log.stream.as_str(), it.log.size)).collect::<Vec<_>>(),
        [("stdout", Some(6)), ("stderr", None)]
    );
    assert_eq!(all[1].address, None);
    let reading = all[0].address.clone().expect("an address");
    let read_query = reading.split_once('?').expect("it is signed").1;
    let out = control.read_run_log(id, read_query).await.expect("there");
    assert_eq!(out.read(0..out.size()).await.expect("read"), "hello!");
    let denied = |it: Result<()>| assert!(matches!(it, Err(Error::Denied { .. })), "{it:?}");
    denied(control.read_run_log(id, query).await.map(drop));
    denied(control.begin_run_log(id, read_query).await.map(drop));
    for (field, new) in [
        ("io_type", NewLog { stream: "stdin".to_owned(), ..log("stdout", 1) }),
        ("log_key", NewLog { name: String::new(), ..log("stdout", 1) }),
        ("size_bytes", log("stdout", -1)),
        ("run_id", NewLog { run: "x".to_owned(), ..log("stdout", 1) }),
    ] {
        assert_eq!(field_of(control.run_log_address(&grant(), "default".to_owned(), new).await), field);
    }
    let again = control.run_log_address(&grant(), "default".to_owned(), log("stdout", 6)).await.expect("announced").it;
    let again = again.expect("an address");
    let token = TokenReference::parse(world.acme.agent_token()).expect("a value");
    let revocation = Revocation { token, reason: "over".to_owned(), connected_agents: Reach::Keep, expected: None };
    control.revoke_agent_token(&world.admin::<RevokeAgentToken>(), revocation).await.expect("revoked");
    let query = again.split_once('?').expect("it is signed").1;
    assert_eq!(control.begin_run_log(id, query).await.map(drop), Err(Error::NotFound("log")), "it goes with its token");
}
