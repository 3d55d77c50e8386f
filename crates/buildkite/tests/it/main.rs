//! The Agent API in process: requests in, status and body out.

mod chunks;
mod edge;
mod jobs;
mod meta_data;
mod register;
mod server;
mod sessions;
