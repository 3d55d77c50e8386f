//! The story, step by step: token, session, job, result; and a token that is taken back.

use serde_json::Value;

use super::{children, stage::Stage};
use crate::{
    failure::{Failure, Outcome},
    output::harmless,
};

/// The pipeline that is run; it lies in the repository for people to read and change.
const PIPELINE: &str = include_str!("../../../../../examples/pipeline.yml");
/// A second, smaller one.
const ANOTHER: &str =
    "steps:\n  - label: Still here\n    command: echo \"the token is revoked, and this agent works on\"\n";
/// Why the token is taken back.
const REASON: &str = "The demonstration takes its token back";
/// What a refused agent ends with.
const UNAUTHENTICATED: i32 = 3;

/// Tells it. What does not go as told is an error.
pub(super) async fn tell(stage: &mut Stage) -> Outcome<()> {
    stage.tell(
        "Countersign, a demonstration. Everything is this one program; lines with $ are what you could type.\n",
    )?;
    let token = organization(stage).await?;
    server_and_agent(stage).await?;
    build(stage).await?;
    revocation(stage, &token).await?;
    audit(stage).await
}

/// 1. An organization, with a user token and a default agent token.
async fn organization(stage: &Stage) -> Outcome<String> {
    stage.tell("== 1. An organization\n")?;
    let data = stage.path("data");
    let arguments =
        ["init", "--data-dir", &data, "--organization", "acme", "--admin", "ada@example.com", "--output", "json"];
    stage.tell("$ countersign init --organization acme --admin ada@example.com")?;
    let said = children::run(children::command(&stage.ambient, &arguments, &[])).await?;
    if said.exit != 0 {
        return Err(Failure::internal(format!("init: {}", said.talk)));
    }
    let made: Value = serde_json::from_str(&said.out).map_err(Failure::internal)?;
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let (user, agent) = (text(&made["user_token"]), text(&made["agent_token"]["value"]));
    stage.keep("user-token", &user)?;
    stage.keep("agent-token", &agent)?;
    let pipeline = stage.path("pipeline.yml");
    std::fs::write(&pipeline, PIPELINE).map_err(|error| Failure::unavailable(format!("{pipeline}: {error}")))?;
    let another = stage.path("another.yml");
    std::fs::write(&another, ANOTHER).map_err(|error| Failure::unavailable(format!("{another}: {error}")))?;
    let id = public_id(&agent);
    stage.tell(&format!(
        "Organization acme is made. Ada has user token {}; agents may register with agent token {id}.\n\
         (These are public ids. The values are in files that only you can read.)\n",
        public_id(&user)
    ))?;
    Ok(id)
}

/// 2. A server, and an agent that trades its token for a session.
async fn server_and_agent(stage: &mut Stage) -> Outcome<()> {
    stage.tell("== 2. A server and an agent: the agent token becomes a session token\n")?;
    stage.tell(&format!("$ countersign server --data-dir {} --listen {}", stage.path("data"), stage.listen()))?;
    stage.start_server().await?;
    stage.tell(&format!("Listening on {}.\n", stage.address()))?;
    stage.tell(&format!("$ countersign agent start --token file://{} --name demo-1", stage.path("agent-token")))?;
    stage.start_agent("demo-1").await?;
    let log = stage.log("agent.log");
    stage.tell(&format!("{}\n", harmless(log.trim_end())))
}

/// 3. A build: each job gets a token of its own.
async fn build(stage: &Stage) -> Outcome<()> {
    stage.tell("== 3. A build of four steps, which use meta-data and annotate\n")?;
    stage.tell("$ countersign build create --pipeline examples/pipeline.yml --wait")?;
    let before = stage.log("agent.log").lines().count();
    run_build(stage, "pipeline.yml").await?;
    stage.tell("\nThe agent's own words: each job had a job token, which ended with it.\n")?;
    let log = stage.log("agent.log");
    let lines: Vec<&str> = log.lines().skip(before).collect();
    let job_tokens = lines.iter().filter(|line| line.contains("with job token")).count();
    if job_tokens < 3 {
        return Err(Failure::internal(format!("the agent spoke of {job_tokens} job tokens, and there were four jobs")));
    }
    stage.tell(&format!("{}\n", harmless(&lines.join("\n"))))
}

