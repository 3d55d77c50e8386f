//! Builds, their steps and jobs, and agents.

use countersign_control::access::actions::{ConnectAgent, CreateBuild, PauseAgent, RegisterAgent, ViewBuilds};
use countersign_control::agents::Registration;
use countersign_control::builds::NewBuild;
use countersign_testkit::World;

use super::Making;
use crate::callers;
use crate::forms::browser::Server;

/// Builds, their steps and jobs.
pub async fn work(server: &Server, making: &mut Making) {
    let world = &server.world;
    let control = &world.control;
    // Before there are others that an agent could be offered.
    let ended = callers::ended(world, &world.acme).await;
    let build = control.build(&world.admin::<ViewBuilds>(), ended.build).await.expect("a build");
    let (number, job) = (build.number.to_string(), ended.job.to_string());
    let places = [("{pipeline}", build.pipeline_slug.as_str()), ("{build}", &number), ("{job}", &job)];
    making.form("/organizations/{organization}/builds/{pipeline}/{build}/jobs/{job}/retry", &places, &[]);
    making.form("/organizations/{organization}/builds/{pipeline}/{build}/rebuild", &places, &[]);
    let new = NewBuild {
        definition: "steps: [{command: 'true'}, {block: Go, depends_on: []}]".to_owned(),
        pipeline: "forms".to_owned(),
        ..NewBuild::default()
    };
    let build = control.create_build(&world.admin::<CreateBuild>(), new).await.expect("a build");
    let grant = world.admin::<ViewBuilds>();
    let steps = control.build_steps(&grant, build.id, None).await.expect("its steps");
    let jobs = control.build_jobs(&grant, build.id).await.expect("its jobs");
    let (step, job) = (steps.last().expect("a block").id.to_string(), jobs[0].id.to_string());
    let places = [("{pipeline}", "forms"), ("{build}", "1"), ("{job}", job.as_str()), ("{step}", &step)];
    making.form("/organizations/{organization}/builds/{pipeline}/{build}/steps/{step}/unblock", &places, &[]);
    making.form("/organizations/{organization}/builds/{pipeline}/{build}/jobs/{job}/cancel", &places, &[]);
    let new = NewBuild {
        definition: "steps: [{command: 'true'}]".to_owned(),
        pipeline: "forms".to_owned(),
        ..NewBuild::default()
    };
    control.create_build(&world.admin::<CreateBuild>(), new).await.expect("a build");
    let places = [("{pipeline}", "forms"), ("{build}", "2")];
    making.form("/organizations/{organization}/builds/{pipeline}/{build}/cancel", &places, &[]);
}

pub async fn agents(world: &World, making: &mut Making) {
    let control = &world.control;
    let token = world.authenticate(world.acme.agent_token()).await.expect("a live token");
    let grant = control.grant_own::<RegisterAgent>(&token).expect("it may");
    let agent = async |name: &str| {
        let new = Registration { name: name.to_owned(), ..Registration::default() };
        let registered = control.register_agent(&grant, new).await.expect("it registers");
        let agent = world.authenticate(registered.session.reveal()).await.expect("a live session");
        let grant = control.grant_own::<ConnectAgent>(&agent).expect("it may");
        control.connect_agent(&grant).await.expect("it connects");
        registered.agent.id
    };
    let (one, paused, other) = (agent("one").await, agent("paused").await, agent("other").await);
    control.pause_agent(&world.admin::<PauseAgent>(), paused, None, None).await.expect("it is paused");
    let places = |id: &str| [("{agent}", id.to_owned())];
    for (route, id, fields) in [
        ("/organizations/{organization}/agents/{agent}/pause", one, &[("note", "for a while")][..]),
        ("/organizations/{organization}/agents/{agent}/resume", paused, &[]),
        ("/organizations/{organization}/agents/{agent}/stop", other, &[("force", "on")]),
    ] {
        let [(name, id)] = &places(&id.to_string());
        making.form(route, &[(*name, id)], fields);
    }
}
