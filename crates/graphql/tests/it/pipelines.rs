//! Pipelines with steps of their own, and builds of them.

use serde_json::{Value, json};

use crate::client::{Answer, Server};

const CREATE: &str = "mutation($input: PipelineCreateInput!) { pipelineCreate(input: $input) { clientMutationId
    organization { slug } pipelineEdge { cursor node { id } }
    pipeline { id uuid slug name defaultBranch repository { url } steps { yaml } visibility archived createdAt } } }";
const UPDATE: &str = "mutation($input: PipelineUpdateInput!) { pipelineUpdate(input: $input) {
    pipeline { slug name defaultBranch repository { url } steps { yaml } } } }";
const BUILD: &str = "mutation($input: BuildCreateInput!) { buildCreate(input: $input) { clientMutationId build { id uuid number branch commit
    message env metaData { key value } source { name } pipeline { slug steps { yaml } } deployment { name } rebuiltFrom { number }
    jobs { edges { node { ... on JobTypeCommand { queue env clusterQueue { key } } } } } } } }";
const STEPS: &str = "steps: [{ command: make }]";

impl Server {
    /// Makes a pipeline; answers its global id.
    pub async fn pipeline(&self, name: &str, steps: &str) -> String {
        let input = json!({ "organizationId": self.acme().await, "name": name, "repository": { "url": "" },
            "steps": { "yaml": steps } });
        self.ask(CREATE, json!({ "input": input })).await.ok().text_at("/data/pipelineCreate/pipeline/id")
    }
}

async fn create(server: &Server, more: Value) -> Answer {
    let mut input = json!({ "organizationId": server.acme().await, "name": "Deploy Web", "repository": { "url": "" } });
    for (name, value) in more.as_object().expect("an object") {
        input[name] = value.clone();
    }
    server.ask(CREATE, json!({ "input": input })).await
}

#[tokio::test]
async fn a_pipeline_is_made_seen_and_changed() {
    let server = Server::new().await;
    let more = json!({ "clientMutationId": "c", "steps": { "yaml": STEPS }, "repository": { "url": "https://git.example/web.git" } });
    let made = create(&server, more).await.ok();
    let pipeline = made.at("/data/pipelineCreate/pipeline");
    let wanted = json!({ "slug": "deploy-web", "name": "Deploy Web", "defaultBranch": "main", "visibility": "PRIVATE", "archived": false,
        "repository": { "url": "https://git.example/web.git" }, "steps": { "yaml": STEPS }, "createdAt": "2026-01-02T03:04:05Z" });
    for (field, value) in wanted.as_object().expect("an object") {
        assert_eq!(pipeline[field], *value, "{field}");
    }
    assert_eq!(made.at("/data/pipelineCreate/clientMutationId"), "c");
    assert_eq!(made.at("/data/pipelineCreate/organization/slug"), "acme");
    assert_eq!(made.at("/data/pipelineCreate/pipelineEdge/node/id"), pipeline["id"]);

    let query = "query($uuid: ID!, $id: ID!) { a: pipeline(slug: \"acme/deploy-web\") { id } b: pipeline(uuid: $uuid) { id }
        c: pipeline(slug: \"acme/other\") { id } d: pipeline(slug: \"globex/deploy-web\") { id } e: pipeline(uuid: \"x\") { id }
        node(id: $id) { id __typename } }";
    let found = server.ask(query, json!({ "uuid": pipeline["uuid"], "id": pipeline["id"] })).await.ok();
    assert_eq!((found.at("/data/a/id"), found.at("/data/b/id")), (pipeline["id"].clone(), pipeline["id"].clone()));
    for absent in ["/data/c", "/data/d", "/data/e"] {
        assert_eq!(found.at(absent), Value::Null, "{absent}");
    }
    assert_eq!(found.at("/data/node/__typename"), "Pipeline");
    assert_eq!(server.ask("{ pipeline { id } }", json!({})).await.kind(), "invalid");
    let globex = server.world.globex.user_token();
    let spy = "query($id: ID!) { node(id: $id) { id } }";
    assert_eq!(server.ask_as(globex, spy, json!({ "id": pipeline["id"] })).await.ok().at("/data/node"), Value::Null);

    let input = json!({ "id": pipeline["id"], "name": "Web", "repository": { "url": "" } });
    let changed = server.ask(UPDATE, json!({ "input": input })).await.ok().at("/data/pipelineUpdate/pipeline");
    let wanted = json!({ "slug": "deploy-web", "name": "Web", "defaultBranch": "main", "repository": null, "steps": { "yaml": STEPS } });
    assert_eq!(changed, wanted);
    let theirs = server.ask_as(globex, UPDATE, json!({ "input": { "id": pipeline["id"], "name": "mine" } })).await;
    assert_eq!((theirs.error(), theirs.at("/data/pipelineUpdate")), ("No pipeline found".to_owned(), Value::Null));
    let none = json!({ "input": { "id": pipeline["id"], "steps": { "yaml": "" } } });
    assert_eq!(server.ask(UPDATE, none).await.ok().at("/data/pipelineUpdate/pipeline/steps"), Value::Null);
}

