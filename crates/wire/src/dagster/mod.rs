//! What Dagster+ agents (1.12 and 1.13) say inside the texts that their GraphQL calls carry, and how they are refused.
//!
//! Those texts are JSON in a form of Dagster's own: an object names its class under `__class__`, and an enum's member is
//! `{"__enum__": "Class.MEMBER"}`. Only the class of the outermost object is looked at; a field that is not named here is passed over.

mod error;
mod heartbeat;
mod location;
mod refusal;
mod request;
mod run;
mod serdes;
mod snapshot;
mod upload;

pub use error::{ErrorInfo, TimestampedError};
pub use heartbeat::{
    AgentHeartbeat, AgentMetadata, AgentQueues, CodeServer, RunWorker, RunWorkers, read_error, read_error_info,
    read_heartbeat,
};
pub use location::{GitMetadata, LocationMetadata, read_metadata};
pub use refusal::RefusalBody;
pub use request::{ApiRequest, ApiResponse, REQUEST_ENUM, RequestArgs, Response, read_response, read_responses};
pub use run::{CodeOrigin, CodePlace, JobOrigin, STATUS_ENUM, SerializedRun};
pub use serdes::{Member, Unreadable};
pub use snapshot::{
    CheckSnapshotResult, ConfirmUploadResult, JobSelector, Manifest, RepositoryManifest, SNAPSHOT_FORMAT,
    SnapshotUploadData, StoredSnapshot, UpdateResponse, UpdateResult, read_manifest, read_update_result,
    read_upload_data,
};
pub use upload::{UploadEntry, UploadLocation, UploadRepository, UploadResponse, read_job_snapshot, read_upload_entry};

/// The header in which an agent sends its token with every call: the bare value.
pub const TOKEN_HEADER: &str = "Dagster-Cloud-Api-Token";

/// The header in which a call names the deployment that it is for; the core calls have it not, and name deployments in their variables.
pub const DEPLOYMENT_HEADER: &str = "Dagster-Cloud-Deployment";

/// The header in which people's commands name the organization that the call is for; agents send none.
pub const ORGANIZATION_HEADER: &str = "Dagster-Cloud-Organization";
