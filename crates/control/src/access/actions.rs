//! The table of actions: one line says what is done and who may.
//!
//! A face or an operation names an action by its type. `docs/permissions.md` is printed from [`TABLE`], and a test tries every
//! caller on every operation of every face against it. What stands after `@` is for whoever holds that much in the deployment that it is done
//! in; see `within`.

use countersign_domain::deployment_role::Need;

use super::Who;

/// Something that can be done.
pub trait Action: Send + Sync + 'static {
    /// What it is called in refusals, documentation and traces.
    const NAME: &'static str;
    /// Who may. Nobody else.
    const ALLOWED: &'static [Who];
    /// Whether service users may not, whatever their role: they make and see no credentials of people and service users, themselves among
    /// them, so that whoever stole such a token cannot stay in by another one.
    const PEOPLE_ALONE: bool;
    /// What any other member needs in the deployment that it is done in; none: there is no deployment, or they may not.
    const WITHIN: Option<Need>;
    /// Whether somebody who is signed in has to have shown a moment ago that it is still them.
    const PROOF: Proof;

    /// Whether `who` may do this.
    #[must_use]
    fn allows(who: Who) -> bool {
        Self::ALLOWED.contains(&who) || (who == Who::Admin && Self::ALLOWED.contains(&Who::Member))
    }
}

/// Whether somebody who is signed in with a browser has to have proved within [`crate::signing_in::PROOF`] that it is still them. A user token
/// has nothing to prove: it is its holder's own business where it lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Proof {
    /// Being signed in is enough.
    None,
    /// It has to be fresh; asked where the grant is made.
    Fresh,
    /// It depends on what is done, and to what; the operation asks inside its transaction, and one that has not asked is undone.
    Asked,
}

/// A row of the table.
#[derive(Debug)]
pub struct Row {
    /// The action's name.
    pub name: &'static str,
    /// What it does.
    pub does: &'static str,
    /// Who may.
    pub allowed: &'static [Who],
    /// Whether service users may not.
    pub people_alone: bool,
    /// What any other member needs in the deployment that it is done in.
    pub within: Option<Need>,
    /// Whether somebody who is signed in has to prove who they are.
    pub proof: Proof,
}