/// 4. The token is taken back: new agents are refused, the connected one goes on.
async fn revocation(stage: &Stage, token: &str) -> Outcome<()> {
    stage.tell("== 4. The token is taken back\n")?;
    stage.tell(&format!("$ countersign token revoke {token} --reason \"{REASON}\""))?;
    expect(as_ada(stage, &["token", "revoke", token, "--reason", REASON]).await?, "token revoke")?;
    stage.tell("\nA second agent tries it:\n\n$ countersign agent start --token … --name demo-2")?;
    let refused = children::run(stage.agent_command("demo-2")).await?;
    stage.tell(harmless(refused.talk.trim_end()).as_str())?;
    if refused.exit != UNAUTHENTICATED || !refused.talk.contains("revoked") || !refused.talk.contains(token) {
        return Err(Failure::internal(format!(
            "a revoked token should end an agent with {UNAUTHENTICATED}, and it ended with {}",
            refused.exit
        )));
    }
    stage.tell(
        "\nThe agent that was connected keeps its session (--connected-agents drain or disconnect would end it):\n",
    )?;
    stage.tell("$ countersign build create --pipeline another.yml --wait")?;
    run_build(stage, "another.yml").await?;
    stage.tell("")
}

/// 5. What has been written down.
async fn audit(stage: &Stage) -> Outcome<()> {
    stage.tell("== 5. What has been written down\n")?;
    stage.tell("$ countersign token list --revoked")?;
    expect(as_ada(stage, &["token", "list", "--revoked"]).await?, "token list")?;
    let data = stage.path("data");
    stage.tell("\n$ countersign audit list --limit 8")?;
    let list = children::command(&stage.ambient, &["audit", "list", "--limit", "8", "--data-dir", &data], &[]);
    expect(children::watch(list).await?, "audit list")?;
    stage.tell("\n$ countersign audit verify")?;
    let verify = children::command(&stage.ambient, &["audit", "verify", "--data-dir", &data], &[]);
    expect(children::watch(verify).await?, "audit verify")?;
    stage.tell("\nThat is the story: token, session, job, result; and a token that is worth nothing any more.")
}

/// What people can try now.
pub(super) fn what_next(stage: &Stage) -> Outcome<()> {
    let address = stage.address();
    stage.tell(&format!(
        "\nThe server runs until Ctrl-C.\n\n  \
         GraphQL, also in a browser   {address}/graphql\n  \
         agents register at           {address}/v3\n  \
         health, metrics              {address}/readyz  {address}/metrics\n  \
         folder                       {}\n\n\
         In another shell:\n\n  \
         export COUNTERSIGN_SERVER={address} COUNTERSIGN_USER_TOKEN=file://{}\n  \
         {program} token create --description \"My first token\"\n  \
         {program} build create --pipeline {} --wait\n  \
         {program} token list --revoked\n",
        stage.path(""),
        stage.path("user-token"),
        stage.path("pipeline.yml"),
        program = stage.ambient.executable.display(),
    ))
}

async fn run_build(stage: &Stage, file: &str) -> Outcome<()> {
    let path = stage.path(file);
    expect(as_ada(stage, &["build", "create", "--pipeline", &path, "--wait"]).await?, "build create")
}

/// A command with Ada's user token, on the screen.
async fn as_ada(stage: &Stage, arguments: &[&str]) -> Outcome<i32> {
    let token = format!("file://{}", stage.path("user-token"));
    let variables = [("COUNTERSIGN_SERVER", stage.address()), ("COUNTERSIGN_USER_TOKEN", token)];
    let variables: Vec<(&str, &str)> = variables.iter().map(|(name, value)| (*name, value.as_str())).collect();
    children::watch(children::command(&stage.ambient, arguments, &variables)).await
}

fn expect(exit: i32, what: &str) -> Outcome<()> {
    if exit == 0 { Ok(()) } else { Err(Failure::internal(format!("{what} ended with {exit}"))) }
}

/// The public id in a value.
fn public_id(value: &str) -> String {
    value.split('_').nth(1).unwrap_or_default().to_owned()
}
