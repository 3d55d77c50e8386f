//! The types of the API, one file each. Names, nullability and arguments are Buildkite's; what it does not have is added beside it.

pub(crate) mod agent;
pub(crate) mod agent_token;
pub(crate) mod audit_log;
pub(crate) mod build;
pub(crate) mod connection;
pub(crate) mod date_time;
pub(crate) mod deployment;
pub(crate) mod job;
pub(crate) mod job_filter;
pub(crate) mod node;
pub(crate) mod organization;
pub(crate) mod page_info;
pub(crate) mod permission;
pub(crate) mod pipeline;
pub(crate) mod query;
pub(crate) mod scope;
pub(crate) mod slug;
pub(crate) mod token_history;
pub(crate) mod user;
pub(crate) mod user_token;
pub(crate) mod viewer;
