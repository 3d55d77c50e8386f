-- The first schema. One file for both engines: columns are BYTEA, BIGINT, BOOLEAN and TEXT only.
-- Ids are 16 bytes (UUID version 7), times are microseconds since the epoch (UTC), sets are rows, lists of words are JSON text.

-- One row per role that only one server may hold; see engine/lease.
CREATE TABLE server_lease (
    name        TEXT PRIMARY KEY,
    holder      BYTEA NOT NULL,
    expires_at  BIGINT NOT NULL,
    note        TEXT NOT NULL
);

-- Exactly one row: that it exists means that `init` has run, and of two that run at once one meets the key.
CREATE TABLE instance (
    id          BIGINT PRIMARY KEY CHECK (id = 1),
    uuid        BYTEA NOT NULL,
    created_at  BIGINT NOT NULL
);

CREATE TABLE organizations (
    id                     BYTEA PRIMARY KEY,
    slug                   TEXT NOT NULL UNIQUE,
    name                   TEXT NOT NULL,
    default_deployment_id  BYTEA NOT NULL,
    default_reveal_policy  TEXT NOT NULL,
    last_number            BIGINT NOT NULL,
    members_role           TEXT NOT NULL,
    created_at             BIGINT NOT NULL
);

-- Whose each slug is or was. Job tokens for other services name it in their `sub`, so what an organization leaves is given to no other one.
CREATE TABLE organization_slugs (
    slug             TEXT PRIMARY KEY,
    organization_id  BYTEA NOT NULL REFERENCES organizations (id)
);
CREATE INDEX organization_slugs_of ON organization_slugs (organization_id);

-- The numbers by which Dagster's API names tokens, deployments and members: one series for each organization, whose end is its `last_number`.
CREATE TABLE numbers (
    organization_id  BYTEA NOT NULL REFERENCES organizations (id),
    number           BIGINT NOT NULL,
    subject_id       BYTEA NOT NULL,
    PRIMARY KEY (organization_id, number),
    UNIQUE (organization_id, subject_id)
);

-- A service user is no person: it has an address that nobody has, and belongs to one organization.
CREATE TABLE users (
    id           BYTEA PRIMARY KEY,
    email        TEXT NOT NULL UNIQUE,
    name         TEXT NOT NULL,
    is_service   BOOLEAN NOT NULL,
    description  TEXT,
    created_at   BIGINT NOT NULL
);

CREATE TABLE members (
    organization_id  BYTEA NOT NULL REFERENCES organizations (id),
    user_id          BYTEA NOT NULL REFERENCES users (id),
    role             TEXT NOT NULL,
    generation       BIGINT NOT NULL,
    created_at       BIGINT NOT NULL,
    PRIMARY KEY (organization_id, user_id)
);
CREATE INDEX members_of_user ON members (user_id);

-- A password of a person: a PHC string, which names its own parameters, of what a key of the ring makes of it. Another method of proving who
-- one is has a table of its own.
CREATE TABLE passwords (
    user_id     BYTEA PRIMARY KEY REFERENCES users (id),
    phc         TEXT NOT NULL,
    key_id      TEXT NOT NULL,
    changed_at  BIGINT NOT NULL
);

-- A passkey of a person: the public half of a key that an authenticator of theirs holds. `credential_id` is what the authenticator calls it,
-- `kept` what is checked against: the key, how often it was used, how it was made (JSON).
CREATE TABLE passkeys (
    id             BYTEA PRIMARY KEY,
    user_id        BYTEA NOT NULL REFERENCES users (id),
    credential_id  BYTEA NOT NULL UNIQUE,
    kept           TEXT NOT NULL,
    name           TEXT NOT NULL,
    created_at     BIGINT NOT NULL,
    used_at        BIGINT
);
CREATE INDEX passkeys_of_user ON passkeys (user_id, id);

-- What somebody was asked who signs in, proves or adds a passkey, and has answered: that the same is not answered again. What nobody answers
-- leaves no row.
CREATE TABLE sign_in_answers (
    challenge_id  BYTEA PRIMARY KEY,
    user_id       BYTEA NOT NULL REFERENCES users (id),
    expires_at    BIGINT NOT NULL
);
CREATE INDEX sign_in_answers_to_expire ON sign_in_answers (expires_at);

-- Whom a provider of sign-ins means by a subject. It stays as it is when their address changes, here or there.
CREATE TABLE identities (
    issuer      TEXT NOT NULL,
    subject     TEXT NOT NULL,
    user_id     BYTEA NOT NULL REFERENCES users (id),
    created_at  BIGINT NOT NULL,
    used_at     BIGINT NOT NULL,
    PRIMARY KEY (issuer, subject)
);
CREATE UNIQUE INDEX identities_of_user ON identities (user_id, issuer);

-- One browser of a person. It belongs to the person and not to an organization; `organization_id` is the one that was looked at last.
-- `method` is how it began, `proved_by` by what the person last proved who they are.
CREATE TABLE sign_ins (
    id               BYTEA PRIMARY KEY,
    user_id          BYTEA NOT NULL REFERENCES users (id),
    organization_id  BYTEA NOT NULL REFERENCES organizations (id),
    public_id        TEXT NOT NULL UNIQUE,
    digest           BYTEA NOT NULL,
    key_id           TEXT NOT NULL,
    method           TEXT NOT NULL,
    created_at       BIGINT NOT NULL,
    seen_at          BIGINT NOT NULL,
    expires_at       BIGINT NOT NULL,
    proved_at        BIGINT,
    proved_by        TEXT,
    ended_at         BIGINT,
    ended_because    TEXT,
    ip               TEXT NOT NULL,
    user_agent       TEXT
);
CREATE INDEX sign_ins_of_user ON sign_ins (user_id, id);
CREATE INDEX sign_ins_by_key ON sign_ins (key_id) WHERE ended_at IS NULL;
CREATE INDEX sign_ins_ended ON sign_ins (ended_at) WHERE ended_at IS NOT NULL;
CREATE INDEX sign_ins_to_expire ON sign_ins (expires_at);