#[tokio::test]
async fn what_cannot_be_a_pipeline_is_named() {
    let server = Server::new().await;
    create(&server, json!({})).await.ok();
    for (field, more) in [
        ("name", json!({ "name": "" })),
        ("slug", json!({ "name": "%%%" })),
        ("slug", json!({ "slug": "A B" })),
        ("repository", json!({ "slug": "x", "repository": { "url": "--upload-pack=evil" } })),
        ("defaultBranch", json!({ "slug": "x", "defaultBranch": "a\nb" })),
        ("steps", json!({ "slug": "x", "steps": { "yaml": "steps: 3" } })),
    ] {
        let refused = create(&server, more.clone()).await;
        assert_eq!(refused.text_at("/errors/0/extensions/fields/0/field"), field, "{more}: {}", refused.text);
        assert_eq!(refused.at("/data/pipelineCreate"), Value::Null);
    }
    // The fault is told with its place.
    let bad = "steps:\n  - command: make\n  - comand: oops\n";
    let refused = create(&server, json!({ "slug": "x", "steps": { "yaml": bad } })).await;
    let message = refused.text_at("/errors/0/extensions/fields/0/message");
    assert!(message.contains("comand") && message.contains('3'), "{message}");
    assert_eq!(create(&server, json!({})).await.kind(), "conflict");
    assert_eq!(create(&server, json!({ "organizationId": "nothing" })).await.error(), "No organization found");
}

#[tokio::test]
async fn pipelines_are_listed_and_searched() {
    let server = Server::new().await;
    for name in ["Web", "Website", "100%"] {
        create(&server, json!({ "name": name })).await.ok();
        server.world.clock.advance(std::time::Duration::from_millis(5));
    }
    let query = "query($search: String, $first: Int, $after: String) { organization(slug: \"acme\") {
        pipelines(search: $search, first: $first, after: $after) { count edges { cursor node { name } } pageInfo { hasNextPage endCursor } } } }";
    let names = |answer: &Answer| -> Vec<String> {
        let edges = answer.at("/data/organization/pipelines/edges");
        let edges = edges.as_array().expect("a list");
        edges.iter().map(|edge| edge["node"]["name"].as_str().unwrap_or_default().to_owned()).collect()
    };
    let all = server.ask(query, json!({})).await.ok();
    assert_eq!(
        (names(&all), all.at("/data/organization/pipelines/count")),
        (vec!["100%".to_owned(), "Website".to_owned(), "Web".to_owned()], json!(3))
    );
    let web = server.ask(query, json!({ "search": "WEB" })).await.ok();
    assert_eq!((names(&web).len(), web.at("/data/organization/pipelines/count")), (2, json!(2)));
    let first = server.ask(query, json!({ "first": 2 })).await.ok();
    assert_eq!(first.at("/data/organization/pipelines/pageInfo/hasNextPage"), true);
    let after = first.at("/data/organization/pipelines/pageInfo/endCursor");
    assert_eq!(names(&server.ask(query, json!({ "first": 2, "after": after })).await.ok()), ["Web"]);
    assert_eq!(server.ask(query, json!({ "search": "\u{0}" })).await.kind(), "invalid");
    assert_eq!(server.ask(query, json!({ "search": "x".repeat(1_000) })).await.kind(), "invalid");
}

