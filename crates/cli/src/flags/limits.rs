//! The page of what a job may leave behind, printed from the numbers themselves.

use std::{fmt::Write as _, time::Duration};

use countersign_control::{
    Settings,
    agent_tokens::{EXPIRING, MAX_SECRETS, MAX_TOKENS_BY_OTHERS, OVERLAP, UNUSED},
    artifacts::{MAX_BATCH, MAX_FOUND},
    builds::{MAX_ANNOTATIONS, MAX_KEYS, MAX_STEPS, MAX_UPLOAD_DEPTH, MAX_UPLOADS},
    code_locations, dagster,
    dagster_runs::{MAX_EVENTS_AT_ONCE, MAX_OPEN_RUNS, MAX_RECORDS, MAX_RUNS, MAX_RUNS_AT_ONCE},
    deployment_roles::{MAX_ROLES_AT_PLACE, MAX_ROLES_BY_OTHERS, MAX_ROLES_OF_HOLDER},
    deployments::{MAX_BRANCHES_OF_MEMBERS, MAX_DEPLOYMENTS},
    invitations::{self, MAX_LIFETIME, MAX_PENDING},
    jobs::{LATE_CHUNKS, MAX_CHUNK, MAX_LOG},
    members::MAX_MEMBERS,
    organizations::MAX_SLUGS,
    queues::MAX_QUEUES,
    signing_in::{self, MAX_ANSWER, MAX_CHALLENGE, MAX_FETCHED, MAX_PASSKEY_NAME, MAX_PASSKEYS, MAX_SIGN_INS},
    steps::MAX_NOTIFY,
    teams::{MAX_TEAMS, MAX_TEAMS_OF_MEMBER},
    user_tokens::MAX_USER_TOKENS,
};
use countersign_domain::{
    annotation::{MAX_BODY, MAX_CONTEXT},
    dagster::{
        MAX_CONTAINER_CONTEXT, MAX_FIELD, MAX_JOB, MAX_JOBS, MAX_RUN_CONFIG, MAX_RUN_EVENT, MAX_RUN_EVENT_BYTES,
        MAX_RUN_EVENTS, MAX_RUN_LOG, MAX_RUN_LOG_BYTES, MAX_RUN_LOGS, MAX_RUN_TAG_BYTES, MAX_RUN_TAG_KEY,
        MAX_RUN_TAG_VALUE, MAX_RUN_TAGS, MAX_SNAPSHOT, MAX_SNAPSHOT_PACKED, RUN_KEPT,
    },
    metadata::{MAX_KEY, MAX_VALUE},
    password::MAX_PASSWORD,
    pipeline::{MAX_TEXT, MAX_UPLOADED_JOBS},
    reveal::WINDOW,
    text::MAX_CODE_LOCATION,
};

use countersign_graphql::limits as graphql;

use super::documents::{GENERATED, up_to_date};