-- What lets a person set their password and sign in, once. With an organization: made by an admin of it, and good only while they are one
-- and the person is a plain member of that one alone. Without: made by the operator.
CREATE TABLE sign_in_links (
    id               BYTEA PRIMARY KEY,
    user_id          BYTEA NOT NULL REFERENCES users (id),
    organization_id  BYTEA REFERENCES organizations (id),
    public_id        TEXT NOT NULL UNIQUE,
    digest           BYTEA NOT NULL,
    key_id           TEXT NOT NULL,
    created_at       BIGINT NOT NULL,
    created_by       BYTEA,
    expires_at       BIGINT NOT NULL,
    used_at          BIGINT
);
CREATE INDEX sign_in_links_of_user ON sign_in_links (user_id) WHERE used_at IS NULL;
CREATE INDEX sign_in_links_of_maker ON sign_in_links (organization_id, created_by) WHERE used_at IS NULL;
CREATE INDEX sign_in_links_to_expire ON sign_in_links (expires_at);

-- What makes its holder a member, once. It stays after its end, as tokens do.
CREATE TABLE invitations (
    id               BYTEA PRIMARY KEY,
    organization_id  BYTEA NOT NULL REFERENCES organizations (id),
    email            TEXT NOT NULL,
    role             TEXT NOT NULL,
    public_id        TEXT NOT NULL UNIQUE,
    digest           BYTEA NOT NULL,
    key_id           TEXT NOT NULL,
    created_at       BIGINT NOT NULL,
    created_by       BYTEA NOT NULL,
    expires_at       BIGINT NOT NULL,
    accepted_at      BIGINT,
    accepted_by      BYTEA,
    withdrawn_at     BIGINT,
    withdrawn_by     BYTEA
);
CREATE INDEX invitations_of_organization ON invitations (organization_id, id);
CREATE INDEX invitations_open ON invitations (organization_id, email) WHERE accepted_at IS NULL AND withdrawn_at IS NULL;

-- A deleted one stays, because builds and agents name it, and its name is free again. `looked_at` is when
-- that was last brought on, `cleared_at` when the last of it had ended.
CREATE TABLE deployments (
    id                BYTEA PRIMARY KEY,
    organization_id   BYTEA NOT NULL REFERENCES organizations (id),
    name              TEXT NOT NULL,
    parent_id         BYTEA REFERENCES deployments (id),
    description       TEXT,
    emoji             TEXT,
    color             TEXT,
    default_queue_id  BYTEA,
    created_at        BIGINT NOT NULL,
    created_by        BYTEA,
    expires_at        BIGINT,
    deleted_at        BIGINT,
    looked_at         BIGINT,
    cleared_at        BIGINT
);
CREATE UNIQUE INDEX deployments_by_name ON deployments (organization_id, name) WHERE deleted_at IS NULL;
CREATE INDEX deployments_of_parent ON deployments (parent_id) WHERE parent_id IS NOT NULL;
CREATE INDEX deployments_to_expire ON deployments (expires_at) WHERE expires_at IS NOT NULL AND deleted_at IS NULL;
CREATE INDEX deployments_to_clear ON deployments (looked_at, id) WHERE deleted_at IS NOT NULL AND cleared_at IS NULL;

-- Names that full deployments have or had. Agents and builds may go on naming them, so they are not for everybody to take.
CREATE TABLE deployment_names (
    organization_id  BYTEA NOT NULL REFERENCES organizations (id),
    name             TEXT NOT NULL,
    PRIMARY KEY (organization_id, name)
);

-- Members who hold roles in deployments together.
CREATE TABLE teams (
    id               BYTEA PRIMARY KEY,
    organization_id  BYTEA NOT NULL REFERENCES organizations (id),
    name             TEXT NOT NULL,
    description      TEXT,
    created_at       BIGINT NOT NULL,
    created_by       BYTEA,
    UNIQUE (organization_id, name),
    UNIQUE (organization_id, id)
);
CREATE TABLE team_members (
    organization_id  BYTEA NOT NULL,
    team_id          BYTEA NOT NULL,
    user_id          BYTEA NOT NULL,
    created_at       BIGINT NOT NULL,
    PRIMARY KEY (team_id, user_id),
    FOREIGN KEY (organization_id, team_id) REFERENCES teams (organization_id, id) ON DELETE CASCADE,
    FOREIGN KEY (organization_id, user_id) REFERENCES members (organization_id, user_id) ON DELETE CASCADE
);
CREATE INDEX teams_of_member ON team_members (organization_id, user_id);

-- A role that a member or a team has in one deployment, or, without a deployment, in all branch deployments.
CREATE TABLE deployment_roles (
    id               BYTEA PRIMARY KEY,
    organization_id  BYTEA NOT NULL REFERENCES organizations (id),
    user_id          BYTEA,
    team_id          BYTEA,
    deployment_id    BYTEA REFERENCES deployments (id) ON DELETE CASCADE,
    role             TEXT NOT NULL,
    tokens           BOOLEAN NOT NULL,
    created_at       BIGINT NOT NULL,
    created_by       BYTEA,
    CHECK ((user_id IS NULL) <> (team_id IS NULL)),
    FOREIGN KEY (organization_id, user_id) REFERENCES members (organization_id, user_id) ON DELETE CASCADE,
    FOREIGN KEY (organization_id, team_id) REFERENCES teams (organization_id, id) ON DELETE CASCADE
);
CREATE UNIQUE INDEX deployment_roles_of_member ON deployment_roles (organization_id, user_id, deployment_id)
    WHERE user_id IS NOT NULL AND deployment_id IS NOT NULL;
CREATE UNIQUE INDEX branch_roles_of_member ON deployment_roles (organization_id, user_id)
    WHERE user_id IS NOT NULL AND deployment_id IS NULL;
