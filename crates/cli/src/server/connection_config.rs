//! How many connections a server has at one time, and of whom.

use clap::Args;

use crate::flags::variables;

/// The most connections at one time when nothing else was said; fewer where the system allows fewer open files.
const DEFAULT_MAX_CONNECTIONS: usize = 8_192;

/// Flags about connections.
#[derive(Debug, Clone, Default, Args)]
pub struct ConnectionFlags {
    /// The most connections at one time [default: 8192, or fewer where few files may be open]
    #[arg(long, value_name = "NUMBER", env = variables::MAX_CONNECTIONS, value_parser = clap::value_parser!(u32).range(1..))]
    max_connections: Option<u32>,
    /// The most of them from one IPv4 address or one /64 of IPv6; a trusted proxy may have all [default: half of --max-connections]
    #[arg(long, value_name = "NUMBER", env = variables::MAX_CONNECTIONS_PER_ADDRESS, value_parser = clap::value_parser!(u32).range(1..))]
    max_connections_per_address: Option<u32>,
}

/// What was said about them.
#[derive(Debug, Clone, Copy, Default)]
pub struct ConnectionLimits {
    most: Option<usize>,
    of_address: Option<usize>,
}

impl ConnectionFlags {
    /// The flags, and the configuration file where they say nothing.
    pub(super) fn or(&self, most: Option<u32>, of_address: Option<u32>) -> ConnectionLimits {
        let number = |number: u32| usize::try_from(number).unwrap_or(usize::MAX);
        ConnectionLimits {
            most: self.max_connections.or(most).map(number),
            of_address: self.max_connections_per_address.or(of_address).map(number),
        }
    }
}

impl ConnectionLimits {
    /// The most at one time, and the most of one address, where the system allows so many open files.
    pub(super) fn within(self, allowed: usize) -> (usize, usize) {
        let most = self.most.unwrap_or(DEFAULT_MAX_CONNECTIONS).min(allowed.max(1));
        (most, self.of_address.unwrap_or(most.div_ceil(2)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flag_wins_and_an_address_has_half() {
        let flags =
            |most, of_address| ConnectionFlags { max_connections: most, max_connections_per_address: of_address };
        assert_eq!(flags(None, None).or(None, None).within(usize::MAX), (8_192, 4_096));
        assert_eq!(flags(None, None).or(Some(10), None).within(usize::MAX), (10, 5));
        assert_eq!(flags(Some(7), None).or(Some(10), Some(9)).within(usize::MAX), (7, 9));
        assert_eq!(flags(Some(7), Some(2)).or(Some(10), Some(9)).within(3), (3, 2));
        assert_eq!(flags(None, None).or(None, None).within(0), (1, 1));
    }
}
