//! Who may do something, in the words of the table of actions.

/// Who may do something. `Admin` and `Member` are people with a user token, or signed in; what a `Member` may, an `Admin` may too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Who {
    /// No credential.
    Anonymous,
    /// An Organization Admin.
    Admin,
    /// Any other member of the organization.
    Member,
    /// The holder of an agent token.
    AgentToken,
    /// A connected agent.
    Session,
    /// An agent that has said goodbye.
    EndedSession,
    /// A running job.
    Job,
    /// A job that has ended a moment ago.
    EndedJob,
    /// The operator of the instance.
    Operator,
    /// The server itself.
    System,
    /// The holder of an invitation.
    Invitation,
}

impl Who {
    /// Everyone there is.
    pub const ALL: [Self; 11] = [
        Self::Anonymous,
        Self::Admin,
        Self::Member,
        Self::AgentToken,
        Self::Session,
        Self::EndedSession,
        Self::Job,
        Self::EndedJob,
        Self::Operator,
        Self::System,
        Self::Invitation,
    ];

    /// In words, for a refusal and for the documentation.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Anonymous => "nobody",
            Self::Admin => "an Organization Admin",
            Self::Member => "a member of the organization",
            Self::AgentToken => "an agent token",
            Self::Session => "a connected agent",
            Self::EndedSession => "an agent that has disconnected",
            Self::Job => "a running job",
            Self::EndedJob => "a job that has just ended",
            Self::Operator => "the operator",
            Self::System => "the server",
            Self::Invitation => "the holder of an invitation",
        }
    }

    /// Whether the caller showed a credential of the sort that an action for `self` takes.
    #[must_use]
    pub const fn is_same_sort(self, other: Self) -> bool {
        matches!(
            (self, other),
            (Self::Admin | Self::Member, Self::Admin | Self::Member)
                | (Self::AgentToken, Self::AgentToken)
                | (Self::Session | Self::EndedSession, Self::Session | Self::EndedSession)
                | (Self::Job | Self::EndedJob, Self::Job | Self::EndedJob)
                | (Self::Operator, Self::Operator)
                | (Self::System, Self::System)
                | (Self::Invitation, Self::Invitation)
        )
    }
}