#[tokio::test]
async fn a_stored_pipeline_is_built_and_built_again() {
    let server = Server::new().await;
    let id = server.pipeline("web", "env: { A: '1' }\nsteps: [{ command: make, env: { C: '3' } }]").await;
    let input = json!({ "pipelineID": id, "clientMutationId": "c", "branch": "dev", "commit": "abc123", "message": "hello",
        "env": ["B=2=2", "A=9"], "metaData": [{ "key": "k", "value": "v" }], "queue": "linux" });
    let made = server.ask(BUILD, json!({ "input": input })).await.ok();
    let build = made.at("/data/buildCreate/build");
    let wanted = json!({ "number": 1, "branch": "dev", "commit": "abc123", "message": "hello", "env": ["A=9", "B=2=2"],
        "metaData": [{ "key": "k", "value": "v" }], "source": { "name": "api" }, "rebuiltFrom": null });
    for (field, value) in wanted.as_object().expect("an object") {
        assert_eq!(build[field], *value, "{field}");
    }
    assert_eq!(made.at("/data/buildCreate/clientMutationId"), "c");
    let job = &build["jobs"]["edges"][0]["node"];
    assert_eq!(*job, json!({ "queue": "linux", "env": ["A=9", "B=2=2", "C=3"], "clusterQueue": { "key": "linux" } }));

    let again = "mutation($id: ID!) { buildRebuild(input: {id: $id}) { build { number } rebuild { number branch env metaData { key } rebuiltFrom { number } } } }";
    let rebuilt = server.ask(again, json!({ "id": build["id"] })).await.ok();
    let wanted = json!({ "build": { "number": 1 }, "rebuild": { "number": 2, "branch": "dev", "env": ["A=9", "B=2=2"], "metaData": [],
        "rebuiltFrom": { "number": 1 } } });
    assert_eq!(rebuilt.at("/data/buildRebuild"), wanted);
    assert_eq!(server.ask(again, json!({ "id": id })).await.error(), "No build found");
}

#[tokio::test]
async fn what_cannot_be_built_is_named() {
    let server = Server::new().await;
    let id = server.pipeline("web", STEPS).await;
    let empty = create(&server, json!({ "name": "empty" })).await.ok().text_at("/data/pipelineCreate/pipeline/id");
    for (field, more) in [
        ("pipelineID", json!({ "pipelineID": empty })),
        ("env", json!({ "env": ["NOTHING"] })),
        ("env", json!({ "env": ["1A=x"] })),
        ("env", json!({ "env": ["A=secret\u{0}value"] })),
        ("branch", json!({ "branch": "a\nb" })),
        ("commit", json!({ "commit": "x".repeat(300) })),
        ("metaData", json!({ "metaData": [{ "key": "", "value": "v" }] })),
        ("queue", json!({ "queue": "a b" })),
        ("deployment", json!({ "deployment": "nowhere" })),
    ] {
        let mut input = json!({ "pipelineID": id });
        for (name, value) in more.as_object().expect("an object") {
            input[name] = value.clone();
        }
        let refused = server.ask(BUILD, json!({ "input": input })).await;
        assert_eq!(refused.text_at("/errors/0/extensions/fields/0/field"), field, "{more}: {}", refused.text);
        assert!(!refused.text.contains("secret"), "{}", refused.text);
        assert_eq!(refused.at("/data/buildCreate"), Value::Null);
    }
    let unknown = server.ask(BUILD, json!({ "input": { "pipelineID": server.acme().await } })).await;
    assert_eq!((unknown.kind(), unknown.error()), ("not_found".to_owned(), "No pipeline found".to_owned()));
    let theirs = server.ask_as(server.world.globex.user_token(), BUILD, json!({ "input": { "pipelineID": id } })).await;
    assert_eq!((theirs.error(), theirs.at("/data/buildCreate")), ("No pipeline found".to_owned(), Value::Null));
}

