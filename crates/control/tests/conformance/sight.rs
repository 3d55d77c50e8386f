//! Everything that the first organization can see, searched for the twin.

use std::collections::BTreeSet;
use std::fmt::Debug;

use aho_corasick::AhoCorasick;
use countersign_control::access::actions::{
    ViewAgentTokens, ViewAgents, ViewAudit, ViewBuilds, ViewOrganization, ViewUserTokens,
};
use countersign_control::agent_tokens::{Liveness, Search, Selection};
use countersign_control::agents::{Sought, Standing};
use countersign_control::audit::{Export, Period, Wanted as Events};
use countersign_control::builds::{Cursor, Room};
use countersign_control::deployment_roles::HolderReference;
use countersign_control::jobs::LogWindow;
use countersign_control::members::{MemberReference, Wanted};
use countersign_control::teams::TeamReference;
use countersign_control::user_tokens::UserTokenReference;
use countersign_control::{MAX_PAGE, PageRequest};
use countersign_testkit::World;

use crate::twin::WORD;

/// What was seen of the twin, by the read that showed it.
pub async fn of_twin(world: &World, marks: &BTreeSet<String>) -> Vec<String> {
    assert!(marks.len() > 30, "the twin has only {} marks: the search would find nothing", marks.len());
    found(&everything(world).await, marks)
}

/// The marks that stand in what was read.
pub fn found(seen: &Seen, marks: &BTreeSet<String>) -> Vec<String> {
    let marks: Vec<&str> = marks.iter().map(String::as_str).chain([WORD]).collect();
    // All at once: a twin with a thousand jobs has thousands of marks.
    let search = AhoCorasick::new(&marks).expect("marks that can be searched for");
    let mut found = BTreeSet::new();
    for (read, text) in &seen.0 {
        for at in search.find_overlapping_iter(text) {
            found.insert(format!("{read} shows {}: {text}", marks[at.pattern()]));
        }
    }
    found.into_iter().collect()
}

