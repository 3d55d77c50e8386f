//! The stories of an organization's own settings: its name, what is in a deployment, who holds which role, service users.

use crate::browser::{Browser, Server};
use crate::cast;

const SETTINGS: &str = "/organizations/acme/settings";

/// Whether a form came back with a fault at this field, on which one stands.
fn is_at_field(answer: &crate::browser::Answer, field: &str) -> bool {
    let input = answer.text.split(&format!("id=\"{field}\"")).nth(1).and_then(|it| it.split('>').next());
    answer.status == 422
        && answer.text.contains(&format!(r#"id="{field}-error""#))
        && input.is_some_and(|it| it.contains("autofocus"))
}

async fn deployment(ada: &Browser<'_>, name: &str) -> String {
    let made = ada.post(&format!("{SETTINGS}/deployments/new"), &[("name", name), ("parent", "")]).await;
    assert_eq!(made.status, 303, "{}", made.text);
    made.location().to_owned()
}

#[tokio::test]
async fn an_organization_is_changed_and_found_under_its_new_slug() {
    let server = Server::new().await;
    let (ada, grace) = (server.admin().await, server.member().await);
    assert!(ada.page(SETTINGS).await.contains("/settings/edit\""));
    assert!(!grace.page(SETTINGS).await.contains("/settings/edit\""));
    let edit = format!("{SETTINGS}/edit");
    assert!(ada.page(&edit).await.contains("no other organization is ever given it"));

    let fields = |name, slug| [("name", name), ("slug", slug), ("reveal_policy", "never")];
    assert!(is_at_field(&ada.fill(&edit, &fields(" ", "acme")).await, "name"));
    assert!(is_at_field(&ada.fill(&edit, &fields("Acme", "Acme!")).await, "slug"));
    let taken = ada.fill(&edit, &fields("Acme", "globex")).await;
    assert!(is_at_field(&taken, "slug") && taken.text.contains("Another organization has the slug"), "{}", taken.text);
    assert_eq!(grace.post(&edit, &fields("Mine", "mine")).await.status, 403);

    let done = ada.fill(&edit, &fields("Acme Corporation", "acme-corporation")).await;
    assert_eq!((done.status.as_u16(), done.location()), (303, "/organizations/acme-corporation/settings"));
    let page = ada.page(done.location()).await;
    assert!(page.contains("Acme Corporation") && page.contains("it is shown once"), "{page}");
    let old = ada.get(&format!("{SETTINGS}/tokens?search=a")).await;
    assert_eq!(
        (old.status.as_u16(), old.location()),
        (308, "/organizations/acme-corporation/settings/tokens?search=a"),
        "{}",
        old.text
    );
    let late = ada.post(&edit, &fields("Late", "late")).await;
    assert!(late.status == 409 && late.text.contains("/organizations/acme-corporation"), "{}", late.text);
    let log = ada.page("/organizations/acme-corporation/settings/audit-log").await;
    assert!(log.contains("organization.<wbr>updated"), "{log}");
    let back = ada.fill("/organizations/acme-corporation/settings/edit", &fields("Acme", "acme")).await;
    assert_eq!(back.location(), SETTINGS, "its own it takes back");
}

#[tokio::test]
async fn an_old_slug_tells_nothing_to_others() {
    let server = Server::new().await;
    let (ada, grace) = (server.admin().await, server.signed_in("grace@globex.example").await);
    let fields = [("name", "Acme"), ("slug", "acme-works"), ("reveal_policy", "never")];
    assert_eq!(ada.fill(&format!("{SETTINGS}/edit"), &fields).await.status, 303);
    assert_eq!(ada.get(SETTINGS).await.status, 308);
    let (old, never) = (grace.get(SETTINGS).await, grace.get("/organizations/never-there/settings").await);
    assert_eq!((old.status.as_u16(), never.status.as_u16()), (404, 404), "{}", old.text);
    assert_eq!(grace.post(&format!("{SETTINGS}/edit"), &fields).await.status, 404);
}

#[tokio::test]
async fn a_deployment_is_renamed_and_has_queues() {
    let server = Server::new().await;
    let (ada, grace) = (server.admin().await, server.member().await);
    let prod = deployment(&ada, "prod").await;
    let edit = format!("{prod}/edit");
    assert!(is_at_field(&ada.post(&edit, &[("name", "default"), ("description", "")]).await, "name"));
    let done = ada.post(&edit, &[("name", "live"), ("description", "What customers see")]).await;
    assert_eq!((done.status.as_u16(), done.location()), (303, prod.as_str()), "{}", done.text);
    let page = ada.page(&prod).await;
    assert!(page.contains("live") && page.contains("What customers see"), "{page}");

    let new = format!("{prod}/queues/new");
    assert!(is_at_field(&ada.post(&new, &[("name", "no blanks"), ("description", "")]).await, "name"));
    let made = ada.post(&new, &[("name", "deploy"), ("description", "Releases")]).await;
    assert_eq!((made.status.as_u16(), made.location()), (303, prod.as_str()), "{}", made.text);
    assert!(is_at_field(&ada.post(&new, &[("name", "deploy"), ("description", "")]).await, "name"));

    let page = ada.page(&prod).await;
    let queue = page.split("/queues/").find(|it| it.contains("/pause\"")).and_then(|it| it.split('/').next());
    let queue = format!("{prod}/queues/{}", queue.expect("a queue"));
    let seen = grace.page(&prod).await;
    assert!(seen.contains("deploy") && !seen.contains("/pause\"") && !seen.contains("/edit\""), "{seen}");
    assert_eq!(grace.post(&format!("{queue}/pause"), &[]).await.status, 403);
    assert_eq!(grace.get(&format!("{queue}/edit")).await.status, 403);
    let paused = ada.post(&format!("{queue}/pause"), &[("note", "Frozen for the audit")]).await;
    assert_eq!((paused.status.as_u16(), paused.location()), (303, prod.as_str()), "{}", paused.text);
    let page = ada.page(&prod).await;
    assert!(page.contains("Frozen for the audit") && page.contains(&format!("{queue}/resume")), "{page}");
    assert_eq!(ada.post(&format!("{queue}/resume"), &[]).await.status, 303);
    assert!(ada.page(&prod).await.contains(&format!("{queue}/pause")));
    let form = format!("{queue}/edit");
    assert!(ada.page(&form).await.contains("Releases"));
    assert_eq!(ada.post(&form, &[("description", "Releases and rollbacks")]).await.location(), prod);
    assert!(ada.page(&prod).await.contains("Releases and rollbacks"));

    // A queue is in its deployment, and in no other address.
    let default = server.world.acme.created.organization.default_deployment;
    let elsewhere = queue.replace(&prod, &format!("{SETTINGS}/deployments/{default}"));
    assert_eq!(ada.get(&format!("{elsewhere}/edit")).await.status, 404);
    assert_eq!(ada.post(&format!("{queue}/delete"), &[]).await.location(), prod);
    assert!(ada.page(&prod).await.contains("No queue yet"));
}

#[tokio::test]
async fn a_queue_that_holds_work_stays() {
    let server = Server::new().await;
    let ada = server.admin().await;
    cast::build(&server.world, "steps: [{command: echo one}]").await;
    let default = server.world.acme.created.organization.default_deployment;
    let page = ada.page(&format!("{SETTINGS}/deployments/{default}")).await;
    let queue = page.split("/queues/").find(|it| it.contains("/pause\"")).and_then(|it| it.split('/').next());
    let queue = format!("{SETTINGS}/deployments/{default}/queues/{}", queue.expect("a queue"));
    let refused = ada.post(&format!("{queue}/delete"), &[]).await;
    assert!(refused.status == 422 && refused.text.contains("holds active work"), "{}", refused.text);
}

#[tokio::test]
async fn a_branch_deployment_belongs_to_a_full_one_and_ends() {
    let server = Server::new().await;
    let ada = server.admin().await;
    let prod = deployment(&ada, "prod").await;
    let parent = prod.rsplit('/').next().expect("an id");
    let fields = [("name", "pull-17"), ("parent", parent), ("expires_at", "2100-01-01T00:00")];
    let branch = ada.post(&format!("{SETTINGS}/deployments/new"), &fields).await.location().to_owned();
    assert!(ada.page(&prod).await.contains("pull-17"));
    let page = ada.page(&branch).await;
    assert!(page.contains("Branch of") && page.contains("2100-01-01 00:00"), "{page}");
    let past = ada.post(&format!("{branch}/edit"), &[("name", "pull-17"), ("expires_at", "2001-01-01T00:00")]).await;
    assert!(is_at_field(&past, "expires_at"), "{}", past.text);
    let done = ada.post(&format!("{branch}/edit"), &[("name", "pull-17"), ("expires_at", "")]).await;
    assert_eq!(done.location(), branch, "{}", done.text);
    assert!(ada.page(&branch).await.contains("When it is deleted"));
}

#[tokio::test]
async fn a_role_in_a_deployment_is_given_and_taken_on_its_page() {
    let server = Server::new().await;
    let (ada, grace) = (server.admin().await, server.member().await);
    server.members_look_on().await;
    let (prod, other) = (deployment(&ada, "prod").await, deployment(&ada, "other").await);
    let give = format!("{prod}/roles/new");
    for who in [vec![("member", "")], vec![("member", "nobody@acme.example")], vec![("team", ""), ("member", "/")]] {
        let wrong = ada.post(&give, &[who, vec![("role", "editor")]].concat()).await;
        assert!(is_at_field(&wrong, "member"), "{}", wrong.text);
    }
    let tokens = ada.post(&give, &[("member", "grace@globex.example"), ("role", "editor"), ("tokens", "on")]).await;
    assert!(tokens.status == 422 && tokens.text.contains(r#"id="tokens-error""#), "{}", tokens.text);

    let done = ada.post(&give, &[("member", "grace@globex.example"), ("role", "editor")]).await;
    assert_eq!((done.status.as_u16(), done.location()), (303, prod.as_str()), "{}", done.text);
    let (here, there) = (grace.page(&prod).await, grace.page(&other).await);
    assert!(here.contains("/queues/new\"") && !here.contains("/roles/new\""), "{here}");
    assert!(!there.contains("/queues/new\"") && !there.contains("/edit\""), "{there}");
    assert_eq!(grace.get(&format!("{prod}/queues/new")).await.status, 200);
    assert_eq!(grace.get(&format!("{other}/queues/new")).await.status, 403, "nor by its address");
    assert_eq!(grace.post(&format!("{other}/queues/new"), &[("name", "q")]).await.status, 403);
    assert_eq!(grace.get(&format!("{other}/edit")).await.status, 403);
    // The name is for Organization Admins.
    assert!(!grace.page(&format!("{prod}/edit")).await.contains(r#"name="name""#));
    assert_eq!(grace.post(&format!("{prod}/edit"), &[("description", "hers")]).await.location(), prod);

    // Agent tokens come with the role of an Admin.
    assert!(!grace.page(SETTINGS).await.contains("/settings/tokens\""));
    let admin = [("member", "grace@globex.example"), ("role", "admin"), ("tokens", "on")];
    assert_eq!(ada.post(&give, &admin).await.location(), prod);
    assert!(grace.page(SETTINGS).await.contains("/settings/tokens\""), "she manages those of prod");
    let id = prod.rsplit('/').next().expect("an id");
    let hers = grace.post(&format!("{SETTINGS}/tokens/new"), &[("description", "Hers"), ("deployment", id)]).await;
    assert_eq!(hers.status, 303, "{}", hers.text);

    let of = format!("member:{}", server.world.globex.created.admin.id);
    let page = ada.page(&prod).await;
    assert!(page.contains(&of) && page.contains("Manages those limited to this deployment"), "{page}");
    assert_eq!(ada.post(&format!("{prod}/roles/take"), &[("of", &of)]).await.location(), prod);
    assert!(ada.page(&prod).await.contains("Nobody has a role of their own here yet"));
    assert_eq!(grace.get(&format!("{prod}/queues/new")).await.status, 403);
    assert_eq!(ada.post(&format!("{prod}/roles/take"), &[("of", "x")]).await.status, 404);
}

#[tokio::test]
async fn a_team_and_a_member_are_given_roles_on_their_pages() {
    let server = Server::new().await;
    let (ada, grace) = (server.admin().await, server.member().await);
    server.members_look_on().await;
    let prod = deployment(&ada, "prod").await;
    let id = prod.rsplit('/').next().expect("an id");
    let made = ada.post(&format!("{SETTINGS}/teams/new"), &[("name", "Release")]).await;
    let team = made.location().to_owned();
    assert!(is_at_field(&ada.post(&format!("{SETTINGS}/teams/new"), &[("name", "Release")]).await, "name"));
    let renamed = ada.post(&format!("{team}/edit"), &[("name", "Releases"), ("description", "ships")]).await;
    assert_eq!((renamed.status.as_u16(), renamed.location()), (303, team.as_str()), "{}", renamed.text);
    assert!(ada.page(&team).await.contains("Releases"));
    assert_eq!(grace.get(&format!("{team}/edit")).await.status, 403);

    let gone = "0192f3a1-7c3e-7b21-9f60-3a5c1e0d4b77";
    for place in [gone, "zzz"] {
        let none = ada.post(&format!("{team}/roles/new"), &[("place", place), ("role", "editor")]).await;
        assert!(is_at_field(&none, "place"), "{} {}", none.status, none.text);
    }
    for parent in [gone, "zzz"] {
        let none = ada.post(&format!("{SETTINGS}/deployments/new"), &[("name", "late"), ("parent", parent)]).await;
        assert!(is_at_field(&none, "parent") && none.text.contains("aria-invalid"), "{} {}", none.status, none.text);
    }
    let given = ada.post(&format!("{team}/roles/new"), &[("place", id), ("role", "admin")]).await;
    assert_eq!((given.status.as_u16(), given.location()), (303, team.as_str()), "{}", given.text);
    assert!(ada.page(&prod).await.contains("Releases"));
    ada.post(&format!("{team}/members"), &[("member", "grace@globex.example")]).await;
    assert!(grace.page(&prod).await.contains("/roles/new\""), "an Admin of a deployment gives roles in it");
    // She is offered the places of her own alone, and gives herself nothing.
    let robot =
        ada.post(&format!("{SETTINGS}/members/new-service-user"), &[("name", "robot"), ("role", "member")]).await;
    let form = grace.page(&format!("{}/roles/new", robot.location())).await;
    assert!(form.contains(">prod<") && !form.contains(">default<") && !form.contains("All branch"), "{form}");
    assert!(!form.contains("agent tokens"), "they come from an Organization Admin: {form}");
    let own = format!("{SETTINGS}/members/{}", server.world.globex.created.admin.id);
    assert_eq!(grace.post(&format!("{own}/roles/new"), &[("place", id), ("role", "admin")]).await.status, 403);
    let gave = grace.post(&format!("{}/roles/new", robot.location()), &[("place", id), ("role", "editor")]).await;
    assert_eq!(gave.location(), robot.location(), "{}", gave.text);

    let branches = ada.post(&format!("{own}/roles/new"), &[("place", "branches"), ("role", "editor")]).await;
    assert_eq!(branches.location(), own, "{}", branches.text);
    assert!(ada.page(&own).await.contains("All branch deployments"));
    assert_eq!(ada.post(&format!("{own}/roles/take"), &[("of", "branches")]).await.location(), own);
    assert!(!ada.page(&own).await.contains("All branch deployments"));
    assert_eq!(ada.post(&format!("{team}/roles/take"), &[("of", id)]).await.location(), team);
    let again = ada.post(&format!("{team}/roles/take"), &[("of", id)]).await;
    assert_eq!(again.location(), team, "{}", again.text);
    assert!(again.cookie("countersign-notice").is_some_and(|it| it.contains("role-gone")), "{:?}", again.headers);
    assert!(!grace.page(&prod).await.contains("/roles/new\""));

    let all = format!("{SETTINGS}/deployments/members-role");
    assert_eq!(grace.get(&all).await.status, 403);
    assert_eq!(ada.post(&all, &[("role", "editor")]).await.location(), format!("{SETTINGS}/deployments"));
    assert!(ada.page(&format!("{SETTINGS}/deployments")).await.contains("is an Editor in every deployment"));
    assert!(grace.page(&prod).await.contains("/queues/new\""));
    assert_eq!(ada.post(&all, &[("role", "admin")]).await.status, 422);
}

#[tokio::test]
async fn a_service_user_is_made_and_has_tokens_that_admins_see() {
    let server = Server::new().await;
    let (ada, grace) = (server.admin().await, server.member().await);
    let new = format!("{SETTINGS}/members/new-service-user");
    assert!(is_at_field(&ada.post(&new, &[("name", ""), ("role", "member")]).await, "name"));
    let made = ada.post(&new, &[("name", "robot"), ("description", "Releases"), ("role", "member")]).await;
    assert_eq!(made.status, 303, "{}", made.text);
    let robot = made.location().to_owned();
    assert!(is_at_field(&ada.post(&new, &[("name", "robot"), ("role", "member")]).await, "name"));
    let edited = ada.post(&format!("{robot}/edit"), &[("name", "release-robot"), ("description", "")]).await;
    assert_eq!(edited.location(), robot, "{}", edited.text);
    assert!(ada.page(&robot).await.contains("release-robot"));

    let tokens = format!("{robot}/tokens/new");
    assert!(is_at_field(&ada.post(&tokens, &[("description", "")]).await, "description"));
    let issued = ada.post(&tokens, &[("description", "Night"), ("reveal_policy", "window")]).await;
    assert_eq!((issued.status.as_u16(), issued.headers["cache-control"].as_bytes()), (200, &b"no-store"[..]));
    let value = issued.text.split("value=\"csnut_").nth(1).and_then(|it| it.split('"').next()).expect("a value");
    let id = robot.rsplit('/').next().expect("an id");
    let list = format!("{SETTINGS}/user-tokens?for={id}");
    let page = ada.page(&list).await;
    assert!(page.contains("Night") && !page.contains(value), "{page}");
    let reveal = page.split("action=\"").find(|it| it.contains("/reveal\"")).and_then(|it| it.split('"').next());
    let reveal = reveal.expect("a way").to_owned();
    assert_eq!(ada.get(&reveal).await.location(), list);
    assert!(ada.post(&reveal, &[]).await.text.contains(value));
    assert_eq!(grace.post(&reveal, &[]).await.status, 403);
    assert_eq!(grace.get(&tokens).await.status, 403);
    assert_eq!(grace.get(&new).await.status, 403);

    // A person's token is revealed by nobody, and made by nobody else.
    let hers = format!("{SETTINGS}/members/{}", server.world.globex.created.admin.id);
    assert_eq!(ada.post(&format!("{hers}/tokens/new"), &[("description", "x")]).await.status, 404);
    assert_eq!(ada.post(&format!("{hers}/edit"), &[("name", "x")]).await.status, 404);
    let not_its = reveal.replace(id, &server.world.globex.created.admin.id.to_string());
    assert_eq!(ada.post(&not_its, &[]).await.status, 404);
}

#[tokio::test]
async fn agents_are_listed_by_deployment_queue_and_token() {
    let server = Server::new().await;
    let (ada, grace) = (server.admin().await, server.member().await);
    cast::build(&server.world, "steps: [{command: echo one}]").await;
    cast::running(&server.world).await;
    let created = &server.world.acme.created;
    let shows = async |who: &Browser<'_>, query: &str| {
        who.page(&format!("/organizations/acme/agents?{query}")).await.contains(">builder</a>")
    };
    let (default, token) = (created.organization.default_deployment, created.agent_token.id);
    assert!(shows(&ada, "").await);
    assert!(shows(&ada, &format!("deployment={default}&queue=default&token={token}")).await);
    assert!(!shows(&ada, "queue=deploy").await);
    assert!(!shows(&ada, &format!("deployment={token}")).await);
    assert!(!shows(&ada, &format!("token={default}")).await);
    assert!(shows(&grace, &format!("token={default}")).await, "whoever sees no tokens asks for none");
    assert!(shows(&ada, "deployment=x").await, "what is no id is as if nothing were said");
}
