//! What a job calls: its build's meta-data, annotations, steps and pipelines with the job token alone, and its agent over the sockets
//! of this machine.
//!
//! The command line prints what these answer on stdout, errors on stderr, and exits with 1 on any error.

mod access;
pub mod agent_control;
mod annotate;
pub mod artifact;
mod changed_files;
mod local;
mod lock;
pub mod meta_data;
pub mod pipeline;
pub mod step;
pub mod token;

pub use access::{Given, JobAccess, is_secret_name};
pub use annotate::{Annotation, MAX_ANNOTATION_BYTES, annotate, remove_annotation};
pub use changed_files::ChangedFiles;
pub use countersign_wire::{
    SecretText,
    buildkite::{JobSecret, OidcTokenRequest},
};
pub use local::{Changed, JobApi};
pub use lock::{Locks, Turn};