/// What reads have answered.
#[derive(Debug, Default)]
pub struct Seen(pub Vec<(&'static str, String)>);

impl Seen {
    /// Keeps an answer as text; ids, public ids and names are all in it.
    fn keep<T: Debug>(&mut self, read: &'static str, answer: T) -> T {
        self.0.push((read, format!("{answer:?}")));
        answer
    }
}

async fn everything(world: &World) -> Seen {
    let mut seen = Seen::default();
    organization(world, &mut seen).await;
    tokens(world, &mut seen).await;
    agents(world, &mut seen).await;
    builds(world, &mut seen).await;
    seen
}

async fn organization(world: &World, seen: &mut Seen) {
    let control = &world.control;
    seen.keep("organization", control.organization(&world.admin::<ViewOrganization>()).await.expect("a read"));
    seen.keep("deployments", control.deployments(&world.admin::<ViewOrganization>()).await.expect("a read"));
    let default = world.acme.created.organization.default_deployment;
    let _ = seen.keep("deployment", control.deployment(&world.admin::<ViewOrganization>(), default).await);
    let ada = world.acme.created.admin.id;
    let _ = seen.keep("member", control.member(&world.admin::<ViewOrganization>(), ada).await);
    let teams = control.teams(&world.admin()).await.expect("a read");
    for team in seen.keep("teams", teams) {
        let page = PageRequest::first(MAX_PAGE);
        let _ = seen.keep("members of a team", control.team_members(&world.admin(), team.id, page).await);
        let holder = HolderReference::Team(TeamReference::Id(team.id));
        let _ = seen.keep("roles of a team", control.deployment_roles_of(&world.admin(), holder).await);
    }
    let _ = seen.keep("roles", control.deployment_roles_in(&world.admin(), default).await);
    let page = PageRequest::first(MAX_PAGE);
    let members = control.members(&world.admin(), Wanted::default(), page).await.expect("a read");
    for member in seen.keep("members", members).items.iter().take(20) {
        let of = MemberReference::Id(member.user.id);
        let page = PageRequest::first(MAX_PAGE);
        let tokens = control.member_tokens(&world.admin(), of.clone(), page).await.expect("a read");
        for token in seen.keep("member_tokens", tokens).items.iter().take(3) {
            let reference = UserTokenReference::Id(token.id);
            let _ = seen.keep("member_token", control.member_token(&world.admin(), of.clone(), reference).await);
        }
    }
    let page = PageRequest::first(MAX_PAGE);
    let invitations = control.list_invitations(&world.admin(), None, page).await.expect("a read");
    seen.keep("invitations", invitations);
    seen.keep("passkeys", control.list_passkeys(&world.admin()).await.expect("a read"));
    seen.keep("identities", control.list_identities(&world.admin()).await.expect("a read"));
    seen.keep("sign-ins", control.list_sign_ins(&world.admin()).await.expect("a read"));
    let page = PageRequest::first(MAX_PAGE);
    let (grant, always) = (world.admin::<ViewAudit>(), Period::default());
    seen.keep("audit_events", control.audit_events(&grant, always, page).await.expect("a read"));
    let happened = Export::Happened { period: always, after: None };
    for (name, from) in [("export_own_audit", Export::of(always)), ("export_own_audit, happened", happened)] {
        seen.keep(name, control.export_own_audit(&grant, from).await.expect("a read"));
    }
    seen.keep("verify_audit", control.verify_audit(&world.admin::<ViewAudit>()).await.expect("a read"));
}

async fn tokens(world: &World, seen: &mut Seen) {
    let control = &world.control;
    let grant = world.admin::<ViewUserTokens>();
    seen.keep("user_tokens", control.user_tokens(&grant, PageRequest::first(MAX_PAGE)).await.expect("a read"));
    let grant = world.admin::<ViewAgentTokens>();
    let page = control.agent_tokens(&grant, Liveness::Any, PageRequest::first(MAX_PAGE)).await.expect("a read");
    for it in seen.keep("agent_tokens", page).items.iter().take(20) {
        let id = it.token.id;
        seen.keep("agent_token", control.agent_token(&grant, id).await.expect("a read"));
        seen.keep("agent_token_secrets", control.agent_token_secrets(&grant, id).await.expect("a read"));
        let page = PageRequest::first(MAX_PAGE);
        seen.keep("agent_token_agents", control.agent_token_agents(&grant, id, page).await.expect("a read"));
        seen.keep("agent_token_refusals", control.agent_token_refusals(&grant, id).await.expect("a read"));
        seen.keep("agent_token_registrations", control.agent_token_registrations(&grant, id).await.expect("a read"));
        seen.keep("agent_token_situation", control.agent_token_situation(&grant, id).await.expect("a read"));
        let page = PageRequest::first(MAX_PAGE);
        let events = control.token_audit_events(&world.admin::<ViewAudit>(), id, page).await.expect("a read");
        seen.keep("token_audit_events", events);
    }
    seen.keep("refused_attempts", control.refused_attempts(&grant, MAX_PAGE).await.expect("a read"));
    let search = Search { selection: Selection::All, text: None };
    let found = control.search_agent_tokens(&grant, search, PageRequest::first(MAX_PAGE)).await.expect("a read");
    seen.keep("search_agent_tokens", found);
    let page = PageRequest::first(MAX_PAGE);
    let found =
        control.search_audit_events(&world.admin::<ViewAudit>(), Events::default(), page).await.expect("a read");
    seen.keep("search_audit_events", found);
}

async fn agents(world: &World, seen: &mut Seen) {
    let control = &world.control;
    let grant = world.admin::<ViewAgents>();
    let page = control
        .agents(&grant, countersign_control::agents::Wanted::default(), PageRequest::first(MAX_PAGE))
        .await
        .expect("a read");
    for agent in seen.keep("agents", page).items.iter().take(20) {
        seen.keep("agent_job", control.agent_job(&grant, agent.id).await.expect("a read"));
        let page = PageRequest::first(MAX_PAGE);
        let jobs = control.agent_past_jobs(&world.admin(), agent.id, page).await.expect("a read");
        seen.keep("agent_past_jobs", jobs);
    }
    let sought = Sought { standing: Standing::Any, ..Sought::default() };
    let part = control.every_agent(&grant, sought, None, PageRequest::first(MAX_PAGE)).await.expect("a read");
    for agent in seen.keep("every_agent", part).items.iter().take(20) {
        let events = control.agent_audit_events(&world.admin(), agent.id(), PageRequest::first(MAX_PAGE)).await;
        seen.keep("agent_audit_events", events.expect("a read"));
    }
    seen.keep("agents_over_time", control.agents_over_time(&grant).await.expect("a read"));
    seen.keep("unlisted_queues", control.unlisted_queues(&world.admin(), MAX_PAGE).await.expect("a read"));
    seen.keep("queue_waits", control.queue_waits(&world.admin()).await.expect("a read"));
    let page = control.dagster_agents(&grant, false, PageRequest::first(MAX_PAGE)).await.expect("a read");
    for agent in seen.keep("dagster_agents", page).items.iter().take(20) {
        seen.keep("dagster_agent", control.dagster_agent(&grant, agent.id).await.expect("a read"));
        seen.keep(
            "dagster_agents_served",
            control.dagster_agents_served(&grant, vec![agent.id]).await.expect("a read"),
        );
        let serving = control.dagster_agent_serving(&grant, agent.id).await.expect("a read");
        seen.keep("dagster_agent_serving", serving);
    }
}

async fn builds(world: &World, seen: &mut Seen) {
    let control = &world.control;
    let grant = world.admin::<ViewBuilds>();
    let page = control
        .find_builds(&grant, countersign_control::builds::Wanted::default(), PageRequest::first(MAX_PAGE))
        .await
        .expect("a read");
    let page_of = PageRequest::first(MAX_PAGE);
    seen.keep("count_builds_under_way", control.count_builds_under_way(&grant).await.expect("a read"));
    let found = control.search_builds(&grant, countersign_control::builds::Wanted::default(), page_of).await;
    seen.keep("search_builds", found.expect("a read"));
    seen.keep(
        "pipelines",
        control.pipelines(&grant, String::new(), PageRequest::first(MAX_PAGE)).await.expect("a read"),
    );
    for build in seen.keep("find_builds", page).items.iter().take(20) {
        seen.keep("whole_builds", control.whole_builds(&grant, vec![build.id], true).await.expect("a read"));
        let window = control.build_window(&grant, build.id, Cursor::default(), MAX_PAGE).await.expect("a read");
        seen.keep("build_window", window);
        seen.keep("build_graph", control.build_graph(&grant, build.id).await.expect("a read"));
        seen.keep("build_pulse", control.build_pulse(&grant, build.id).await.expect("a read"));
        seen.keep("build_at_a_glance", control.build_at_a_glance(&grant, build.id).await.expect("a read"));
        let room = Room { annotations: (100, 10_000), meta_data: (100, 10_000) };
        let left = control.left_on_build(&grant, build.id, room).await.expect("a read");
        for (note, _) in &seen.keep("left_on_build", left).annotations {
            let whole = control.build_annotation(&grant, build.id, note.id).await.expect("a read");
            seen.keep("build_annotation", whole);
        }
        seen.keep("build_annotations", control.build_annotations(&grant, build.id).await.expect("a read"));
        seen.keep("build_meta_data", control.build_meta_data(&grant, build.id).await.expect("a read"));
        let page = PageRequest::first(MAX_PAGE);
        for it in
            seen.keep("build_artifacts", control.build_artifacts(&grant, build.id, page).await.expect("a read")).items
        {
            let page = PageRequest::first(MAX_PAGE);
            let same = control.build_artifacts_at(&grant, build.id, it.path.clone(), page).await.expect("a read");
            seen.keep("build_artifacts_at", same);
            seen.keep("artifact", control.artifact(&grant, it.id).await.expect("a read"));
        }
        let jobs = control.build_jobs(&grant, build.id).await.expect("a read");
        for job in seen.keep("build_jobs", jobs).iter().take(20) {
            let log = control.job_log(&grant, job.id, 0).await.expect("a read");
            seen.keep("job_pulse", control.job_pulse(&grant, job.id).await.expect("a read"));
            seen.keep("job_tries", control.job_tries(&grant, job.id).await.expect("a read"));
            seen.keep("job_env", control.job_env(&grant, job.id).await.expect("a read"));
            let first = LogWindow { first: 1, lines: 1_000, bytes: usize::MAX, before: 0 };
            let lines = control.job_log_lines(&grant, job.id, first).await.expect("a read");
            let lines: Vec<_> = lines.lines.iter().map(|line| String::from_utf8_lossy(line)).collect();
            seen.keep("job_log_lines", lines);
            seen.keep("job_log", String::from_utf8_lossy(&log.content));
        }
    }
}
