//! Bodies and heads that are too large, do not end, or are more than they look.

use std::process::{Command, Stdio};
use std::time::Duration;

use countersign_testkit::harness::figures::tell;
use countersign_testkit::harness::http::Call;
use countersign_testkit::routes::{self, Route};
use hyper::Method;

use crate::raw::{self, Outcome};
use crate::subject::Subject;

/// How much more memory the server may have taken than before.
const MEMORY_KIB: u64 = 16 * 1024;
/// How soon a connection must be closed on which more is announced than is ever taken.
const CLOSED: Duration = Duration::from_secs(2);
/// How often one that was closed later is tried, until it is that soon.
const TRIES: usize = 3;
/// Ten gibibytes.
const TEN_GIB: u64 = 10 << 30;
/// Up to where a body that does not end is sent, if it is taken.
const ENDLESS: usize = 256 << 20;
/// What any route may take of one: the most that a route's body may have, and what is under way.
const TAKEN: usize = 24 << 20;

/// Without it a connection stays open after an answer for which everything was read.
const CLOSE: &str = "Connection: close";

/// Every route that may be sent a body, as method and path.
fn with_bodies() -> Vec<(&'static str, String)> {
    let id = "0198f3a1-7c3e-7b21-9f60-3a5c1e0d4b77";
    let filled = |prefix: &str, route: Route| {
        let mut path = format!("{prefix}{}", route.path);
        while let (Some(from), Some(to)) = (path.find('{'), path.find('}')) {
            path.replace_range(from..=to, id);
        }
        (route.method, path)
    };
    let faces = [
        ("/v3", routes::agent_api()),
        ("", routes::beside_agent_api()),
        ("/v2", routes::rest()),
        ("", routes::dagster()),
    ];
    let routes = faces.into_iter().flat_map(|(prefix, routes)| routes.into_iter().map(move |route| (prefix, route)));
    let mut all: Vec<_> =
        routes.filter(|(_, route)| route.method != "GET").map(|(prefix, route)| filled(prefix, route)).collect();
    all.extend([("POST", "/graphql".to_owned()), ("POST", "/v1".to_owned())]);
    assert!(all.len() > 40, "{}", all.len());
    all
}

/// The head of a request.
fn head(method: &str, path: &str, more: &[&str]) -> String {
    let mut head = format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\n");
    for line in more {
        head += line;
        head += "\r\n";
    }
    head + "\r\n"
}

fn is_refused(outcome: &Outcome) -> bool {
    matches!(outcome.status, Some(400..=499))
}

#[tokio::test(flavor = "multi_thread")]
async fn a14_a_body_of_ten_gibibytes_is_refused_before_it_is_read() {
    let subject = Subject::new().await;
    let before = subject.peak();
    let length = format!("Content-Length: {TEN_GIB}");
    let tokens = [
        String::new(),
        format!("Authorization: Token {}", subject.token),
        format!("Authorization: Bearer {}", subject.installation.made.user_token),
    ];
    let mut slowest = Duration::ZERO;
    for (method, path) in with_bodies() {
        for token in &tokens {
            let lines: Vec<&str> = [length.as_str(), token].into_iter().filter(|line| !line.is_empty()).collect();
            let mut quickest = Duration::MAX;
            // A machine that stalls does not do so each time; a connection that is kept open is.
            for _ in 0..TRIES {
                let outcome = raw::send(subject.installation.listen, &head(method, &path, &lines), b"", 0).await;
                assert!(is_refused(&outcome), "{method} {path}: {outcome:?}");
                quickest = quickest.min(outcome.closed_after);
                if quickest < CLOSED {
                    break;
                }
            }
            assert!(quickest < CLOSED, "{method} {path} is closed after {quickest:?}");
            slowest = slowest.max(quickest);
        }
    }
    subject.is_well().await;
    let more = subject.peak() - before;
    tell(format_args!("threats: a14: ten gibibytes: slowest {:.0} ms, {more} KiB more", slowest.as_secs_f64() * 1e3));
    assert!(more <= MEMORY_KIB, "{more} KiB more");
}

#[tokio::test(flavor = "multi_thread")]
async fn a14_a_body_that_does_not_end_is_cut_off() {
    let subject = Subject::new().await;
    let before = subject.peak();
    let job = format!("Authorization: Token {}", subject.token);
    let agent = format!("Authorization: Token {}", subject.installation.made.agent_token);
    let user = format!("Authorization: Bearer {}", subject.installation.made.user_token);
    let of_job = |what: &str| format!("/v3/jobs/{}/{what}", subject.job);
    let form = "Content-Type: multipart/form-data; boundary=B";
    let field = "--B\r\nContent-Disposition: form-data; name=\"path\"\r\n\r\n";
    let file = "--B\r\nContent-Disposition: form-data; name=\"file\"; filename=\"x\"\r\n\r\n";
    let cases = [
        ("a registration", "/v3/register".to_owned(), agent.as_str(), "", ""),
        ("GraphQL", "/graphql".to_owned(), &user, "", ""),
        ("meta-data", of_job("data/set"), &job, "", ""),
        ("a pipeline", of_job("pipelines"), &job, "", ""),
        ("an annotation", of_job("annotations"), &job, "", ""),
        ("a piece of log", of_job("chunks?sequence=1&offset=0&size=5"), &job, "", ""),
        ("artifacts", of_job("artifacts"), &job, "", ""),
        ("a form without a beginning", "/v3/artifact-form".to_owned(), &job, form, ""),
        ("a form's field", "/v3/artifact-form".to_owned(), &job, form, field),
        ("a form's file, not signed", "/v3/artifact-form".to_owned(), &job, form, file),
        ("a form's head", "/v3/artifact-form".to_owned(), &job, form, "--B\r\nContent-Disposition: "),
        ("an artifact, not signed", "/v3/artifacts/0198f3a1-7c3e-7b21-9f60-3a5c1e0d4b77".to_owned(), &job, "", ""),
    ];
    for (what, path, token, kind, first) in &cases {
        let method = if path.starts_with("/v3/artifacts/") { "PUT" } else { "POST" };
        let mut lines = vec!["Transfer-Encoding: chunked", *token];
        lines.extend([*kind].into_iter().filter(|line| !line.is_empty()));
        let mut begun = head(method, path, &lines);
        if !first.is_empty() {
            begun += &format!("{:x}\r\n{first}\r\n", first.len());
        }
        let piece = format!("{:x}\r\n{}\r\n", 65_536, "x".repeat(65_536));
        let peak = subject.peak();
        let outcome = raw::send(subject.installation.listen, &begun, piece.as_bytes(), ENDLESS).await;
        assert!(outcome.sent < TAKEN, "{what}: {outcome:?}");
        assert!(outcome.status.is_none() || is_refused(&outcome), "{what}: {outcome:?}");
        let more = subject.peak() - peak;
        tell(format_args!(
            "threats: a14: endless: {what}: {:?}, {} bytes taken, {more} KiB more",
            outcome.status, outcome.sent
        ));
        subject.is_well().await;
    }
    let more = subject.peak() - before;
    assert!(more <= MEMORY_KIB, "{more} KiB more");
}