CREATE UNIQUE INDEX deployment_roles_of_team ON deployment_roles (team_id, deployment_id)
    WHERE team_id IS NOT NULL AND deployment_id IS NOT NULL;
CREATE UNIQUE INDEX branch_roles_of_team ON deployment_roles (team_id) WHERE team_id IS NOT NULL AND deployment_id IS NULL;
CREATE INDEX roles_of_member ON deployment_roles (organization_id, user_id);
CREATE INDEX roles_of_team ON deployment_roles (team_id);
CREATE INDEX roles_in_branches ON deployment_roles (organization_id) WHERE deployment_id IS NULL;
CREATE INDEX roles_in_deployment ON deployment_roles (deployment_id) WHERE deployment_id IS NOT NULL;

-- Agent tokens, user tokens and operator tokens. An operator token belongs to no organization: its organization is sixteen zero bytes.
CREATE TABLE tokens (
    id                BYTEA PRIMARY KEY,
    organization_id   BYTEA NOT NULL,
    kind              TEXT NOT NULL,
    family            TEXT NOT NULL,
    public_id         TEXT NOT NULL UNIQUE,
    user_id           BYTEA REFERENCES users (id),
    description       TEXT,
    is_public         BOOLEAN NOT NULL,
    every_deployment  BOOLEAN NOT NULL,
    all_branches      BOOLEAN NOT NULL,
    any_queue         BOOLEAN NOT NULL,
    reveal_policy     TEXT NOT NULL,
    reveal_until      BIGINT,
    data_key          BYTEA,
    data_key_id       TEXT,
    generation        BIGINT NOT NULL,
    created_at        BIGINT NOT NULL,
    created_by        BYTEA,
    expires_at        BIGINT,
    revoked_at        BIGINT,
    revoked_by        BYTEA,
    revoked_reason    TEXT,
    last_used_at      BIGINT,
    last_used_ip      TEXT
);
CREATE INDEX tokens_of_organization ON tokens (organization_id, kind, id);
-- What a list of tokens selects, so that none walks over the others.
CREATE INDEX tokens_live ON tokens (organization_id, kind, id) WHERE revoked_at IS NULL;
CREATE INDEX tokens_revoked ON tokens (organization_id, kind, id) WHERE revoked_at IS NOT NULL;
CREATE INDEX tokens_ending ON tokens (organization_id, kind, expires_at) WHERE revoked_at IS NULL AND expires_at IS NOT NULL;
CREATE INDEX tokens_of_user ON tokens (user_id) WHERE user_id IS NOT NULL AND revoked_at IS NULL;
CREATE INDEX tokens_made_by ON tokens (created_by) WHERE created_by IS NOT NULL AND revoked_at IS NULL;
CREATE INDEX tokens_with_window ON tokens (reveal_until) WHERE reveal_until IS NOT NULL;
CREATE INDEX tokens_sealed_with ON tokens (data_key_id) WHERE data_key_id IS NOT NULL;

-- `told` says that somebody was told the value who manages agent tokens by a role in deployments, and may not learn more by it later.
CREATE TABLE token_secrets (
    id            BYTEA PRIMARY KEY,
    token_id      BYTEA NOT NULL REFERENCES tokens (id),
    public_id     TEXT NOT NULL UNIQUE,
    generation    BIGINT NOT NULL,
    digest        BYTEA NOT NULL,
    key_id        TEXT NOT NULL,
    sealed        BYTEA,
    told          BOOLEAN NOT NULL,
    created_at    BIGINT NOT NULL,
    made_by       BYTEA,
    valid_until   BIGINT,
    last_used_at  BIGINT,
    last_used_ip  TEXT,
    UNIQUE (token_id, generation)
);
CREATE INDEX token_secrets_by_key ON token_secrets (key_id);

CREATE TABLE token_deployments (
    token_id       BYTEA NOT NULL REFERENCES tokens (id),
    deployment_id  BYTEA NOT NULL REFERENCES deployments (id),
    PRIMARY KEY (token_id, deployment_id)
);
CREATE INDEX token_deployments_by_deployment ON token_deployments (deployment_id);
CREATE TABLE token_queues (
    token_id  BYTEA NOT NULL REFERENCES tokens (id),
    queue     TEXT NOT NULL,
    PRIMARY KEY (token_id, queue)
);
CREATE TABLE token_networks (
    token_id  BYTEA NOT NULL REFERENCES tokens (id),
    position  BIGINT NOT NULL,
    network   TEXT NOT NULL,
    PRIMARY KEY (token_id, position)
);

CREATE TABLE agents (
    id                    BYTEA PRIMARY KEY,
    organization_id       BYTEA NOT NULL REFERENCES organizations (id),
    token_id              BYTEA NOT NULL REFERENCES tokens (id),
    secret_id             BYTEA NOT NULL REFERENCES token_secrets (id),
    deployment_id         BYTEA NOT NULL REFERENCES deployments (id),
    queue                 TEXT NOT NULL,
    name                  TEXT NOT NULL,
    hostname              TEXT,
    operating_system      TEXT,
    arch                  TEXT,
    version               TEXT,
    build                 TEXT,
    user_agent            TEXT,
    ip                    TEXT NOT NULL,
    pid                   BIGINT,
    priority              BIGINT,
    tags                  TEXT NOT NULL,
    ignore_in_dispatches  BOOLEAN NOT NULL,
    state                 TEXT NOT NULL,
    created_at            BIGINT NOT NULL,
    connected_at          BIGINT,
    last_seen_at          BIGINT,
    heartbeat_at          BIGINT,
    disconnected_at       BIGINT,
    lost_at               BIGINT,
    stop_requested_at     BIGINT,
    stop_requested_by     BYTEA,
    stop_forced_at        BIGINT,
    stop_forced_by        BYTEA,
    stop_note             TEXT,
    paused_at             BIGINT,
    paused_by             BYTEA,
    paused_note           TEXT,
    paused_until          BIGINT
);
CREATE INDEX agents_of_organization ON agents (organization_id, id);
-- Those that are connected, with what the overview adds up of them: of ten thousand no row is read. Written when an agent connects, stops and goes; SQLite takes
-- the state from the index only where it is a column of it.
CREATE INDEX agents_live ON agents (organization_id, id, deployment_id, queue, connected_at, state) WHERE state IN ('connected', 'stopping');
CREATE INDEX agents_of_token ON agents (token_id, state);
CREATE INDEX agents_in_state ON agents (state);
-- Agents that are gone, by when they went. Written once for each agent, when it goes.
CREATE INDEX agents_gone ON agents (organization_id, (COALESCE(disconnected_at, lost_at)))
    WHERE disconnected_at IS NOT NULL OR lost_at IS NOT NULL;
