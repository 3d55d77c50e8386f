//! What agents are asked to do for code locations: given out, once more, answered, over.

use std::time::Duration;

use countersign_control::access::actions::{EditCodeLocations, TakeDagsterRequests, ViewCodeLocations};
use countersign_control::code_locations::{DagsterRequest, NewLocation};
use countersign_control::dagster::{Answer, KEPT, MAX_OF_DEPLOYMENT, Reached, Withheld, Work};
use countersign_control::{Caller, Error, PageRequest, Result};
use countersign_domain::dagster::{AGAIN_AFTER, RequestKind, RequestState};
use countersign_domain::id::DeploymentId;
use countersign_domain::{QueueScope, Scope};
use countersign_testkit::World;

use crate::acting::{caller, deployment, field_of, may};
use crate::code_locations::{again, agent, default_of, in_queue, module, remove, set};
use crate::dagster::{holder, only, requests, wanted};

pub const CASES: &[crate::run::Case] = crate::list::cases!["dagster_requests"
    a_change_is_asked_of_the_agents_of_its_queue_once,
    a_branch_deployment_is_woken,
    a_request_is_given_to_one_agent_and_once_more,
    what_nobody_does_in_time_says_so_and_goes,
    an_answer_ends_a_request_once,
    requests_are_given_to_those_who_reach_them,
];

async fn asked(world: &World, deployment: DeploymentId) -> Vec<DagsterRequest> {
    let grant = world.admin::<ViewCodeLocations>();
    world.control.dagster_requests(&grant, deployment, PageRequest::first(50)).await.expect("a read").items
}

/// What an agent is given of the deployment `default`.
async fn take(world: &World, who: &Caller) -> Work {
    let grant = may::<TakeDagsterRequests>(&world.control, who);
    let wanted = wanted(&["default"], &[None], false);
    world.control.take_dagster_requests(&grant, wanted).await.expect("an answer")
}

async fn answer(world: &World, who: &Caller, request: &DagsterRequest) -> Result<Reached> {
    let answer = Answer {
        deployment: "default".to_owned(),
        request: request.id.to_string(),
        called: "DagsterCloudApiSuccess".to_owned(),
        error: None,
    };
    world.control.answer_dagster_request(&may::<TakeDagsterRequests>(&world.control, who), answer).await
}

pub async fn a_change_is_asked_of_the_agents_of_its_queue_once(world: &World) {
    let default = default_of(world);
    let queues = async |world: &World| -> Vec<Option<String>> {
        let mut all: Vec<_> = asked(world, default).await.into_iter().map(|it| it.queue).collect();
        all.sort_unstable();
        all
    };
    set(world, module(default, "sales")).await.expect("added");
    set(world, module(default, "stock")).await.expect("added");
    assert_eq!(queues(world).await, [None], "the one that waits does for both");
    let work = take(world, &agent(world).await).await;
    assert_eq!(work.given.len(), 1);
    assert_eq!(work.given[0].request.kind, RequestKind::Check);
    again(world, module(default, "sales")).await;
    assert_eq!(queues(world).await, [None, None], "who has one may have looked before the change");
    again(world, NewLocation { definition: in_queue("gpu"), ..module(default, "sales") }).await;
    let gpu = Some("gpu".to_owned());
    assert_eq!(queues(world).await, [None, None, gpu.clone()], "the others let it go with the one that waits");
    take(world, &agent(world).await).await;
    remove(world, default, "sales").await.expect("removed");
    assert_eq!(queues(world).await, [None, None, gpu], "one for them waits");
    remove(world, default, "stock").await.expect("removed");
    assert_eq!(queues(world).await.len(), 4);
}

