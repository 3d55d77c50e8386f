//! What a pipeline may have at most.

/// Most bytes of a pipeline's text: 1 MiB.
pub const MAX_TEXT: usize = 1024 * 1024;
/// Most documents in one text that is uploaded.
pub const MAX_DOCUMENTS: usize = 100;
/// Most levels of lists and maps inside each other. Steps with a command need five, members of a group with a plugin up to
/// eight before its configuration begins; each level costs the reader up to 45 KiB of stack in an unoptimized build, and a
/// worker thread has 2 MiB.
pub const MAX_DEPTH: usize = 16;
/// Most anchors, and most aliases.
pub const MAX_ALIASES: usize = 10_000;
/// Most values in the whole text, each alias counted with all it stands for.
pub const MAX_NODES: usize = 250_000;
/// Most entries of one map.
pub const MAX_ENTRIES: usize = 10_000;
/// Most values that all aliases together stand for.
pub const MAX_ALIASED: usize = 50_000;
/// Most steps, groups and their members counted.
pub const MAX_STEPS: usize = 10_000;
/// Most jobs of the pipeline that a build begins with.
pub const MAX_JOBS: usize = 10_000;
/// Most jobs of one upload to a build that runs.
pub const MAX_UPLOADED_JOBS: usize = 500;
/// Most bytes that the jobs of a pipeline come to, with what the pipeline says for all of them copied to each: 16 MiB. A few
/// lines of text could otherwise stand for gigabytes.
pub const MAX_JOBS_BYTES: usize = 16 * 1024 * 1024;
/// Most dependencies of all steps, once those of groups have been copied to their members.
pub const MAX_DEPENDENCIES: usize = 100_000;
/// Most bytes of one environment value: 64 KiB.
pub const MAX_ENV_VALUE: usize = 64 * 1024;
/// Most environment variables of the pipeline, and of one step.
pub const MAX_ENV: usize = 1_000;
/// Most characters of a label, a reason, or another line for people.
pub const MAX_LABEL: usize = 255;
/// Most bytes of a prompt, a hint, or a message: 4 KiB.
pub const MAX_PROMPT: usize = 4 * 1024;
/// Most characters of a key.
pub const MAX_KEY: usize = 100;
/// Most rules about an agent's tags.
pub const MAX_AGENT_RULES: usize = 100;
/// Most patterns of artifacts of one step.
pub const MAX_ARTIFACT_PATHS: usize = 100;
/// Most bytes of one pattern of artifacts.
pub const MAX_PATH: usize = 1_024;
/// Most minutes that a job may be given: a year.
pub const MAX_TIMEOUT: u32 = 366 * 24 * 60;
/// Most times that a rule runs a job again.
pub const MAX_RETRIES: u32 = 10;
/// Most rules about running a job again.
pub const MAX_RETRY_RULES: usize = 20;
/// Most exit statuses of one rule.
pub const MAX_EXIT_STATUSES: usize = 256;
/// Most dimensions of a matrix.
pub const MAX_DIMENSIONS: usize = 6;
/// Most values of one dimension.
pub const MAX_DIMENSION_VALUES: usize = 25;
/// Most bytes of one value of a matrix, and of a dimension's name.
pub const MAX_MATRIX_VALUE: usize = 128;
/// Most adjustments of a matrix.
pub const MAX_ADJUSTMENTS: usize = 12;
/// Most jobs that a matrix comes to.
pub const MAX_MATRIX_JOBS: usize = 50;
/// Most fields of a block or input step.
pub const MAX_FIELDS: usize = 50;
/// Most options of one field.
pub const MAX_CHOICES: usize = 100;
/// Most keys of meta-data that a trigger step sets.
pub const MAX_META_DATA: usize = 100;
/// Most bytes of a condition: 4 KiB.
pub const MAX_CONDITION: usize = 4 * 1024;
/// Most brackets and `!` inside each other in a condition.
pub const MAX_CONDITION_DEPTH: usize = 32;
/// Most bytes of a regular expression.
pub const MAX_REGEX: usize = 1_024;
/// Most different regular expressions in the conditions of one pipeline; each takes up to a few milliseconds to compile.
pub const MAX_REGEXES: usize = 200;
/// Most bytes of a text that a regular expression is matched with.
pub const MAX_MATCHED: usize = 4_096;
/// Beginnings of variable names that the server and the agent set themselves.
pub const RESERVED_ENV: [&str; 2] = ["BUILDKITE_", "COUNTERSIGN_"];
/// Variables that may be set in spite of [`RESERVED_ENV`]: they tell an agent how to check out, and where artifacts go. Whether an
/// agent follows them is its operator's choice.
pub const PERMITTED_ENV: [&str; 13] = [
    "BUILDKITE_ARTIFACT_UPLOAD_DESTINATION",
    "BUILDKITE_CLEAN_CHECKOUT",
    "BUILDKITE_GIT_CHECKOUT_FLAGS",
    "BUILDKITE_GIT_CLEAN_FLAGS",
    "BUILDKITE_GIT_CLONE_FLAGS",
    "BUILDKITE_GIT_CLONE_MIRROR_FLAGS",
    "BUILDKITE_GIT_FETCH_FLAGS",
    "BUILDKITE_GIT_LFS_ENABLED",
    "BUILDKITE_GIT_SPARSE_CHECKOUT_PATHS",
    "BUILDKITE_GIT_SUBMODULES",
    "BUILDKITE_GIT_SUBMODULE_CLONE_CONFIG",
    "BUILDKITE_REFSPEC",
    "BUILDKITE_SKIP_CHECKOUT",
];