CREATE INDEX agents_of_deployment ON agents (deployment_id, id) WHERE state IN ('never_connected', 'connected', 'stopping');

CREATE TABLE sessions (
    id               BYTEA PRIMARY KEY,
    organization_id  BYTEA NOT NULL,
    agent_id         BYTEA NOT NULL REFERENCES agents (id),
    public_id        TEXT NOT NULL UNIQUE,
    digest           BYTEA NOT NULL,
    key_id           TEXT NOT NULL,
    created_at       BIGINT NOT NULL,
    ended_at         BIGINT,
    ended_because    TEXT
);
CREATE INDEX sessions_of_agent ON sessions (agent_id);
CREATE INDEX sessions_by_key ON sessions (key_id) WHERE ended_at IS NULL;

-- Agents that Dagster+ agents are: each process by the id that it gives itself, as its last heartbeat told of it. `errors` is that
-- heartbeat's snapshot of them, as JSON.
CREATE TABLE dagster_agents (
    id               BYTEA PRIMARY KEY,
    organization_id  BYTEA NOT NULL REFERENCES organizations (id),
    token_id         BYTEA NOT NULL REFERENCES tokens (id),
    process_id       BYTEA NOT NULL,
    label            TEXT,
    launcher         TEXT,
    version          TEXT,
    image_tag        TEXT,
    ip               TEXT NOT NULL,
    errors           TEXT NOT NULL,
    error_count      BIGINT NOT NULL,
    created_at       BIGINT NOT NULL,
    heartbeat_at     BIGINT NOT NULL,
    UNIQUE (token_id, process_id)
);
-- With the time, so that those that run are found without the rows, in which it is behind the errors.
CREATE INDEX dagster_agents_of_organization ON dagster_agents (organization_id, id, heartbeat_at);
CREATE INDEX dagster_agents_heard ON dagster_agents (heartbeat_at);
-- How many of a token run is counted for each token of a list, and thousands may have come with one of them.
CREATE INDEX dagster_agents_of_token ON dagster_agents (token_id, heartbeat_at);

-- What each of them does for one deployment.
CREATE TABLE dagster_agent_deployments (
    dagster_agent_id  BYTEA NOT NULL REFERENCES dagster_agents (id) ON DELETE CASCADE,
    deployment_id     BYTEA NOT NULL REFERENCES deployments (id) ON DELETE CASCADE,
    default_queue     BOOLEAN NOT NULL,
    queues            TEXT NOT NULL,
    code_servers      TEXT NOT NULL,
    run_workers       TEXT NOT NULL,
    PRIMARY KEY (dagster_agent_id, deployment_id)
);
CREATE INDEX dagster_agents_of_deployment ON dagster_agent_deployments (deployment_id);

-- What Dagster+ agents load for a deployment. `changed_at` is what they compare; what was told of it before that says nothing of it any more.
CREATE TABLE code_locations (
    id               BYTEA PRIMARY KEY,
    organization_id  BYTEA NOT NULL,
    deployment_id    BYTEA NOT NULL REFERENCES deployments (id),
    name             TEXT NOT NULL,
    definition       TEXT NOT NULL,
    queue            TEXT,
    created_at       BIGINT NOT NULL,
    created_by       BYTEA,
    changed_at       BIGINT NOT NULL,
    told_at          BIGINT,
    told_by          BYTEA,
    error            TEXT,
    manifest         TEXT,
    jobs_asked_at    BIGINT,
    noted_error      BOOLEAN,
    noted_at         BIGINT
);
CREATE UNIQUE INDEX code_locations_by_name ON code_locations (deployment_id, name);

-- What agents have read out of code locations; the bytes are blobs. One that nothing is loaded with, and that nobody asked for lately, is removed.
CREATE TABLE dagster_snapshots (
    id               BYTEA PRIMARY KEY,
    organization_id  BYTEA NOT NULL,
    deployment_id    BYTEA NOT NULL REFERENCES deployments (id),
    kind             TEXT NOT NULL,
    sha1             TEXT NOT NULL,
    size             BIGINT NOT NULL,
    packed           BIGINT NOT NULL,
    announced_by     BYTEA NOT NULL,
    created_at       BIGINT NOT NULL,
    used_at          BIGINT NOT NULL,
    stored_at        BIGINT,
    jobs             TEXT
);
CREATE UNIQUE INDEX dagster_snapshots_by_hash ON dagster_snapshots (deployment_id, kind, sha1, size);
CREATE INDEX dagster_snapshots_held ON dagster_snapshots (deployment_id, organization_id, packed);
CREATE INDEX dagster_snapshots_awaited ON dagster_snapshots (announced_by, deployment_id) WHERE stored_at IS NULL;
CREATE INDEX dagster_snapshots_by_use ON dagster_snapshots (used_at);
CREATE TABLE code_location_snapshots (
    code_location_id BYTEA NOT NULL REFERENCES code_locations (id),
    snapshot_id      BYTEA NOT NULL REFERENCES dagster_snapshots (id),
    PRIMARY KEY (code_location_id, snapshot_id)
);
CREATE INDEX code_location_snapshots_of_snapshot ON code_location_snapshots (snapshot_id);

