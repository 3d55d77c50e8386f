//! Limits of a request. The server's own (header time, connections) are set where it listens.

use std::time::Duration;

/// The most bytes of a body, unless a route says otherwise.
pub const MAX_BODY: usize = 1024 * 1024;
/// The most bytes of a body that any route takes: what is larger is refused before it is read.
pub const MAX_ANY_BODY: usize = 8 * 1024 * 1024;
/// The most values of a JSON body, names of fields and every list and object counted, unless a route says otherwise: ten thousand pairs of
/// meta-data in one call are half of it.
pub const MAX_VALUES: usize = 100_000;
/// How long a request may take, with the reading of its body.
pub const REQUEST_TIME: Duration = Duration::from_secs(30);
/// The largest difference between this machine's clock and the database's with which the server calls itself ready.
pub const MAX_CLOCK_SKEW: Duration = Duration::from_secs(5);
