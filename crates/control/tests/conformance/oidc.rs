//! Tokens of jobs for other services, verified as those verify them: from the published key set alone.

use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::signature::{RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL;
use countersign_control::access::actions::RequestOidcToken;
use countersign_control::oidc::{DEFAULT_LIFETIME, MAX_LIFETIME, PUBLISHED_BEFORE, SIGNS_FOR, TokenRequest};
use countersign_control::{Control, Result, Settings};
use countersign_store::IntoValue;
use countersign_testkit::{SeededEntropy, World};
use serde_json::{Value, json};

use crate::acting::{Job, ONE_STEP, build, connect, field_of, may, next, running_job, start, take};
use crate::sql;

pub async fn request(control: &Control, job: &Job, asked: TokenRequest) -> Result<String> {
    let grant = may::<RequestOidcToken>(control, &job.caller);
    control.request_oidc_token(&grant, asked).await.map(|token| token.reveal().to_owned())
}

/// The key set, as a verifier reads it.
async fn key_set(control: &Control) -> Vec<Value> {
    let published = serde_json::to_value(control.oidc_key_set().await.expect("the key set is there")).expect("JSON");
    published["keys"].as_array().expect("a list").clone()
}

async fn texts(control: &Control, text: &'static str, column: &str) -> Vec<String> {
    let rows = sql::rows(control, text, vec![]).await;
    rows.iter().map(|row| row.get(column).expect("the column is there")).collect()
}

fn decoded(part: &str) -> Vec<u8> {
    BASE64URL.decode(part).expect("base64url")
}

/// The key that a token names.
pub fn key_id(token: &str) -> Value {
    let header = token.split('.').next().expect("a header");
    let header: Value = serde_json::from_slice(&decoded(header)).expect("JSON");
    assert_eq!((&header["alg"], &header["typ"]), (&json!("RS256"), &json!("JWT")));
    header["kid"].clone()
}

fn key_of<'a>(keys: &'a [Value], token: &str) -> Option<&'a Value> {
    let id = key_id(token);
    keys.iter().find(|key| key["kid"] == id)
}

/// What a token says, whoever signed it.
pub fn claims(token: &str) -> Value {
    serde_json::from_slice(&decoded(token.split('.').nth(1).expect("three parts"))).expect("JSON")
}

/// What a token says, to a service that accepts this audience and trusts these keys; none for a token that it refuses.
fn verify(keys: &[Value], token: &str, audience: &str) -> Option<Value> {
    let key = key_of(keys, token)?;
    assert_eq!((&key["kty"], &key["alg"], &key["use"]), (&json!("RSA"), &json!("RS256"), &json!("sig")));
    let part = |name: &str| decoded(key[name].as_str().expect("a text"));
    let public = RsaPublicKeyComponents { n: part("n"), e: part("e") };
    let (signed, signature) = token.rsplit_once('.').expect("three parts");
    public.verify(&RSA_PKCS1_2048_8192_SHA256, signed.as_bytes(), &decoded(signature)).ok()?;
    let claims = claims(token);
    (claims["aud"] == audience && claims["iss"] == "http://localhost:8420").then_some(claims)
}

pub async fn what_a_token_says_is_verified_by_others(world: &World) {
    let control = &world.control;
    let job = running_job(control, &world.acme).await;
    let token = request(control, &job, TokenRequest::default()).await.expect("a token");
    let keys = key_set(control).await;
    let said = verify(&keys, &token, "http://localhost:8420/acme").expect("it verifies");
    let now = control.now().as_secs();
    let lifetime = i64::try_from(DEFAULT_LIFETIME.as_secs()).expect("a few minutes");
    assert_eq!(
        said,
        json!({
            "iss": "http://localhost:8420",
            "sub": "organization:acme:pipeline:demo:ref:refs/heads/main:commit:HEAD:step:",
            "aud": "http://localhost:8420/acme",
            "iat": now, "nbf": now, "exp": now + lifetime,
            "organization_slug": "acme", "pipeline_slug": "demo", "build_number": said["build_number"],
            "build_branch": "main", "build_commit": "HEAD", "step_key": null,
            "job_id": job.id, "agent_id": job.agent.id, "build_source": said["build_source"],
            "runner_environment": "self-hosted",
        })
    );
    assert!(verify(&keys, &token, "somebody else").is_none());
    let (signed, signature) = token.rsplit_once('.').expect("three parts");
    let (header, claims) = signed.split_once('.').expect("two parts");
    let forged = String::from_utf8(decoded(claims)).expect("JSON").replace("acme", "evil");
    let forged = format!("{header}.{}.{signature}", BASE64URL.encode(forged));
    assert!(verify(&keys, &forged, "http://localhost:8420/evil").is_none(), "the signature is of what was said");
    // Nothing of the token is kept, and what is published says nothing private.
    let rows = texts(control, "SELECT detail FROM audit_events WHERE action = 'oidc_token.issued'", "detail").await;
    assert_eq!(rows.len(), 1);
    assert!(rows[0].contains(&job.build.to_string()) || rows[0].contains("organization:acme"), "{rows:?}");
    assert!(!rows[0].contains(signature), "{rows:?}");
    let published = serde_json::to_string(&control.oidc_key_set().await.expect("it is there")).expect("JSON");
    assert!(!published.contains("\"d\"") && published.contains("RS256"), "{published}");
    let discovery = serde_json::to_value(control.oidc_discovery()).expect("JSON");
    assert_eq!(discovery["jwks_uri"], "http://localhost:8420/.well-known/jwks");
    assert_eq!(discovery["issuer"], said["iss"]);
}