-- What there is to do for Dagster+ agents. One without an answer is offered once more.
CREATE TABLE dagster_requests (
    id               BYTEA PRIMARY KEY,
    organization_id  BYTEA NOT NULL,
    deployment_id    BYTEA NOT NULL REFERENCES deployments (id),
    location         TEXT,
    queue            TEXT,
    kind             TEXT NOT NULL,
    created_at       BIGINT NOT NULL,
    created_by       BYTEA,
    expires_at       BIGINT NOT NULL,
    offers           BIGINT NOT NULL,
    offered_at       BIGINT,
    offered_to       BYTEA,
    ended_at         BIGINT,
    answer           TEXT,
    error            TEXT,
    run_id           BYTEA,
    only_for         BYTEA
);
CREATE INDEX dagster_requests_open ON dagster_requests (organization_id, deployment_id, id) WHERE ended_at IS NULL;
CREATE INDEX dagster_requests_expiring ON dagster_requests (expires_at) WHERE ended_at IS NULL;
CREATE INDEX dagster_requests_of_deployment ON dagster_requests (deployment_id, id);
CREATE INDEX dagster_requests_ended ON dagster_requests (ended_at) WHERE ended_at IS NOT NULL;
CREATE INDEX dagster_requests_of_run ON dagster_requests (run_id) WHERE run_id IS NOT NULL;

-- Runs of Dagster+ jobs. The status follows from the events; one that ended without an event for it says why in `reason`.
-- What may be long stands last: whatever is counted is found without reading it.
CREATE TABLE dagster_runs (
    id                   BYTEA PRIMARY KEY,
    organization_id      BYTEA NOT NULL REFERENCES organizations (id),
    deployment_id        BYTEA NOT NULL REFERENCES deployments (id),
    location             TEXT NOT NULL,
    repository           TEXT NOT NULL,
    job                  TEXT NOT NULL,
    queue                TEXT,
    status               TEXT NOT NULL,
    reason               TEXT,
    idempotency_key      TEXT,
    idempotency_input    BYTEA,
    created_at           BIGINT NOT NULL,
    created_by           BYTEA,
    updated_at           BIGINT NOT NULL,
    started_at           BIGINT,
    ended_at             BIGINT,
    taken_at             BIGINT,
    taken_by             BYTEA,
    cancel_requested_at  BIGINT,
    events               BIGINT NOT NULL,
    event_bytes          BIGINT NOT NULL,
    events_dropped       BIGINT NOT NULL,
    origin               TEXT NOT NULL,
    config               TEXT NOT NULL,
    tags                 TEXT NOT NULL
);
CREATE INDEX dagster_runs_of_deployment ON dagster_runs (deployment_id, id);
CREATE UNIQUE INDEX dagster_runs_by_key ON dagster_runs (deployment_id, idempotency_key);
CREATE INDEX dagster_runs_open ON dagster_runs (taken_by) WHERE ended_at IS NULL;
CREATE INDEX dagster_runs_ended ON dagster_runs (ended_at) WHERE ended_at IS NOT NULL;
CREATE TABLE dagster_run_events (
    run_id       BYTEA NOT NULL REFERENCES dagster_runs (id),
    number       BIGINT NOT NULL,
    call_key     TEXT,
    kind         TEXT,
    step         TEXT,
    level        BIGINT NOT NULL,
    occurred_at  BIGINT NOT NULL,
    message      TEXT NOT NULL,
    entry        TEXT NOT NULL,
    PRIMARY KEY (run_id, number)
);
CREATE UNIQUE INDEX dagster_run_events_by_key ON dagster_run_events (run_id, call_key);
CREATE TABLE dagster_run_logs (
    id          BYTEA PRIMARY KEY,
    run_id      BYTEA NOT NULL REFERENCES dagster_runs (id),
    name        TEXT NOT NULL,
    stream      TEXT NOT NULL,
    announced   BIGINT NOT NULL,
    is_taken    BOOLEAN NOT NULL,
    size        BIGINT,
    created_at  BIGINT NOT NULL,
    stored_at   BIGINT,
    UNIQUE (run_id, name, stream)
);

-- A queue is known from its first job on, or from when it was made. While its dispatch is paused, its agents are given nothing.
CREATE TABLE queues (
    id                  BYTEA PRIMARY KEY,
    organization_id     BYTEA NOT NULL REFERENCES organizations (id),
    deployment_id       BYTEA NOT NULL REFERENCES deployments (id),
    name                TEXT NOT NULL,
    description         TEXT,
    created_at          BIGINT NOT NULL,
    created_by          BYTEA,
    dispatch_paused_at  BIGINT,
    dispatch_paused_by  BYTEA,
    dispatch_paused_note TEXT,
    UNIQUE (deployment_id, name)
);
CREATE INDEX queues_of_organization ON queues (organization_id, id);

CREATE TABLE pipelines (
    id                 BYTEA PRIMARY KEY,
    organization_id    BYTEA NOT NULL REFERENCES organizations (id),
    slug               TEXT NOT NULL,
    name               TEXT NOT NULL,
    repository         TEXT,
    default_branch     TEXT NOT NULL,
    steps              TEXT,
    next_build_number  BIGINT NOT NULL,
    created_at         BIGINT NOT NULL,
    updated_at         BIGINT NOT NULL,
    UNIQUE (organization_id, slug)
);

