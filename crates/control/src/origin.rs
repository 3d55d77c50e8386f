//! Where a call comes from: what the audit log says of it besides who.

use std::net::{IpAddr, Ipv4Addr};

/// The most of a `User-Agent` that is kept, in characters.
pub const MAX_USER_AGENT: usize = 256;

/// Where a call comes from.
#[derive(Debug, Clone)]
pub struct Origin {
    /// The peer's address; behind a trusted proxy, the one that it names.
    pub ip: IpAddr,
    /// The client's own words for itself, cut to [`MAX_USER_AGENT`].
    pub user_agent: Option<String>,
    /// The request's id, as it stands in the log and the response.
    pub request_id: Option<String>,
}

impl Origin {
    /// The machine itself: commands on the data folder, work in the background.
    #[must_use]
    pub const fn local() -> Self {
        Self { ip: IpAddr::V4(Ipv4Addr::LOCALHOST), user_agent: None, request_id: None }
    }
}