/// A row: what is limited, how much it may be, the flag that says otherwise, and what whoever goes beyond is told.
type Row = (&'static str, String, &'static str, &'static str);

const INVALID: &str = "422, at the field";
const CONFLICT: &str = "422";

/// A number with commas between its thousands.
fn number(number: impl TryInto<u64>) -> String {
    let digits = number.try_into().unwrap_or(u64::MAX).to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

fn rows() -> Vec<Row> {
    let artifacts = Settings::default().artifacts;
    vec![
        ("bytes of one chunk of a log, unpacked", number(MAX_CHUNK), "", INVALID),
        ("bytes of one job's log", number(MAX_LOG), "", "422; the agent counts the chunk as lost, and the job goes on"),
        ("seconds in which chunks may come after the job's end", number(LATE_CHUNKS.as_secs()), "", "401"),
        ("bytes of one artifact", number(artifacts.size), "`--max-artifact-size`", INVALID),
        ("artifacts of one job", number(artifacts.per_job), "`--max-artifacts-per-job`", CONFLICT),
        (
            "bytes of one job's artifacts together",
            number(artifacts.size_per_job),
            "`--max-artifact-size-per-job`",
            CONFLICT,
        ),
        ("artifacts of one announcement", number(MAX_BATCH), "", INVALID),
        ("artifacts that a search finds", number(MAX_FOUND), "", INVALID),
        ("bytes of an annotation, with all that was added to it", number(MAX_BODY), "", INVALID),
        ("characters of an annotation's context", number(MAX_CONTEXT), "", INVALID),
        ("annotations of one build", number(MAX_ANNOTATIONS), "", CONFLICT),
        ("bytes of a value of meta-data", number(MAX_VALUE), "", INVALID),
        ("characters of a key of meta-data", number(MAX_KEY), "", INVALID),
        ("keys of meta-data of one build", number(MAX_KEYS), "", CONFLICT),
        ("bytes of the texts of one uploaded pipeline", number(MAX_TEXT), "", INVALID),
        (
            "jobs of one uploaded pipeline, and jobs that `parallelism` adds at one time",
            number(MAX_UPLOADED_JOBS),
            "",
            INVALID,
        ),
        ("uploads of one step", number(MAX_UPLOADS), "", CONFLICT),
        ("uploads beneath uploads", number(MAX_UPLOAD_DEPTH), "", CONFLICT),
        ("steps of one build, with all that was uploaded", number(MAX_STEPS), "", CONFLICT),
        (
            "deployments of one organization, branch deployments among them",
            number(MAX_DEPLOYMENTS.unsigned_abs()),
            "",
            CONFLICT,
        ),
        (
            "branch deployments of one organization, when no Organization Admin makes another",
            number(MAX_BRANCHES_OF_MEMBERS.unsigned_abs()),
            "",
            CONFLICT,
        ),
        ("queues of one organization, when a person creates another", number(MAX_QUEUES.unsigned_abs()), "", CONFLICT),
        ("members of one organization, service users among them", number(MAX_MEMBERS.unsigned_abs()), "", CONFLICT),
        ("slugs that one organization has and had", number(MAX_SLUGS.unsigned_abs()), "", CONFLICT),
        ("teams of one organization", number(MAX_TEAMS.unsigned_abs()), "", CONFLICT),
        ("teams that one member is in", number(MAX_TEAMS_OF_MEMBER as u64), "", CONFLICT),
        ("roles in deployments of one member, or of one team", number(MAX_ROLES_OF_HOLDER as u64), "", CONFLICT),
        (
            "roles in deployments of one member, or of one team, when no Organization Admin gives another",
            number(MAX_ROLES_BY_OTHERS as u64),
            "",
            CONFLICT,
        ),
        (
            "agent tokens that are neither revoked nor expired, made by one member who is no Organization Admin",
            number(MAX_TOKENS_BY_OTHERS.unsigned_abs()),
            "",
            CONFLICT,
        ),
        (
            "roles in one deployment, or for all branch deployments",
            number(MAX_ROLES_AT_PLACE.unsigned_abs()),
            "",
            CONFLICT,
        ),
        ("invitations of one organization that can be accepted", number(MAX_PENDING.unsigned_abs()), "", CONFLICT),
        ("user tokens of one member that were not revoked", number(MAX_USER_TOKENS.unsigned_abs()), "", CONFLICT),
        ("days that an invitation can be accepted", number(MAX_LIFETIME.as_secs() / 86_400), "", INVALID),
        ("characters of a password", number(MAX_PASSWORD as u64), "", INVALID),
        (
            "browsers in which one person is signed in",
            number(MAX_SIGN_INS.unsigned_abs()),
            "",
            "the oldest sign-in ends",
        ),
        ("passkeys of one person", number(MAX_PASSKEYS as u64), "", CONFLICT),
        ("characters of a passkey's name", number(MAX_PASSKEY_NAME as u64), "", INVALID),
        ("bytes of what a browser answers with a passkey", number(MAX_ANSWER as u64), "", "the passkey is not taken"),
        (
            "bytes of a passkey's or a provider's question, as the browser brings it back",
            number(MAX_CHALLENGE as u64),
            "",
            "the question counts as ended",
        ),
        ("bytes of one answer of a provider", number(MAX_FETCHED as u64), "", "the provider cannot be reached"),
        ("values of one token that are valid at once", number(MAX_SECRETS as u64), "", CONFLICT),
        ("announcements of one step", number(MAX_NOTIFY), "", INVALID),
    ]
}

/// A time in the largest unit of which it is a whole number, but one day in hours.
fn span(time: Duration) -> String {
    let seconds = time.as_secs();
    let (unit, words) = match seconds {
        it if it > 86_400 && it.is_multiple_of(86_400) => (86_400, "days"),
        it if it.is_multiple_of(3_600) => (3_600, "hours"),
        it if it.is_multiple_of(60) => (60, "minutes"),
        _ => (1, "seconds"),
    };
    format!("{} {words}", number(seconds / unit))
}

/// How long what tokens and people do with them is good.
fn time_rows() -> [(&'static str, Duration); 10] {
    [
        ("a value can be revealed under the policy `window`, and by whoever made it without a proof", WINDOW),
        ("the old values of a rotated token are valid, when no time is given", OVERLAP),
        ("before its end a token counts as expiring", EXPIRING),
        ("nobody has used a token that counts as unused", UNUSED),
        ("a sign-in stands", signing_in::LIFETIME),
        ("a sign-in stands that nobody uses", signing_in::IDLE),
        ("a proof that it is still oneself is good", signing_in::PROOF),
        ("a passkey's or a provider's question can be answered", signing_in::CHALLENGE_LIFETIME),
        ("a link that signs somebody in is good", signing_in::LINK_LIFETIME),
        ("an invitation can be accepted, when no time is given", invitations::LIFETIME),
    ]
}

fn graphql_rows() -> Vec<(&'static str, String)> {
    let allowance = graphql::Allowance::default();
    vec![
        ("bytes of a document", number(graphql::MAX_TEXT as u64)),
        ("brackets open at once", number(graphql::MAX_BRACKETS as u64)),
        ("levels of fields", number(graphql::MAX_DEPTH as u64)),
        ("selections inside selections, through fragments too", number(graphql::MAX_NESTING as u64)),
        ("aliases", number(graphql::MAX_ALIASES as u64)),
        ("directives", number(graphql::MAX_DIRECTIVES as u64)),
        ("changes in one document", number(graphql::MAX_ROOT_MUTATIONS as u64)),
        ("fields, those of a fragment counted wherever it is used", number(graphql::MAX_SELECTIONS)),
        ("values that may be asked for", number(graphql::MAX_VALUES)),
        ("points of one document", number(graphql::MAX_COMPLEXITY)),
        ("bytes of runs' configurations, tags, events and logs' names in one answer", number(graphql::MAX_TOLD)),
        ("seconds until the answer", number(graphql::EXECUTION_TIME.as_secs())),
        ("points of one organization in a period", number(allowance.organization)),
        ("points of one person in one organization in a period", number(allowance.user)),
        ("points of one invitation in a period", number(graphql::INVITATION)),
        ("seconds of a period", number(allowance.period.as_secs())),
    ]
}

/// Of what removes itself.
const FULL: &str = "403: those that nothing is loaded with go after a day";
/// Of runs that are kept.
const RUNS_GO: &str = "403: they go 30 days after their end";
/// Of what is announced and not sent.
const NOT_SENT: &str = "403: those that do not come are given up after 70 minutes";
/// Of a run that tells more than is kept.
const ONLY_ENDS: &str = "counted; what changes where the run stands is kept";
/// Of what waits.
const LATER: &str = "the next call is given the rest";

fn dagster_rows() -> Vec<(&'static str, String, &'static str)> {
    vec![
        ("bytes of one call", number(countersign_dagster::MAX_BODY), "413"),
        ("fragments of one query, and places that name one", number(countersign_dagster::MAX_FRAGMENTS), "400"),
        ("bytes of what a heartbeat says of one deployment", number(countersign_dagster::MAX_HEARTBEAT), "413"),
        ("bytes of one of an agent's own errors, as it sends it", number(countersign_dagster::MAX_ERROR_TEXT), "413"),
        ("bytes of answers to requests, unpacked", number(countersign_dagster::MAX_API_RESPONSE), "413"),
        ("bytes of a snapshot, packed", number(MAX_SNAPSHOT_PACKED), "413"),
        ("bytes of a snapshot, unpacked", number(MAX_SNAPSHOT), INVALID),
        ("the same of an error", number(dagster::MAX_ERROR_SNAPSHOT), INVALID),
        ("snapshots of one deployment", number(dagster::MAX_SNAPSHOTS.unsigned_abs()), FULL),
        ("bytes of the snapshots of one deployment, packed", number(dagster::MAX_SNAPSHOT_BYTES.unsigned_abs()), FULL),
        (
            "snapshots that one token announces in a deployment before they come",
            number(dagster::MAX_ANNOUNCED.unsigned_abs()),
            NOT_SENT,
        ),
        ("bytes that they may be, packed", number(dagster::MAX_ANNOUNCED_BYTES.unsigned_abs()), NOT_SENT),
        ("bytes of what was loaded of a code location", number(code_locations::MAX_MANIFEST), INVALID),
        ("repositories of one code location", number(code_locations::MAX_REPOSITORIES), INVALID),
        ("jobs of one code location whose snapshots are asked for", number(MAX_JOBS), "the rest is left out"),
        (
            "bytes that are kept of why a code location could not be loaded",
            number(code_locations::MAX_ERROR),
            "the rest is cut off",
        ),
        ("code locations of one deployment", number(code_locations::MAX_LOCATIONS.unsigned_abs()), "refused"),
        ("characters of a code location's name", number(MAX_CODE_LOCATION), INVALID),
        ("characters of a field of a code location", number(MAX_FIELD), INVALID),
        (
            "bytes of the definitions of one deployment's code locations",
            number(code_locations::MAX_DEFINITIONS.unsigned_abs()),
            "refused",
        ),
        ("the same of all deployments that an agent asks for", number(dagster::MAX_WORKSPACE.unsigned_abs()), INVALID),
        ("bytes of a code location's container context", number(MAX_CONTAINER_CONTEXT), INVALID),
        ("requests of one deployment that one call is given", number(dagster::MAX_OF_DEPLOYMENT.unsigned_abs()), LATER),
        ("requests that one call is given", number(dagster::MAX_GIVEN), LATER),
        (
            "characters that are kept of why a request could not be done",
            number(dagster::MAX_WHY),
            "the rest is cut off",
        ),
        ("runs of one deployment that have not ended", number(MAX_OPEN_RUNS.unsigned_abs()), "403, or an error"),
        ("runs of one deployment that are kept", number(MAX_RUNS.unsigned_abs()), RUNS_GO),
        ("bytes of a run's configuration", number(MAX_RUN_CONFIG), INVALID),
        ("tags of one run", number(MAX_RUN_TAGS), INVALID),
        ("bytes of a run's tags together", number(MAX_RUN_TAG_BYTES), INVALID),
        ("characters of a tag's key", number(MAX_RUN_TAG_KEY), INVALID),
        ("characters of a tag's value", number(MAX_RUN_TAG_VALUE), INVALID),
        ("characters of a job's name", number(MAX_JOB), INVALID),
        ("events of one call", number(MAX_EVENTS_AT_ONCE), "413"),
        ("runs that the events of one call are of", number(MAX_RUNS_AT_ONCE), INVALID),
        ("events of one run that are kept", number(MAX_RUN_EVENTS.unsigned_abs()), ONLY_ENDS),
        ("bytes of the events of one run", number(MAX_RUN_EVENT_BYTES.unsigned_abs()), ONLY_ENDS),
        ("bytes of one event", number(MAX_RUN_EVENT), "its words are kept, without the rest"),
        ("bytes of one log of a run", number(MAX_RUN_LOG.unsigned_abs()), "it is not sent"),
        ("bytes of one run's logs together", number(MAX_RUN_LOG_BYTES.unsigned_abs()), "it is not sent"),
        ("logs of one run", number(MAX_RUN_LOGS.unsigned_abs()), INVALID),
        ("runs of one answer to an agent", number(MAX_RECORDS), INVALID),
        ("deployments that one call names", number(dagster::MAX_DEPLOYMENTS), INVALID),
        ("queues that one call names", number(dagster::MAX_QUEUES), INVALID),
        ("code servers of one heartbeat", number(dagster::MAX_CODE_SERVERS), INVALID),
        ("watched runs of one heartbeat", number(dagster::MAX_RUN_WORKERS), INVALID),
        ("errors of an agent that are kept", number(dagster::MAX_ERRORS), "the newest are"),
        ("bytes that are kept of a message or a stack trace", number(dagster::MAX_TEXT), "the rest is cut off"),
        ("bytes that are kept of a heartbeat, names too", number(dagster::MAX_TEXTS), "the rest is left out"),
        ("characters that are kept of a name", number(dagster::MAX_NAME), "the rest is cut off"),
        (
            "agents that an agent is told of",
            number(dagster::MAX_ALIVE),
            "422: one that is left out would lose its code servers",
        ),
        ("agents that a person is told of", number(countersign_dagster::MAX_AGENTS), "the newest are"),
        ("tokens that a person is told of", number(countersign_dagster::MAX_TOKENS), "the newest are"),
    ]
}

#[test]
fn the_page_of_limits_is_up_to_date() {
    let mut page = format!("# Limits\n\n{GENERATED}\n");
    page.push_str(
        "What a job may leave behind, and what an organization may have. Whatever goes beyond is refused with the status and a message that \
         names the limit; nothing of it is kept. What a pipeline itself may have is in [pipelines](pipelines.md#limits), how long what is left is kept in \
         [operation](operations.md#what-is-kept).\n\n| what | at most | set by | beyond |\n|---|---|---|---|\n",
    );
    for (what, most, flag, beyond) in rows() {
        writeln!(page, "| {what} | {most} | {flag} | {beyond} |").expect("text");
    }
    page.push_str("\n## Times\n\nHow long something is good or counts as such.\n\n| what | how long |\n|---|---|\n");
    for (what, time) in time_rows() {
        writeln!(page, "| {what} | {} |", span(time)).expect("text");
    }
    let (points, page_size, list) = (graphql::INTROSPECTION_COST, graphql::DEFAULT_PAGE, graphql::ASSUMED_LIST);
    writeln!(
        page,
        "\n## GraphQL\n\nWhat is found before anything is executed, in time that grows with the text only; what is beyond is answered \
         with an error that says of what there is too much. A connection without `first` or `last` is taken to have {page_size} entries, a \
         list without pages {list}, and each look at the schema costs {} points. What a document was thought to cost, what it did cost, and \
         what is left, is in the headers `RateLimit-*` of the answer; whoever has spent the period's points gets 429 and `Retry-After`.\n\n\
         | what | at most |\n|---|---|",
        number(points)
    )
    .expect("text");
    for (what, most) in graphql_rows() {
        writeln!(page, "| {what} | {most} |").expect("text");
    }
    page.push_str(
        "\n## Dagster+ agents\n\nWhat one agent may say and ask in a call, and what is kept of it. See [Dagster+ agents](dagster.md).\n\n\
         | what | at most | beyond |\n|---|---|---|\n",
    );
    for (what, most, beyond) in dagster_rows() {
        writeln!(page, "| {what} | {most} | {beyond} |").expect("text");
    }
    page.push_str(
        "\n## Pages\n\nWhat one [page](pages.md) shows: each is below 100 kB, whatever is behind it.\n\n| what | at most | beyond |\n|---|---|---|\n",
    );
    for (what, most, beyond) in countersign_pages::limits::shown() {
        writeln!(page, "| {what} | {} | {beyond} |", number(most)).expect("text");
    }
    up_to_date("limits.md", &page);
}

#[test]
fn times_in_words_are_those_of_the_constants() {
    for (words, time, said, seconds) in [
        (FULL, dagster::UNUSED_KEPT, "a day", 24 * 3600),
        (NOT_SENT, dagster::ANNOUNCED_KEPT, "70 minutes", 70 * 60),
        (RUNS_GO, RUN_KEPT, "30 days", 30 * 24 * 3600),
    ] {
        assert!(words.contains(said) && time.as_secs() == seconds, "{words}: {time:?}");
    }
}

#[test]
fn numbers_are_written_for_people() {
    assert_eq!(
        (number(7_u32), number(100_u32), number(1_000_u32), number(67_108_864_u64)),
        ("7".to_owned(), "100".to_owned(), "1,000".to_owned(), "67,108,864".to_owned())
    );
    let times = [90, 600, 7_200, 86_400, 30 * 86_400].map(|seconds| span(Duration::from_secs(seconds)));
    assert_eq!(times, ["90 seconds", "10 minutes", "2 hours", "24 hours", "30 days"]);
}
