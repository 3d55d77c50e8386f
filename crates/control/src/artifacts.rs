//! Artifacts: what jobs leave behind, and how its bytes come and go.
//!
//! ```text
//! job ── announce ──> signed address ── bytes ──> blob, whole and checked ──> finished ── search ──> signed address ──> bytes
//! ```
//!
//! The bytes travel without a token: an address carries a signature over what it is for, the artifact and the time at which it ends.

pub(crate) mod address;
mod announce;
mod delete;
mod ended;
mod failed;
mod hand_out;
mod limits;
pub(crate) mod places;
mod search;
mod take_in;
mod view;

pub use address::{DOWNLOAD_TIME, UPLOAD_TIME};
pub use announce::{Announced, MAX_BATCH, NewArtifact, NewBatch};
pub use countersign_store::artifacts::Artifact;
pub use ended::{Ended, MAX_ENDED};
pub use hand_out::{Download, FIRST_READ};
pub use limits::Limits;
pub(crate) use places::Transfers;
pub use places::{
    DOWNLOADS_AT_ONCE, DOWNLOADS_OF_BUILD, DOWNLOADS_OF_ORGANIZATION, PLACE_TIME, UPLOADS_OF_JOB,
    UPLOADS_OF_ORGANIZATION,
};
pub use search::{MAX_FOUND, MAX_FOUND_BYTES, Search};
pub use take_in::{FormField, LOOK_EVERY, UPLOAD_GRACE, Upload};