-- A build with `removed_at` is to go: nobody finds it any more, and its rows follow in batches.
-- From `steps_open` on: sums over the build's steps, from which its state is read. `chore` is what is left to do for the build as a
-- whole, in batches.
CREATE TABLE builds (
    id                BYTEA PRIMARY KEY,
    organization_id   BYTEA NOT NULL REFERENCES organizations (id),
    pipeline_id       BYTEA NOT NULL REFERENCES pipelines (id),
    deployment_id     BYTEA NOT NULL REFERENCES deployments (id),
    queue             TEXT NOT NULL,
    number            BIGINT NOT NULL,
    state             TEXT NOT NULL,
    message           TEXT,
    branch            TEXT NOT NULL,
    commit_id         TEXT NOT NULL,
    source            TEXT NOT NULL,
    rebuilt_from      BYTEA REFERENCES builds (id),
    triggered_from    BYTEA REFERENCES builds (id),
    trigger_step      BYTEA,
    trigger_depth     BIGINT NOT NULL,
    trigger_root      BYTEA,
    created_at        BIGINT NOT NULL,
    created_by        BYTEA,
    started_at        BIGINT,
    finished_at       BIGINT,
    canceled_at       BIGINT,
    canceled_by       BYTEA,
    next_position     BIGINT NOT NULL,
    blocked_state     TEXT NOT NULL,
    chore             TEXT,
    steps_open        BIGINT NOT NULL,
    steps_running     BIGINT NOT NULL,
    steps_asking      BIGINT NOT NULL,
    jobs_failed       BIGINT NOT NULL,
    jobs_canceled     BIGINT NOT NULL,
    steps_took_part   BIGINT NOT NULL,
    is_canceled       BOOLEAN NOT NULL,
    has_started       BOOLEAN NOT NULL,
    has_fragile_jobs  BOOLEAN NOT NULL,
    logs_removed      BOOLEAN NOT NULL,
    artifacts_removed BOOLEAN NOT NULL,
    removed_at        BIGINT,
    UNIQUE (pipeline_id, number)
);
CREATE INDEX builds_of_organization ON builds (organization_id, id);
CREATE INDEX builds_of_pipeline ON builds (pipeline_id, id);
CREATE INDEX builds_under_way ON builds (deployment_id, id) WHERE finished_at IS NULL;
CREATE INDEX builds_with_chores ON builds (id) WHERE chore IS NOT NULL;
CREATE INDEX builds_of_trigger_root ON builds (trigger_root) WHERE trigger_root IS NOT NULL;
CREATE INDEX builds_ended ON builds (finished_at) WHERE finished_at IS NOT NULL AND removed_at IS NULL;
CREATE INDEX builds_with_logs ON builds (finished_at) WHERE finished_at IS NOT NULL AND NOT logs_removed AND removed_at IS NULL;
CREATE INDEX builds_with_artifacts ON builds (finished_at)
    WHERE finished_at IS NOT NULL AND NOT artifacts_removed AND removed_at IS NULL;
CREATE INDEX builds_to_remove ON builds (id) WHERE removed_at IS NOT NULL;
CREATE INDEX builds_repeated ON builds (rebuilt_from) WHERE rebuilt_from IS NOT NULL;
CREATE INDEX builds_triggered ON builds (triggered_from) WHERE triggered_from IS NOT NULL;

-- What a build was made from: large, and read when a job is taken.
-- The text of a pipeline may be large and is read only to build it again; last in its row, it is not walked over by who reads the variables.
CREATE TABLE build_inputs (
    build_id      BYTEA PRIMARY KEY REFERENCES builds (id),
    env           TEXT NOT NULL,
    pipeline_env  TEXT NOT NULL,
    definition    TEXT NOT NULL
);

-- `sort` orders a build's steps as their texts do: a step that was uploaded stands right after the one that uploaded it.
CREATE TABLE steps (
    id                  BYTEA PRIMARY KEY,
    organization_id     BYTEA NOT NULL,
    build_id            BYTEA NOT NULL REFERENCES builds (id),
    parent_id           BYTEA REFERENCES steps (id),
    gate_id             BYTEA REFERENCES steps (id),
    gate_relation       TEXT,
    gate_lets_pass      BOOLEAN NOT NULL,
    sort                TEXT NOT NULL,
    kind                TEXT NOT NULL,
    key                 TEXT,
    label               TEXT,
    state               TEXT NOT NULL,
    outcome             TEXT,
    settled             TEXT,
    open_dependencies   BIGINT NOT NULL,
    spoilt              BIGINT NOT NULL,
    borne               BIGINT NOT NULL,
    jobs_open           BIGINT NOT NULL,
    jobs_failed         BIGINT NOT NULL,
    jobs_soft_failed    BIGINT NOT NULL,
    jobs_canceled       BIGINT NOT NULL,
    members_open        BIGINT NOT NULL,
    members_failed      BIGINT NOT NULL,
    members_canceled    BIGINT NOT NULL,
    uploads             BIGINT NOT NULL,
    upload_depth        BIGINT NOT NULL,
    child_build_id      BYTEA REFERENCES builds (id),
    note                TEXT,
    created_at          BIGINT NOT NULL,
    finished_at         BIGINT,
    answered_at         BIGINT,
    answered_by         BYTEA,
    UNIQUE (build_id, key),
    UNIQUE (build_id, sort)
);
CREATE INDEX steps_unsettled ON steps (build_id, sort) WHERE settled IS NULL;
CREATE INDEX steps_failed ON steps (build_id, sort) WHERE settled = 'bad';
CREATE INDEX steps_beneath ON steps (parent_id) WHERE parent_id IS NOT NULL;
CREATE INDEX steps_behind ON steps (gate_id) WHERE gate_id IS NOT NULL;
CREATE INDEX steps_of_child ON steps (child_build_id) WHERE child_build_id IS NOT NULL;
CREATE INDEX steps_to_trigger ON steps (id) WHERE kind = 'trigger' AND state = 'open' AND child_build_id IS NULL;

-- What a step was written as: the planned step as JSON, without its jobs.
CREATE TABLE step_texts (
    step_id  BYTEA PRIMARY KEY REFERENCES steps (id),
    planned  TEXT NOT NULL
);

-- `step_id` waits for something of `on_id`; `told` is how that ended, once it has.
CREATE TABLE step_edges (
    step_id    BYTEA NOT NULL REFERENCES steps (id),
    on_id      BYTEA NOT NULL REFERENCES steps (id),
    relation   TEXT NOT NULL,
    tolerance  TEXT NOT NULL,
    told       TEXT,
    PRIMARY KEY (step_id, on_id)
);
CREATE INDEX step_edges_on ON step_edges (on_id, relation);

