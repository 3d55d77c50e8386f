//! Builds: a pipeline's steps become jobs, and the jobs leave words behind.

mod annotate;
mod cancel;
pub(crate) mod chores;
mod create;
mod meta_data;
mod put;
mod rebuild;
mod remove_annotation;
pub(crate) mod runner;
mod situation;
mod trigger;
mod upload;
mod view;
mod wake;

pub use annotate::{MAX_ANNOTATIONS, MAX_BODIES, NewAnnotation};
pub use countersign_store::builds::annotations::Annotation;
pub use countersign_store::builds::{Build, Pipeline};
pub(crate) use create::read;
pub use create::{MAX_REFERENCE, NewBuild};
pub use meta_data::{MAX_KEYS, MAX_META_DATA};
pub use put::{MAX_UPLOAD_DEPTH, MAX_UPLOADS};
pub use trigger::MAX_DEPTH as MAX_TRIGGER_DEPTH;
pub use upload::{MAX_STEPS, Upload, UploadTurn};
pub(crate) use wake::wake;