#[tokio::test(flavor = "multi_thread")]
async fn a14_what_is_packed_is_not_unpacked_beyond_what_it_may_be() {
    let subject = Subject::new().await;
    let before = subject.peak();
    // 256 MiB of nothing, a thousandth of that as it is sent.
    let bomb = Command::new("sh").args(["-c", "head -c 268435456 /dev/zero | gzip -9"]).stdin(Stdio::null()).output();
    let bomb = bomb.expect("gzip is there").stdout;
    assert!(bomb.len() > 100_000 && bomb.len() < 512 * 1024, "{}", bomb.len());
    // The longest that may be sent at one time, and so a gzip that ends early.
    let piece = bomb[..110_000].to_vec();
    let chunk = |size: usize| format!("/v3/jobs/{}/chunks?sequence=1&offset=0&size={size}", subject.job);
    for (path, body, token) in [
        (chunk(268_435_456), piece.clone(), format!("Token {}", subject.token)),
        (chunk(5), piece, format!("Token {}", subject.token)),
        (chunk(5), bomb.clone(), format!("Token {}", subject.token)),
        ("/v3/register".to_owned(), bomb.clone(), format!("Token {}", subject.installation.made.agent_token)),
        ("/graphql".to_owned(), bomb.clone(), format!("Bearer {}", subject.installation.made.user_token)),
    ] {
        let mut call = Call::new(Method::POST, &path).header("Content-Encoding", "gzip");
        call.authorization = Some(token);
        call.body = body.into();
        let answer = subject.call(&call).await;
        assert!(matches!(answer.status, 400 | 413 | 415 | 422), "{path}: {} {}", answer.status, answer.text());
    }
    subject.is_well().await;
    let more = subject.peak() - before;
    tell(format_args!("threats: a14: packed: {more} KiB more"));
    assert!(more <= MEMORY_KIB, "{more} KiB more");
}

#[tokio::test(flavor = "multi_thread")]
async fn a14_heads_and_forms_have_an_end() {
    let subject = Subject::new().await;
    let before = subject.peak();
    let server = subject.installation.listen;
    let many: Vec<String> = (0..200).map(|number| format!("X-{number}: x")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let long = format!("X-Long: {}", "x".repeat(200_000));
    let address = format!("/v3/{}", "x".repeat(200_000));
    let boundary = format!("Content-Type: multipart/form-data; boundary={}", "B".repeat(50_000));
    for (what, head) in [
        ("many headers", head("GET", "/healthz", &many)),
        ("a long header", head("GET", "/healthz", &[&long])),
        ("a long address", head("GET", &address, &[])),
        ("a long boundary", head("POST", "/v3/artifact-form", &[&boundary, "Content-Length: 10", CLOSE])),
    ] {
        let outcome = raw::send(server, &head, b"0123456789", 0).await;
        assert!(outcome.status.is_none() || is_refused(&outcome), "{what}: {outcome:?}");
        assert!(outcome.closed_after < Duration::from_secs(15), "{what}: {outcome:?}");
    }
    let part =
        |name: &str, value: &str| format!("--B\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n");
    for (what, body) in [
        ("many fields", (0..100_000).map(|number| part(&format!("f{number}"), "")).collect::<String>()),
        ("one field many times", part("path", "x").repeat(100_000)),
        ("a long field", part("path", &"x".repeat(16 << 20))),
        ("many heads in a part", { format!("--B\r\n{}\r\nx\r\n--B--\r\n", "X-Head: x\r\n".repeat(100_000)) }),
    ] {
        let length = format!("Content-Length: {}", body.len());
        let head =
            head("POST", "/v3/artifact-form", &["Content-Type: multipart/form-data; boundary=B", &length, CLOSE]);
        let outcome = raw::send(server, &head, body.as_bytes(), 0).await;
        assert!(outcome.status.is_none() || is_refused(&outcome), "{what}: {outcome:?}");
        subject.is_well().await;
    }
    let more = subject.peak() - before;
    tell(format_args!("threats: a14: heads and forms: {more} KiB more"));
    assert!(more <= MEMORY_KIB, "{more} KiB more");
}
