//! The stories of builds, told by forms alone.

use std::time::Duration;

use countersign_control::access::actions::{CreateDeployment, GrantDeploymentRole};
use countersign_control::deployment_roles::{HolderReference, NewRole, Place};
use countersign_control::deployments::NewDeployment;
use countersign_control::members::MemberReference;
use countersign_domain::DeploymentRole;

use crate::browser::{Browser, Server};
use crate::cast;

const BUILDS: &str = "/organizations/acme/builds";
const FIRST: &str = "/organizations/acme/builds/demo/1";

/// The address of a form or a link that ends so.
fn way(page: &str, end: &str) -> String {
    let before = page.split(&format!("{end}\"")).next().filter(|before| before.len() < page.len()).expect("a way");
    format!("{}{end}", before.rsplit('"').next().expect("an attribute"))
}

async fn steps(ada: &Browser<'_>) -> String {
    ada.page(FIRST).await
}

#[tokio::test]
async fn builds_are_listed_and_filtered() {
    let server = Server::new().await;
    let ada = server.admin().await;
    let empty = ada.page(BUILDS).await;
    assert!(empty.contains("No build yet"), "{empty}");
    for _ in 0..45 {
        server.world.clock.advance(Duration::from_millis(5));
        cast::build(&server.world, "steps: [{command: echo one}]").await;
    }
    let first = ada.page(BUILDS).await;
    assert!(first.contains("demo #45") && !first.contains("demo #5<"), "{first}");
    let next = first.split(r#"rel="next" href=""#).nth(1).and_then(|it| it.split('"').next()).expect("a next part");
    let second = ada.page(&next.replace("&#38;", "&")).await;
    assert!(second.contains("demo #5<") && !second.contains("demo #45"), "{second}");
    for (query, fits) in [
        ("?state=scheduled", true),
        ("?state=failed", false),
        ("?pipeline=demo", true),
        ("?pipeline=other", false),
        ("?branch=main", true),
        ("?branch=other", false),
    ] {
        let page = ada.page(&format!("{BUILDS}{query}")).await;
        assert_eq!(page.contains("demo #45"), fits, "{query}: {page}");
        assert_eq!(page.contains("No build fits"), !fits, "{query}");
    }
}

#[tokio::test]
async fn a_build_is_looked_at_in_every_view() {
    let server = Server::new().await;
    let definition = "steps:\n  - group: Tests\n    steps:\n      - {command: make test, label: Unit, key: unit}\n  - wait\n  - {command: make ship, label: Ship}\n";
    cast::build(&server.world, definition).await;
    let ada = server.admin().await;
    let job = cast::running(&server.world).await;
    job.notes(&server.world, "**3** failed <script>alert(1)</script>").await;
    job.sets(&server.world, "release", "<b>1.2</b>").await;
    let page = steps(&ada).await;
    for part in
        ["Mend the gate", "Unit", "Ship", "Tests", "builder", "<strong>3</strong> failed", "release", "&#60;b&#62;1.2"]
    {
        assert!(page.contains(part), "{part}: {page}");
    }
    assert!(!page.contains("<script>alert"), "{page}");
    let graph = ada.page(&format!("{FIRST}?view=graph")).await;
    assert!(graph.contains("<svg class=\"graph\"") && graph.contains("Waits for"), "{graph}");
    server.world.clock.advance(Duration::from_secs(90));
    let waterfall = ada.page(&format!("{FIRST}?view=waterfall")).await;
    assert!(waterfall.contains("<div class=\"waterfall\"") && waterfall.contains("1 min 30 s"), "{waterfall}");
    assert_eq!(ada.get("/organizations/acme/builds/demo/01").await.status, 404);
    assert_eq!(ada.get("/organizations/acme/builds/demo/2").await.status, 404);
    assert_eq!(ada.get(&format!("{FIRST}?after=%27")).await.status, 200, "what ends no part begins at the beginning");
}

#[tokio::test]
async fn a_large_build_comes_in_parts() {
    let server = Server::new().await;
    cast::build(
        &server.world,
        "steps: [{command: echo one, parallelism: 150, label: 'Part %n'}, {command: echo, label: Last}]",
    )
    .await;
    let ada = server.admin().await;
    let mut path = FIRST.to_owned();
    let mut seen = Vec::new();
    for _ in 0..5 {
        let page = ada.page(&path).await;
        assert!(page.len() < 100_000, "{} bytes", page.len());
        seen.extend(
            page.split("/jobs/")
                .skip(1)
                .filter_map(|it| it.split('"').next())
                .filter(|it| it.len() == 36)
                .map(str::to_owned),
        );
        let Some(next) = page.split(r#"rel="next" href=""#).nth(1).and_then(|it| it.split('"').next()) else { break };
        path = next.replace("&#38;", "&");
    }
    let count = seen.len();
    seen.sort();
    seen.dedup();
    assert_eq!((count, seen.len()), (151, 151), "each job once");
}

#[tokio::test]
async fn a_build_is_canceled_and_repeated_by_whoever_may() {
    let server = Server::new().await;
    server.members_look_on().await;
    cast::build(&server.world, "steps: [{command: echo one}]").await;
    let (ada, grace) = (server.admin().await, server.member().await);
    let seen = grace.page(FIRST).await;
    assert!(!seen.contains("Cancel build") && !seen.contains("Rebuild"), "{seen}");
    for change in ["cancel", "rebuild"] {
        assert_eq!(grace.post(&format!("{FIRST}/{change}"), &[]).await.status, 403, "{change}");
    }
    let done = ada.post(&way(&steps(&ada).await, "/cancel"), &[]).await;
    assert_eq!((done.status.as_u16(), done.location()), (303, FIRST), "{}", done.text);
    let page = steps(&ada).await;
    assert!(page.contains("Canceled") && !page.contains("Cancel build"), "{page}");
    let canceled = page.split("<dt>Canceled</dt>").nth(1).and_then(|it| it.split("</dd>").next()).expect("when");
    assert!(canceled.contains("</time> by "), "and by whom: {canceled}");
    assert!(page.contains("1 canceled or not run"), "its job is counted: {page}");
    let made = ada.post(&way(&page, "/rebuild"), &[]).await;
    assert_eq!(made.location(), "/organizations/acme/builds/demo/2", "{}", made.text);
    let repeated = ada.page(made.location()).await;
    assert!(repeated.contains("Repeats") && repeated.contains(", on a page"), "{repeated}");
}

#[tokio::test]
async fn a_failed_job_is_run_again() {
    let server = Server::new().await;
    cast::build(&server.world, "steps: [{command: echo one}]").await;
    let ada = server.admin().await;
    let job = cast::running(&server.world).await;
    assert!(!steps(&ada).await.contains("/retry\""), "not while it runs");
    job.ends(&server.world, "1").await;
    let page = steps(&ada).await;
    assert!(page.contains("Failed"), "{page}");
    let done = ada.post(&way(&page, "/retry"), &[]).await;
    assert_eq!(done.status, 303, "{}", done.text);
    assert!(done.location().starts_with(&format!("{FIRST}/jobs/")) && !done.location().contains(&job.id.to_string()));
    let page = steps(&ada).await;
    assert!(page.contains("run again") && page.contains("Waits for an agent"), "{page}");
    let again = ada.post(&format!("{FIRST}/jobs/{}/retry", job.id), &[]).await;
    assert_eq!(again.status, 409, "{}", again.text);
}

#[tokio::test]
async fn a_block_is_answered_with_what_it_asks() {
    let server = Server::new().await;
    server.members_look_on().await;
    let definition = "steps:\n  - block: Release\n    prompt: Really?\n    fields:\n      - {text: Version, key: version, required: true}\n      - {select: Where, key: where, multiple: true, required: false, options: [{label: Here, value: here}, {label: There, value: there}]}\n  - {command: make ship, label: Ship}\n";
    cast::build(&server.world, definition).await;
    let (ada, grace) = (server.admin().await, server.member().await);
    assert!(!grace.page(FIRST).await.contains("/unblock"), "a member is shown no way");
    let unblock = way(&steps(&ada).await, "/unblock");
    let asked = ada.page(&unblock).await;
    assert!(asked.contains("Really?") && asked.contains("Version") && asked.contains("There"), "{asked}");
    let wrong = ada.post(&unblock, &[("field-0", ""), ("field-1", "there")]).await;
    assert_eq!(wrong.status, 422, "{}", wrong.text);
    assert!(wrong.text.contains("Version must be filled in.") && wrong.text.contains("checked"), "{}", wrong.text);
    let fields = [("field-0", "1.2"), ("field-1", "here"), ("field-1", "there")];
    let done = ada.post(&unblock, &fields).await;
    assert_eq!((done.status.as_u16(), done.location()), (303, FIRST), "{}", done.text);
    let page = steps(&ada).await;
    assert!(page.contains("1.2") && page.contains("Unblocked") && page.contains("Waits for an agent"), "{page}");
    assert_eq!(ada.get(&unblock).await.location(), FIRST, "it asks no more");
    assert_eq!(ada.post(&unblock, &fields).await.status, 422);
}

#[tokio::test]
async fn whoever_answers_reads_what_is_asked_and_hears_of_every_fault() {
    let server = Server::new().await;
    let definition = "steps:\n  - block: Release\n    prompt: Really?\n  - block: Ship\n    depends_on: []\n    fields:\n      - {text: Version, key: version}\n      - {text: Count, key: count, format: '[0-9]+'}\n      - {select: Where, key: where, options: [{label: Here, value: here}, {label: There, value: there}]}\n";
    cast::build(&server.world, definition).await;
    let ada = server.admin().await;
    let page = steps(&ada).await;
    assert!(!page.contains("<form method=\"post\" action=\"/organizations/acme/builds/demo/1/steps/"), "{page}");
    let mut ways = page.split("href=\"").skip(1).filter_map(|it| it.split('"').next());
    let release = ways.find(|it| it.ends_with("/unblock")).expect("a way to the first block").to_owned();
    let asked = ada.page(&release).await;
    assert!(asked.contains("Really?"), "{asked}");
    let ship = ways.find(|it| it.ends_with("/unblock") && *it != release).expect("a way to the other").to_owned();
    let asked = ada.page(&ship).await;
    assert!(asked.contains("<option value=\"\" selected>Choose one</option>"), "{asked}");
    let wrong = ada.post(&ship, &[("field-1", "x")]).await;
    assert_eq!(wrong.status, 422, "{}", wrong.text);
    for fault in ["Version must be filled in.", "Count does not have the form [0-9]+", "Where must be filled in."] {
        assert!(wrong.text.contains(fault), "{fault}: {}", wrong.text);
    }
    assert_eq!(wrong.text.matches("autofocus").count(), 1, "the first takes the focus: {}", wrong.text);
    assert_eq!(ada.post(&release, &[]).await.location(), FIRST);
}

#[tokio::test]
async fn a_role_in_another_deployment_offers_nothing_here() {
    let server = Server::new().await;
    server.members_look_on().await;
    let (world, grace) = (&server.world, server.member().await);
    let control = &world.control;
    let definition = "steps: [{command: echo one}, {block: Release, prompt: Really?, depends_on: []}]";
    let made = cast::build(world, definition).await;
    let new = NewDeployment { name: "staging".to_owned(), ..NewDeployment::default() };
    let staging = control.create_deployment(&world.admin::<CreateDeployment>(), new).await.expect("a deployment").id;
    let hers = world.globex.created.admin.id;
    for (deployment, is_offered) in [(staging, false), (made.deployment, true)] {
        let new = NewRole {
            holder: HolderReference::Member(MemberReference::Id(hers)),
            place: Place::Deployment(deployment),
            role: DeploymentRole::Launcher,
            tokens: false,
        };
        control.give_deployment_role(&world.admin::<GrantDeploymentRole>(), new).await.expect("given");
        let page = steps(&grace).await;
        for button in ["Cancel build", "Rebuild", "/cancel\"", "/unblock\""] {
            assert_eq!(page.contains(button), is_offered, "{button}: {page}");
        }
        let unblock = way(&steps(&server.admin().await).await, "/unblock");
        assert_eq!(grace.get(&unblock).await.status, if is_offered { 200 } else { 403 });
    }
}

#[tokio::test]
async fn builds_of_another_organization_are_not_there() {
    let server = Server::new().await;
    let build = cast::build(&server.world, "steps: [{command: echo one}]").await;
    let job = cast::running(&server.world).await;
    assert_eq!(build.number, 1);
    // The twin's admin is no member of acme.
    let hers = server.signed_in("grace@globex.example").await;
    for path in [
        FIRST.to_owned(),
        "/organizations/globex/builds/demo/1".to_owned(),
        format!("/organizations/globex/builds/demo/1/steps/{}/unblock", job.id),
    ] {
        assert_eq!(hers.get(&path).await.status, 404, "{path}");
    }
    assert!(!hers.page("/organizations/globex/builds").await.contains("demo"));
}
