//! Values where they do not belong: other endpoints, malformed headers, broken bodies, the wrong fields.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use countersign_testkit::harness::api;
use countersign_testkit::harness::http::{Call, Connection};
use countersign_testkit::harness::installation::Installation;
use hyper::Method;
use serde_json::json;

use crate::hunt::{Client, Hunt};

/// How many values of each kind are tried.
const OF_EACH: usize = 6;

/// Tries values of every kind everywhere.
pub async fn drive(installation: &Installation, hunt: &mut Hunt) {
    let kinds = ["at", "ut", "ot", "st", "jt"];
    let values: Vec<_> = kinds.iter().flat_map(|kind| hunt.values(kind).into_iter().rev().take(OF_EACH)).collect();
    let mut client = Client { connection: Connection::new(installation.listen), hunt };
    for value in &values {
        for call in everywhere(value) {
            client.ask("a wrong kind", &call).await;
        }
        for call in malformed(value) {
            // Some heads are so broken that the connection is closed on them.
            if let Ok(answer) = client.connection.call(&call).await {
                client.hunt.said("answer to a malformed header", &answer.body, &[]);
            }
        }
        for call in in_bodies(value, &installation.made.user_token) {
            let body = String::from_utf8_lossy(&call.body).replace(value, "(value)");
            client.ask(&format!("{} {body}", call.path), &call).await;
        }
    }
}

fn everywhere(value: &str) -> Vec<Call> {
    let routes = [
        (Method::GET, "/v3/token"),
        (Method::POST, "/v3/register"),
        (Method::POST, "/v3/connect"),
        (Method::GET, "/v3/ping"),
        (Method::POST, "/v3/heartbeat"),
        (Method::POST, "/v3/stop"),
        (Method::PUT, "/v3/jobs/01890000-0000-7000-8000-000000000000/accept"),
        (Method::PUT, "/v3/jobs/01890000-0000-7000-8000-000000000000/finish"),
        (Method::POST, "/graphql"),
        (Method::GET, "/metrics"),
        (Method::POST, "/agentedge.v1.AgentEdgeService/StreamPings"),
    ];
    let bodies = [json!({}), json!({ "query": "{ viewer { user { email } } }" })];
    let mut calls = Vec::new();
    for (method, path) in routes {
        for body in &bodies {
            let call = || Call::new(method.clone(), path).json(body);
            calls.extend([call().token(value), call().bearer(value)]);
        }
    }
    calls
}

fn malformed(value: &str) -> Vec<Call> {
    let encoded = STANDARD.encode(format!("user:{value}"));
    let cut = &value[..value.len() - 1];
    let headers: Vec<(&str, Vec<u8>)> = vec![
        ("authorization", value.into()),
        ("authorization", format!("Token token={value}").into()),
        ("authorization", format!("Token  {value} ").into()),
        ("authorization", format!("Bearer {value},{value}").into()),
        ("authorization", format!("Basic {encoded}").into()),
        ("AuThOrIzAtIoN", format!("tOkEn {value}").into()),
        ("authorization", format!("Token {cut}").into()),
        ("authorization", format!("Token {value}\u{e9}").into()),
        ("authorization", [b"Token ", value.as_bytes(), &[0xff, 0xfe]].concat()),
        ("proxy-authorization", format!("Bearer {value}").into()),
        ("cookie", format!("session={value}").into()),
        ("x-api-key", value.into()),
        ("dagster-cloud-api-token", value.into()),
        ("user-agent", format!("curl/8 {value}").into()),
        ("x-request-id", value.into()),
        ("traceparent", value.into()),
        ("x-forwarded-for", value.into()),
        ("content-type", format!("text/{value}").into()),
    ];
    let mut calls = Vec::new();
    for (name, text) in headers {
        for (method, path) in [(Method::GET, "/v3/token"), (Method::POST, "/v3/register"), (Method::POST, "/graphql")] {
            calls.push(
                Call::new(method, path).json(&json!({ "query": "{ viewer { id } }" })).header(name, text.clone()),
            );
        }
    }
    let paths = [
        format!("/v3/jobs/{value}/accept"),
        format!("/v3/{value}"),
        format!("/dagster/{value}/graphql"),
        format!("/{value}"),
        format!("/v3/token?access_token={value}"),
        format!("/graphql?query={value}"),
    ];
    calls.extend(paths.iter().flat_map(|path| [Call::get(path), Call::new(Method::POST, path)]));
    calls
}

fn in_bodies(value: &str, user_token: &str) -> Vec<Call> {
    let mut calls = Vec::new();
    let mutations =
        ["agentTokenReveal", "agentTokenRotate", "agentStop", "userTokenReveal", "buildCancel", "noSuchThing"];
    for mutation in mutations {
        let query = format!("mutation($id: ID!) {{ {mutation}(input: {{id: $id}}) {{ clientMutationId }} }}");
        calls.push(api::graphql(user_token, &query, &json!({ "id": value })));
    }
    let queries = [
        format!("{{ node(id: \"{value}\") {{ id }} }}"),
        format!("{{ node(id: \"{value}\" {{ id }}"),
        format!("{{ organization(slug: \"{value}\") {{ id }} }}"),
        format!("{{ agentToken(slug: \"acme/{value}\") {{ id }} }}"),
        format!("{{ {value} }}"),
        format!("{{ viewer {{ user {{ email @{value} }} }} }}"),
        format!("query {value} {{ noSuchThing }}"),
        format!("{{ viewer(token: \"{value}\") {{ user {{ email }} }} }}"),
        format!("{{ organization(slug: [\"{value}\"]) {{ id }} }}"),
        format!(
            "mutation {{ agentTokenRevoke(input: {{id: {{value: \"{value}\"}}, reason: \"x\"}}) {{ clientMutationId }} }}"
        ),
        format!(
            "mutation {{ agentTokenCreate(input: {{organizationID: \"{value}\", description: \"x\"}}) {{ tokenValue }} }}"
        ),
    ];
    calls.extend(queries.iter().map(|query| api::graphql(user_token, query, &json!({}))));
    let by_variable = "query($id: ID!) { node(id: $id) { id } }";
    let wrong = [
        json!({ "id": { "value": value } }),
        json!({ "id": [value] }),
        json!({ "id": 1, "token": value }),
        json!(value),
    ];
    calls.extend(wrong.iter().map(|variables| api::graphql(user_token, by_variable, variables)));
    let broken = [
        json!(value).to_string(),
        json!([value]).to_string(),
        json!({ "query": { "value": value } }).to_string(),
        json!({ "query": "{ a }", "operationName": [value] }).to_string(),
        format!("{{\"query\": \"{value}"),
        format!("{{\"{value}\": "),
        value.to_owned(),
    ];
    for body in broken {
        for (path, call) in [("/graphql", user_token), ("/v3/register", value)] {
            let mut call = Call::new(Method::POST, path).bearer(call);
            if path == "/v3/register" {
                call = call.token(value);
            }
            call.body = body.clone().into();
            calls.push(call);
        }
    }
    let registrations =
        [json!({ "name": [value] }), json!({ "name": "a", "meta_data": value }), json!({ "name": "a", "pid": value })];
    calls.extend(registrations.iter().map(|body| Call::post("/v3/register", body).token(value)));
    calls
}
