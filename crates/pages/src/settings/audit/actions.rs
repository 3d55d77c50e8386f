//! What the audit log can be narrowed to: kinds of actions, as their names begin.

use crate::parts::Choice;

/// Kinds that belong together, each as its actions begin and in words.
type Group = (&'static str, &'static [(&'static str, &'static str)]);

static GROUPS: [Group; 6] = [
    (
        "Tokens",
        &[
            ("agent_token.", "Agent tokens"),
            ("user_token.", "User tokens"),
            ("token.", "Values that can be revealed no more"),
            ("oidc_", "Keys and tokens of OpenID Connect"),
        ],
    ),
    (
        "People",
        &[
            ("member.", "Members"),
            ("service_user.", "Service users"),
            ("invitation.", "Invitations"),
            ("team.", "Teams"),
            ("deployment_role.", "Roles in deployments"),
        ],
    ),
    (
        "Signing in",
        &[
            // Sign-ins, and the links by which there are some.
            ("sign_in", "Signing in, and links for it"),
            ("password.", "Passwords"),
            ("passkey.", "Passkeys"),
            ("identity.", "Identities of other providers"),
        ],
    ),
    (
        "Organization",
        &[
            ("organization.", "The organization"),
            ("deployment.", "Deployments"),
            ("queue.", "Queues"),
            ("code_location.", "Code locations"),
            ("pipeline.", "Pipelines"),
        ],
    ),
    ("Agents", &[("agent.", "Agents"), ("dagster_agent.", "Dagster+ agents")]),
    (
        "Work",
        &[
            ("build.", "Builds"),
            ("step.", "Steps"),
            ("job.", "Jobs"),
            ("annotation.", "Annotations"),
            ("artifact", "Artifacts"),
            ("meta_data.", "Meta-data"),
            ("concurrency_group.", "Concurrency groups"),
            ("dagster_run.", "Runs"),
        ],
    ),
];

/// A kind that is in an address; none where it is not one of these.
pub(super) fn known(said: &str) -> &'static str {
    let all = || GROUPS.iter().flat_map(|(_, kinds)| kinds.iter());
    all().find(|(of, _)| *of == said).map_or("", |(of, _)| *of)
}

/// What can be chosen, in groups.
pub(super) fn choices(chosen: &str) -> Vec<(&'static str, Vec<Choice>)> {
    let choice = |(word, words): &(&'static str, &'static str)| Choice::new(*word, *words, *word == chosen);
    GROUPS.iter().map(|(group, kinds)| (*group, kinds.iter().map(choice).collect())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One of each kind that an organization's log has.
    const TOLD: [&str; 41] = [
        "agent.registered",
        "agent_token.revoked",
        "annotation.written",
        "artifact.deleted",
        "artifacts.announced",
        "build.canceled",
        "code_location.added",
        "concurrency_group.freed",
        "dagster_agent.registered",
        "dagster_run.launched",
        "deployment.created",
        "deployment.left_scopes",
        "deployment_role.given",
        "identity.linked",
        "invitation.created",
        "meta_data.set",
        "job.accepted",
        "member.removed",
        "member.role_changed",
        "oidc_key.created",
        "oidc_token.issued",
        "organization.members_role_changed",
        "organization.updated",
        "passkey.added",
        "password.changed",
        "password.set",
        "pipeline.uploaded",
        "pipeline.created",
        "queue.paused",
        "queue.created",
        "service_user.created",
        "service_user.updated",
        "sign_in.begun",
        "sign_in.started",
        "sign_in_link.issued",
        "sign_in_link.used",
        "step.unblocked",
        "team.member_added",
        "token.value_destroyed",
        "user_token.created",
        "user_token.revealed",
    ];

    #[test]
    fn each_action_is_of_one_kind_that_can_be_chosen() {
        for action in TOLD {
            let kinds = GROUPS.iter().flat_map(|(_, kinds)| kinds.iter()).filter(|(of, _)| action.starts_with(of));
            assert_eq!(kinds.count(), 1, "{action}");
        }
    }

    #[test]
    fn what_is_no_kind_narrows_nothing() {
        assert_eq!([known("queue."), known("nothing."), known("")], ["queue.", "", ""]);
        let chosen = choices("team.").into_iter().flat_map(|(_, all)| all).filter(|it| it.is_chosen);
        assert_eq!(chosen.map(|it| it.value).collect::<Vec<_>>(), ["team."]);
    }
}
