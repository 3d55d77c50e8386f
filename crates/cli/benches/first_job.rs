//! How long a job waits for an idle agent: from `build create` to the offer, for an agent that listens to a stream, for one whose pings are held,
//! and for one that polls; and from `build create` to the job's first line in the log, with the native agent.
//!
//! The server is the built binary with its defaults. Compare the columns of one run: a machine that does something else is slower in all of them.

#![expect(clippy::print_stdout, reason = "a measurement's result is what it prints")]
#![expect(clippy::disallowed_methods, reason = "a measurement takes real time")]
#![expect(clippy::expect_used, reason = "a failed measurement stops the run")]

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use countersign_testkit::harness::api::{graphql, register};
use countersign_testkit::harness::http::{Call, Connection};
use countersign_testkit::harness::installation::Installation;
use countersign_testkit::harness::program::Program;
use countersign_testkit::{Engine, TestDatabase};
use serde_json::{Value, json};

/// Builds per line; odd, so that there is a middle one. With so few the 99th percentile is the slowest.
const BUILDS: usize = 101;
/// The same for an agent that polls: each takes seconds.
const POLLED: usize = 11;
/// How long an agent has been idle when the next build comes.
const IDLE: Duration = Duration::from_millis(30);
/// What agents are told to wait between pings, as a server does by default.
const PING_INTERVAL: Duration = Duration::from_secs(2);

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    println!("{:<44} {:>10} {:>10} {:>10}", "from build create to …", "median ms", "p99 ms", "builds");
    for engine in Engine::all() {
        runtime.block_on(measure(engine));
    }
}

async fn measure(engine: Engine) {
    let name = engine.name();
    let database = TestDatabase::new(engine).await;
    let folder = database.folder.path().to_owned();
    let program = Program::sound(env!("CARGO_BIN_EXE_countersign"));
    let (data, logs) = (folder.join("data"), folder.join("logs"));
    let mut installation = Installation::init(program, database.database.clone(), &data, &logs).await;
    let at_once = installation.start().await;
    let mut bench = Bench::new(&installation).await;
    line(&format!("offer on a stream, {name}"), bench.streamed().await);
    line(&format!("offer to an agent that polls, {name}"), bench.polled().await);
    at_once.kill().await;
    installation.ping_hold = "5s".to_owned();
    let held = installation.start().await;
    let mut bench = Bench::new(&installation).await;
    line(&format!("offer by a held ping, {name}"), bench.held().await);
    line(&format!("first line of the log, native agent, {name}"), bench.logged(&installation).await);
    held.kill().await;
}

fn line(name: &str, mut times: Vec<Duration>) {
    times.sort_unstable();
    let ms = |time: Duration| time.as_secs_f64() * 1e3;
    let slow = times[(times.len() * 99 / 100).min(times.len() - 1)];
    println!("{name:<44} {:>10.1} {:>10.1} {:>10}", ms(times[times.len() / 2]), ms(slow), times.len());
}

struct Bench {
    address: SocketAddr,
    user_token: String,
    agent_token: String,
    organization: String,
    people: Connection,
}

struct Agent {
    id: String,
    session: String,
    connection: Connection,
}

impl Bench {
    async fn new(installation: &Installation) -> Self {
        Self {
            address: installation.listen,
            user_token: installation.made.user_token.clone(),
            agent_token: installation.made.agent_token.clone(),
            organization: installation.made.organization.clone(),
            people: Connection::new(installation.listen),
        }
    }

