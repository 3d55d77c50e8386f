//! Buildkite's Agent REST API v3, as agents of v3 and v4 speak it.
//!
//! Times are RFC 3339 strings, ids are strings, and statuses of processes are strings too: a JSON number in their place breaks
//! the decoding of real agents.

mod annotation;
mod artifact;
mod data;
mod error;
mod job;
mod lenient;
mod log;
mod metrics;
mod oidc;
mod pipeline;
mod positive;
mod secret;
mod session;
mod step;
mod stream_pings;
mod token;

pub use annotation::{AnnotationQuery, AnnotationRequest};
pub use artifact::{
    Artifact, ArtifactBatch, ArtifactBatchAnswer, ArtifactQuery, ArtifactState, ArtifactStates, FormAction,
    NewArtifact, PATH_PLACEHOLDER, PartAction, PartTag, UploadInstructions,
};
pub use data::{DataExists, DataGet, DataKey, DataSet, DataSetBatch};
pub use error::ErrorBody;
pub use job::{FinishRequest, Job, JobState, JobUpdated, StartRequest, signal_reason};
pub use log::ChunkQuery;
pub use metrics::{
    AgentCounts, ByQueue, JobCounts, MetricsCluster, MetricsOrganization, MetricsResponse, POLL_DURATION_HEADER,
    QueueMetricsQuery, QueueMetricsResponse,
};
pub use oidc::{OidcTokenRequest, OidcTokenResponse};
pub use pipeline::{PipelineUpload, PipelineUploadState};
pub use positive::Positive;
pub use secret::JobSecret;
pub use session::{
    DisconnectResponse, HeartbeatRequest, HeartbeatResponse, PauseRequest, PingAction, PingJob, PingResponse,
    RegisterRequest, RegisterResponse, StopRequest,
};
pub use step::{Canceled, StepCancel, StepExport, StepExportRequest, StepUpdate};
pub use stream_pings::{
    FRAME_HEAD, FrameHead, GRPC, GRPC_MESSAGE, GRPC_STATUS, GrpcStatus, NotAMessage, StreamPingsRequest,
    StreamPingsResponse,
};
pub use token::TokenIdentity;

/// The word before the token in `Authorization: Token <value>`, for every kind of token.
pub const AUTHORIZATION_SCHEME: &str = "Token";

/// The streaming call, outside `/v3`. A server without it answers 404 at once: an agent in its default mode polls only after
/// this call has failed, and a well-formed empty stream would keep it from polling for good.
pub const STREAM_PINGS_PATH: &str = "/agentedge.v1.AgentEdgeService/StreamPings";

/// Request headers that a server may ask for must start with this, exactly; agents drop the others.
pub const REQUEST_HEADER_PREFIX: &str = "Buildkite-";

/// Must be sent with `PUT /jobs/:id/acquire`, with the value `1`.
pub const ACQUIRE_HEADER: &str = "X-Buildkite-Lock-Acquire-Job";

/// Sent with calls that a server may put off: the attempt, counted from 0.
pub const BACKOFF_HEADER: &str = "X-Buildkite-Backoff-Sequence";
