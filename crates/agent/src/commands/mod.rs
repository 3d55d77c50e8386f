//! What a job calls: its build's meta-data and its annotations, with the job token alone.
//!
//! The command line prints what these answer on stdout, errors on stderr, and exits with 1 on any error.

mod access;
mod annotate;
pub mod artifact;
pub mod meta_data;

pub use access::{Given, JobAccess};
pub use annotate::{Annotation, MAX_ANNOTATION_BYTES, annotate};
