//! Builds: a pipeline's steps become jobs, and the jobs leave words behind.

mod annotate;
mod cancel;
mod create;
mod meta_data;
pub(crate) mod progress;
mod remove_annotation;
mod view;

pub use annotate::{MAX_ANNOTATIONS, NewAnnotation};
pub use countersign_store::builds::annotations::Annotation;
pub use countersign_store::builds::{Build, Pipeline};
pub use create::NewBuild;
pub use meta_data::MAX_KEYS;
