//! Pages know one credential, the sign-in of a browser: no token of any kind opens one, and none makes a form of theirs do anything.

use countersign_testkit::routes::{self, Route};

use crate::callers::{Caller, Cast, Operation};

/// A page of acme's.
fn page(Route { method, path }: Route, token: &str) -> Operation {
    let path = path
        .replace("{organization}", "acme")
        .replace("{token}", token)
        .replace("{agent}", token)
        .replace("{dagster_agent}", token)
        .replace("{member}", token)
        .replace("{pipeline}", "demo")
        .replace("{build}", "1")
        .replace("{step}", token)
        .replace("{job}", token)
        .replace("{artifact}", token)
        .replace("{id}", token)
        .replace("{team}", token)
        .replace("{queue}", token)
        .replace("{sign_in}", "4f9Kd0aZ81b")
        .replace("{passkey}", token)
        .replace("{version}", "0")
        .replace("{name}", "pages.css")
        .replace("{*rest}", "nowhere");
    Operation { name: format!("{method} {path}"), method, path, body: None }
}

#[tokio::test]
async fn no_token_opens_a_page() {
    let cast = Cast::assemble().await;
    let token = cast.world.acme.created.agent_token.id.to_string();
    let mut led = 0;
    for operation in routes::pages().into_iter().map(|route| page(route, &token)) {
        let (nobody, text) = cast.ask(&operation, None, &cast.words).await;
        let expected: &[u16] = if operation.method == "POST" { &[403] } else { &[200, 303, 404] };
        assert!(expected.contains(&nobody.as_u16()), "{}: {nobody} {text}", operation.name);
        led += usize::from(nobody == 303);
        for caller in Caller::ALL {
            let (status, text) = cast.ask(&operation, cast.value(caller), &cast.words).await;
            assert_eq!(status, nobody, "{}: {} {text}", operation.name, caller.name());
        }
    }
    assert!(led > 25, "only {led} pages lead to signing in");
}
