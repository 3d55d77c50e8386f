//! Which of a job's calls have a rate: those that leave a row in the audit log, which is kept for ever.

use super::Action;
use super::actions::{
    Annotate, CancelOwnBuild, ControlOwnAgent, RequestOidcToken, UpdateJob, UploadArtifacts, UploadPipeline,
    WriteMetaData, WriteSteps,
};

/// Their names. What a job says of itself (that it starts, its log, that it ends) has none: an agent gives up a job for it, or drops a piece
/// of the log; it starts and ends once, and its log has an end.
pub(crate) const PACED: [&str; 9] = [
    Annotate::NAME,
    CancelOwnBuild::NAME,
    ControlOwnAgent::NAME,
    RequestOidcToken::NAME,
    UpdateJob::NAME,
    UploadArtifacts::NAME,
    UploadPipeline::NAME,
    WriteMetaData::NAME,
    WriteSteps::NAME,
];

#[cfg(test)]
mod tests {
    use super::PACED;
    use crate::access::Who;
    use crate::access::actions::TABLE;

    /// What a job may do without a rate.
    const FREE: [&str; 5] = ["job.report", "job.append_log", "step.read", "meta_data.read", "artifact.read"];

    #[test]
    fn each_action_of_a_job_has_a_rate_or_needs_none() {
        for row in TABLE.iter().filter(|row| row.allowed.contains(&Who::Job)) {
            assert!(PACED.contains(&row.name) != FREE.contains(&row.name), "{}: say which of the two it is", row.name);
        }
        assert!(PACED.iter().all(|name| TABLE.iter().any(|row| row.name == *name)));
    }
}
