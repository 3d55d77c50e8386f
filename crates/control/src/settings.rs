//! How an instance is set.

use std::time::Duration;

use countersign_domain::token::Prefix;

/// How an instance is set. Each has a default and a flag of `countersign server`.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The address under which people and agents reach the server; without a slash at its end. Issuer of the tokens of jobs.
    pub public_url: String,
    /// What new token values begin with. Old values keep theirs and stay valid.
    pub prefix: Prefix,
    /// How often agents ask what there is to do; whole seconds, at least 1.
    pub ping_interval: Duration,
    /// How often agents say that they are there; whole seconds, at least 1.
    pub heartbeat_interval: Duration,
    /// How often agents ask whether their job is canceled; whole seconds, at least 1.
    pub job_status_interval: Duration,
    /// How long a job is kept for an agent that does not take it.
    pub assignment_timeout: Duration,
    /// How often what gathers in memory is written.
    pub flush_interval: Duration,
    /// How often windows are closed, agents given up and the audit log sealed.
    pub sweep_interval: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            public_url: "http://localhost:8420".to_owned(),
            prefix: Prefix::default(),
            ping_interval: Duration::from_secs(2),
            heartbeat_interval: Duration::from_secs(30),
            job_status_interval: Duration::from_secs(2),
            assignment_timeout: Duration::from_secs(60),
            flush_interval: Duration::from_secs(5),
            sweep_interval: Duration::from_secs(1),
        }
    }
}
