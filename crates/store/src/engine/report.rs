//! What the store says of itself.

use std::time::Duration;

/// What `readyz` asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Health {
    /// The disk is full, or nearly: revokes work, other writes may not.
    pub space_is_short: bool,
    /// How far this machine's clock is from the database's, either way. Zero on SQLite.
    pub clock_skew: Duration,
}

/// What `doctor` asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// `sqlite` or `postgresql`.
    pub engine: &'static str,
    /// The engine's version, such as `3.53.1` or `15.18`.
    pub version: String,
    /// The file, or the server and database; without user and password.
    pub place: String,
    /// The database's schema version.
    pub schema_version: i32,
    /// The newest schema version that this program knows.
    pub known_version: i32,
    /// How text is ordered. `C` (PostgreSQL) and `BINARY` (SQLite) give the order that the program expects.
    pub collation: String,
}