pub async fn what_is_asked_for_is_said(world: &World) {
    let control = &world.control;
    build(control, &world.acme, "steps: [{command: echo one, key: deploy}]").await;
    let agent = connect(control, world.acme.agent_token(), &["gpu=a100", "bare"]).await;
    let job = take(control, &agent).await;
    start(control, &job).await;
    let words = |words: &[&str]| words.iter().map(ToString::to_string).collect::<Vec<_>>();
    let asked = TokenRequest {
        audience: Some("sts.amazonaws.com".to_owned()),
        lifetime: Some(60),
        claims: words(&[
            "organization_id",
            "cluster_name",
            "queue_key",
            "agent_tag:gpu",
            "agent_tag:bare",
            "agent_tag:no",
        ]),
        aws_session_tags: words(&["build_number", "step_key", "agent_tag:gpu"]),
        subject_claim: Some("build_id".to_owned()),
    };
    let token = request(control, &job, asked).await.expect("a token");
    let said = verify(&key_set(control).await, &token, "sts.amazonaws.com").expect("it verifies");
    assert_eq!((&said["sub"], &said["build_id"]), (&json!(job.build), &json!(job.build)));
    assert_eq!(said["exp"].as_i64(), said["iat"].as_i64().map(|at| at + 60));
    assert_eq!(said["organization_id"], json!(world.acme.created.organization.id));
    assert_eq!((&said["cluster_name"], &said["queue_key"]), (&json!("default"), &json!("default")));
    assert_eq!(
        (&said["agent_tag:gpu"], &said["agent_tag:bare"], &said["agent_tag:no"]),
        (&json!("a100"), &json!(""), &Value::Null)
    );
    let tags = &said["https://aws.amazon.com/tags"]["principal_tags"];
    assert_eq!((&tags["step_key"], &tags["agent_tag:gpu"]), (&json!(["deploy"]), &json!(["a100"])));
    assert!(tags["build_number"][0].is_string(), "{tags}");
}

pub async fn what_cannot_be_asked_for_is_named(world: &World) {
    let control = &world.control;
    let job = running_job(control, &world.acme).await;
    let ask = async |change: fn(&mut TokenRequest)| {
        let mut asked = TokenRequest::default();
        change(&mut asked);
        request(control, &job, asked).await
    };
    let most = i64::try_from(MAX_LIFETIME.as_secs()).expect("a few hours");
    assert_eq!(field_of(ask(|it| it.lifetime = Some(-1)).await), "lifetime");
    let lasting = |seconds| TokenRequest { lifetime: Some(seconds), ..TokenRequest::default() };
    assert_eq!(field_of(request(control, &job, lasting(most + 1)).await), "lifetime");
    request(control, &job, lasting(most)).await.expect("the longest");
    assert_eq!(field_of(ask(|it| it.audience = Some("a\nb".to_owned())).await), "audience");
    assert_eq!(field_of(ask(|it| it.audience = Some("a".repeat(1_001))).await), "audience");
    assert_eq!(field_of(ask(|it| it.claims = vec!["build_id".to_owned(), "secret".to_owned()]).await), "claims[1]");
    assert_eq!(field_of(ask(|it| it.claims = vec!["agent_tag:".to_owned()]).await), "claims[0]");
    assert_eq!(field_of(ask(|it| it.claims = vec!["build_id".to_owned(); 51]).await), "claims");
    assert_eq!(field_of(ask(|it| it.aws_session_tags = vec!["iss".to_owned()]).await), "aws_session_tags[0]");
    for mutable in ["pipeline_slug", "build_branch", "agent_tag:gpu"] {
        let asked = TokenRequest { subject_claim: Some(mutable.to_owned()), ..Default::default() };
        assert_eq!(field_of(request(control, &job, asked).await), "subject_claim");
    }
    let issued = "SELECT action FROM audit_events WHERE action = 'oidc_token.issued'";
    assert_eq!(texts(control, issued, "action").await.len(), 1);
}

