//! How much a job may leave behind.

/// How much a job may leave behind. Each has a default and a flag of `countersign server`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Artifacts of one job.
    pub per_job: u32,
    /// Bytes of one artifact.
    pub size: u64,
    /// Bytes of one job's artifacts together.
    pub size_per_job: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { per_job: 10_000, size: 5 << 30, size_per_job: 50 << 30 }
    }
}
