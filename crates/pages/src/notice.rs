//! What a change has to say on the page that follows it. Only a word of a closed set travels, in a cookie: no link can put words into a page.

use axum::response::Response;

use crate::frame::{set_cookie, to};
use crate::site::Site;

pub(crate) const COOKIE: &str = "countersign-notice";
/// How long a notice waits for its page, in seconds.
const KEPT: u32 = 60;

macro_rules! notices {
    ($($name:ident $word:literal $says:literal;)*) => {
        /// What was done.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum Notice {
            $($name),*
        }

        impl Notice {
            const ALL: &'static [Self] = &[$(Self::$name),*];

            /// The word in the cookie.
            pub(crate) const fn word(self) -> &'static str {
                match self {
                    $(Self::$name => $word),*
                }
            }

            /// For people.
            pub(crate) const fn says(self) -> &'static str {
                match self {
                    $(Self::$name => $says),*
                }
            }
        }
    };
}

notices! {
    SignedOut "signed-out" "You are signed out.";
    Proved "proved" "Thank you. For five minutes you are not asked again; go on with what you were about to do.";
    PasswordSet "password-set" "Your password is set. Sign in with it next time.";
    PasswordChanged "password-changed" "Your password is changed. Everywhere else you are signed out.";
    SignInEnded "sign-in-ended" "That browser is signed out.";
    PasskeyAdded "passkey-added" "The passkey is added. Sign in with it next time.";
    PasskeyRenamed "passkey-renamed" "The name is saved.";
    PasskeyRemoved "passkey-removed" "The passkey is removed. Nobody signs in with it any more; take it out of its device, too.";
    IdentityForgotten "identity-forgotten" "It is forgotten. The next time that you sign in there, you are known by your address.";
    ProviderLate "provider-late" "You came back too late, or in another browser, so nothing was done. Try again.";
    StillSignedIn "still-signed-in" "That sign-in had expired or was begun in another browser, so nothing was done. You are still signed in as before.";
    Joined "joined" "You are a member now.";
    DescriptionSaved "description-saved" "The description is saved.";
    PermissionsSaved "permissions-saved" "The permissions are saved. They apply from now on to everything new.";
    RoleChanged "role-changed" "The role is changed. It applies from the next call on.";
    MemberRemoved "member-removed" "They are no member any more, and their tokens here are revoked.";
    InvitationWithdrawn "invitation-withdrawn" "The invitation is withdrawn. Nobody becomes a member by it.";
    OrganizationSaved "organization-saved" "The organization is saved.";
    ServiceUserCreated "service-user-created" "The service user is created. It calls the API with a token, which you make for it.";
    ServiceUserSaved "service-user-saved" "The service user is saved.";
    RoleGiven "role-given" "The role is given. It applies from the next call on.";
    RoleTaken "role-taken" "The role is taken away. It applies no more from the next call on.";
    MembersRoleChanged "members-role-changed" "Every member has that role in every deployment now.";
    TeamSaved "team-saved" "The team is saved.";
    DeploymentSaved "deployment-saved" "The deployment is saved.";
    QueueCreated "queue-created" "The queue is created.";
    QueueSaved "queue-saved" "The queue is saved.";
    QueuePaused "queue-paused" "The queue is paused: its jobs wait, and what runs goes on.";
    QueueResumed "queue-resumed" "The queue's jobs go to agents again.";
    QueueDeleted "queue-deleted" "The queue is deleted. A job or an agent that names it creates it again.";
    TeamCreated "team-created" "The team is created. Let members into it.";
    TeamChanged "team-changed" "Who is in the team is changed.";
    TeamGone "team-gone" "The team was deleted already, so nothing was done.";
    OutAlready "out-already" "They were out of the team already, so nothing was done.";
    MemberGone "member-gone" "They were no member any more already, so nothing was done.";
    RoleGone "role-gone" "That role was taken away already, so nothing was done.";
    TeamDeleted "team-deleted" "The team is deleted, and with it the roles that its members had by it.";
    DeploymentCreated "deployment-created" "The deployment is created. Agents join it by its name.";
    DeploymentDeleted "deployment-deleted" "The deployment is deleted.";
    Rotated "rotated" "The token has a new value. Bring it to every host before the old ones end.";
    RotationFinished "rotation-finished" "The older values are refused from now on. The newest one stands.";
    AgentPaused "agent-paused" "The agent is paused: it finishes its job and takes no other.";
    AgentResumed "agent-resumed" "The agent takes jobs again.";
    AgentStopped "agent-stopped" "The agent is told to stop.";
    BuildCanceled "build-canceled" "The build is canceled. Agents that run a job of it are told to stop.";
    BuildRepeated "build-repeated" "This is the same build once more.";
    JobRetried "job-retried" "The job runs again: this is the new one.";
    JobCanceled "job-canceled" "The job is canceled.";
    StepUnblocked "step-unblocked" "The step is answered. What waited for it goes on.";
    AgentTokenRevoked "agent-token-revoked" "The token is revoked. No agent registers with it any more.";
    AgentsDrained "agents-drained" "The token's agents are told: each finishes its job and then leaves.";
    AgentsDisconnected "agents-disconnected" "The token's agents are disconnected, and their jobs are canceled.";
    Revoked "revoked" "The token is revoked. Nothing is accepted from it any more.";
}

impl Notice {
    /// How the page shows it: what was not done is no good news.
    pub(crate) const fn class(self) -> &'static str {
        match self {
            Self::ProviderLate
            | Self::StillSignedIn
            | Self::TeamGone
            | Self::OutAlready
            | Self::MemberGone
            | Self::RoleGone => "problem",
            _ => "notice",
        }
    }

    pub(crate) fn named(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|it| it.word() == word)
    }
}

/// Leads to a page that will say what was done.
pub(crate) fn then(site: &Site, path: &str, notice: Notice) -> Response {
    with(site, to(path), notice)
}

/// The same of an answer that leads on by itself.
pub(crate) fn with(site: &Site, mut answer: Response, notice: Notice) -> Response {
    set_cookie(site, &mut answer, COOKIE, notice.word(), KEPT);
    answer
}

/// Takes a notice away that was shown.
pub(crate) fn forget(site: &Site, answer: &mut Response) {
    set_cookie(site, answer, COOKIE, "", 0);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_notice_is_found_by_its_word_and_nothing_else_is() {
        for notice in Notice::ALL {
            assert_eq!(Notice::named(notice.word()), Some(*notice));
            assert!(notice.says().ends_with('.'), "{}", notice.says());
            assert_eq!(notice.class() == "problem", notice.says().contains("nothing was done"), "{}", notice.says());
        }
        assert_eq!(Notice::named("<script>"), None);
    }
}
