//! The console that a browser gets.

use axum::body::Body;
use http::Request;

use crate::client::{Answer, Server};

async fn get(server: &Server, path: &str, accept: &str) -> Answer {
    let request = Request::get(path).header("accept", accept).body(Body::empty());
    server.send(request.expect("a request")).await
}

const BROWSER: &str = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";

/// What the page and its modules load: `"…"` behind `src=`, `href=` or `from`.
fn loaded(text: &str) -> Vec<String> {
    let marks = ["src=\"", "href=\"", "from \""];
    let all = marks.iter().flat_map(|mark| text.split(mark).skip(1));
    all.filter_map(|rest| rest.split('"').next()).filter(|it| !it.starts_with('#')).map(str::to_owned).collect()
}

#[tokio::test]
async fn a_browser_gets_a_page_that_needs_nobody_else() {
    let server = Server::new().await;
    let mut to_do = Vec::new();
    for path in ["/graphql", "/v1"] {
        let page = get(&server, path, BROWSER).await;
        assert_eq!((page.status.as_u16(), page.header("content-type")), (200, "text/html; charset=utf-8"));
        assert!(page.text.contains("<title>GraphiQL · Countersign</title>"));
        let policy = page.header("content-security-policy");
        assert!(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"), "{policy}");
        assert!(!policy.contains("unsafe") && !policy.contains("http"), "{policy}");
        to_do = loaded(&page.text);
        assert!(!page.text.contains("<style") && !page.text.contains("onclick"), "nothing stands inline");
    }
    let mut seen = Vec::new();
    while let Some(path) = to_do.pop() {
        let path = match path.strip_prefix("./") {
            Some(name) => format!("/graphql/assets/{name}"),
            None => path,
        };
        assert!(path.starts_with("/graphql/assets/"), "{path} is not ours");
        if seen.contains(&path) {
            continue;
        }
        let file = get(&server, &path, "*/*").await;
        let kind = if path.ends_with(".css") { "text/css" } else { "text/javascript" };
        assert_eq!(file.status, 200, "{path}");
        assert!(file.header("content-type").starts_with(kind), "{path}");
        for theirs in ["http://", "https://", "innerHTML", "eval(", "localStorage", "sessionStorage"] {
            assert!(!file.text.contains(theirs), "{path} has {theirs}");
        }
        to_do.extend(loaded(&file.text));
        seen.push(path);
    }
    assert!(seen.len() >= 6, "{seen:?}");
}

/// The examples and the query of the explorer are documents that the server takes.
#[tokio::test]
async fn its_documents_fit_the_schema() {
    let server = Server::new().await;
    let mut tried = 0;
    for path in ["/graphql/assets/examples.js", "/graphql/assets/introspection.js"] {
        let file = get(&server, path, "*/*").await;
        // Documents are the text between backticks.
        for document in file.text.split('`').skip(1).step_by(2) {
            let answer =
                server.ask(document, serde_json::json!({ "organizationID": "x", "id": "x", "slug": "acme" })).await;
            assert!(answer.json().get("data").is_some(), "{document}\n{}", answer.text);
            tried += 1;
        }
    }
    assert!(tried >= 6, "only {tried} documents were found");
}
