//! What the holders of agent tokens, agents and jobs change.

use countersign_control::access::actions::{
    AcceptJob, Annotate, AppendLog, CancelOwnBuild, ConnectAgent, ControlOwnAgent, DagsterHeartbeat, DisconnectAgent,
    EditCodeLocations, Ping, RegisterAgent, ReportDagsterRun, ReportJob, RequestOidcToken, TakeDagsterRequests,
    TellCodeLocation, UpdateJob, UploadArtifacts, UploadPipeline, WriteMetaData, WriteSteps,
};
use countersign_control::agents::Instruction;
use countersign_control::artifacts::Ended;
use countersign_control::builds::{NewAnnotation, Upload};
use countersign_control::code_locations::{Outcome, Told};
use countersign_control::dagster::{Answer, Whole};
use countersign_control::jobs::NewChunk;
use countersign_control::oidc::TokenRequest;
use countersign_control::steps::StepChange;
use countersign_domain::dagster::SnapshotKind;

use crate::acting::{build, ended, may, next, ping, registration, take, try_register};
use crate::cast::in_queue;
use crate::{artifacts, code_locations, dagster, dagster_runs, dagster_snapshots};

use super::{By, Operation, first_step, operations, pending};

operations! {
    "register_agent" by AgentToken writes ["agent.registered"] |control, world, cast| {
        let grant = may::<RegisterAgent>(&control, &cast.holder);
        pending(async move { control.register_agent(&grant, registration(&["queue=nobody"])).await.map(drop) })
    }
    "connect_agent" by Session writes ["agent.connected"] |control, world, cast| {
        cast.agent = try_register(&control, cast.holder_secret.reveal(), &["queue=nobody"]).await.expect("registered");
        let grant = may::<ConnectAgent>(&control, &cast.agent.caller);
        pending(async move { control.connect_agent(&grant).await })
    }
    "disconnect_agent" by Session writes ["agent.disconnected"] |control, world, cast| {
        let grant = may::<DisconnectAgent>(&control, &cast.agent.caller);
        pending(async move { control.disconnect_agent(&grant).await.map(drop) })
    }
    "ping" by Session writes ["job.assigned"] |control, world, cast| {
        build(&control, &world.acme, &in_queue(&cast.queue)).await;
        let grant = may::<Ping>(&control, &cast.agent.caller);
        pending(async move { control.ping(&grant).await.map(drop) })
    }
    "accept_job" by Session writes ["job.accepted"] |control, world, cast| {
        build(&control, &world.acme, &in_queue(&cast.queue)).await;
        let Instruction::TakeJob(job) = ping(&control, &cast.agent).await else { panic!("no job is offered") };
        let grant = may::<AcceptJob>(&control, &cast.agent.caller);
        pending(async move { control.accept_job(&grant, job).await.map(drop) })
    }
    "start_job" by Job writes ["job.started"] |control, world, cast| {
        build(&control, &world.acme, &in_queue(&cast.queue)).await;
        cast.job = take(&control, &cast.agent).await;
        let grant = may::<ReportJob>(&control, &cast.job.caller);
        pending(async move { control.start_job(&grant).await })
    }
    "finish_job" by Job writes ["job.finished"] |control, world, cast| {
        let grant = may::<ReportJob>(&control, &cast.job.caller);
        pending(async move { control.finish_job(&grant, ended("1")).await.map(drop) })
    }
    "set_job_timeout" by Job writes ["job.updated"] |control, world, cast| {
        let grant = may::<UpdateJob>(&control, &cast.job.caller);
        pending(async move { control.set_job_timeout(&grant, "7").await.map(drop) })
    }
    "upload_pipeline" by Job writes ["pipeline.uploaded"] |control, world, cast| {
        let grant = may::<UploadPipeline>(&control, &cast.job.caller);
        let pipeline = serde_json::json!({ "steps": ["wait"] });
        let upload = Upload { uuid: "0192f3a1-7c3e-7b21-9f60-3a5c1e0d4b77".to_owned(), pipeline, replace: false };
        pending(async move { control.upload_pipeline(&grant, upload).await })
    }
    "update_step" by Job writes ["step.updated"] |control, world, cast| {
        let grant = may::<WriteSteps>(&control, &cast.job.caller);
        let (step, attribute) = (first_step(&control, cast, cast.job.build).await.to_string(), "label".to_owned());
        let change = StepChange { step, uuid: None, attribute, value: "new".to_owned(), append: false };
        pending(async move { control.update_step(&grant, change).await })
    }
    "cancel_step" by Job writes ["step.canceled"] |control, world, cast| {
        let grant = may::<WriteSteps>(&control, &cast.job.caller);
        let step = first_step(&control, cast, cast.job.build).await.to_string();
        pending(async move { control.cancel_step(&grant, step, None).await.map(drop) })
    }
    "cancel_own_build" by Job writes ["build.canceled"] |control, world, cast| {
        let grant = may::<CancelOwnBuild>(&control, &cast.job.caller);
        pending(async move { control.cancel_own_build(&grant).await.map(drop) })
    }
    // The log itself is the record.
    "append_log" by Job writes [] |control, world, cast| {
        let grant = may::<AppendLog>(&control, &cast.job.caller);
        let chunk = NewChunk { sequence: 1, offset: 0, content: b"line\n".to_vec() };
        pending(async move { control.append_log(&grant, chunk).await })
    }
    "dagster_heartbeat" by AgentToken writes ["dagster_agent.registered"] |control, world, cast| {
        let grant = may::<DagsterHeartbeat>(&control, &cast.holder);
        let new = dagster::heartbeat(&dagster::process(&control), &["default"]);
        pending(async move { control.dagster_heartbeat(&grant, new).await.map(drop) })
    }
    "tell_code_location" by AgentToken writes ["code_location.failed"] |control, world, cast| {
        let default = world.acme.created.organization.default_deployment;
        let name = format!("l{}", next());
        let grant = may::<EditCodeLocations>(&control, &cast.person);
        control.set_code_location(&grant, code_locations::module(default, &name)).await.expect("set");
        let grant = may::<TellCodeLocation>(&control, &cast.holder);
        let outcome = Outcome::Failed { definition: None, error: "no module".to_owned() };
        let told = Told { deployment: "default".to_owned(), location: name, outcome };
        pending(async move { control.tell_code_location(&grant, told).await.map(drop) })
    }
    // Who has a request, and what came of it, stands in the request.
    "take_dagster_requests" by AgentToken writes [] |control, world, cast| {
        let default = world.acme.created.organization.default_deployment;
        let grant = may::<EditCodeLocations>(&control, &cast.person);
        control.set_code_location(&grant, code_locations::module(default, &format!("l{}", next()))).await.expect("set");
        let grant = may::<TakeDagsterRequests>(&control, &cast.holder);
        pending(async move { control.take_dagster_requests(&grant, dagster::wanted(&["default"], &[None], false)).await.map(drop) })
    }
    "answer_dagster_request" by AgentToken writes [] |control, world, cast| {
        let default = world.acme.created.organization.default_deployment;
        let grant = may::<EditCodeLocations>(&control, &cast.person);
        control.set_code_location(&grant, code_locations::module(default, &format!("l{}", next()))).await.expect("set");
        let grant = may::<TakeDagsterRequests>(&control, &cast.holder);
        let wanted = dagster::wanted(&["default"], &[None], false);
        let given = control.take_dagster_requests(&grant, wanted).await.expect("an answer").given;
        let request = given.first().expect("there is something to do").request.id.to_string();
        let called = "DagsterCloudApiSuccess".to_owned();
        let answer = Answer { deployment: "default".to_owned(), request, called, error: None };
        pending(async move { control.answer_dagster_request(&grant, answer).await.map(drop) })
    }
    // A snapshot is no change until a code location is told of with it.
    "check_dagster_snapshot" by AgentToken writes [] |control, world, cast| {
        let grant = may::<TellCodeLocation>(&control, &cast.holder);
        let new = dagster_snapshots::new("default", SnapshotKind::Job, &next().to_string());
        pending(async move { control.check_dagster_snapshot(&grant, new).await.map(drop) })
    }
    "keep_dagster_snapshot" by AgentToken writes [] |control, world, cast| {
        let grant = may::<TellCodeLocation>(&control, &cast.holder);
        let room = control.room_for_dagster_snapshots(&grant).await.expect("there is a place");
        let whole = Whole { deployment: "default".to_owned(), kind: SnapshotKind::Job, text: next().to_string() };
        pending(async move { control.keep_dagster_snapshot(&grant, &room, whole).await.map(drop) })
    }
    // What a worker tells is the record itself; only a run's end is a row.
    "store_run_events" by AgentToken writes ["dagster_run.ended"] |control, world, cast| {
        let default = world.acme.created.organization.default_deployment;
        dagster_runs::loaded(world, default, "default", "sales").await;
        let run = dagster_runs::launch(world, default).await.id;
        while !dagster_runs::take(world, &cast.holder, "default").await.iter().any(|it| it.request.run == Some(run)) {}
        let grant = may::<ReportDagsterRun>(&control, &cast.holder);
        let event = dagster_runs::event(run, "PIPELINE_SUCCESS");
        pending(async move { control.store_run_events(&grant, "default".to_owned(), None, vec![event]).await.map(drop) })
    }
    // The run's row itself is the record.
    "add_run_tags" by AgentToken writes [] |control, world, cast| {
        let default = world.acme.created.organization.default_deployment;
        dagster_runs::loaded(world, default, "default", "sales").await;
        let run = dagster_runs::launch(world, default).await.id;
        while !dagster_runs::take(world, &cast.holder, "default").await.iter().any(|it| it.request.run == Some(run)) {}
        let grant = may::<ReportDagsterRun>(&control, &cast.holder);
        let tags = [("a".to_owned(), "b".to_owned())].into();
        pending(async move { control.add_run_tags(&grant, "default".to_owned(), &run.to_string(), tags).await.map(drop) })
    }
    "set_meta_data" by Job writes ["meta_data.set"] |control, world, cast| {
        let grant = may::<WriteMetaData>(&control, &cast.job.caller);
        pending(async move { control.set_meta_data(&grant, "key".to_owned(), "value".to_owned()).await })
    }
    "set_meta_data_batch" by Job writes ["meta_data.set"] |control, world, cast| {
        let grant = may::<WriteMetaData>(&control, &cast.job.caller);
        let items = ["a", "b"].map(|key| (key.to_owned(), "value".to_owned())).to_vec();
        pending(async move { control.set_meta_data_batch(&grant, items).await })
    }
    "annotate" by Job writes ["annotation.written"] |control, world, cast| {
        let grant = may::<Annotate>(&control, &cast.job.caller);
        let note = NewAnnotation { body: Some("note".to_owned()), ..NewAnnotation::default() };
        pending(async move { control.annotate(&grant, note).await })
    }
    "announce_artifacts" by Job writes ["artifacts.announced"] |control, world, cast| {
        let grant = may::<UploadArtifacts>(&control, &cast.job.caller);
        let new = artifacts::batch(vec![artifacts::hello("a.txt")]);
        pending(async move { control.announce_artifacts(&grant, new).await.map(drop) })
    }
    "end_artifacts" by Job writes ["artifacts.ended"] |control, world, cast| {
        let grant = may::<UploadArtifacts>(&control, &cast.job.caller);
        let new = artifacts::batch(vec![artifacts::hello("a.txt")]);
        let ids = control.announce_artifacts(&grant, new).await.expect("announced").ids;
        let ended = ids.into_iter().map(|id| (id, Ended::Failed)).collect();
        pending(async move { control.end_artifacts(&grant, ended).await })
    }
    "remove_annotation" by Job writes ["annotation.removed"] |control, world, cast| {
        let grant = may::<Annotate>(&control, &cast.job.caller);
        let note = NewAnnotation { body: Some("note".to_owned()), ..NewAnnotation::default() };
        control.annotate(&grant, note).await.expect("written");
        pending(async move { control.remove_annotation(&grant, "default", None).await })
    }
    "request_oidc_token" by Job writes ["oidc_token.issued"] |control, world, cast| {
        control.keep_oidc_keys().await.expect("there is a key");
        let grant = may::<RequestOidcToken>(&control, &cast.job.caller);
        pending(async move { control.request_oidc_token(&grant, TokenRequest::default()).await.map(drop) })
    }
    "stop_own_agent" by Job writes ["agent.stop_requested"] |control, world, cast| {
        let grant = may::<ControlOwnAgent>(&control, &cast.job.caller);
        pending(async move { control.stop_own_agent(&grant, false).await.map(drop) })
    }
    "pause_own_agent" by Job writes ["agent.paused"] |control, world, cast| {
        let grant = may::<ControlOwnAgent>(&control, &cast.job.caller);
        pending(async move { control.pause_own_agent(&grant, None, None).await.map(drop) })
    }
    "resume_own_agent" by Job writes ["agent.resumed"] |control, world, cast| {
        let grant = may::<ControlOwnAgent>(&control, &cast.job.caller);
        control.pause_own_agent(&grant, None, None).await.expect("paused");
        pending(async move { control.resume_own_agent(&grant).await.map(drop) })
    }
}
