//! Where a call comes from.
//!
//! The peer of the connection is who calls, unless it is a proxy that was named as trusted: then the last address of
//! `X-Forwarded-For` that no trusted proxy has is. Whatever stands before it may be the client's own invention.

use std::net::{IpAddr, SocketAddr};

use countersign_control::{MAX_USER_AGENT, Origin};
use countersign_domain::Network;
use http::HeaderMap;
use http::header::{FORWARDED, HeaderName, USER_AGENT, VIA};

use crate::secrets_in_text::holds_a_token;

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const X_REAL_IP: HeaderName = HeaderName::from_static("x-real-ip");

/// Proxies whose `X-Forwarded-For` is believed. None unless they are named.
#[derive(Debug, Clone, Default)]
pub struct TrustedProxies(Vec<Network>);

impl TrustedProxies {
    /// The proxies in these networks.
    #[must_use]
    pub const fn new(networks: Vec<Network>) -> Self {
        Self(networks)
    }

    /// Whether this is the address of one of them.
    #[must_use]
    pub fn trusts(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(address))
    }

    /// Who calls: the peer, or the client that trusted proxies name.
    fn client(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let mut client = peer.to_canonical();
        if !self.trusts(client) {
            return client;
        }
        let lines: Vec<&str> =
            headers.get_all(X_FORWARDED_FOR).iter().map(|line| line.to_str().unwrap_or_default()).collect();
        for entry in lines.iter().flat_map(|line| line.split(',')).rev() {
            // What cannot be read ends the chain at the last proxy that could be.
            let Some(address) = address(entry) else { break };
            client = address;
            if !self.trusts(client) {
                break;
            }
        }
        client
    }
}

/// An entry of `X-Forwarded-For`: some proxies add the port.
fn address(entry: &str) -> Option<IpAddr> {
    let entry = entry.trim();
    let bare = entry.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(entry);
    let address = bare.parse::<IpAddr>().or_else(|_| entry.parse::<SocketAddr>().map(|it| it.ip()));
    address.ok().map(|it| it.to_canonical())
}

/// Where a call comes from, for the audit log and for networks of tokens.
pub(crate) fn of(peer: SocketAddr, headers: &HeaderMap, proxies: &TrustedProxies, request_id: &str) -> Origin {
    Origin {
        ip: proxies.client(peer.ip(), headers),
        user_agent: user_agent(headers),
        request_id: Some(request_id.to_owned()),
    }
}

/// Whether the call comes from this machine itself, and through no proxy: a proxy on this machine that was not named as trusted makes
/// the whole world look local.
pub(crate) fn is_local(origin: &Origin, headers: &HeaderMap) -> bool {
    let forwarded = [X_FORWARDED_FOR, X_REAL_IP, FORWARDED, VIA];
    origin.ip.is_loopback() && !forwarded.iter().any(|name| headers.contains_key(name))
}

/// The client's own words for itself. They end in the audit log, so a token value in them is dropped.
fn user_agent(headers: &HeaderMap) -> Option<String> {
    let text = String::from_utf8_lossy(headers.get(USER_AGENT)?.as_bytes());
    let kept: String = text.chars().filter(|c| !c.is_control()).take(MAX_USER_AGENT).collect();
    (!kept.is_empty() && !holds_a_token(&text)).then_some(kept)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(peer: &str, trusted: &[&str], forwarded: &[&str]) -> String {
        let networks = trusted.iter().map(|it| it.parse().expect("a network")).collect();
        let mut headers = HeaderMap::new();
        for line in forwarded {
            headers.append(X_FORWARDED_FOR, line.parse().expect("a header"));
        }
        TrustedProxies::new(networks).client(peer.parse().expect("an address"), &headers).to_string()
    }

    #[test]
    fn nobody_is_believed_by_default() {
        assert_eq!(client("192.0.2.1", &[], &["10.0.0.1"]), "192.0.2.1");
        assert_eq!(client("::ffff:192.0.2.1", &[], &[]), "192.0.2.1");
    }

    #[test]
    fn behind_trusted_proxies_the_last_address_that_is_none_of_them_counts() {
        let proxies = ["10.0.0.0/8"];
        assert_eq!(client("10.0.0.1", &proxies, &["203.0.113.9"]), "203.0.113.9");
        assert_eq!(client("10.0.0.1", &proxies, &["1.1.1.1, 203.0.113.9, 10.0.0.2"]), "203.0.113.9");
        assert_eq!(client("10.0.0.1", &proxies, &["1.1.1.1", "203.0.113.9:443"]), "203.0.113.9");
        assert_eq!(client("::ffff:10.0.0.1", &proxies, &["[2001:db8::7]:9"]), "2001:db8::7");
        assert_eq!(client("10.0.0.1", &proxies, &["2001:db8::7"]), "2001:db8::7");
    }

    #[test]
    fn a_chain_that_cannot_be_read_ends_at_the_proxy() {
        let proxies = ["10.0.0.0/8"];
        assert_eq!(client("10.0.0.1", &proxies, &["203.0.113.9, unknown"]), "10.0.0.1");
        assert_eq!(client("10.0.0.1", &proxies, &["203.0.113.9, , 10.0.0.2"]), "10.0.0.2");
        assert_eq!(client("10.0.0.1", &proxies, &[]), "10.0.0.1");
        assert_eq!(client("10.0.0.1", &proxies, &["10.0.0.3"]), "10.0.0.3");
    }

    #[test]
    fn a_forwarded_call_is_not_local() {
        let here: SocketAddr = "127.0.0.1:9".parse().expect("an address");
        let mut headers = HeaderMap::new();
        let origin = of(here, &headers, &TrustedProxies::default(), "r");
        assert!(is_local(&origin, &headers));
        headers.insert(X_REAL_IP, "203.0.113.9".parse().expect("a header"));
        assert!(!is_local(&origin, &headers));
    }

    #[test]
    fn a_name_for_itself_is_cut_and_cleaned() {
        let mut headers = HeaderMap::new();
        assert_eq!(user_agent(&headers), None);
        headers.insert(USER_AGENT, "a\tb".parse().expect("a header"));
        assert_eq!(user_agent(&headers).as_deref(), Some("ab"));
        headers.insert(USER_AGENT, "x".repeat(MAX_USER_AGENT + 1).parse().expect("a header"));
        assert_eq!(user_agent(&headers).map(|it| it.len()), Some(MAX_USER_AGENT));
    }
}
