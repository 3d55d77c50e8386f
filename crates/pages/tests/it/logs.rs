//! A job's page: its log in parts, what is found in it, and how a page is told of news.

use axum::body::Body;
use http_body_util::BodyExt;

use crate::browser::Server;
use crate::cast::{self, Job};

fn path(job: &Job) -> String {
    format!("/organizations/acme/builds/demo/1/jobs/{}", job.id)
}

async fn running(server: &Server) -> Job {
    cast::build(&server.world, "steps: [{command: make test, label: Unit}]").await;
    cast::running(&server.world).await
}

/// Numbers of the lines of a page.
fn numbers(page: &str) -> Vec<i64> {
    page.split(" id=\"L").skip(1).filter_map(|it| it.split('"').next()?.parse().ok()).collect()
}

#[tokio::test]
async fn a_log_is_read_in_parts_from_any_line() {
    let server = Server::new().await;
    let ada = server.admin().await;
    let job = running(&server).await;
    let page = ada.page(&path(&job)).await;
    assert!(page.contains("Nothing was written yet") && page.contains("data-stream"), "{page}");
    let (mut offset, mut sequence) = (0, 0);
    for first in (1..=1_000).step_by(100) {
        let text: String = (first..first + 100).map(|line| format!("line {line}.\n")).collect();
        sequence += 1;
        job.writes(&server.world, sequence, offset, &text).await;
        offset += i64::try_from(text.len()).expect("a length");
    }
    job.writes(&server.world, sequence + 1, offset, "\u{1b}[31mthe end").await;
    let tail = ada.page(&path(&job)).await;
    assert!(
        tail.contains("<b class=\"f1\">the end</b>") && tail.contains("line 1000.") && !tail.contains("line 1."),
        "{tail}"
    );
    assert_eq!(numbers(&tail).last(), Some(&1_001));
    assert!(tail.contains("data-tail=\"1001\"") && tail.len() < 100_000, "{}", tail.len());
    let middle = ada.page(&format!("{}?line=450", path(&job))).await;
    assert!(numbers(&middle).starts_with(&[450, 451]) && middle.contains("line 450.") && !middle.contains("line 449."));
    let next = middle.split(r#"rel="next" href=""#).nth(1).and_then(|it| it.split('"').next()).expect("a next part");
    let last = *numbers(&middle).last().expect("lines");
    let after = ada.page(&next.replace("&#38;", "&")).await;
    assert_eq!(numbers(&after).first(), Some(&(last + 1)));
    for line in ["0", "-5", "99999999", "x", "9223372036854775807", "99999999999999999999"] {
        assert!(!numbers(&ada.page(&format!("{}?line={line}", path(&job))).await).is_empty(), "{line}");
    }
    job.ends(&server.world, "0").await;
    let page = ada.page(&path(&job)).await;
    assert!(
        numbers(&page).starts_with(&[1, 2]) && !page.contains("data-stream"),
        "one that has ended begins at its beginning"
    );
}

#[tokio::test]
async fn the_end_of_a_log_is_its_end_however_long_its_lines_are() {
    let server = Server::new().await;
    let ada = server.admin().await;
    let job = running(&server).await;
    let (mut offset, mut sequence) = (0, 0);
    for first in (1..=1_000).step_by(100) {
        let text: String = (first..first + 100).map(|line| format!("{line:0>399}\n")).collect();
        sequence += 1;
        job.writes(&server.world, sequence, offset, &text).await;
        offset += i64::try_from(text.len()).expect("a length");
    }
    let open = ada.page(&path(&job)).await;
    assert!(open.contains("data-tail=\"1000\"") && open.len() < 100_000, "what comes is added: {} bytes", open.len());
    let beyond = ada.page(&format!("{}?line=5000", path(&job))).await;
    assert_eq!(numbers(&beyond).last(), Some(&1_000));
    assert!(beyond.contains("There is no line 5000") && !open.contains("There is no line"), "{beyond}");
    let followed = ada.page(&format!("{}?line=1000&follow=on", path(&job))).await;
    assert_eq!(numbers(&followed), [1_000], "whoever has this line asks for it once more");
    job.ends(&server.world, "0").await;
    let start = ada.page(&path(&job)).await;
    assert!(numbers(&start).starts_with(&[1, 2]) && start.contains("?line=end\""), "{start}");
    assert_eq!(numbers(&ada.page(&format!("{}?line=end", path(&job))).await).last(), Some(&1_000));
}

#[tokio::test]
async fn a_part_of_a_log_says_which_group_it_goes_on_with() {
    let server = Server::new().await;
    let ada = server.admin().await;
    let job = running(&server).await;
    let lines: String = (2..=600).map(|line| format!("line {line}\n")).collect();
    job.writes(&server.world, 1, 0, &format!("--- Set up <b>\n{lines}--- Tests\n")).await;
    let within = ada.page(&format!("{}?line=400", path(&job))).await;
    let link = format!("within <a href=\"{}?line=1#L1\">Set up &#60;b&#62;</a>", path(&job));
    assert!(within.contains(&link), "{within}");
    let followed = ada.page(&format!("{}?line=400&follow=on", path(&job))).await;
    assert!(!followed.contains("The first lines are within"), "{followed}");
    assert!(!ada.page(&format!("{}?line=1", path(&job))).await.contains("The first lines are within"));
}

#[tokio::test]
async fn a_job_tells_its_tries_and_no_secret() {
    let server = Server::new().await;
    let ada = server.admin().await;
    let definition = "steps: [{command: make test, label: Unit, env: {DEPLOY_TOKEN: hunter2, OPEN: to-all}}]";
    cast::build(&server.world, definition).await;
    let job = cast::running(&server.world).await;
    let page = ada.page(&path(&job)).await;
    assert!(page.contains("DEPLOY_TOKEN") && page.contains("to-all") && !page.contains("hunter2"), "{page}");
    assert!(!page.contains("id=\"tries\""), "there is one try alone");
    job.ends(&server.world, "1").await;
    let second = ada.post(&format!("{}/retry", path(&job)), &[]).await.location().to_owned();
    for (of, other, words) in [(path(&job), &second, "Try 2"), (second.clone(), &path(&job), "Try 1")] {
        let page = ada.page(&of).await;
        assert!(page.contains("id=\"tries\"") && page.contains("This one"), "{page}");
        assert!(page.contains(&format!("<a href=\"{other}\">{words}</a>")), "{page}");
        assert!(page.contains("asked for by a person") && page.contains("Failed"), "{page}");
    }
}

#[tokio::test]
async fn a_text_is_found_in_a_log_and_stays_one() {
    let server = Server::new().await;
    let ada = server.admin().await;
    let job = running(&server).await;
    job.writes(&server.world, 1, 0, "--- one\nan \u{1b}[31mERROR\u{1b}[0m here\n<script>alert(1)</script>\n").await;
    let found = ada.page(&format!("{}?search=error", path(&job))).await;
    assert!(found.contains("<mark>ERROR</mark>") && found.contains("?line=2#L2"), "{found}");
    let found = ada.page(&format!("{}?search=%3Cscript%3E", path(&job))).await;
    assert!(found.contains("<mark>&#60;script&#62;</mark>") && !found.contains("<script>alert"), "{found}");
    assert!(ada.page(&format!("{}?search=nowhere", path(&job))).await.contains("Nothing found."));
    let page = ada.page(&path(&job)).await;
    assert!(page.contains("&#60;script&#62;alert(1)") && !page.contains("<script>alert"), "{page}");
}

#[tokio::test]
async fn a_log_is_downloaded_as_it_is() {
    let server = Server::new().await;
    let ada = server.admin().await;
    let job = running(&server).await;
    let text = "--- one\n\u{1b}[31m<script>alert(1)</script>\u{1b}[0m\n";
    job.writes(&server.world, 1, 0, text).await;
    let answer = ada.get(&format!("{}/log", path(&job))).await;
    assert_eq!((answer.status.as_u16(), answer.text.as_str()), (200, text));
    let header = |name: &str| answer.headers[name].to_str().expect("a text").to_owned();
    assert_eq!(header("content-type"), "text/plain; charset=utf-8");
    assert_eq!(header("x-content-type-options"), "nosniff");
    assert!(header("content-disposition").starts_with("attachment; filename=\"demo-1-"), "it is shown by no browser");
}

/// The next event of a stream, while the clock goes on: whenever it sleeps, to when it is to be woken.
async fn event(server: &Server, body: &mut Body) -> Option<String> {
    let clock = &server.world.clock;
    loop {
        let frame = tokio::select! {
            biased;
            frame = body.frame() => frame,
            at = clock.until_one_sleeps() => {
                clock.set(at);
                continue;
            }
        };
        let data = frame?.expect("the stream goes on").into_data().expect("a line");
        let text = String::from_utf8(data.to_vec()).expect("text");
        if let Some(event) = text.strip_prefix("event: ") {
            return event.lines().next().map(str::to_owned);
        }
    }
}

#[tokio::test]
async fn a_page_is_told_of_news_until_the_job_has_ended() {
    let server = Server::new().await;
    let ada = server.admin().await;
    let job = running(&server).await;
    let answer = ada.listen(&format!("{}/events", path(&job))).await;
    assert_eq!(
        (answer.status().as_u16(), &answer.headers()["content-type"].as_bytes()[..17]),
        (200, &b"text/event-stream"[..])
    );
    let mut body = answer.into_body();
    assert_eq!(event(&server, &mut body).await.as_deref(), Some("news"), "what came between the page and the stream");
    job.writes(&server.world, 1, 0, "one\n").await;
    assert_eq!(event(&server, &mut body).await.as_deref(), Some("news"));
    job.ends(&server.world, "0").await;
    assert_eq!(event(&server, &mut body).await.as_deref(), Some("news"));
    job.writes(&server.world, 2, 4, "late\n").await;
    assert_eq!(event(&server, &mut body).await.as_deref(), Some("news"), "what comes late comes too");
    assert_eq!(event(&server, &mut body).await.as_deref(), Some("last"));
    assert_eq!(event(&server, &mut body).await, None);
}

#[tokio::test]
async fn a_stream_ends_with_the_sign_in_that_opened_it() {
    let server = Server::new().await;
    let ada = server.admin().await;
    let job = running(&server).await;
    let mut streams = Vec::new();
    for path in [format!("{}/events", path(&job)), "/organizations/acme/builds/demo/1/events".to_owned()] {
        let mut body = ada.listen(&path).await.into_body();
        assert_eq!(event(&server, &mut body).await.as_deref(), Some("news"), "{path}");
        streams.push((path, body));
    }
    ada.post("/sign-out", &[]).await;
    for (path, mut body) in streams {
        assert_eq!(event(&server, &mut body).await.as_deref(), Some("end"), "{path}");
        assert_eq!(event(&server, &mut body).await, None, "{path}");
        assert_eq!(ada.listen(&path).await.status(), 303, "{path}: it opens no other");
    }
}

#[tokio::test]
async fn a_stream_ends_for_whoever_is_no_member_any_more() {
    let server = Server::new().await;
    let (ada, grace) = (server.admin().await, server.member().await);
    let job = running(&server).await;
    let mut body = grace.listen(&format!("{}/events", path(&job))).await.into_body();
    assert_eq!(event(&server, &mut body).await.as_deref(), Some("news"));
    ada.prove().await;
    let hers = format!("/organizations/acme/settings/members/{}/remove", server.world.globex.created.admin.id);
    assert_eq!(ada.post(&hers, &[]).await.status, 303);
    job.writes(&server.world, 1, 0, "one\n").await;
    assert_eq!(event(&server, &mut body).await.as_deref(), Some("end"), "she is not told that there is more");
    assert_eq!(event(&server, &mut body).await, None);
}

#[tokio::test]
async fn a_person_has_only_so_many_streams() {
    let server = Server::new().await;
    let ada = server.admin().await;
    let job = running(&server).await;
    let mut open = Vec::new();
    let refused = loop {
        let answer = ada.listen(&format!("{}/events", path(&job))).await;
        if answer.status() != 200 {
            break answer;
        }
        open.push(answer);
        assert!(open.len() < 100, "there is an end");
    };
    assert_eq!(refused.status(), 429);
    drop(open);
    assert_eq!(ada.listen(&format!("{}/events", path(&job))).await.status(), 200);
}
