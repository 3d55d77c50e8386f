//! The documents of the commands about runs of code locations' jobs.

/// What is shown of a run.
macro_rules! run_fields {
    () => {
        "uuid deployment { name } location repository job status reason createdAt takenAt startedAt endedAt cancelRequestedAt eventCount \
         eventsDropped "
    };
}

/// The runs of a deployment, newest first.
pub const RUN_LIST: &str = concat!(
    "query($deployment: String, $status: DagsterRunStatus, $first: Int) { viewer { organizations(first: 1) { edges { node { \
     dagsterRuns(deployment: $deployment, status: $status, first: $first) { edges { node { ",
    run_fields!(),
    "} } pageInfo { hasNextPage endCursor } } } } } } }"
);

/// One run with all that is known of it but its events.
pub const RUN_SHOW: &str = concat!(
    "query($uuid: ID!) { viewer { organizations(first: 1) { edges { node { dagsterRun(uuid: $uuid) { ",
    run_fields!(),
    "config createdBy { email } tags { key value } } } } } } }"
);

/// What the worker of a run told.
pub const RUN_EVENTS: &str = "query($uuid: ID!, $after: Int, $first: Int) { viewer { organizations(first: 1) { edges { node { dagsterRun(uuid: $uuid) { \
     eventCount events(after: $after, first: $first) { number kind step level at message } } } } } } }";

/// What its steps have written.
pub const RUN_LOGS: &str = "query($uuid: ID!) { viewer { organizations(first: 1) { edges { node { dagsterRun(uuid: $uuid) { \
     logs { name stream announcedSize size url } } } } } } }";

/// Launches a run.
pub const RUN_LAUNCH: &str = concat!(
    "mutation($input: DagsterRunLaunchInput!) { dagsterRunLaunch(input: $input) { isNew run { ",
    run_fields!(),
    "} } }"
);

/// Stops one.
pub const RUN_TERMINATE: &str = concat!(
    "mutation($input: DagsterRunTerminateInput!) { dagsterRunTerminate(input: $input) { run { ",
    run_fields!(),
    "} } }"
);
