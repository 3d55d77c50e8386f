//! An organization's settings beside its tokens.

pub(crate) mod audit;
pub(crate) mod deployments;
pub(crate) mod export;
pub(crate) mod general;
pub(crate) mod members;
pub(crate) mod teams;
