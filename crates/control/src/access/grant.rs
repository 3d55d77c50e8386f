//! Proof that a caller may do something in one organization.

use std::marker::PhantomData;

use countersign_domain::Refusal;
use countersign_domain::id::{BuildId, JobId, OrganizationId};
use countersign_store::Lane;

use crate::{Control, Error, Result};

use super::{Action, AgentTokenCaller, Caller, InvitationCaller, JobCaller, Proof, SessionCaller, UserCaller, Who};

/// Proof that [`Grant::caller`] may do `A` in [`Grant::organization`]. Lives for one call: it can be neither cloned nor made
/// anywhere but in [`Control::grant`]. Inside a write's transaction the credential is asked for again.
#[derive(Debug)]
pub struct Grant<A> {
    caller: Caller,
    organization: OrganizationId,
    action: PhantomData<fn() -> A>,
}

impl<A: Action> Grant<A> {
    /// Who may.
    #[must_use]
    pub const fn caller(&self) -> &Caller {
        &self.caller
    }

    /// Where. Operations take the organization from here and from nowhere else, so a forged id selects nothing.
    #[must_use]
    pub const fn organization(&self) -> OrganizationId {
        self.organization
    }

    /// The lane of what takes access away and is not for Organization Admins alone: what is kept for that is not for every member to use up.
    pub(crate) const fn lane_of_taking(&self) -> Lane {
        match self.caller.who() {
            Who::Member => Lane::Soon,
            _ => Lane::Urgent,
        }
    }

    /// The person, for actions that only people may do.
    pub(crate) fn user(&self) -> Result<&UserCaller> {
        match &self.caller {
            Caller::User(user) => Ok(user),
            _ => Err(Error::internal(format!("{} was granted to no person", A::NAME))),
        }
    }

    /// The holder of an invitation, for actions that only they may do.
    pub(crate) fn invitation(&self) -> Result<&InvitationCaller> {
        match &self.caller {
            Caller::Invitation(invitation) => Ok(invitation),
            _ => Err(Error::internal(format!("{} was granted to no invitation", A::NAME))),
        }
    }

    /// The holder of an agent token, for actions that only they may do.
    pub(crate) fn agent_token(&self) -> Result<&AgentTokenCaller> {
        match &self.caller {
            Caller::AgentToken(token) => Ok(token),
            _ => Err(Error::internal(format!("{} was granted to no agent token", A::NAME))),
        }
    }

    /// The agent, for actions that only agents may do.
    pub(crate) fn session(&self) -> Result<&SessionCaller> {
        match &self.caller {
            Caller::Session(session) => Ok(session),
            _ => Err(Error::internal(format!("{} was granted to no agent", A::NAME))),
        }
    }

    /// The job, for actions that only jobs may do. No operation takes a job's id from such a caller.
    pub(crate) fn job(&self) -> Result<&JobCaller> {
        match &self.caller {
            Caller::Job(job) => Ok(job),
            _ => Err(Error::internal(format!("{} was granted to no job", A::NAME))),
        }
    }
}

/// What is needed where a service user may not.
const SERVICE_USERS: &str = "a person; service users make and see no credentials of members";

/// Whether there is a deployment in which a plain member holds enough. In which, the operation asks inside its transaction.
fn may_somewhere<A: Action>(caller: &Caller) -> bool {
    matches!(caller, Caller::User(user) if A::WITHIN.is_some_and(|need| user.somewhere.meets(need)))
}

impl Control {
    /// The only decision point: may `caller` do `A` in `organization`? For what is done in a deployment this is the first half; the other is in
    /// `access/within`, which an operation asks about the deployment of what it changes.
    ///
    /// # Errors
    /// - [`Error::NotFound`] for an organization that is not the caller's: it must not learn that there is one.
    /// - [`Error::Unauthenticated`] when the credential is of a kind that this is not for.
    /// - [`Error::Denied`] when it is of the right kind and may not.
    /// - [`Error::Unproved`] when somebody who is signed in has not proved of late that it is still them.
    pub fn grant<A: Action>(&self, caller: &Caller, organization: OrganizationId) -> Result<Grant<A>> {
        let who = caller.who();
        if !A::ALLOWED.iter().any(|allowed| allowed.is_same_sort(who)) {
            return Err(self.of_another_kind(caller));
        }
        if caller.organization().is_some_and(|own| own != organization) {
            return Err(Error::NotFound("organization"));
        }
        if !A::allows(who) && !may_somewhere::<A>(caller) {
            if matches!(who, Who::EndedSession | Who::EndedJob) {
                return Err(match caller.public_id() {
                    Some(id) => Error::refused(Refusal::Expired, id),
                    None => Error::unknown(),
                });
            }
            let needs = A::WITHIN.map_or_else(
                || A::ALLOWED.first().map_or("nobody", |who| who.words()),
                countersign_domain::deployment_role::Need::words_of_refusal,
            );
            return Err(Error::Denied { action: A::NAME, needs });
        }
        if A::PEOPLE_ALONE && caller.is_service() {
            return Err(Error::Denied { action: A::NAME, needs: SERVICE_USERS });
        }
        // Last: nobody is asked for a proof of what they may not do anyway.
        if A::PROOF == Proof::Fresh {
            self.must_be_proved(caller)?;
        }
        Ok(Grant { caller: caller.clone(), organization, action: PhantomData })
    }

    /// The refusal of a credential that this is not for, which is counted like every other.
    pub(super) fn of_another_kind(&self, caller: &Caller) -> Error {
        let Some(id) = caller.public_id() else { return Error::unknown() };
        match caller.token() {
            Some((of, token)) => {
                self.count_refusal(of, token, &id, Refusal::Kind, caller.origin().ip, self.now());
            }
            None => self.counts().refused(Refusal::Kind),
        }
        Error::refused(Refusal::Kind, id)
    }

    /// The same in the caller's own organization; for the operator and the server, in the instance.
    ///
    /// # Errors
    /// As [`Control::grant`].
    pub fn grant_own<A: Action>(&self, caller: &Caller) -> Result<Grant<A>> {
        self.grant(caller, caller.organization().unwrap_or_else(OrganizationId::nil))
    }

    /// What the caller may do to one job, named in an address: only their own.
    ///
    /// # Errors
    /// As [`Control::grant`]; [`Error::NotFound`] for another job.
    pub fn grant_on_job<A: Action>(&self, caller: &Caller, job: JobId) -> Result<Grant<A>> {
        let grant = self.grant_own::<A>(caller)?;
        if grant.job()?.job == job { Ok(grant) } else { Err(Error::NotFound("job")) }
    }

    /// What the caller may do to one build, named in an address: only their own.
    ///
    /// # Errors
    /// As [`Control::grant`]; [`Error::NotFound`] for another build.
    pub fn grant_on_build<A: Action>(&self, caller: &Caller, build: BuildId) -> Result<Grant<A>> {
        let grant = self.grant_own::<A>(caller)?;
        if grant.job()?.build == build { Ok(grant) } else { Err(Error::NotFound("build")) }
    }

    /// A grant for the server's own work in one organization (nil: the instance); audit rows carry the reason.
    pub(crate) fn system<A: Action>(&self, reason: &'static str, organization: OrganizationId) -> Result<Grant<A>> {
        let caller = Caller::System(reason);
        if A::allows(Who::System) {
            Ok(Grant { caller, organization, action: PhantomData })
        } else {
            Err(Error::internal(format!("{} is not for the server itself", A::NAME)))
        }
    }
}
