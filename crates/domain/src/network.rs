//! Networks that a token may be used from.

use std::{fmt, net::IpAddr, str::FromStr};

use ipnet::{IpNet, Ipv4Net};

/// One IPv4 or IPv6 network. Addresses of IPv4 that were mapped into IPv6 (`::ffff:10.0.0.1`) count as IPv4 on both sides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Network(IpNet);

impl Network {
    /// Whether the address lies in the network.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        self.0.contains(&address.to_canonical())
    }

    /// Whether this is `0.0.0.0/0` or `::/0`.
    #[must_use]
    pub fn is_everything(&self) -> bool {
        self.0.prefix_len() == 0
    }

    /// Bits of a network within `::ffff:0:0/96`, which is where IPv6 keeps IPv4.
    const MAPPED_BITS: u8 = 96;

    fn canonical(net: IpNet) -> Self {
        if let IpNet::V6(v6) = net
            && let Some(v4) = v6.network().to_ipv4_mapped()
            && let Some(length) = v6.prefix_len().checked_sub(Self::MAPPED_BITS)
            && let Ok(mapped) = Ipv4Net::new(v4, length)
        {
            return Self(IpNet::V4(mapped));
        }
        Self(net)
    }
}

impl fmt::Display for Network {
    /// CIDR, also for a single address: `10.0.0.0/8`, `192.0.2.7/32`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The text is not a network.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotANetwork {
    /// Neither an address nor CIDR.
    #[error("is not an address or a network such as 192.0.2.7, 10.0.0.0/8 or 2001:db8::/32")]
    Shape,
    /// An address inside a network was written where the network should be, so that it is not clear which was meant.
    #[error("has address bits set beyond its length; write {network} for the network, or the address alone")]
    HostBits {
        /// The network that the address lies in.
        network: Network,
    },
}

impl FromStr for Network {
    type Err = NotANetwork;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Ok(address) = text.parse::<IpAddr>() {
            return Ok(Self(IpNet::from(address.to_canonical())));
        }
        let net: IpNet = text.parse().map_err(|_| NotANetwork::Shape)?;
        let network = Self::canonical(net.trunc());
        if net.addr() == net.network() { Ok(network) } else { Err(NotANetwork::HostBits { network }) }
    }
}

impl serde::Serialize for Network {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for Network {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network(text: &str) -> Network {
        text.parse().expect("a network")
    }

    fn address(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    #[test]
    fn an_address_is_a_network_of_one() {
        assert_eq!(network("192.0.2.7").to_string(), "192.0.2.7/32");
        assert_eq!(network("2001:db8::1").to_string(), "2001:db8::1/128");
        assert!(network("192.0.2.7").contains(address("192.0.2.7")));
        assert!(!network("192.0.2.7").contains(address("192.0.2.8")));
    }

    #[test]
    fn mapped_addresses_are_ipv4_on_both_sides() {
        assert!(network("10.0.0.0/8").contains(address("::ffff:10.1.2.3")));
        assert_eq!(network("::ffff:10.0.0.0/104"), network("10.0.0.0/8"));
        assert_eq!(network("::ffff:10.1.2.3"), network("10.1.2.3"));
        assert!(!network("2001:db8::/32").contains(address("10.1.2.3")));
        // Wider than the mapped range, so it stays IPv6 and holds no IPv4 address.
        assert!(!network("::/0").contains(address("::ffff:10.1.2.3")));
    }

    #[test]
    fn what_is_not_a_network_is_named() {
        for text in ["", "10.0.0.0/33", "10.0.0/8", "localhost", "10.0.0.0 /8", "10.0.0.0/-1", "fe80::1%eth0"] {
            assert_eq!(text.parse::<Network>(), Err(NotANetwork::Shape), "{text}");
        }
        assert_eq!("10.1.2.3/8".parse::<Network>(), Err(NotANetwork::HostBits { network: network("10.0.0.0/8") }));
    }
}
