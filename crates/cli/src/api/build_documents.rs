//! The documents of the commands about builds, pipelines and queues.

/// What is shown of a build.
macro_rules! build_fields {
    () => {
        "fragment B on Build { id uuid number state branch commit message createdAt startedAt finishedAt createdBy { email } \
         pipeline { slug } }"
    };
}

/// What is shown of a job, whatever its kind.
macro_rules! job_fields {
    () => {
        "fragment J on Job { __typename \
         ... on JobTypeCommand { uuid label stepKey command state exitStatus signal softFailed retried queue agent { name } \
         startedAt finishedAt } \
         ... on JobTypeWait { uuid label stepKey state } \
         ... on JobTypeBlock { uuid label stepKey state isUnblockable } \
         ... on JobTypeTrigger { uuid label stepKey state note triggered { number pipeline { slug } } } }"
    };
}

/// What is shown of a pipeline.
macro_rules! pipeline_fields {
    () => {
        "fragment P on Pipeline { id uuid slug name defaultBranch repository { url } createdAt }"
    };
}

/// What is shown of a queue.
macro_rules! queue_fields {
    () => {
        "fragment Q on ClusterQueue { id uuid key dispatchPaused dispatchPausedAt dispatchPausedNote dispatchPausedBy { email } \
         deployment { name } metrics { connectedAgentsCount runningJobsCount waitingJobsCount } }"
    };
}

/// Makes a build from a text.
pub const CREATE_FROM_DEFINITION: &str = concat!(
    "mutation($input: BuildCreateFromDefinitionInput!) { buildCreateFromDefinition(input: $input) { build { ...B } } } ",
    build_fields!()
);

/// Makes a build of a pipeline that has steps.
pub const CREATE: &str =
    concat!("mutation($input: BuildCreateInput!) { buildCreate(input: $input) { build { ...B } } } ", build_fields!());

/// Cancels a build.
pub const CANCEL: &str =
    concat!("mutation($input: BuildCancelInput!) { buildCancel(input: $input) { build { ...B } } } ", build_fields!());

/// Makes a build once more.
pub const REBUILD: &str = concat!(
    "mutation($input: BuildRebuildInput!) { buildRebuild(input: $input) { rebuild { ...B } } } ",
    build_fields!()
);

/// The organization's builds.
pub const LIST: &str = concat!(
    "query($first: Int, $state: [BuildStates!], $branch: [String!]) { viewer { organizations(first: 1) { edges { node { \
     builds(first: $first, state: $state, branch: $branch) { edges { node { ...B } } pageInfo { hasNextPage } } } } } } } ",
    build_fields!()
);

/// The builds of one pipeline.
pub const LIST_OF_PIPELINE: &str = concat!(
    "query($slug: ID!, $first: Int, $state: [BuildStates!], $branch: [String!]) { pipeline(slug: $slug) { \
     builds(first: $first, state: $state, branch: $branch) { edges { node { ...B } } pageInfo { hasNextPage } } } } ",
    build_fields!()
);

/// A build by its name in addresses.
pub const FIND: &str = "query($slug: ID!) { build(slug: $slug) { uuid } }";

/// A build, with what its jobs left.
pub const SHOW: &str = concat!(
    "query($uuid: ID!) { build(uuid: $uuid) { ...B annotations { context style body } metaData { key value } \
     rebuiltFrom { number } jobs(first: 500) { count edges { node { ...J } } } } } ",
    build_fields!(),
    " ",
    job_fields!()
);

/// Where a build and its jobs stand: what is asked for again and again.
pub const FOLLOW: &str = concat!(
    "query($uuid: ID!, $after: String) { build(uuid: $uuid) { number state pipeline { slug } jobs(first: 500, after: $after) { \
     edges { node { ...J } } pageInfo { hasNextPage endCursor } } } } ",
    job_fields!()
);

/// A part of a job's log.
pub const LOG: &str = "query($uuid: ID!, $from: Int!) { job(uuid: $uuid) { ... on JobTypeCommand { \
     logPart(from: $from) { contentBase64 next isComplete } } } }";

/// Runs a job again.
pub const RETRY: &str = concat!(
    "mutation($input: JobTypeCommandRetryInput!) { jobTypeCommandRetry(input: $input) { \
     retriedInJobTypeCommand { uuid label command state build { ...B } } } } ",
    build_fields!()
);

/// What a block or an input asks.
pub const QUESTION: &str = "query($uuid: ID!) { job(uuid: $uuid) { __typename ... on JobTypeBlock { id uuid label state prompt \
     fields { key label hint required default multiple options { value label } } } } }";

/// Answers it.
pub const UNBLOCK: &str = concat!(
    "mutation($input: JobTypeBlockUnblockInput!) { jobTypeBlockUnblock(input: $input) { \
     jobTypeBlock { uuid label state build { ...B } } } } ",
    build_fields!()
);

/// A pipeline's id.
pub const PIPELINE_ID: &str = "query($slug: ID!) { pipeline(slug: $slug) { id } }";

/// The organization's pipelines.
pub const PIPELINE_LIST: &str = concat!(
    "query($first: Int, $search: String) { viewer { organizations(first: 1) { edges { node { \
     pipelines(first: $first, search: $search) { edges { node { ...P } } pageInfo { hasNextPage } } } } } } } ",
    pipeline_fields!()
);

/// A pipeline, its steps and its newest builds.
pub const PIPELINE_SHOW: &str = concat!(
    "query($slug: ID!) { pipeline(slug: $slug) { ...P steps { yaml } builds(first: 10) { count edges { node { ...B } } } } } ",
    pipeline_fields!(),
    " ",
    build_fields!()
);

/// Makes a pipeline.
pub const PIPELINE_CREATE: &str = concat!(
    "mutation($input: PipelineCreateInput!) { pipelineCreate(input: $input) { pipeline { ...P } } } ",
    pipeline_fields!()
);

/// Changes a pipeline.
pub const PIPELINE_UPDATE: &str = concat!(
    "mutation($input: PipelineUpdateInput!) { pipelineUpdate(input: $input) { pipeline { ...P } } } ",
    pipeline_fields!()
);

/// The organization's queues.
pub const QUEUE_LIST: &str = concat!(
    "query($after: String) { viewer { organizations(first: 1) { edges { node { queues(first: 500, after: $after) { \
     edges { node { ...Q } } pageInfo { hasNextPage endCursor } } } } } } } ",
    queue_fields!()
);

/// Keeps a queue's jobs back.
pub const QUEUE_PAUSE: &str = concat!(
    "mutation($input: ClusterQueuePauseDispatchInput!) { clusterQueuePauseDispatch(input: $input) { queue { ...Q } } } ",
    queue_fields!()
);

/// Lets them go again.
pub const QUEUE_RESUME: &str = concat!(
    "mutation($input: ClusterQueueResumeDispatchInput!) { clusterQueueResumeDispatch(input: $input) { queue { ...Q } } } ",
    queue_fields!()
);
