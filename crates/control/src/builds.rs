//! Builds: a pipeline's steps become jobs, and the jobs leave words behind.

mod annotate;
pub(crate) mod cancel;
pub(crate) mod chores;
mod create;
mod deadlock;
mod list;
mod meta_data;
mod parts;
mod picture;
mod put;
mod rebuild;
mod remove_annotation;
pub(crate) mod runner;
pub(crate) mod situation;
mod trigger;
mod upload;
mod view;
mod wake;
mod whole;
mod window;

pub use annotate::{MAX_ANNOTATIONS, MAX_BODIES, NewAnnotation};
pub use countersign_store::builds::annotations::Annotation;
pub use countersign_store::builds::{Build, Pipeline, Wanted};
pub use create::{MAX_REFERENCE, NewBuild};
pub(crate) use create::{name_of, read};
pub use list::MAX_NAMES;
pub use meta_data::{MAX_KEYS, MAX_META_DATA};
pub use parts::Part;
pub use picture::{Graph, MAX_DRAWN, Pulse};
pub use put::{MAX_UPLOAD_DEPTH, MAX_UPLOADS};
pub use situation::{AUTHOR, AUTHOR_EMAIL};
pub use trigger::MAX_DEPTH as MAX_TRIGGER_DEPTH;
pub use upload::{MAX_STEPS, Upload, UploadTurn};
pub(crate) use wake::wake;
pub use whole::{Entry, MAX_ENTRIES, Whole};
pub use window::{Cursor, NotACursor, Window};