pub async fn what_a_pipeline_sets_is_not_believed(world: &World) {
    let control = &world.control;
    build(control, &world.acme, ONE_STEP).await;
    // No pipeline that was read says this; should one ever get through, it is not believed either.
    let env = r#"{"BUILDKITE_BRANCH":"release","BUILDKITE_TAG":"v1","BUILDKITE_COMMIT":"abc","BUILDKITE_SOURCE":"ui"}"#;
    let of = world.acme.created.organization.id.into_value();
    sql::change(control, "UPDATE jobs SET env = $2 WHERE organization_id = $1", vec![of, env.into_value()]).await;
    let agent = connect(control, world.acme.agent_token(), &[]).await;
    let job = take(control, &agent).await;
    let token = request(control, &job, TokenRequest::default()).await.expect("a token");
    let said = verify(&key_set(control).await, &token, "http://localhost:8420/acme").expect("it verifies");
    assert_eq!((&said["build_branch"], &said["build_tag"]), (&json!("main"), &Value::Null), "{said}");
    assert!(said["sub"].as_str().is_some_and(|it| it.contains("refs/heads/main:commit:HEAD")), "{said}");
}

pub async fn keys_follow_each_other_without_a_gap(world: &World) {
    let control = &world.control;
    let job = running_job(control, &world.acme).await;
    let asked = || TokenRequest { lifetime: Some(7_200), ..TokenRequest::default() };
    let audience = "http://localhost:8420/acme";
    assert_eq!(control.keep_oidc_keys().await.expect("kept").made, 1);
    assert_eq!(control.keep_oidc_keys().await.expect("kept").made, 0, "one is enough");
    let first = request(control, &job, asked()).await.expect("a token");

    world.clock.advance(SIGNS_FOR - PUBLISHED_BEFORE);
    assert_eq!(control.keep_oidc_keys().await.expect("kept").made, 1, "the next is published a day before");
    let keys = key_set(control).await;
    assert_eq!(keys.len(), 2);
    let still = request(control, &job, asked()).await.expect("a token");
    assert_eq!(key_id(&still), key_id(&first));

    // A copy of the key set from before verifies what the next key signs.
    world.clock.advance(PUBLISHED_BEFORE);
    let kept = control.keep_oidc_keys().await.expect("kept");
    assert_eq!((kept.made, kept.retired), (0, 1));
    let second = request(control, &job, asked()).await.expect("a token");
    verify(&keys, &second, audience).expect("the copy has its key");
    assert_ne!(key_id(&second), key_id(&first));
    let private = "SELECT CAST(COUNT(*) AS TEXT) AS n FROM oidc_keys WHERE sealed IS NOT NULL";
    assert_eq!(texts(control, private, "n").await, ["1"], "the old private part is destroyed");

    // A token that was signed at the last moment stays good to its end.
    world.clock.advance(MAX_LIFETIME);
    control.keep_oidc_keys().await.expect("kept");
    verify(&key_set(control).await, &still, audience).expect("the old key is still published");
    world.clock.advance(Duration::from_secs(601));
    assert_eq!(control.keep_oidc_keys().await.expect("kept").forgotten, 1);
    assert!(key_of(&key_set(control).await, &still).is_none());

    // A server that was off for a year signs on, with the next key announced first.
    world.clock.advance(Duration::from_secs(365 * 24 * 3600));
    assert_eq!(control.keep_oidc_keys().await.expect("kept").made, 1);
    assert_eq!(key_set(control).await.len(), 2);
}

pub async fn two_servers_make_one_key(world: &World) {
    let control = &world.control;
    let keys = crate::worlds::ring(&control.keys());
    let entropy = Arc::new(SeededEntropy::new(next()));
    let other = Control::new(control.store().clone(), keys, world.clock.clone(), entropy, Settings::default());
    let (one, another) = tokio::join!(control.keep_oidc_keys(), other.keep_oidc_keys());
    assert_eq!(one.expect("kept").made + another.expect("kept").made, 1);
    assert_eq!(key_set(control).await.len(), 1);
}
