//! The second half of a decision: whether a plain member may do something in the deployment that it is done in.
//!
//! The first half, [`super::grant`], knows no deployment: which one a build or a queue is in is read by the operation. So the operation asks
//! here, inside its transaction, and one that a plain member has begun and that has not asked is undone and answers an error of ours: to
//! forget it opens nothing. Whoever takes a role away waits for what its holder has begun, and what they begin afterwards reads here what they
//! hold then.

use std::sync::atomic::{AtomicBool, Ordering};

use countersign_domain::DeploymentScope;
use countersign_domain::deployment_role::{Held, Need, Place, Rights};
use countersign_domain::id::{DeploymentId, UserId};
use countersign_store::{Tx, deployment_roles, deployments};

use crate::{Error, Result, Scene};

use super::{Action, Caller, Who};

/// A call of a plain member that needs a role in a deployment.
#[derive(Debug)]
pub(crate) struct Within {
    action: &'static str,
    need: Need,
    user: UserId,
    was_let: AtomicBool,
    was_selected: AtomicBool,
}

impl Within {
    /// None for whoever needs no role: Organization Admins, those who are no members, and actions that are for every member.
    pub(crate) fn of<A: Action>(caller: &Caller) -> Option<Self> {
        match (caller, A::WITHIN) {
            (Caller::User(it), Some(need)) if caller.who() == Who::Member && !A::allows(Who::Member) => Some(Self {
                action: A::NAME,
                need,
                user: it.user,
                was_let: AtomicBool::new(false),
                was_selected: AtomicBool::new(false),
            }),
            _ => None,
        }
    }

    const fn refusal(&self) -> Error {
        Error::Denied { action: self.action, needs: self.need.words_of_refusal() }
    }

    fn decide(&self, is_enough: bool) -> Result<()> {
        // What was refused was not let, whatever the operation makes of the refusal.
        if !is_enough {
            return Err(self.refusal());
        }
        self.was_let.store(true, Ordering::Relaxed);
        Ok(())
    }

    fn ended(&self, was_let: bool) -> Result<()> {
        if was_let {
            return Ok(());
        }
        Err(Error::internal(format!("{} was done without asking for the role in its deployment", self.action)))
    }

    fn decide_by(&self, held: Held) -> Result<()> {
        self.decide(self.need.is_met_by(held))
    }
}

impl<I> Scene<I> {
    /// The member whose roles decide; none where nobody's do.
    pub(crate) fn by_roles_of(&self) -> Option<UserId> {
        self.within.as_ref().map(|it| it.user)
    }

    /// The member whose roles select what is answered: the statement that is run for them asks for what they hold. It lets a read go on; to
    /// change something, more is to be asked.
    pub(crate) fn selected_by_roles_of(&self) -> Option<UserId> {
        self.within.as_ref().map(|it| {
            it.was_selected.store(true, Ordering::Relaxed);
            it.user
        })
    }

    /// Goes on if the caller holds enough in this deployment.
    pub(crate) async fn may_in(&self, tx: &mut Tx, deployment: DeploymentId) -> Result<()> {
        let Some(it) = &self.within else { return Ok(()) };
        let rights = deployment_roles::rights_in(tx, self.organization, it.user, deployment).await?;
        it.decide_by(rights.within(deployment, self.is_branch(tx, deployment).await?))
    }

    /// Goes on if the caller holds enough in all branch deployments.
    pub(crate) async fn may_in_all_branches(&self, tx: &mut Tx) -> Result<()> {
        let Some(it) = &self.within else { return Ok(()) };
        it.decide_by(self.rights(tx, it).await?.within_all_branches())
    }

    /// The same for what a grant can be for.
    pub(crate) async fn may_at(&self, tx: &mut Tx, place: Place) -> Result<()> {
        match place {
            Place::Deployment(id) => self.may_in(tx, id).await,
            Place::AllBranches => self.may_in_all_branches(tx).await,
        }
    }

    /// Goes on if every member holds enough everywhere: for what belongs to no deployment, and has to do with all.
    pub(crate) async fn may_everywhere(&self, tx: &mut Tx) -> Result<()> {
        let Some(it) = &self.within else { return Ok(()) };
        it.decide_by(Held::plain(deployment_roles::everywhere(tx, self.organization).await?))
    }