macro_rules! actions {
    ($($(#[doc = $doc:literal])+ $name:ident $text:literal: $($who:ident)+ $(@ $need:ident)? $(, $mark:ident)*;)*) => {
        $(
            $(#[doc = $doc])+
            #[derive(Debug)]
            pub struct $name;
            impl Action for $name {
                const NAME: &'static str = $text;
                const ALLOWED: &'static [Who] = &[$(Who::$who),+];
                const PEOPLE_ALONE: bool = actions!(@alone $($mark)*);
                const WITHIN: Option<Need> = actions!(@within $($need)?);
                const PROOF: Proof = actions!(@proof $($mark)*);
            }
        )*
        /// Every action there is.
        pub const TABLE: &[Row] = &[$(Row {
            name: $text,
            does: concat!($($doc),+),
            allowed: &[$(Who::$who),+],
            people_alone: actions!(@alone $($mark)*),
            within: actions!(@within $($need)?),
            proof: actions!(@proof $($mark)*),
        }),*];
    };
    (@alone person $($mark:ident)*) => { true };
    (@alone $other:ident $($mark:ident)*) => { actions!(@alone $($mark)*) };
    (@alone) => { false };
    (@proof fresh $($mark:ident)*) => { Proof::Fresh };
    (@proof asks $($mark:ident)*) => { Proof::Asked };
    (@proof person $($mark:ident)*) => { actions!(@proof $($mark)*) };
    (@proof) => { Proof::None };
    (@within $need:ident) => { Some(Need::$need) };
    (@within) => { None };
}

actions! {
    /// See the organization: its name, its deployments, what one may do in it.
    ViewOrganization "organization.view": Member;
    /// Make an organization with its default token.
    CreateOrganization "organization.create": Operator;
    /// Change the organization's name, its slug, and the reveal policy of tokens that name none.
    UpdateOrganization "organization.update": Admin, fresh;
    /// Create a deployment, full or branch. An Editor of all branch deployments creates branch deployments alone.
    CreateDeployment "deployment.create": Admin @ Editor;
    /// Rename a deployment, and change what is said of it. An Organization Admin alone renames it.
    UpdateDeployment "deployment.update": Admin @ Editor;
    /// Delete a deployment, and by force what it holds. An Editor deletes branch deployments alone.
    DeleteDeployment "deployment.delete": Admin @ Editor, fresh;
    /// See the audit log, and whether its chain holds.
    ViewAudit "audit.view": Admin;

    /// Create an agent token.
    CreateAgentToken "agent_token.create": Admin @ Tokens, fresh;
    /// See agent tokens, what they reach and who uses them.
    ViewAgentTokens "agent_token.view": Admin @ Tokens;
    /// Change an agent token's description, expiry, reveal policy or scope.
    UpdateAgentToken "agent_token.update": Admin @ Tokens, asks;
    /// See an agent token's value again, while its reveal policy allows.
    RevealAgentToken "agent_token.reveal": Admin @ Tokens, asks;
    /// Give an agent token a new secret.
    RotateAgentToken "agent_token.rotate": Admin @ Tokens, fresh;
    /// Take an agent token back.
    RevokeAgentToken "agent_token.revoke": Admin @ Tokens, fresh;

    /// Create a user token for oneself.
    CreateUserToken "user_token.create": Member, person, fresh;
    /// See one's own user tokens.
    ViewUserTokens "user_token.view": Member;
    /// Change one's own user token.
    UpdateUserToken "user_token.update": Member, person, asks;
    /// See one's own user token's value again, while its reveal policy allows.
    RevealUserToken "user_token.reveal": Member, person, asks;
    /// Take one's own user token back.
    RevokeUserToken "user_token.revoke": Member, fresh;

    /// See who is a member, and as what.
    ViewMembers "member.view": Member;
    /// Give a member another role.
    ChangeMemberRole "member.change_role": Admin, fresh;
    /// Take a member out of the organization.
    RemoveMember "member.remove": Admin, fresh;
    /// See roles in deployments: who was given which.
    ViewDeploymentRoles "deployment_role.view": Member;
    /// Give a member or a team a role in a deployment, and take it away. Agent tokens come with it from an Organization Admin alone.
    GrantDeploymentRole "deployment_role.grant": Admin @ Admin, fresh;
    /// Say which role all members have in all deployments.
    ChangeMembersRole "deployment_role.change_for_all": Admin, fresh;
    /// See teams, and who is in them.
    ViewTeams "team.view": Member;
    /// Create a team.
    CreateTeam "team.create": Admin;
    /// Change a team's name and what it is for.
    UpdateTeam "team.update": Admin;
    /// Delete a team, and with it the roles that its members have by it.
    DeleteTeam "team.delete": Admin, fresh;
    /// Let members into a team, and take them out.
    ChangeTeamMembers "team.change_members": Admin, fresh;
    /// See the user tokens of any member, without their values.
    ViewMemberTokens "member_token.view": Admin;
    /// Take back a user token of any member.
    RevokeMemberToken "member_token.revoke": Admin, fresh;
    /// Invite somebody by a value that is shown once and makes its holder a member, once.
    CreateInvitation "invitation.create": Admin, person, fresh;
    /// See invitations, without their values.
    ViewInvitations "invitation.view": Admin;
    /// Take an invitation back.
    WithdrawInvitation "invitation.withdraw": Admin;
    /// Become a member by an invitation.
    AcceptInvitation "invitation.accept": Invitation;
    /// Make a link by which a member sets a password and signs in: for plain members of no other organization.
    IssueMemberSignInLink "sign_in_link.issue_for_member": Admin, person, fresh;
    /// Create a service user.
    CreateServiceUser "service_user.create": Admin, person;
    /// Change a service user's name and what it is for.
    UpdateServiceUser "service_user.update": Admin;
    /// Create a user token for a service user.
    CreateServiceUserToken "service_user_token.create": Admin, person, fresh;
    /// See the value of a service user's token again, while its reveal policy allows.
    RevealServiceUserToken "service_user_token.reveal": Admin, person, asks;

    /// Sign somebody in who shows their address and password, or a passkey.
    BeginSignIn "sign_in.begin": System;
    /// See where one is signed in, and which organizations that reaches.
    ViewSignIns "sign_in.view": Member, person;
    /// Sign out: here, somewhere else, everywhere.
    EndSignIns "sign_in.end": Member, person;
    /// Prove again that it is still oneself who is signed in.
    ProveAgain "sign_in.prove": Member, person;
    /// Change one's own password, which ends all other sign-ins.
    ChangePassword "password.change": Member, person;
    /// See one's own passkeys.
    ViewPasskeys "passkey.view": Member, person;
    /// Add a passkey, by which one signs in from then on. It is for whoever is signed in, and not for user tokens.
    AddPasskey "passkey.add": Member, person, fresh;
    /// Call one's own passkey something else.
    RenamePasskey "passkey.rename": Member, person;
    /// Take one's own passkey away.
    RemovePasskey "passkey.remove": Member, person, fresh;
    /// Have a provider of sign-ins mean oneself no more, until it vouches for one's address again.
    ForgetIdentity "identity.forget": Member, person, fresh;
    /// Make a link by which any person sets a password and signs in.
    IssueSignInLink "sign_in_link.issue": Operator;
    /// Set a password and sign in by a link, for whoever shows one.
    UseSignInLink "sign_in_link.use": System;

    /// Create, see and revoke operator tokens.
    ManageOperatorTokens "operator_token.manage": Operator;

    /// See agents.
    ViewAgents "agent.view": Member;
    /// Ask an agent to leave.
    StopAgent "agent.stop": Admin @ Editor;
    /// Keep jobs from an agent, and let it take them again.
    PauseAgent "agent.pause": Admin @ Editor;

    /// See builds, their jobs, logs, annotations and meta-data.
    ViewBuilds "build.view": Member;
    /// Create a build.
    CreateBuild "build.create": Admin @ Launcher;
    /// Cancel a build.
    CancelBuild "build.cancel": Admin @ Launcher;
    /// Have a job run again.
    RetryJob "job.retry": Admin @ Launcher;
    /// Have a job taken sooner or later than others.
    PrioritizeJob "job.prioritize": Admin @ Launcher;
    /// Take an artifact away.
    DeleteArtifact "artifact.delete": Admin @ Launcher;
    /// Cancel a job.
    CancelJob "job.cancel": Admin @ Launcher;
    /// Answer a block or an input.
    UnblockStep "step.unblock": Admin @ Launcher;
    /// Create a pipeline. It belongs to no deployment: a role in one is not enough.
    CreatePipeline "pipeline.create": Admin @ LauncherEverywhere;
    /// Change a pipeline. It belongs to no deployment: a role in one is not enough.
    UpdatePipeline "pipeline.update": Admin @ LauncherEverywhere;
    /// See queues: what waits in each, who works there, and whether its jobs are kept back.
    ViewQueues "queue.view": Member;
    /// Create a queue.
    CreateQueue "queue.create": Admin @ Editor;
    /// Change what is said of a queue.
    UpdateQueue "queue.update": Admin @ Editor;
    /// Delete a queue that holds no work.
    DeleteQueue "queue.delete": Admin @ Editor;
    /// Keep a queue's jobs back, and let them go again.
    PauseQueue "queue.pause": Admin @ Editor;

    /// See code locations, what agents told of them, and what agents were asked.
    ViewCodeLocations "code_location.view": Member;
    /// Add a code location, change and remove it, and ask agents about it.
    EditCodeLocations "code_location.edit": Admin @ Editor;
    /// See runs of code locations' jobs: where each stands, and what its worker told and wrote.
    ViewDagsterRuns "dagster_run.view": Member;
    /// Launch a run of a code location's job.
    LaunchDagsterRun "dagster_run.launch": Admin @ Launcher;
    /// Stop a run of a code location's job.
    TerminateDagsterRun "dagster_run.terminate": Admin @ Launcher;

    /// Register an agent.
    RegisterAgent "agent.register": AgentToken;
    /// Ask what an agent token is.
    IdentifyAgentToken "agent_token.identify": AgentToken;
    /// Count agents and jobs within what an agent token reaches.
    CountQueues "queue.count": AgentToken;
    /// See which Dagster+ agents are alive, as one of them.
    SeeDagsterAgents "dagster.agents": AgentToken;
    /// Ask which deployments a Dagster+ agent may serve.
    CheckDagsterDeployments "dagster.deployments": AgentToken;
    /// Ask what a Dagster+ agent is to load.
    ReadDagsterWorkspace "dagster.workspace": AgentToken;
    /// Ask what there is to do for a Dagster+ agent.
    TakeDagsterRequests "dagster.requests": AgentToken;
    /// Say what a Dagster+ agent does, and that it is there.
    DagsterHeartbeat "dagster.heartbeat": AgentToken;
    /// Say whether a code location was loaded, or why it could not be.
    TellCodeLocation "code_location.tell": AgentToken;
    /// Read a run that one's agent was given, and tell what becomes of it.
    ReportDagsterRun "dagster_run.report": AgentToken;
    /// Say that an agent is there.
    ConnectAgent "agent.connect": Session;
    /// Say that an agent is still there.
    Heartbeat "agent.heartbeat": Session;
    /// Ask what there is to do.
    Ping "agent.ping": Session;
    /// Say goodbye. Saying it again is allowed.
    DisconnectAgent "agent.disconnect": Session EndedSession;
    /// Take a job that was offered.
    AcceptJob "job.accept": Session;

    /// Report a job's start and end, and ask whether it is canceled.
    ReportJob "job.report": Job;
    /// Send pieces of one's own job's log, also those that come right after its end.
    AppendLog "job.append_log": Job EndedJob;
    /// Change what is said of one's own job.
    UpdateJob "job.update": Job;
    /// Upload steps to one's own build.
    UploadPipeline "pipeline.upload": Job;
    /// Read the steps of one's own build.
    ReadSteps "step.read": Job;
    /// Change or cancel the steps of one's own build.
    WriteSteps "step.write": Job;
    /// Cancel one's own build.
    CancelOwnBuild "job.cancel_build": Job;
    /// Ask for one's own agent to be stopped, paused or resumed.
    ControlOwnAgent "job.control_agent": Job;
    /// Read the meta-data of one's own build.
    ReadMetaData "meta_data.read": Job;
    /// Write the meta-data of one's own build.
    WriteMetaData "meta_data.write": Job;
    /// Annotate one's own build, and take annotations away.
    Annotate "annotation.write": Job;
    /// Ask for a token that says what the job is.
    RequestOidcToken "oidc_token.request": Job;

    /// Announce artifacts of one's own job, and say how their upload ended.
    UploadArtifacts "artifact.upload": Job;
    /// Search the artifacts of one's own build.
    ReadArtifacts "artifact.read": Job;
    /// Take in and hand out the bytes of artifacts, for whoever shows an address that the server signed.
    MoveArtifacts "artifact.move": System;

    /// Keep house: close windows, give agents up, seal the audit log, move to new keys.
    KeepHouse "house.keep": System;
    /// See how this instance is doing.
    ViewInstance "instance.view": Operator System;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_action_stands_once_and_somebody_may_do_it() {
        let mut names: Vec<_> = TABLE.iter().map(|row| row.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), TABLE.len());
        assert!(TABLE.iter().all(|row| !row.allowed.is_empty() && !row.allowed.contains(&Who::Anonymous)));
    }

    #[test]
    fn an_admin_may_what_a_member_may_and_not_the_reverse() {
        assert!(CreateUserToken::allows(Who::Admin));
        assert!(RevokeAgentToken::allows(Who::Admin));
        assert!(!RevokeAgentToken::allows(Who::Member));
    }

    /// The server's own grants ask here and nowhere else, so a row has to be enough by itself.
    #[test]
    fn nobody_may_what_no_row_says_they_may() {
        for who in Who::ALL {
            assert_eq!(ViewBuilds::allows(who), matches!(who, Who::Admin | Who::Member), "{who:?} sees builds");
            assert_eq!(KeepHouse::allows(who), who == Who::System, "{who:?} keeps house");
            assert_eq!(RegisterAgent::allows(who), who == Who::AgentToken, "{who:?} registers an agent");
        }
    }

    #[test]
    fn what_is_proved_is_proved_by_people() {
        for row in TABLE.iter().filter(|row| row.proof != Proof::None) {
            let of_people = row.allowed.iter().all(|who| matches!(who, Who::Admin | Who::Member));
            assert!(of_people, "{}: nobody else has anything to prove", row.name);
        }
        let proof = |name| TABLE.iter().find(|row| row.name == name).map(|row| row.proof);
        assert_eq!(proof("agent_token.reveal"), Some(Proof::Asked));
        for create in ["user_token.create", "agent_token.create"] {
            assert_eq!(proof(create), Some(Proof::Fresh), "a token would outlive every proof");
        }
        assert_eq!(proof("agent_token.view"), Some(Proof::None));
    }

    #[test]
    fn what_is_done_in_a_deployment_is_for_no_member_without_a_role_there() {
        for row in TABLE.iter().filter(|row| row.within.is_some()) {
            assert_eq!(row.allowed, [Who::Admin], "{}: whoever else it is for would not be asked for a role", row.name);
        }
    }
}