-- A change of a step that a client may send again.
CREATE TABLE step_changes (
    step_id     BYTEA NOT NULL REFERENCES steps (id),
    uuid        TEXT NOT NULL,
    created_at  BIGINT NOT NULL,
    PRIMARY KEY (step_id, uuid)
);

CREATE TABLE concurrency_groups (
    organization_id  BYTEA NOT NULL REFERENCES organizations (id),
    name             TEXT NOT NULL,
    created_at       BIGINT NOT NULL,
    PRIMARY KEY (organization_id, name)
);

-- `rules` are the tags that an agent must have, `queue` left out, as one canonical text. `stop_by` is when a job that was told to stop
-- is given up.
CREATE TABLE jobs (
    id                  BYTEA PRIMARY KEY,
    organization_id     BYTEA NOT NULL,
    build_id            BYTEA NOT NULL REFERENCES builds (id),
    step_id             BYTEA NOT NULL REFERENCES steps (id),
    deployment_id       BYTEA NOT NULL REFERENCES deployments (id),
    queue               TEXT NOT NULL,
    rules               TEXT NOT NULL,
    priority            BIGINT NOT NULL,
    position            BIGINT NOT NULL,
    part                BIGINT NOT NULL,
    step_key            TEXT,
    label               TEXT,
    command             TEXT NOT NULL,
    env                 TEXT NOT NULL,
    plugins             TEXT,
    matrix              TEXT NOT NULL,
    parallel_job        BIGINT,
    parallel_count      BIGINT,
    soft_fail           TEXT,
    soft_failed         BOOLEAN NOT NULL,
    is_fragile          BOOLEAN NOT NULL,
    timeout_minutes     BIGINT,
    times_out_at        BIGINT,
    stop_by             BIGINT,
    concurrency_group   TEXT,
    concurrency_limit   BIGINT,
    concurrency_eager   BOOLEAN NOT NULL,
    state               TEXT NOT NULL,
    retries_count       BIGINT NOT NULL,
    retry_type          TEXT,
    retried_in          BYTEA REFERENCES jobs (id),
    agent_id            BYTEA REFERENCES agents (id),
    session_id          BYTEA REFERENCES sessions (id),
    runnable_at         BIGINT,
    assigned_at         BIGINT,
    accepted_at         BIGINT,
    started_at          BIGINT,
    finished_at         BIGINT,
    canceled_at         BIGINT,
    exit_status         TEXT,
    signal              TEXT,
    signal_reason       TEXT,
    chunks_failed       BIGINT,
    token_public_id     TEXT UNIQUE,
    token_digest        BYTEA,
    token_key_id        TEXT,
    token_ended_at      BIGINT,
    log_size            BIGINT NOT NULL,
    log_stored          BIGINT NOT NULL,
    created_at          BIGINT NOT NULL
);
CREATE INDEX jobs_of_build ON jobs (build_id, position);
CREATE INDEX jobs_of_step ON jobs (step_id, part);
CREATE INDEX jobs_open ON jobs (build_id, state, id) WHERE state IN ('limited', 'scheduled', 'assigned', 'accepted', 'running', 'timing_out', 'canceling');
CREATE INDEX jobs_waiting ON jobs (deployment_id, queue, rules, priority DESC, created_at, build_id, position) WHERE state = 'scheduled';
CREATE INDEX jobs_runnable_since ON jobs (runnable_at) WHERE state = 'scheduled';
CREATE INDEX jobs_held_back ON jobs (organization_id, concurrency_group, concurrency_limit) WHERE state = 'limited';
CREATE INDEX jobs_run_again ON jobs (retried_in) WHERE retried_in IS NOT NULL;
CREATE INDEX jobs_of_session ON jobs (session_id) WHERE session_id IS NOT NULL;
CREATE INDEX jobs_of_agent ON jobs (agent_id, state);
CREATE INDEX jobs_had_by_agent ON jobs (agent_id, id) WHERE agent_id IS NOT NULL;
CREATE INDEX jobs_under_way ON jobs (organization_id, deployment_id, queue, state) WHERE finished_at IS NULL;
CREATE INDEX jobs_by_key ON jobs (token_key_id) WHERE token_key_id IS NOT NULL AND token_ended_at IS NULL;
CREATE INDEX jobs_begun ON jobs (organization_id, started_at) WHERE started_at IS NOT NULL;
CREATE INDEX jobs_with_timeout ON jobs (times_out_at) WHERE state = 'running' AND times_out_at IS NOT NULL;
CREATE INDEX jobs_to_stop ON jobs (stop_by) WHERE state IN ('canceling', 'timing_out');
CREATE INDEX jobs_in_group ON jobs (organization_id, concurrency_group, created_at, build_id, position)
    WHERE concurrency_group IS NOT NULL AND state IN ('waiting', 'limited', 'scheduled', 'assigned', 'accepted', 'running', 'timing_out', 'canceling');

-- An upload to a build, by the idempotency id that the client sent.
CREATE TABLE pipeline_uploads (
    job_id      BYTEA NOT NULL REFERENCES jobs (id),
    uuid        BYTEA NOT NULL,
    steps       BIGINT NOT NULL,
    created_at  BIGINT NOT NULL,
    PRIMARY KEY (job_id, uuid)
);

CREATE TABLE job_log_chunks (
    job_id    BYTEA NOT NULL REFERENCES jobs (id),
    sequence  BIGINT NOT NULL,
    position  BIGINT NOT NULL,
    size      BIGINT NOT NULL,
    -- How many lines end in it: so that a page of a log begins at a line without the log being read.
    line_breaks BIGINT NOT NULL,
    content   BYTEA NOT NULL,
    PRIMARY KEY (job_id, sequence)
);
-- Where the lines of a log are is read from the index alone, and not from its pieces.
CREATE INDEX job_log_lines ON job_log_chunks (job_id, position, sequence, size, line_breaks);

