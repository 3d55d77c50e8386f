//! What an agent is told while it waits: by the streaming call, and by a ping that is held.

use std::time::Duration;

use axum::body::Body;
use countersign_control::Settings;
use countersign_control::access::actions::{CancelBuild, PauseAgent, StopAgent};
use countersign_control::agents::Reach;
use countersign_wire::buildkite::{STREAM_PINGS_PATH, StreamPingsRequest, StreamPingsResponse};
use http::header::{AUTHORIZATION, CONTENT_TYPE, TE, TRAILER};
use http::{HeaderMap, Request};
use http_body_util::BodyExt;

use crate::server::{Agent, Server};

/// Longer than anything here takes; the server's own clock stands still.
const PATIENCE: Duration = Duration::from_secs(20);
/// So long nothing is waited for that is not to come.
const SILENCE: Duration = Duration::from_millis(30);

/// An open stream.
struct Stream(Body);

/// What comes next on it.
#[derive(Debug, PartialEq, Eq)]
enum Came {
    Message(StreamPingsResponse),
    /// gRPC's number and words.
    End(u16, String),
}

fn request(agent_id: &str, session: &str) -> Request<Body> {
    let message = StreamPingsRequest { agent_id: agent_id.to_owned() }.frame();
    Request::post(STREAM_PINGS_PATH)
        .header(AUTHORIZATION, format!("Token {session}"))
        .header(CONTENT_TYPE, "application/grpc")
        .header(TE, "trailers")
        .body(Body::from(message))
        .expect("a request")
}

fn ended(fields: &HeaderMap) -> Came {
    let text = |name: &str| fields.get(name).map(|value| value.to_str().expect("ASCII").to_owned()).unwrap_or_default();
    Came::End(text("grpc-status").parse().expect("a number"), text("grpc-message"))
}

impl Stream {
    async fn of(server: &Server, agent: &Agent) -> Self {
        let answer = server.open(request(&agent.id, &agent.session), "127.0.0.1").await;
        assert_eq!(answer.status(), 200);
        assert_eq!(answer.headers()[CONTENT_TYPE], "application/grpc");
        assert_eq!(answer.headers()[TRAILER], "grpc-status, grpc-message");
        Self(answer.into_body())
    }

    async fn next(&mut self) -> Came {
        let frame = tokio::time::timeout(PATIENCE, self.0.frame()).await.expect("in time").expect("not at its end");
        let frame = frame.expect("a frame");
        match frame.into_data() {
            Ok(data) => Came::Message(read(&data)),
            Err(frame) => ended(&frame.into_trailers().expect("trailers")),
        }
    }

    async fn is_silent(&mut self) -> bool {
        tokio::time::timeout(SILENCE, self.0.frame()).await.is_err()
    }

    /// Moves the clock once the stream waits by it.
    async fn after(&mut self, server: &Server, time: Duration) {
        assert!(self.is_silent().await);
        server.world.clock.advance(time);
    }
}

/// A message, found by what it must look like.
fn read(data: &[u8]) -> StreamPingsResponse {
    let text = |from: usize| String::from_utf8(data.get(from..).unwrap_or_default().to_vec()).expect("a text");
    let read = match data[5] {
        0x12 => StreamPingsResponse::Resume,
        0x1a => StreamPingsResponse::Pause(text(9)),
        0x22 => StreamPingsResponse::Disconnect(text(9)),
        0x2a => StreamPingsResponse::JobAssigned(text(11)),
        other => panic!("no action has the key {other}"),
    };
    assert_eq!(read.frame(), data);
    read
}

fn job(came: &Came) -> &str {
    match came {
        Came::Message(StreamPingsResponse::JobAssigned(id)) => id,
        other => panic!("{other:?} is no job"),
    }
}

const RESUME: Came = Came::Message(StreamPingsResponse::Resume);

