//! Buildkite's Agent REST API v3, as agents of v3 and v4 speak it.
//!
//! Times are RFC 3339 strings, ids are strings, and statuses of processes are strings too: a JSON number in their place breaks
//! the decoding of real agents.

mod annotation;
mod data;
mod error;
mod job;
mod lenient;
mod log;
mod positive;
mod session;
mod steps;
mod token;

pub use annotation::{AnnotationQuery, AnnotationRequest};
pub use data::{DataExists, DataGet, DataKey, DataSet, DataSetBatch};
pub use error::ErrorBody;
pub use job::{FinishRequest, Job, JobState, JobUpdated, StartRequest, signal_reason};
pub use log::ChunkQuery;
pub use positive::Positive;
pub use session::{
    DisconnectResponse, HeartbeatRequest, HeartbeatResponse, PauseRequest, PingAction, PingJob, PingResponse,
    RegisterRequest, RegisterResponse, StopRequest,
};
pub use steps::{StepCancel, StepExport, StepOutput, StepUpdate, UploadRequest, UploadState, Uuid};
pub use token::TokenIdentity;

/// The word before the token in `Authorization: Token <value>`, for every kind of token.
pub const AUTHORIZATION_SCHEME: &str = "Token";

/// The streaming call, outside `/v3`. A server without it answers 404 at once: an agent in its default mode polls only after
/// this call has failed, and a well-formed empty stream would keep it from polling for good.
pub const STREAM_PINGS_PATH: &str = "/agentedge.v1.AgentEdgeService/StreamPings";

/// Request headers that a server may ask for must start with this, exactly; agents drop the others.
pub const REQUEST_HEADER_PREFIX: &str = "Buildkite-";