    /// Goes on if the caller holds enough in everything that a scope reaches.
    pub(crate) async fn may_reach(&self, tx: &mut Tx, scope: &DeploymentScope) -> Result<()> {
        let Some(it) = &self.within else { return Ok(()) };
        let rights = self.rights(tx, it).await?;
        let mut branches = Vec::new();
        if let DeploymentScope::Only { deployments, .. } = scope {
            for id in deployments {
                if self.is_branch(tx, *id).await? {
                    branches.push(*id);
                }
            }
        }
        it.decide(rights.cover(scope, it.need, |id| branches.contains(&id)))
    }

    /// Goes on for an Organization Admin alone, in a part of what others may do the rest of.
    pub(crate) fn for_admins_alone(&self) -> Result<()> {
        match &self.within {
            Some(it) => Err(Error::Denied { action: it.action, needs: Who::Admin.words() }),
            None => Ok(()),
        }
    }

    /// Begins anew: an operation may be run again.
    pub(crate) fn nothing_was_asked(&self) {
        self.no_proof_was_asked();
        if let Some(it) = &self.within {
            it.was_let.store(false, Ordering::Relaxed);
            it.was_selected.store(false, Ordering::Relaxed);
        }
    }

    /// Whether a write that has done its work was let.
    pub(crate) fn write_was_let(&self) -> Result<()> {
        self.within.as_ref().map_or(Ok(()), |it| it.ended(it.was_let.load(Ordering::Relaxed)))
    }

    /// The same of a read, which may also have selected by the caller's roles.
    pub(crate) fn read_was_let(&self) -> Result<()> {
        let was_let = |it: &Within| it.was_let.load(Ordering::Relaxed) || it.was_selected.load(Ordering::Relaxed);
        self.within.as_ref().map_or(Ok(()), |it| it.ended(was_let(it)))
    }

    async fn rights(&self, tx: &mut Tx, it: &Within) -> Result<Rights> {
        Ok(deployment_roles::rights(tx, self.organization, it.user).await?)
    }

    /// Whether this is a branch deployment, also one that was deleted.
    pub(crate) async fn is_branch(&self, tx: &mut Tx, id: DeploymentId) -> Result<bool> {
        let found = deployments::find_any(tx, self.organization, id).await?;
        Ok(found.is_some_and(|it| it.parent.is_some()))
    }
}

#[cfg(test)]
mod tests {
    use countersign_domain::DeploymentRole;

    use super::*;

    fn within() -> Within {
        Within {
            action: "queue.create",
            need: Need::Editor,
            user: UserId::nil(),
            was_let: AtomicBool::new(false),
            was_selected: AtomicBool::new(false),
        }
    }

    /// No operation that is there forgets to ask, so none can show what becomes of one that does.
    #[test]
    fn what_has_not_asked_is_undone_and_each_run_asks_anew() {
        let scene = Scene::of_nobody(Some(within()), None);
        assert!(matches!(scene.write_was_let(), Err(Error::Internal(_))), "a write that has not asked");
        assert!(matches!(scene.read_was_let(), Err(Error::Internal(_))), "a read that has not asked");
        assert_eq!(scene.selected_by_roles_of(), Some(UserId::nil()));
        assert_eq!(scene.read_was_let(), Ok(()));
        assert!(matches!(scene.write_was_let(), Err(Error::Internal(_))), "to select is not enough to change");
        let asked = scene.within.as_ref().map(|it| it.decide(true));
        assert_eq!((asked, scene.write_was_let()), (Some(Ok(())), Ok(())));
        scene.nothing_was_asked();
        assert!(
            scene.read_was_let().is_err() && scene.write_was_let().is_err(),
            "what the run before asked is not asked"
        );
        let admin = Scene::of_nobody(None, None);
        assert_eq!((admin.read_was_let(), admin.write_was_let()), (Ok(()), Ok(())));
    }

    #[test]
    fn what_was_refused_was_not_let() {
        let it = within();
        let ended = || it.ended(it.was_let.load(Ordering::Relaxed));
        assert!(matches!(ended(), Err(Error::Internal(_))), "nothing was asked");
        assert!(matches!(it.decide_by(Held::plain(DeploymentRole::Launcher)), Err(Error::Denied { .. })));
        assert!(matches!(ended(), Err(Error::Internal(_))), "an operation that goes on after a refusal is undone");
        assert_eq!(it.decide_by(Held::plain(DeploymentRole::Editor)), Ok(()));
        assert_eq!(ended(), Ok(()));
    }
}