#[tokio::test]
async fn builds_are_found_by_state_branch_commit_and_time() {
    let server = Server::new().await;
    let (web, app) = (server.pipeline("web", STEPS).await, server.pipeline("app", STEPS).await);
    for (pipeline, branch, commit) in
        [(&web, "main", "a1"), (&web, "dev", "b2"), (&app, "main", "c3"), (&web, "a%_b", "d4")]
    {
        server.world.clock.advance(std::time::Duration::from_secs(1));
        let input = json!({ "pipelineID": pipeline, "branch": branch, "commit": commit });
        let made = server.ask(BUILD, json!({ "input": input })).await.ok();
        if commit == "b2" {
            let cancel = "mutation($id: ID!) { buildCancel(input: {id: $id}) { build { state } } }";
            server.ask(cancel, json!({ "id": made.at("/data/buildCreate/build/id") })).await.ok();
        }
    }
    let query = "query($state: [BuildStates!], $branch: [String!], $commit: [String!], $from: DateTime, $to: DateTime) {
        organization(slug: \"acme\") { builds(state: $state, branch: $branch, commit: $commit, createdAtFrom: $from, createdAtTo: $to) { count edges { node { commit } } } }
        pipeline(slug: \"acme/web\") { builds(state: $state, branch: $branch, commit: $commit, createdAtFrom: $from, createdAtTo: $to) { count edges { node { commit } } } } }";
    for (variables, everywhere, of_web) in [
        (json!({}), vec!["d4", "c3", "b2", "a1"], vec!["d4", "b2", "a1"]),
        (json!({ "state": ["CANCELED"] }), vec!["b2"], vec!["b2"]),
        (
            json!({ "state": ["SCHEDULED", "CANCELED"], "branch": ["main", "dev"] }),
            vec!["c3", "b2", "a1"],
            vec!["b2", "a1"],
        ),
        (json!({ "state": ["PASSED"] }), vec![], vec![]),
        (json!({ "state": ["CREATING"] }), vec![], vec![]),
        (json!({ "branch": ["mai"] }), vec![], vec![]),
        (json!({ "branch": ["a%_b"] }), vec!["d4"], vec!["d4"]),
        (json!({ "branch": ["a__b", "%"] }), vec![], vec![]),
        (json!({ "commit": ["c3", "a1"] }), vec!["c3", "a1"], vec!["a1"]),
        (json!({ "from": "2026-01-02T03:04:07Z", "to": "2026-01-02T03:04:08Z" }), vec!["c3", "b2"], vec!["b2"]),
    ] {
        let found = server.ask(query, variables.clone()).await.ok();
        for (place, wanted) in [("organization", everywhere), ("pipeline", of_web)] {
            let builds = found.at(&format!("/data/{place}/builds"));
            let edges = builds["edges"].as_array().expect("a list");
            let commits: Vec<_> = edges.iter().filter_map(|edge| edge["node"]["commit"].as_str()).collect();
            assert_eq!(
                (&commits, builds["count"].as_u64()),
                (&wanted, Some(wanted.len() as u64)),
                "{place} {variables}"
            );
        }
    }
    for wrong in [json!({ "branch": ["a\nb"] }), json!({ "commit": ["\u{0}"] }), json!({ "branch": vec!["x"; 101] })] {
        let refused = server.ask(query, wrong).await;
        assert_eq!(refused.text_at("/errors/0/extensions/type"), "invalid", "{}", refused.text);
    }
}
