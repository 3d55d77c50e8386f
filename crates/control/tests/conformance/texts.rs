//! Texts that callers give: whatever they hold, each engine answers alike, and nothing they hold is a fault of ours.

use countersign_control::access::actions::{
    Annotate, CreateAgentToken, CreateBuild, CreateOrganization, CreateUserToken, IssueSignInLink,
    ManageOperatorTokens, PauseAgent, ReadMetaData, RegisterAgent, ReportJob, RevokeAgentToken, UpdateAgentToken,
    UpdateOrganization, WriteMetaData,
};
use countersign_control::agent_tokens::{NewAgentToken, Revocation, TokenReference};
use countersign_control::agents::{Reach, Registration};
use countersign_control::builds::{NewAnnotation, NewBuild};
use countersign_control::dagster::{CodeServer, Heartbeat, RunWorker, Trouble};
use countersign_control::jobs::Finished;
use countersign_control::organizations::{NewOrganization, OrganizationChange};
use countersign_control::user_tokens::{NewUserToken, UserTokenReference};
use countersign_control::{Error, Result};
use countersign_testkit::World;

use crate::acting::{IP, ONE_STEP, caller, may, registration, running_job};
use crate::signing_in::try_sign_in;
use crate::{dagster, updating};

/// Texts that break something somewhere.
pub fn naughty() -> Vec<String> {
    let mut texts: Vec<String> = [
        "",
        " ",
        "\0",
        "a\0b",
        "\u{1}",
        "\u{7f}",
        "a\nb",
        "\t",
        "\u{202E}gnp.exe",
        "\u{200B}",
        "\u{FEFF}bom",
        "\u{FFFF}",
        "e\u{301}",
        "İ",
        "ß",
        "🚀",
        "'; DROP TABLE tokens; --",
        "\"",
        "\\",
        "%",
        "_",
        "$1",
        "?1",
        "NULL",
        "null",
        "{}",
        "[",
        "<script>",
        "../../etc/passwd",
        "%s%n",
        "-1",
        "1e309",
        "0x7f",
        "true",
        "csnat_",
        "::1",
        "a=b",
        "queue=\0",
    ]
    .map(ToOwned::to_owned)
    .to_vec();
    texts.push("x".repeat(10_000));
    texts.push("🚀".repeat(1_001));
    texts
}

/// An answer that the caller can do something with.
pub fn honest<T>(what: &str, text: &str, outcome: Result<T>) {
    if let Err(error @ (Error::Internal(_) | Error::Unavailable { .. } | Error::Unauthenticated { .. })) = outcome {
        panic!("{what} with {text:?}: {error:?}");
    }
}

pub async fn no_text_of_a_person_is_a_fault_of_ours(world: &World) {
    let control = &world.control;
    for text in naughty() {
        let some = || Some(text.clone());
        let new = NewAgentToken { description: some(), ..NewAgentToken::default() };
        honest("description", &text, control.create_agent_token(&world.admin::<CreateAgentToken>(), new).await);
        let id = TokenReference::Id(world.acme.created.agent_token.id);
        let change = updating::Change { description: Some(some()), ..updating::change(id.clone()) };
        honest("new description", &text, control.update_agent_token(&world.admin::<UpdateAgentToken>(), change).await);
        let nobody = TokenReference::Id(crate::acting::fresh_id(control));
        let revocation =
            Revocation { token: nobody, reason: text.clone(), connected_agents: Reach::Keep, expected: None };
        honest("reason", &text, control.revoke_agent_token(&world.admin::<RevokeAgentToken>(), revocation).await);
        let new = NewUserToken { description: some(), ..NewUserToken::default() };
        honest("user token", &text, control.create_user_token(&world.admin::<CreateUserToken>(), new).await);
        honest("reference", &text, TokenReference::parse(&text));
        honest("own reference", &text, UserTokenReference::parse(&text));
        let nobody = crate::acting::fresh_id(control);
        honest("note", &text, control.pause_agent(&world.admin::<PauseAgent>(), nobody, some(), None).await);
        let build = || NewBuild {
            definition: ONE_STEP.to_owned(),
            pipeline: "texts".to_owned(),
            queue: None,
            deployment: None,
            message: None,
            ..NewBuild::default()
        };
        for new in [
            NewBuild { definition: text.clone(), ..build() },
            NewBuild { definition: format!("steps: [{{command: {text:?}, label: {text:?}}}]"), ..build() },
            NewBuild { pipeline: text.clone(), ..build() },
            NewBuild { queue: some(), ..build() },
            NewBuild { deployment: some(), ..build() },
            NewBuild { message: some(), ..build() },
        ] {
            honest("build", &text, control.create_build(&world.admin::<CreateBuild>(), new).await);
        }
    }
}