pub async fn a_branch_deployment_is_woken(world: &World) {
    let control = &world.control;
    let branch = deployment(control, &world.acme, "pull-17", Some(default_of(world))).await;
    set(world, module(branch, "sales")).await.expect("added");
    let mut kinds: Vec<_> = asked(world, branch).await.into_iter().map(|it| (it.location, it.kind)).collect();
    kinds.sort_unstable_by(|one, other| one.0.cmp(&other.0));
    assert_eq!(kinds, [(None, RequestKind::Check), (Some("sales".to_owned()), RequestKind::Ping)]);
    assert!(control.grant_own::<TakeDagsterRequests>(&world.acme.admin).is_err(), "people take nothing");
    let agent = agent(world).await;
    let taking = may::<TakeDagsterRequests>(control, &agent);
    let work = control.take_dagster_requests(&taking, wanted(&[], &[None], true)).await.expect("an answer");
    let names: Vec<_> = work.given.iter().map(|it| it.deployment.name.as_str()).collect();
    assert_eq!(names, ["pull-17", "pull-17"], "an agent learns of a branch deployment by what it is to do there");
    assert_eq!(work.reached.served.len(), 0);
    let pinged = control.ping_code_location(&world.admin::<EditCodeLocations>(), branch, "sales").await.expect("asked");
    assert_eq!((pinged.kind, pinged.state()), (RequestKind::Ping, RequestState::Waiting));
    let nothing = control.ping_code_location(&world.admin::<EditCodeLocations>(), branch, "stock").await;
    assert_eq!(nothing.map(drop), Err(Error::NotFound("code location")));
}

pub async fn a_request_is_given_to_one_agent_and_once_more(world: &World) {
    let (default, agent) = (default_of(world), agent(world).await);
    set(world, module(default, "sales")).await.expect("added");
    let given = async || take(world, &agent).await.given.len();
    assert_eq!(given().await, 1);
    assert_eq!(given().await, 0, "an agent has it");
    assert_eq!(asked(world, default).await[0].state(), RequestState::Offered);
    world.clock.advance(AGAIN_AFTER - Duration::from_micros(1));
    assert_eq!(given().await, 0);
    world.clock.advance(Duration::from_micros(1));
    assert_eq!(given().await, 1, "whoever had it may be gone");
    world.control.sweep().await.expect("a round");
    assert_eq!(asked(world, default).await[0].state(), RequestState::Offered);
    world.clock.advance(AGAIN_AFTER);
    assert_eq!(given().await, 0, "twice, and no more");
    world.control.sweep().await.expect("a round");
    let it = &asked(world, default).await[0];
    assert_eq!((it.state(), it.offers), (RequestState::NotAnswered, 2));
}

pub async fn what_nobody_does_in_time_says_so_and_goes(world: &World) {
    let default = default_of(world);
    set(world, module(default, "sales")).await.expect("added");
    world.clock.advance(RequestKind::Check.life());
    assert_eq!(take(world, &agent(world).await).await.given.len(), 0, "it is not worth doing any more");
    let swept = world.control.sweep().await.expect("a round");
    assert_eq!(swept.requests_ended, 1);
    let it = &asked(world, default).await[0];
    assert_eq!((it.state(), it.ended_at), (RequestState::NotTaken, Some(world.control.now())));
    assert!(it.state().to_string().contains("before an agent took it"), "a reason is given: {}", it.state());
    again(world, module(default, "sales")).await;
    assert_eq!(asked(world, default).await.len(), 2, "one that is over does for nothing");
    world.clock.advance(KEPT);
    world.control.sweep().await.expect("a round");
    assert_eq!(asked(world, default).await.len(), 2, "not a moment early");
    world.clock.advance(Duration::from_micros(1));
    world.control.sweep().await.expect("a round");
    assert_eq!(asked(world, default).await.len(), 1);
}

