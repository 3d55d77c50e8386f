//! Every form of the pages, attacked: what another site's page, another person and an old sign-in send changes no row. Each form is one that
//! succeeds when it is sent rightly, and a form whose check is left out is found out.

mod attacks;
mod browser;
mod cookie;
mod headers;
mod offered;
mod roles;
mod rows;
mod sessions;
mod targets;

use std::collections::BTreeSet;
use std::future::ready;
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::middleware::map_request;
use countersign_testkit::{Engine, routes};
use http::HeaderValue;
use http::header::{CONTENT_TYPE, COOKIE};

use attacks::Thieves;
use browser::{ADA, FORM, GRACE, GRACES, PASSWORD, Server};
use targets::{By, Leaves, Targets};

/// Longer than a sign-in is good for.
const LONG: Duration = Duration::from_secs(31 * 24 * 3600);

/// What asks for no sign-in.
const OPEN: [&str; 7] = [
    "/invitation",
    "/sign-in/link",
    "/appearance",
    "/sign-in",
    "/sign-in/passkey",
    "/sign-in/provider",
    "/invitation/provider",
];

/// A server with a target for every form, and whose sign-ins are tried.
async fn stage(engine: Engine) -> (Server, Targets, Thieves) {
    let server = Server::on(engine).await;
    let expired = server.links_in(ADA, PASSWORD).await;
    server.world.clock.advance(LONG);
    let stranger = server.links_in(GRACE, GRACES).await;
    let targets = Box::pin(Targets::of(&server)).await;
    let ended = server.signs_in(ADA, PASSWORD).await;
    assert_eq!(server.post("/sign-out", &ended, &[]).await.status, 303);
    (server, targets, Thieves { stranger, ended, expired })
}

#[tokio::test]
async fn a9_no_form_does_anything_for_whom_it_is_not() {
    Engine::side_by_side(async |engine| Box::pin(attacked(engine)).await).await;
}

async fn attacked(engine: Engine) {
    let (server, targets, thieves) = Box::pin(stage(engine)).await;
    let known: BTreeSet<_> = targets.forms.iter().map(|form| form.route).collect();
    let routes: BTreeSet<_> = routes::pages().into_iter().filter(|it| it.method == "POST").map(|it| it.path).collect();
    assert_eq!(known, routes, "each form has a row in `targets`, and each row a form");
    assert_eq!(known.len(), targets.forms.len(), "a form has two rows");
    let open: Vec<_> = targets.forms.iter().filter(|it| it.by == By::Anyone).map(|it| it.route).collect();
    assert_eq!(open, OPEN, "what asks for no sign-in");

    let found = Box::pin(attacks::found(&server, &server.router, &targets.forms, &thieves)).await;
    assert!(found.is_empty(), "{} attacks were not in vain:\n{}", found.len(), found.join("\n"));

    // The very same forms, sent rightly.
    server.world.clock.advance(Duration::from_secs(1));
    for form in &targets.forms {
        let before = server.rows().await;
        let answer = server.send(&form.rightly()).await;
        let expected = answer.status.is_success() || answer.status.is_redirection();
        assert!(
            expected && !answer.location().starts_with("/prove"),
            "{}: {} {}",
            form.route,
            answer.status,
            answer.text
        );
        let changes = before.changes(&server.rows().await);
        let is_done = match form.leaves {
            Leaves::Rows => !changes.is_empty(),
            Leaves::Cookie => changes.is_empty() && answer.cookies().len() == 1,
            Leaves::Away => {
                let cookies = answer.cookies();
                let is_kept = matches!(cookies.as_slice(), [one] if one.starts_with("countersign-provider="));
                changes.is_empty() && is_kept && answer.text.contains("url=https://login.example.com/authorize?")
            }
            Leaves::Nothing => changes.is_empty() && answer.text.contains("The chain holds"),
        };
        assert!(is_done, "{} has not done what it is for: {} {changes:?}", form.route, answer.location());
    }
}

/// The same server, that does not ask where the form at one address comes from and what it is.
fn careless(server: &Server, path: &str) -> Router {
    let path = path.to_owned();
    server.router.clone().layer(map_request(move |mut request: Request| {
        if request.uri().path() == path && request.method() == "POST" {
            request.headers_mut().insert("sec-fetch-site", HeaderValue::from_static("same-origin"));
            request.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(FORM));
        }
        ready(request)
    }))
}

/// The same server, that takes whoever sends the form at one address for Ada.
fn credulous(server: &Server, path: &str, ada: &str) -> Router {
    let (path, ada) = (path.to_owned(), HeaderValue::from_str(ada).expect("a header"));
    server.router.clone().layer(map_request(move |mut request: Request| {
        if request.uri().path() == path {
            request.headers_mut().insert(COOKIE, ada.clone());
        }
        ready(request)
    }))
}

/// Control: what is left out is found, at that form and at no other.
#[tokio::test]
async fn a9_a_form_whose_check_is_left_out_is_found_out() {
    let (server, targets, thieves) = Box::pin(stage(Engine::Sqlite)).await;
    let route = "/organizations/{organization}/settings/deployments/new";
    let at = targets.forms.iter().position(|form| form.route == route).expect("it is a form");
    let forms = &targets.forms[at..=at];
    let found =
        Box::pin(attacks::found(&server, &credulous(&server, &forms[0].path, &targets.ada), forms, &thieves)).await;
    for attack in ["Stranger", "Nobody", "Ended", "Expired"] {
        assert!(found.iter().any(|it| it.starts_with(&format!("{route} × {attack}: "))), "{attack}: {found:#?}");
    }
    // The last two end the sign-in that the others are tried with.
    for route in [
        "/organizations/{organization}/settings/teams/new",
        "/organizations/{organization}/settings/tokens/{token}/revoke",
        "/organizations/{organization}/agents/{agent}/resume",
        "/organizations/{organization}/settings/deployments/{id}/queues/{queue}/pause",
        "/sign-in",
        "/sign-in/passkey",
    ] {
        let at = targets.forms.iter().position(|form| form.route == route).expect("it is a form");
        let forms = &targets.forms[at.saturating_sub(1)..=at];
        let found =
            Box::pin(attacks::found(&server, &careless(&server, &forms[forms.len() - 1].path), forms, &thieves)).await;
        for attack in ["CrossSite", "Bare", "OwnPlainText"] {
            assert!(found.iter().any(|it| it.starts_with(&format!("{route} × {attack}: "))), "{attack}: {found:#?}");
        }
        assert!(found.iter().any(|it| it.contains(" rows: ")), "no row was changed: {found:#?}");
        assert!(found.iter().all(|it| it.starts_with(&format!("{route} "))), "{found:#?}");
    }
}
