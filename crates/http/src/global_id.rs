//! Global ids: standard base64 of `Type---uuid`. They are stable for ever, and clients compare them as text.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use countersign_domain::Id;
use uuid::Uuid;

/// What a global id can be of. The name inside is not always that of the GraphQL type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sort {
    /// An organization.
    Organization,
    /// A person.
    User,
    /// A person, as whoever calls.
    Viewer,
    /// Somebody in an organization, by the uuid of the user.
    OrganizationMember,
    /// An invitation to an organization.
    OrganizationInvitation,
    /// An agent token.
    AgentToken,
    /// A user token.
    UserToken,
    /// An agent.
    Agent,
    /// A deployment.
    Deployment,
    /// The same under Buildkite's name.
    Cluster,
    /// An agent token that was made for one deployment, under Buildkite's name.
    ClusterToken,
    /// A queue.
    ClusterQueue,
    /// A pipeline.
    Pipeline,
    /// A build.
    Build,
    /// A job.
    Job,
    /// An event in the audit log.
    AuditEvent,
}

impl Sort {
    const ALL: [Self; 16] = [
        Self::Organization,
        Self::User,
        Self::Viewer,
        Self::OrganizationMember,
        Self::OrganizationInvitation,
        Self::AgentToken,
        Self::UserToken,
        Self::Agent,
        Self::Deployment,
        Self::Cluster,
        Self::ClusterToken,
        Self::ClusterQueue,
        Self::Pipeline,
        Self::Build,
        Self::Job,
        Self::AuditEvent,
    ];

    /// The name inside the id.
    const fn as_str(self) -> &'static str {
        match self {
            Self::Organization => "Organization",
            Self::User => "User",
            Self::Viewer => "Viewer",
            Self::OrganizationMember => "OrganizationMember",
            Self::OrganizationInvitation => "OrganizationInvitation",
            Self::AgentToken => "AgentToken",
            Self::UserToken => "APIAccessToken",
            Self::Agent => "Agent",
            Self::Deployment => "Deployment",
            Self::Cluster => "Cluster",
            Self::ClusterToken => "ClusterToken",
            Self::ClusterQueue => "ClusterQueue",
            Self::Pipeline => "Pipeline",
            Self::Build => "Build",
            Self::Job => "Job",
            Self::AuditEvent => "AuditEvent",
        }
    }

    /// In words, for `No … found`.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Organization => "organization",
            Self::User => "user",
            Self::Viewer => "viewer",
            Self::OrganizationMember => "member",
            Self::OrganizationInvitation => "invitation",
            Self::AgentToken => "agent token",
            Self::UserToken => "user token",
            Self::Agent => "agent",
            Self::Deployment => "deployment",
            Self::Cluster => "cluster",
            Self::ClusterToken => "cluster agent token",
            Self::ClusterQueue => "queue",
            Self::Pipeline => "pipeline",
            Self::Build => "build",
            Self::Job => "job",
            Self::AuditEvent => "audit event",
        }
    }
}

/// The global id of a thing.
#[must_use]
pub fn encode<T>(sort: Sort, id: Id<T>) -> String {
    STANDARD.encode(format!("{}---{id}", sort.as_str()))
}

/// What a global id names; none for every other text. White space at the end of what was encoded is passed over: ids that were made
/// by hand have a line break there.
#[must_use]
pub fn decode(text: &str) -> Option<(Sort, Uuid)> {
    let bytes = STANDARD.decode(text.trim()).ok()?;
    let (name, uuid) = std::str::from_utf8(&bytes).ok()?.trim_end().split_once("---")?;
    let sort = Sort::ALL.into_iter().find(|sort| sort.as_str() == name)?;
    let id: Id<Sort> = uuid.parse().ok()?;
    Some((sort, id.uuid()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const UUID: &str = "0192f3a1-7c3e-7b21-9f60-3a5c1e0d4b77";

    #[test]
    fn an_id_reads_back_and_keeps_its_spelling() {
        let id: Id<()> = UUID.parse().expect("a uuid");
        let text = encode(Sort::AgentToken, id);
        assert_eq!(text.as_str(), "QWdlbnRUb2tlbi0tLTAxOTJmM2ExLTdjM2UtN2IyMS05ZjYwLTNhNWMxZTBkNGI3Nw==");
        assert_eq!(decode(&text), Some((Sort::AgentToken, id.uuid())));
        for sort in Sort::ALL {
            assert_eq!(decode(&encode(sort, id)), Some((sort, id.uuid())));
        }
    }

    #[test]
    fn a_line_break_at_the_end_is_passed_over() {
        let by_hand = STANDARD.encode(format!("Agent---{UUID}\n"));
        assert_eq!(decode(&by_hand).map(|(sort, _)| sort), Some(Sort::Agent));
        assert_eq!(decode(&format!(" {by_hand}\n")).map(|(sort, _)| sort), Some(Sort::Agent));
    }

    #[test]
    fn everything_else_names_nothing() {
        for inside in ["", "Agent", "Agent---", "Agent---x", "Cat---0192f3a1-7c3e-7b21-9f60-3a5c1e0d4b77", "Agent--x"] {
            assert_eq!(decode(&STANDARD.encode(inside)), None, "{inside}");
        }
        for text in ["", "organization-id", UUID, "QWdlbnQ", "\u{0}", "💥", "====", &"A".repeat(100_000)] {
            assert_eq!(decode(text), None, "{text}");
        }
    }
}