    /// Creates a build of one step, and says when it was asked for.
    async fn build(&mut self) -> (Instant, String) {
        let query = "mutation($input: BuildCreateFromDefinitionInput!) {
            buildCreateFromDefinition(input: $input) { build { uuid } } }";
        let definition = json!({ "steps": [{ "command": "echo here" }] }).to_string();
        let input = json!({ "organizationID": self.organization, "definition": definition, "pipeline": "bench" });
        let call = graphql(&self.user_token, query, &json!({ "input": input }));
        let began = Instant::now();
        let answer = self.people.call(&call).await.expect("an answer");
        let id = answer
            .json()
            .pointer("/data/buildCreateFromDefinition/build/uuid")
            .and_then(Value::as_str)
            .map(str::to_owned);
        (began, id.unwrap_or_else(|| panic!("no build: {}", answer.text())))
    }

    async fn agent(&self) -> Agent {
        let mut connection = Connection::new(self.address);
        let answer = connection.call(&register(&self.agent_token, "bench")).await.expect("an answer").json();
        let text = |name: &str| answer[name].as_str().expect("a text").to_owned();
        let (id, session) = (text("id"), text("access_token"));
        let connect = Call::post("/v3/connect", &json!({})).token(&session);
        assert!(connection.call(&connect).await.expect("an answer").is_success());
        Agent { id, session, connection }
    }

    async fn streamed(&mut self) -> Vec<Duration> {
        let mut agent = self.agent().await;
        let mut times = Vec::new();
        for _ in 0..BUILDS {
            let mut stream = Stream::open(self.address, &agent);
            tokio::time::sleep(IDLE).await;
            let waiting = tokio::task::spawn_blocking(move || stream.job());
            let (began, _) = self.build().await;
            let (job, heard) = waiting.await.expect("a job");
            times.push(heard - began);
            agent.end(&job).await;
        }
        times
    }

    async fn held(&mut self) -> Vec<Duration> {
        let mut agent = self.agent().await;
        let mut times = Vec::new();
        for _ in 0..BUILDS {
            let call = Call::get("/v3/ping").token(&agent.session);
            let mut waiting = Connection::new(self.address);
            let waiting = tokio::spawn(async move { waiting.call(&call).await.expect("an answer") });
            tokio::time::sleep(IDLE).await;
            let (began, _) = self.build().await;
            let answer = waiting.await.expect("a job");
            times.push(answer.at.duration_since(began));
            agent.end(answer.json()["job"]["id"].as_str().expect("a job")).await;
        }
        times
    }

    /// As agents poll: at each tick, after a random part of another.
    async fn polled(&mut self) -> Vec<Duration> {
        let mut agent = self.agent().await;
        let mut times = Vec::new();
        for number in 0..POLLED {
            let (began, _) = self.build().await;
            let part = (number * 7 % POLLED) as f64 / POLLED as f64;
            tokio::time::sleep(PING_INTERVAL.mul_f64(part * 1.5)).await;
            let call = Call::get("/v3/ping").token(&agent.session);
            let answer = agent.connection.call(&call).await.expect("an answer");
            times.push(answer.at.duration_since(began));
            agent.end(answer.json()["job"]["id"].as_str().expect("a job")).await;
        }
        times
    }

    async fn logged(&mut self, installation: &Installation) -> Vec<Duration> {
        let token = installation.logs.join("agent.token");
        std::fs::write(&token, &self.agent_token).expect("written");
        let endpoint = format!("http://{}/v3", self.address);
        let (token, builds) = (format!("file://{}", token.display()), installation.logs.join("builds"));
        let words = ["agent", "start", "--name", "native", "--endpoint", &endpoint, "--token", &token, "--build-path"];
        let mut arguments: Vec<_> = words.map(std::ffi::OsString::from).into();
        arguments.push(builds.into());
        let mut command = installation.program.command(&arguments);
        let log = std::fs::File::create(installation.logs.join("agent.log")).expect("a log");
        command.env("HOME", &installation.logs).stdout(log.try_clone().expect("a log")).stderr(log);
        let mut native = command.spawn().expect("an agent");
        let mut times = Vec::new();
        for number in 0..=BUILDS {
            let (began, build) = self.build().await;
            self.first_line(&build).await;
            // The first one waits for the agent itself to start.
            if number > 0 {
                times.push(began.elapsed());
            }
            self.ended(&build).await;
            tokio::time::sleep(IDLE).await;
        }
        native.kill().await.expect("it is our child");
        times
    }

    /// Waits until a build has ended: its agent is idle then, or about to be.
    async fn ended(&mut self, build: &str) {
        let query = "query($uuid: ID!) { build(uuid: $uuid) { finishedAt } }";
        let call = graphql(&self.user_token, query, &json!({ "uuid": build }));
        while self.people.call(&call).await.expect("an answer").json()["data"]["build"]["finishedAt"].is_null() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }

    /// Waits until the log of a build's job holds something.
    async fn first_line(&mut self, build: &str) {
        let query = "query($uuid: ID!) { build(uuid: $uuid) { jobs(first: 1) { edges { node { ... on JobTypeCommand {
            logPart(from: 0) { contentBase64 } } } } } } }";
        let call = graphql(&self.user_token, query, &json!({ "uuid": build }));
        loop {
            let answer = self.people.call(&call).await.expect("an answer");
            let read = answer.json();
            let part = read.pointer("/data/build/jobs/edges/0/node/logPart/contentBase64").and_then(Value::as_str);
            match part {
                Some("") | None if answer.is_success() && read["errors"].is_null() => {
                    tokio::time::sleep(Duration::from_millis(2)).await;
                }
                Some(_) => return,
                None => panic!("no log: {}", answer.text()),
            }
        }
    }
}

impl Agent {
    /// Takes a job and ends it.
    async fn end(&mut self, job: &str) {
        let put = |what: &str, token: &str, body: &Value| {
            Call::new(hyper::Method::PUT, &format!("/v3/jobs/{job}/{what}")).json(body).token(token)
        };
        let accept = put("accept", &self.session, &json!({}));
        let accepted = self.connection.call(&accept).await.expect("an answer").json();
        let token = accepted["token"].as_str().expect("a job's token");
        for (what, body) in [("start", json!({})), ("finish", json!({ "exit_status": "0" }))] {
            let answer = self.connection.call(&put(what, token, &body)).await.expect("an answer");
            assert!(answer.is_success(), "{}", answer.text());
        }
    }
}

/// A stream, read with nothing between.
struct Stream(TcpStream);

impl Stream {
    fn open(address: SocketAddr, agent: &Agent) -> Self {
        let mut socket = TcpStream::connect(address).expect("the server listens");
        socket.set_nodelay(true).expect("a socket option");
        let (id, session) = (&agent.id, &agent.session);
        let head = format!(
            "POST /agentedge.v1.AgentEdgeService/StreamPings HTTP/1.1\r\nHost: x\r\nAuthorization: Token {session}\r\n\
             Content-Type: application/grpc\r\nTE: trailers\r\nContent-Length: 43\r\n\r\n\0\0\0\0\x26\x0a\x24{id}"
        );
        socket.write_all(head.as_bytes()).expect("the server reads");
        Self(socket)
    }

    /// The first job that is offered, and when it was heard.
    fn job(&mut self) -> (String, Instant) {
        let mut came = Vec::new();
        let mut more = [0; 4096];
        loop {
            let count = self.0.read(&mut more).expect("the stream goes on");
            let heard = Instant::now();
            assert!(count > 0, "the stream ended: {}", String::from_utf8_lossy(&came));
            came.extend(&more[..count]);
            let head = b"\x2a\x28\x0a\x26\x0a\x24";
            if let Some(at) = came.windows(head.len()).position(|window| window == head)
                && let Some(id) = came.get(at + head.len()..at + head.len() + 36)
            {
                return (String::from_utf8_lossy(id).into_owned(), heard);
            }
        }
    }
}