pub async fn an_answer_ends_a_request_once(world: &World) {
    let control = &world.control;
    let (default, agent) = (default_of(world), agent(world).await);
    set(world, module(default, "sales")).await.expect("added");
    let waiting = asked(world, default).await.remove(0);
    answer(world, &agent, &waiting).await.expect("an answer");
    assert_eq!(asked(world, default).await[0].state(), RequestState::Waiting, "nobody has it who could answer");
    take(world, &agent).await;
    answer(world, &agent, &waiting).await.expect("an answer");
    let it = &asked(world, default).await[0];
    assert_eq!((it.state(), it.answer.as_deref()), (RequestState::Answered, Some("DagsterCloudApiSuccess")));
    let first = it.ended_at;
    world.clock.advance(AGAIN_AFTER);
    assert_eq!(take(world, &agent).await.given.len(), 0);
    answer(world, &agent, &waiting).await.expect("an answer");
    assert_eq!(asked(world, default).await[0].ended_at, first, "the first one counts");

    let prod = deployment(control, &world.acme, "prod", None).await;
    set(world, module(prod, "sales")).await.expect("added");
    let other = asked(world, prod).await.remove(0);
    assert_eq!(answer(world, &agent, &other).await.map(drop), Err(Error::NotFound("request")), "of another deployment");
    let garbage =
        Answer { deployment: "default".to_owned(), request: "x".to_owned(), called: String::new(), error: None };
    let grant = may::<TakeDagsterRequests>(control, &agent);
    assert_eq!(field_of(control.answer_dagster_request(&grant, garbage).await), "request_id");
    let (outside, _) = holder(world, only(&[prod], false)).await;
    let refused = answer(world, &outside, &waiting).await.expect("an answer");
    assert_eq!(refused.withheld, Some(Withheld::Deployments));
}

pub async fn requests_are_given_to_those_who_reach_them(world: &World) {
    let control = &world.control;
    let prod = deployment(control, &world.acme, "prod", None).await;
    let branch = deployment(control, &world.acme, "pull-17", Some(prod)).await;
    set(world, module(prod, "sales")).await.expect("added");
    set(world, NewLocation { definition: in_queue("gpu"), ..module(prod, "learning") }).await.expect("added");
    set(world, module(branch, "sales")).await.expect("added");
    let (only_prod, _) = holder(world, only(&[prod], false)).await;
    let (branches, _) = holder(world, only(&[], true)).await;
    let queues = QueueScope::Only(["gpu".parse().expect("a queue")].into());
    let (gpu, _) = holder(world, Scope { queues, ..only(&[prod], false) }).await;
    let stranger = caller(control, world.globex.agent_token()).await;
    let count = async |who: &Caller, list: &[&str], queues: &[Option<&str>], branches| {
        let grant = may::<TakeDagsterRequests>(control, who);
        let work = control.take_dagster_requests(&grant, wanted(list, queues, branches)).await.expect("an answer");
        work.given.len()
    };
    assert_eq!(count(&stranger, &["pull-17"], &[None], false).await, 0);
    assert_eq!(count(&only_prod, &["pull-17"], &[None], true).await, 0);
    assert_eq!(count(&only_prod, &[], &[None], true).await, 0);
    assert_eq!(count(&branches, &["prod"], &[None], false).await, 0);
    assert_eq!(count(&gpu, &["prod"], &[None], false).await, 0, "the token serves none of these queues");
    assert_eq!(count(&only_prod, &["prod"], &[Some("gpu")], false).await, 1, "the agent serves one of them");
    assert_eq!(count(&gpu, &["prod"], &[Some("gpu"), None], false).await, 0, "which is taken");
    assert_eq!(count(&only_prod, &["prod"], &[Some("gpu"), None], false).await, 1);
    assert_eq!(count(&branches, &["pull-17"], &[None], true).await, 2, "each of them once");
    let reached = requests(control, &only_prod, wanted(&["staging"], &[None], false)).await.expect("an answer");
    assert_eq!(reached.withheld, Some(Withheld::Deployments));

    for number in 0..=MAX_OF_DEPLOYMENT {
        let name = format!("l{number}");
        set(world, module(prod, &name)).await.expect("added");
        control.ping_code_location(&world.admin::<EditCodeLocations>(), prod, &name).await.expect("asked");
    }
    let limit = usize::try_from(MAX_OF_DEPLOYMENT).expect("a small number");
    assert_eq!(count(&only_prod, &["prod"], &[None], false).await, limit, "the oldest first");
    assert_eq!(count(&only_prod, &["prod"], &[None], false).await, 2, "the rest: one check, and eleven pings");
}
