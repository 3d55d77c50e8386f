//! Who may have a connection: as many as the server has places, of one address not all of them, and for this machine always a few.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv6Addr},
    sync::{Arc, Mutex, PoisonError},
};

use countersign_http::TrustedProxies;

/// Places that only this machine's own connections may have: its people can look at a server whose other places are taken. A small server keeps
/// an eighth of its places instead.
const RESERVED: usize = 16;

/// The places of a server's connections.
pub struct Places {
    most: usize,
    of_address: usize,
    proxies: TrustedProxies,
    taken: Mutex<Taken>,
}

#[derive(Default)]
struct Taken {
    all: usize,
    of: HashMap<IpAddr, usize>,
}

/// One of them, until it is dropped.
pub struct Place {
    places: Arc<Places>,
    whose: Option<IpAddr>,
}

/// Why there is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Full {
    /// All are taken.
    #[error("as many connections are open as may be (--max-connections)")]
    All,
    /// The address has as many as one may have.
    #[error("as many connections of this address are open as may be (--max-connections-per-address)")]
    OfAddress,
}

impl Places {
    /// `most` places in all, and `of_address` for one address. A trusted proxy stands for many clients and may have all.
    pub fn new(most: usize, of_address: usize, proxies: TrustedProxies) -> Arc<Self> {
        Arc::new(Self { most, of_address, proxies, taken: Mutex::default() })
    }

    /// How many are taken.
    #[cfg(test)]
    pub fn taken(&self) -> usize {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner).all
    }

    /// A place for a connection from there.
    ///
    /// # Errors
    /// There is none.
    pub fn take(self: &Arc<Self>, peer: IpAddr) -> Result<Place, Full> {
        let peer = peer.to_canonical();
        let whose = (!self.proxies.trusts(peer)).then(|| network(peer));
        let most = if peer.is_loopback() { self.most } else { self.most - RESERVED.min(self.most / 8) };
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        if taken.all >= most {
            return Err(Full::All);
        }
        if let Some(whose) = whose {
            let count = taken.of.entry(whose).or_default();
            if *count >= self.of_address {
                return Err(Full::OfAddress);
            }
            *count += 1;
        }
        taken.all += 1;
        Ok(Place { places: Arc::clone(self), whose })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.places.taken.lock().unwrap_or_else(PoisonError::into_inner);
        taken.all = taken.all.saturating_sub(1);
        if let Some(whose) = self.whose
            && let Some(count) = taken.of.get_mut(&whose)
        {
            *count -= 1;
            if *count == 0 {
                taken.of.remove(&whose);
            }
        }
    }
}

/// Whose address it is: of IPv6, one host has as many as it likes within its /64.
fn network(peer: IpAddr) -> IpAddr {
    match peer {
        IpAddr::V4(_) => peer,
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & (u128::MAX << 64))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    #[test]
    fn one_address_has_not_all_and_this_machine_has_the_last() {
        let proxies = TrustedProxies::new(vec!["10.0.0.9/32".parse().expect("a network")]);
        let places = Places::new(16, 3, proxies);
        let mut held = Vec::new();
        let mut take = |text: &str| places.take(at(text)).map(|place| held.push(place));
        for _ in 0..3 {
            assert_eq!(take("192.0.2.1"), Ok(()));
        }
        assert_eq!(take("192.0.2.1"), Err(Full::OfAddress));
        assert_eq!(take("::ffff:192.0.2.1"), Err(Full::OfAddress), "the same in another spelling");
        for host in ["2001:db8::1", "2001:db8::2", "2001:db8:0:0:ffff::3"] {
            assert_eq!(take(host), Ok(()));
        }
        assert_eq!(take("2001:db8::4"), Err(Full::OfAddress), "one /64");
        assert_eq!(take("2001:db8:0:1::4"), Ok(()), "another");
        for _ in 0..7 {
            assert_eq!(take("10.0.0.9"), Ok(()), "a trusted proxy");
        }
        assert_eq!(take("10.0.0.9"), Err(Full::All), "but for two of sixteen");
        assert_eq!(take("127.0.0.1"), Ok(()));
        assert_eq!(take("::1"), Ok(()));
        assert_eq!(take("127.0.0.1"), Err(Full::All));
        held.clear();
        assert_eq!(places.take(at("192.0.2.1")).map(drop), Ok(()));
        let taken = places.taken.lock().expect("nobody panicked");
        assert_eq!((taken.all, taken.of.len()), (0, 0), "nothing is left behind");
    }

    #[test]
    fn the_smallest_server_has_a_place_for_everybody() {
        assert!(Places::new(1, 1, TrustedProxies::default()).take(at("192.0.2.1")).is_ok());
    }
}