#[tokio::test]
async fn a_job_comes_at_once_and_the_next_one_when_it_has_ended() {
    let server = Server::new().await;
    let agent = server.agent("3.137.0").await;
    let mut stream = Stream::of(&server, &agent).await;
    assert_eq!(stream.next().await, RESUME);
    server.build(2).await;
    let came = stream.next().await;
    let first = server.accept(&agent).await;
    assert_eq!(job(&came), first.id);
    // Taken, and told once: the stream says nothing of it any more, nor does a new one before the job could have started.
    assert!(stream.is_silent().await);
    let mut another = Stream::of(&server, &agent).await;
    assert_eq!(another.next().await, RESUME);
    server.put(&format!("/v3/jobs/{}/start", first.id), &first.token, "").await;
    server.put(&format!("/v3/jobs/{}/finish", first.id), &first.token, r#"{"exit_status":"0"}"#).await;
    let came = stream.next().await;
    assert!(job(&came) != first.id);
    assert_eq!(another.next().await, came);
}

#[tokio::test]
async fn what_happens_to_the_agent_comes_at_once() {
    let server = Server::new().await;
    let agent = server.agent("3.137.0").await;
    let (control, id) = (&server.world.control, agent.id.parse().expect("an id"));
    let mut stream = Stream::of(&server, &agent).await;
    assert_eq!(stream.next().await, RESUME);
    let note = Some("Disk full".to_owned());
    control.pause_agent(&server.world.admin::<PauseAgent>(), id, note, None).await.expect("paused");
    assert_eq!(stream.next().await, Came::Message(StreamPingsResponse::Pause("Disk full".to_owned())));
    server.build(1).await;
    assert!(stream.is_silent().await, "no job for a paused agent");
    control.resume_agent(&server.world.admin::<PauseAgent>(), id).await.expect("resumed");
    let offered = stream.next().await;
    // The job is taken away again, and it is free.
    let build = job(&offered).parse().expect("an id");
    let build = control.job(&server.world.admin(), build).await.expect("the job").build;
    control.cancel_build(&server.world.admin::<CancelBuild>(), build).await.expect("canceled");
    assert_eq!(stream.next().await, RESUME);
    control.stop_agent(&server.world.admin::<StopAgent>(), id, false).await.expect("asked");
    let leave = Came::Message(StreamPingsResponse::Disconnect("The agent was asked to stop.".to_owned()));
    assert_eq!(stream.next().await, leave);
    assert_eq!(stream.next().await, Came::End(0, String::new()));
}

#[tokio::test]
async fn a_pause_that_ends_by_itself_is_noticed() {
    let server = Server::new().await;
    let agent = server.agent("3.137.0").await;
    let mut stream = Stream::of(&server, &agent).await;
    assert_eq!(stream.next().await, RESUME);
    let grant = server.world.admin::<PauseAgent>();
    let id = agent.id.parse().expect("an id");
    server.world.control.pause_agent(&grant, id, None, Some(1)).await.expect("paused");
    assert_eq!(stream.next().await, Came::Message(StreamPingsResponse::Pause(String::new())));
    server.world.clock.advance(Duration::from_secs(50));
    let mut next = Stream::of(&server, &agent).await;
    assert_eq!(next.next().await, Came::Message(StreamPingsResponse::Pause(String::new())));
    next.after(&server, Duration::from_secs(10)).await;
    assert_eq!(next.next().await, RESUME);
}

#[tokio::test]
async fn what_happens_between_two_streams_is_told_by_the_second() {
    let server = Server::new().await;
    let agent = server.agent("3.137.0").await;
    let (control, id) = (&server.world.control, agent.id.parse().expect("an id"));
    drop(Stream::of(&server, &agent).await);
    assert_eq!(control.agents_waiting(), 0);
    server.build(1).await;
    let mut stream = Stream::of(&server, &agent).await;
    let offered = stream.next().await;
    drop(stream);
    assert_eq!(Stream::of(&server, &agent).await.next().await, offered, "it may not have been heard");
    server.accept(&agent).await;
    control.stop_agent(&server.world.admin::<StopAgent>(), id, false).await.expect("asked");
    let mut stream = Stream::of(&server, &agent).await;
    assert!(matches!(stream.next().await, Came::Message(StreamPingsResponse::Disconnect(_))));
    server.revoke(Reach::Disconnect).await;
    let answer = server.send(request(&agent.id, &agent.session), "127.0.0.1").await;
    assert_eq!((answer.status.as_u16(), answer.json()["reason"].as_str()), (401, Some("revoked")));
}

#[tokio::test]
async fn a_revoked_token_drains_or_ends_its_streams() {
    let server = Server::new().await;
    let agent = server.agent("3.137.0").await;
    let mut stream = Stream::of(&server, &agent).await;
    assert_eq!(stream.next().await, RESUME);
    server.revoke(Reach::Keep).await;
    assert!(stream.is_silent().await);
    server.revoke(Reach::Disconnect).await;
    let words = "This token was revoked. Ask an administrator of the organization for another one.";
    assert_eq!(stream.next().await, Came::End(16, words.to_owned()));
    assert_eq!(server.world.control.agents_waiting(), 1, "until the body is dropped");
    drop(stream);
    assert_eq!(server.world.control.agents_waiting(), 0);

    let server = Server::new().await;
    let agent = server.agent("3.137.0").await;
    let mut stream = Stream::of(&server, &agent).await;
    assert_eq!(stream.next().await, RESUME);
    server.revoke(Reach::Drain).await;
    assert!(matches!(stream.next().await, Came::Message(StreamPingsResponse::Disconnect(_))));
    assert_eq!(stream.next().await, Came::End(0, String::new()));
}

#[tokio::test]
async fn a_stream_ends_in_time_as_one_that_is_to_be_opened_again() {
    let server = Server::new().await;
    let agent = server.agent("3.137.0").await;
    let mut stream = Stream::of(&server, &agent).await;
    assert_eq!(stream.next().await, RESUME);
    for _ in 0..13 {
        stream.after(&server, Duration::from_secs(3)).await;
    }
    assert!(stream.is_silent().await, "not before 40 s");
    server.world.clock.advance(Duration::from_secs(13));
    assert_eq!(stream.next().await, Came::End(0, String::new()));
}

#[tokio::test]
async fn an_agents_oldest_stream_gives_way_and_all_end_with_the_server() {
    let server = Server::new().await;
    let agent = server.agent("3.137.0").await;
    let mut streams = Vec::new();
    for _ in 0..3 {
        let mut stream = Stream::of(&server, &agent).await;
        assert_eq!(stream.next().await, RESUME);
        streams.push(stream);
    }
    assert_eq!(streams[0].next().await, Came::End(0, String::new()));
    server.world.control.stop_waiting();
    for stream in &mut streams[1..] {
        assert_eq!(stream.next().await, Came::End(14, "The server stops".to_owned()));
    }
    let refused = server.send(request(&agent.id, &agent.session), "127.0.0.1").await;
    assert_eq!(ended(&refused.headers), Came::End(14, "No room for another stream; poll".to_owned()));
}

#[tokio::test]
async fn a_call_that_is_not_right_is_refused_at_once() {
    let server = Server::new().await;
    let (agent, other) = (server.agent("3.137.0").await, server.agent("3.137.0").await);
    let good = || request(&agent.id, &agent.session);
    let status = async |request| server.send(request, "127.0.0.1").await.status.as_u16();
    let edited = |edit: fn(&mut HeaderMap)| {
        let mut request = good();
        edit(request.headers_mut());
        request
    };
    assert_eq!(status(edited(|headers| drop(headers.remove(AUTHORIZATION)))).await, 401);
    assert_eq!(status(request(&agent.id, server.world.acme.agent_token())).await, 401);
    assert_eq!(status(edited(|headers| drop(headers.remove(CONTENT_TYPE)))).await, 415);
    let web = edited(|headers| drop(headers.insert(CONTENT_TYPE, "application/grpc-web".parse().expect("a value"))));
    assert_eq!(status(web).await, 415);
    assert_eq!(status(edited(|headers| drop(headers.remove(TE)))).await, 400);
    let mut get = good();
    *get.method_mut() = http::Method::GET;
    assert_eq!(status(get).await, 405);

    let of = async |request| {
        let answer = server.send(request, "127.0.0.1").await;
        assert_eq!(answer.status, 200);
        match ended(&answer.headers) {
            Came::End(status, _) => status,
            came => panic!("{came:?}"),
        }
    };
    assert_eq!(of(request(&other.id, &agent.session)).await, 7);
    assert_eq!(of(request("", &agent.session)).await, 7);
    let with = |body: Vec<u8>| {
        let mut request = good();
        *request.body_mut() = Body::from(body);
        request
    };
    let frame = StreamPingsRequest { agent_id: agent.id.clone() }.frame();
    let mut compressed = frame.clone();
    compressed[0] = 1;
    assert_eq!(of(with(compressed)).await, 12);
    assert_eq!(of(with(Vec::new())).await, 3);
    assert_eq!(of(with(frame[..20].to_vec())).await, 3);
    assert_eq!(of(with([frame.clone(), frame].concat())).await, 3);
    assert_eq!(of(with(b"\0\0\0\0\x01\x80".to_vec())).await, 3);
    assert_eq!(of(with(vec![0; 5000])).await, 8);
    assert_eq!(server.world.control.agents_waiting(), 0);
}

#[tokio::test]
async fn where_streams_are_not_offered_an_agent_is_told_to_poll() {
    let server = Server::with(Settings { streaming_pings: false, ..Settings::default() }).await;
    let agent = server.agent("3.137.0").await;
    let answer = server.send(request(&agent.id, &agent.session), "127.0.0.1").await;
    assert_eq!((answer.status.as_u16(), answer.body.as_str()), (404, r#"{"message":"Not found"}"#));
}

#[tokio::test]
async fn a_held_ping_is_answered_when_there_is_a_job_or_its_time_is_up() {
    let server = Server::with(Settings::default()).await;
    let agent = server.agent("3.137.0").await;
    let ping = async || server.get("/v3/ping", &agent.session).await;
    let held = async |act: &dyn Fn()| {
        let (answer, ()) = tokio::join!(ping(), async {
            server.world.clock.until_one_sleeps().await;
            assert_eq!(server.world.control.agents_waiting(), 1);
            act();
        });
        assert_eq!(server.world.control.agents_waiting(), 0);
        answer.body
    };
    assert_eq!(held(&|| server.world.clock.advance(Duration::from_secs(5))).await, "{}");
    let (answer, _) = tokio::join!(ping(), async {
        server.world.clock.until_one_sleeps().await;
        server.build(1).await
    });
    assert!(answer.json()["job"]["id"].is_string(), "{answer}");
    assert_eq!(ping().await.body, answer.body, "it is offered at once until it is taken");
    server.accept(&agent).await;
    // Nothing is held for an agent that could take no job, or is to leave.
    let id = agent.id.parse().expect("an id");
    let idle = server.agent("3.137.0").await;
    let grant = server.world.admin::<PauseAgent>();
    server.world.control.pause_agent(&grant, idle.id.parse().expect("an id"), None, None).await.expect("paused");
    assert_eq!(server.get("/v3/ping", &idle.session).await.body, r#"{"action":"pause"}"#);
    server.world.control.stop_agent(&server.world.admin::<StopAgent>(), id, true).await.expect("asked");
    assert!(ping().await.body.contains("disconnect"));
}

#[tokio::test]
async fn a_held_ping_of_a_session_that_ends_is_refused_at_once() {
    let server = Server::with(Settings::default()).await;
    let agent = server.agent("3.137.0").await;
    let (answer, ()) = tokio::join!(server.get("/v3/ping", &agent.session), async {
        server.world.clock.until_one_sleeps().await;
        server.revoke(Reach::Disconnect).await;
    });
    assert_eq!((answer.status.as_u16(), answer.json()["reason"].as_str()), (401, Some("revoked")));
}