CREATE TABLE meta_data (
    build_id    BYTEA NOT NULL REFERENCES builds (id),
    key         TEXT NOT NULL,
    value       TEXT NOT NULL,
    updated_at  BIGINT NOT NULL,
    PRIMARY KEY (build_id, key)
);

CREATE TABLE annotations (
    id          BYTEA PRIMARY KEY,
    build_id    BYTEA NOT NULL REFERENCES builds (id),
    job_id      BYTEA NOT NULL REFERENCES jobs (id),
    scope       TEXT NOT NULL,
    scope_id    BYTEA NOT NULL,
    context     TEXT NOT NULL,
    style       TEXT NOT NULL,
    body        TEXT NOT NULL,
    priority    BIGINT NOT NULL,
    created_at  BIGINT NOT NULL,
    updated_at  BIGINT NOT NULL,
    UNIQUE (build_id, scope, scope_id, context)
);
CREATE INDEX annotations_of_job ON annotations (job_id);
-- Whether there is news is asked every few seconds, and behind `body` a row is long.
CREATE INDEX annotations_written ON annotations (build_id, updated_at);

-- `batch_id` is the agent's: a batch that comes again has the same artifacts. `stored_at` is when the bytes were whole in the server's own
-- store, where an artifact's name is its organization's id, its build's and its own; with an `upload_destination` they went elsewhere.
CREATE TABLE artifacts (
    id                  BYTEA PRIMARY KEY,
    organization_id     BYTEA NOT NULL,
    build_id            BYTEA NOT NULL REFERENCES builds (id),
    job_id              BYTEA NOT NULL REFERENCES jobs (id),
    batch_id            BYTEA NOT NULL,
    position            BIGINT NOT NULL,
    path                TEXT NOT NULL,
    absolute_path       TEXT NOT NULL,
    size                BIGINT NOT NULL,
    sha1                TEXT NOT NULL,
    sha256              TEXT,
    content_type        TEXT NOT NULL,
    upload_destination  TEXT,
    url                 TEXT,
    state               TEXT NOT NULL,
    created_at          BIGINT NOT NULL,
    stored_at           BIGINT,
    finished_at         BIGINT,
    UNIQUE (job_id, batch_id, position),
    UNIQUE (job_id, batch_id, path)
);
CREATE INDEX artifacts_of_build ON artifacts (build_id, id);
CREATE INDEX artifacts_of_job ON artifacts (job_id, id);
CREATE INDEX artifacts_to_empty ON artifacts (id) WHERE state = 'error' AND stored_at IS NOT NULL;
CREATE INDEX artifacts_under_way ON artifacts (created_at) WHERE state = 'new';

-- Bytes that no artifact names any more and that are still in the server's own store. Written with the change that gave them up; they are
-- removed after it, from `due_at` on.
CREATE TABLE blob_removals (
    artifact_id      BYTEA PRIMARY KEY,
    organization_id  BYTEA NOT NULL,
    build_id         BYTEA NOT NULL,
    due_at           BIGINT NOT NULL,
    failures         BIGINT NOT NULL
);
CREATE INDEX blob_removals_due ON blob_removals (due_at);

-- The keys that sign tokens of jobs for other services: the instance's. `sealed` is the private part under the key `key_id` of the ring;
-- it is destroyed when the key signs no more, and the row goes when the last token that it signed has expired.
CREATE TABLE oidc_keys (
    id               BYTEA PRIMARY KEY,
    modulus          BYTEA NOT NULL,
    exponent         BYTEA NOT NULL,
    sealed           BYTEA,
    key_id           TEXT,
    signs_from       BIGINT NOT NULL,
    published_until  BIGINT,
    created_at       BIGINT NOT NULL
);

-- `sequence` and `hash` are written by the sealing that follows, in batches; until then they are NULL.
-- The organization of an event about the instance itself is sixteen zero bytes.
CREATE TABLE audit_events (
    id               BYTEA PRIMARY KEY,
    organization_id  BYTEA NOT NULL,
    occurred_at      BIGINT NOT NULL,
    actor_kind       TEXT NOT NULL,
    actor_id         BYTEA,
    actor_name       TEXT NOT NULL,
    credential       TEXT,
    action           TEXT NOT NULL,
    subject_kind     TEXT NOT NULL,
    subject_id       BYTEA NOT NULL,
    subject_name     TEXT NOT NULL,
    detail           TEXT NOT NULL,
    ip               TEXT,
    user_agent       TEXT,
    request_id       TEXT,
    sequence         BIGINT,
    hash             BYTEA,
    UNIQUE (organization_id, sequence)
);
CREATE INDEX audit_unsealed ON audit_events (organization_id, id) WHERE sequence IS NULL;
CREATE INDEX audit_of_organization ON audit_events (organization_id, id);
CREATE INDEX audit_of_subject ON audit_events (organization_id, subject_id, id);

-- The last sealed event of each organization, under a MAC of the key ring: who can write the database but
-- has no key ring can neither shorten the chain nor write it anew.
CREATE TABLE audit_heads (
    organization_id  BYTEA PRIMARY KEY,
    sequence         BIGINT NOT NULL,
    hash             BYTEA NOT NULL,
    mac              BYTEA NOT NULL,
    key_id           TEXT NOT NULL,
    sealed_at        BIGINT NOT NULL
);

CREATE TABLE refusals (
    organization_id  BYTEA NOT NULL,
    token_id         BYTEA NOT NULL,
    public_id        TEXT NOT NULL,
    reason           TEXT NOT NULL,
    ip               TEXT NOT NULL,
    count            BIGINT NOT NULL,
    first_at         BIGINT NOT NULL,
    last_at          BIGINT NOT NULL,
    PRIMARY KEY (organization_id, public_id, reason, ip)
);
CREATE INDEX refusals_of_token ON refusals (token_id, last_at);
CREATE INDEX refusals_of_organization ON refusals (organization_id, last_at);
