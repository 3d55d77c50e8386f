//! What the processes of one machine say to each other: small HTTP servers on unix sockets and loopback addresses.

pub(crate) mod client;
pub(crate) mod health;
pub(crate) mod job_api;
pub(crate) mod leader;
pub(crate) mod server;
pub(crate) mod sockets;
