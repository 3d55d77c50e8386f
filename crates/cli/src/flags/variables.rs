//! The one register of environment variables: each flag reads the one that is named here, and `docs/configuration.md` is printed
//! from here.

/// A variable that the program reads.
#[cfg(test)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Variable {
    /// Its name.
    pub name: &'static str,
    /// What it says.
    pub says: &'static str,
}

macro_rules! variables {
    ($($(#[doc = $says:literal])+ $name:ident = $text:literal;)*) => {
        $($(#[doc = $says])+ pub const $name: &str = $text;)*
        /// Every variable, in the order of the documentation.
        #[cfg(test)]
        pub const REGISTER: &[Variable] = &[$(Variable { name: $text, says: concat!($($says),+) }),*];
    };
}

variables! {
    /// How results are written: `text` or `json`.
    OUTPUT = "COUNTERSIGN_OUTPUT";
    /// What is logged: `error`, `warn`, `info`, `debug`, `trace`, or a filter such as `info,countersign_store=debug`.
    LOG = "COUNTERSIGN_LOG";
    /// How log lines are written: `text` or `json`.
    LOG_FORMAT = "COUNTERSIGN_LOG_FORMAT";

    /// The data folder.
    DATA_DIR = "COUNTERSIGN_DATA_DIR";
    /// The address of a PostgreSQL database, in the place of SQLite in the data folder; or `file://PATH` of a private file that holds it.
    DATABASE_URL = "COUNTERSIGN_DATABASE_URL";
    /// The file of the key ring.
    KEY_RING_FILE = "COUNTERSIGN_KEY_RING_FILE";

    /// The configuration file of the server.
    CONFIG = "COUNTERSIGN_CONFIG";
    /// The address and port that the server listens on.
    LISTEN = "COUNTERSIGN_LISTEN";
    /// The address under which people and agents reach the server.
    PUBLIC_URL = "COUNTERSIGN_PUBLIC_URL";
    /// Addresses of proxies whose word about the caller's address is believed, separated by commas.
    TRUSTED_PROXY = "COUNTERSIGN_TRUSTED_PROXY";
    /// The file of the certificate that the server shows.
    TLS_CERTIFICATE = "COUNTERSIGN_TLS_CERTIFICATE";
    /// The file of the certificate's private key.
    TLS_KEY = "COUNTERSIGN_TLS_KEY";
    /// What new token values begin with: 3 to 8 lower-case letters.
    TOKEN_PREFIX = "COUNTERSIGN_TOKEN_PREFIX";
    /// The most connections at one time.
    MAX_CONNECTIONS = "COUNTERSIGN_MAX_CONNECTIONS";
    /// The most connections from one address.
    MAX_CONNECTIONS_PER_ADDRESS = "COUNTERSIGN_MAX_CONNECTIONS_PER_ADDRESS";
    /// The most agents at one time with one agent token.
    MAX_AGENTS_PER_TOKEN = "COUNTERSIGN_MAX_AGENTS_PER_TOKEN";
    /// Points that one person may spend at the public API in 5 minutes.
    API_POINTS_PER_USER = "COUNTERSIGN_API_POINTS_PER_USER";
    /// Points that one organization may spend at the public API in 5 minutes.
    API_POINTS_PER_ORGANIZATION = "COUNTERSIGN_API_POINTS_PER_ORGANIZATION";
    /// How often agents ask what there is to do.
    PING_INTERVAL = "COUNTERSIGN_PING_INTERVAL";
    /// How long the ping of an idle agent is held for a job to come.
    PING_HOLD = "COUNTERSIGN_PING_HOLD";
    /// Whether agents may be told by a stream what there is to do.
    STREAMING_PINGS = "COUNTERSIGN_STREAMING_PINGS";
    /// How often agents say that they are there.
    HEARTBEAT_INTERVAL = "COUNTERSIGN_HEARTBEAT_INTERVAL";
    /// How often agents ask whether their job was cancelled.
    JOB_STATUS_INTERVAL = "COUNTERSIGN_JOB_STATUS_INTERVAL";
    /// How long a job is kept for an agent that does not take it.
    ASSIGNMENT_TIMEOUT = "COUNTERSIGN_ASSIGNMENT_TIMEOUT";
    /// How often what gathers in memory is written.
    FLUSH_INTERVAL = "COUNTERSIGN_FLUSH_INTERVAL";
    /// How often the server keeps house.
    SWEEP_INTERVAL = "COUNTERSIGN_SWEEP_INTERVAL";
    /// How long builds are kept after their end.
    KEEP_BUILDS = "COUNTERSIGN_KEEP_BUILDS";
    /// How long the logs of builds are kept, if that is shorter.
    KEEP_LOGS = "COUNTERSIGN_KEEP_LOGS";
    /// How long the bytes of artifacts are kept, if that is shorter.
    KEEP_ARTIFACTS = "COUNTERSIGN_KEEP_ARTIFACTS";
    /// How long agents that are gone and that no job names are kept.
    KEEP_AGENTS = "COUNTERSIGN_KEEP_AGENTS";
    /// How long a job waits for an agent before it expires.
    JOB_EXPIRY = "COUNTERSIGN_JOB_EXPIRY";
    /// Where artifacts are kept: a folder, or `s3://BUCKET/PREFIX`.
    ARTIFACT_STORE = "COUNTERSIGN_ARTIFACT_STORE";
    /// The address of an S3-compatible store.
    S3_ENDPOINT = "COUNTERSIGN_S3_ENDPOINT";
    /// The region of the S3 store.
    S3_REGION = "COUNTERSIGN_S3_REGION";
    /// The id of the S3 access key.
    S3_ACCESS_KEY_ID = "COUNTERSIGN_S3_ACCESS_KEY_ID";
    /// The secret of the S3 access key, or `file://PATH` of a private file that holds it.
    S3_SECRET_ACCESS_KEY = "COUNTERSIGN_S3_SECRET_ACCESS_KEY";
    /// The most bytes of one artifact.
    MAX_ARTIFACT_SIZE = "COUNTERSIGN_MAX_ARTIFACT_SIZE";
    /// The most artifacts of one job.
    MAX_ARTIFACTS_PER_JOB = "COUNTERSIGN_MAX_ARTIFACTS_PER_JOB";
    /// The most bytes of one job's artifacts together.
    MAX_ARTIFACT_SIZE_PER_JOB = "COUNTERSIGN_MAX_ARTIFACT_SIZE_PER_JOB";
    /// The issuer of the OpenID Connect provider that people can sign in by.
    SIGN_IN_ISSUER = "COUNTERSIGN_SIGN_IN_ISSUER";
    /// What that provider calls this server.
    SIGN_IN_CLIENT_ID = "COUNTERSIGN_SIGN_IN_CLIENT_ID";
    /// The secret that it gave this server, or `file://PATH` of a private file that holds it.
    SIGN_IN_CLIENT_SECRET = "COUNTERSIGN_SIGN_IN_CLIENT_SECRET";

    /// The address of the server that a command talks to.
    SERVER = "COUNTERSIGN_SERVER";
    /// The user token that a command shows: the value, `file://PATH` or `fd://N`.
    USER_TOKEN = "COUNTERSIGN_USER_TOKEN";
    /// The operator token that a command shows: the value, `file://PATH` or `fd://N`.
    OPERATOR_TOKEN = "COUNTERSIGN_OPERATOR_TOKEN";

    /// The slug of an organization.
    ORGANIZATION = "COUNTERSIGN_ORGANIZATION";
    /// The name of an organization, for people.
    ORGANIZATION_NAME = "COUNTERSIGN_ORGANIZATION_NAME";
    /// The e-mail address of an organization's first admin.
    ADMIN = "COUNTERSIGN_ADMIN";
    /// What a token, a service user, a team or a deployment is for.
    DESCRIPTION = "COUNTERSIGN_DESCRIPTION";
    /// Why something is taken back.
    REASON = "COUNTERSIGN_REASON";
    /// When a token, an invitation or a branch deployment expires.
    EXPIRES = "COUNTERSIGN_EXPIRES";
    /// How long a token's value can be revealed: `window`, `always` or `never`.
    REVEAL = "COUNTERSIGN_REVEAL";
    /// The deployments that a token reaches.
    DEPLOYMENTS = "COUNTERSIGN_DEPLOYMENTS";
    /// Whether a token reaches all branch deployments, or a role is for all of them.
    BRANCH_DEPLOYMENTS = "COUNTERSIGN_BRANCH_DEPLOYMENTS";
    /// The deployment that a new branch deployment belongs to.
    BRANCH_OF = "COUNTERSIGN_BRANCH_OF";
    /// The deployment that a build's jobs run in, that code is loaded for, that a role is for, or that is asked about.
    DEPLOYMENT = "COUNTERSIGN_DEPLOYMENT";
    /// Whether a token is to reach every deployment again.
    EVERY_DEPLOYMENT = "COUNTERSIGN_EVERY_DEPLOYMENT";
    /// Whether a token is to reach any queue again.
    ANY_QUEUE = "COUNTERSIGN_ANY_QUEUE";
    /// Whether a token may be used from any network again.
    ANY_NETWORK = "COUNTERSIGN_ANY_NETWORK";
    /// The queues that a token reaches.
    QUEUES = "COUNTERSIGN_QUEUES";
    /// The networks that a token may be used from.
    NETWORKS = "COUNTERSIGN_NETWORKS";
    /// The first moment of what is shown.
    FROM = "COUNTERSIGN_FROM";
    /// The first moment behind what is shown.
    UNTIL = "COUNTERSIGN_UNTIL";
    /// The address that is asked about.
    FROM_ADDRESS = "COUNTERSIGN_FROM_ADDRESS";
    /// What becomes of agents that are connected: `keep`, `drain` or `disconnect`.
    CONNECTED_AGENTS = "COUNTERSIGN_CONNECTED_AGENTS";
    /// How long a rotated token's old value stays good.
    OVERLAP = "COUNTERSIGN_OVERLAP";
    /// Whether only Dagster+ agents that run are listed.
    RUNNING = "COUNTERSIGN_RUNNING";
    /// The repository of a code location.
    REPOSITORY = "COUNTERSIGN_REPOSITORY";
    /// What a run is configured with: a JSON object.
    RUN_CONFIG = "COUNTERSIGN_RUN_CONFIG";
    /// What is said of a run: `KEY=VALUE`, separated by commas.
    RUN_TAGS = "COUNTERSIGN_RUN_TAGS";
    /// The status of runs that are listed.
    RUN_STATUS = "COUNTERSIGN_RUN_STATUS";
    /// What makes a launch that is sent again the same one.
    IDEMPOTENCY_KEY = "COUNTERSIGN_IDEMPOTENCY_KEY";
    /// What a member may do: `admin` or `member`.
    ROLE = "COUNTERSIGN_ROLE";
    /// Whether the Admin of a deployment manages its agent tokens.
    MANAGE_AGENT_TOKENS = "COUNTERSIGN_MANAGE_AGENT_TOKENS";
    /// The member whose user tokens are meant.
    MEMBER = "COUNTERSIGN_MEMBER";
    /// Whether the user tokens of somebody who is no Organization Admin any more stay good.
    KEEP_TOKENS = "COUNTERSIGN_KEEP_TOKENS";
    /// The invitation that is accepted: the value, `file://PATH` or `fd://N`.
    INVITATION = "COUNTERSIGN_INVITATION";
    /// Whether invitations are listed too that cannot be accepted any more.
    ENDED = "COUNTERSIGN_ENDED";
    /// Whether revoked tokens are listed too.
    REVOKED = "COUNTERSIGN_REVOKED";
    /// The most entries that are listed.
    LIMIT = "COUNTERSIGN_LIMIT";

    /// A pipeline: its file, or its slug.
    PIPELINE = "COUNTERSIGN_PIPELINE";
    /// The queue that a build's jobs wait in, or that is asked about.
    QUEUE = "COUNTERSIGN_QUEUE";
    /// What a build is for, in a line.
    MESSAGE = "COUNTERSIGN_MESSAGE";
    /// The branch of a build.
    BRANCH = "COUNTERSIGN_BRANCH";
    /// The commit of a build.
    COMMIT = "COUNTERSIGN_COMMIT";
    /// The states of builds that are listed, separated by commas.
    STATE = "COUNTERSIGN_STATE";
    /// What pipelines and members are looked for by.
    SEARCH = "COUNTERSIGN_SEARCH";
    /// Why a queue is paused.
    NOTE = "COUNTERSIGN_NOTE";
    /// Whether to wait until a build has ended.
    WAIT = "COUNTERSIGN_WAIT";

    /// Whether the demonstration ends by itself.
    DEMO_ONCE = "COUNTERSIGN_DEMO_ONCE";
    /// The configuration file of an agent.
    AGENT_CONFIG = "COUNTERSIGN_AGENT_CONFIG";
    /// The same, under the name that Buildkite's agent reads.
    THEIR_AGENT_CONFIG = "BUILDKITE_AGENT_CONFIG";
}

/// Variables of other programs that are read where they are used.
#[cfg(test)]
pub const FOREIGN: &[Variable] = &[
    Variable {
        name: "HOME",
        says: "Where the data folder, the saved profile and an agent's builds are, unless another place is named.",
    },
    Variable { name: "XDG_CONFIG_HOME", says: "Where `countersign login` saves its profile." },
    Variable { name: "XDG_DATA_HOME", says: "Where the data folder is, unless another place is named." },
    Variable { name: "HTTP_PROXY, HTTPS_PROXY, NO_PROXY", says: "The proxies that an agent goes through." },
];