pub async fn no_text_of_an_operator_is_a_fault_of_ours(world: &World) {
    let control = &world.control;
    for text in naughty() {
        let manage = may::<ManageOperatorTokens>(control, &world.operator);
        honest("operator token", &text, control.create_operator_token(&manage, &text).await);
        let issue = may::<IssueSignInLink>(control, &world.operator);
        honest("whom a link is for", &text, control.issue_sign_in_link(&issue, &text).await);
        honest("address and password", &text, try_sign_in(control, &text, &text, IP).await);
        let grant = may::<CreateOrganization>(control, &world.operator);
        let new = |slug: &str, name: Option<&str>, admin: &str| NewOrganization {
            slug: slug.to_owned(),
            name: name.map(ToOwned::to_owned),
            admin: admin.to_owned(),
            reveal_policy: None,
        };
        for new in [new(&text, None, "a@x.example"), new("acme", Some(&text), "a@x.example"), new("acme", None, &text)]
        {
            honest("organization", &text, control.create_organization(&grant, new).await);
        }
        let change = |name: Option<&str>, slug: Option<&str>| OrganizationChange {
            name: name.map(ToOwned::to_owned),
            slug: slug.map(ToOwned::to_owned),
            default_reveal_policy: None,
            expected: None,
        };
        for change in [change(Some(&text), None), change(None, Some(&text))] {
            let grant = world.admin::<UpdateOrganization>();
            honest("organization", &text, control.update_organization(&grant, change).await);
        }
    }
}

pub async fn no_text_of_an_agent_or_job_is_a_fault_of_ours(world: &World) {
    let control = &world.control;
    let holder = caller(control, world.acme.agent_token()).await;
    let job = running_job(control, &world.acme).await;
    for text in naughty() {
        let some = || Some(text.clone());
        let grant = may::<RegisterAgent>(control, &holder);
        let plain = || registration(&["queue=texts"]);
        for new in [
            Registration { name: text.clone(), ..plain() },
            Registration { hostname: some(), ..plain() },
            Registration { hostname: some(), name: "fixed".to_owned(), ..plain() },
            Registration { operating_system: some(), arch: some(), version: some(), build: some(), ..plain() },
            Registration { tags: vec![text.clone()], ..plain() },
            Registration { priority: some(), ..plain() },
        ] {
            honest("registration", &text, control.register_agent(&grant, new).await);
        }
        let id = dagster::process(control);
        let trouble = || Trouble { at: None, class: some(), message: text.clone(), trace: text.clone() };
        let mut told = Heartbeat {
            label: some(),
            launcher: some(),
            version: some(),
            image_tag: some(),
            ..dagster::heartbeat(&id, &["default"])
        };
        told.errors = vec![trouble()];
        told.tasks[0].queues = vec![text.clone()];
        told.tasks[0].code_servers =
            vec![CodeServer { location: text.clone(), status: text.clone(), error: Some(trouble()) }];
        told.tasks[0].run_workers = vec![RunWorker { run: text.clone(), status: text.clone(), message: some() }];
        for new in [told, dagster::heartbeat(&text, &["default"]), dagster::heartbeat(&id, &[&text])] {
            honest("heartbeat of a Dagster+ agent", &text, dagster::beat(control, &holder, new).await);
        }
        let write = may::<WriteMetaData>(control, &job.caller);
        honest("value", &text, control.set_meta_data(&write, "key".to_owned(), text.clone()).await);
        honest("key", &text, control.set_meta_data(&write, text.clone(), "value".to_owned()).await);
        let items = vec![("key".to_owned(), text.clone()), (text.clone(), "value".to_owned())];
        honest("batch", &text, control.set_meta_data_batch(&write, items).await);
        honest("read", &text, control.get_meta_data(&may::<ReadMetaData>(control, &job.caller), text.clone()).await);
        let grant = may::<Annotate>(control, &job.caller);
        let plain = || NewAnnotation { body: Some("body".to_owned()), ..NewAnnotation::default() };
        for new in [
            NewAnnotation { body: some(), ..plain() },
            NewAnnotation { context: some(), ..plain() },
            NewAnnotation { style: some(), ..plain() },
            NewAnnotation { scope: some(), ..plain() },
        ] {
            honest("annotation", &text, control.annotate(&grant, new).await);
        }
    }
}

pub async fn no_word_at_a_jobs_end_is_a_fault_of_ours(world: &World) {
    let control = &world.control;
    for text in naughty().into_iter().step_by(3) {
        let job = running_job(control, &world.acme).await;
        let how = Finished {
            exit_status: "1".to_owned(),
            signal: Some(text.clone()),
            signal_reason: Some(text.clone()),
            chunks_failed: i64::MAX,
            ignore_agent_in_dispatches: false,
        };
        let grant = may::<ReportJob>(control, &job.caller);
        let wrong = Finished { exit_status: text.clone(), ..crate::acting::ended("1") };
        honest("exit status", &text, control.finish_job(&grant, wrong).await);
        match control.finish_job(&grant, how).await {
            // The text was an exit status: the job had ended with it.
            Err(Error::Unauthenticated { .. }) => assert!(text.trim().parse::<i32>().is_ok(), "{text:?}"),
            outcome => honest("signal", &text, outcome),
        }
    }
}
