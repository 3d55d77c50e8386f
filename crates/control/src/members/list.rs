//! Seeing who is a member.

use countersign_domain::id::UserId;
use countersign_domain::text::MAX_DESCRIPTION;
use countersign_store::members;

use crate::access::actions::ViewMembers;
use crate::{Control, Grant, Page, PageRequest, Result, input};

use super::{Member, MemberReference, Wanted, resolve};

impl Control {
    /// A page of the organization's members that are wanted; those whom this server has known for the shortest time come first.
    ///
    /// # Errors
    /// [`crate::Error::Invalid`] at `search`.
    pub async fn members(
        &self,
        grant: &Grant<ViewMembers>,
        wanted: Wanted,
        page: PageRequest<UserId>,
    ) -> Result<Page<Member>> {
        input::search(wanted.search.as_deref(), MAX_DESCRIPTION)?;
        let rows = self
            .read(grant, (wanted, page), |tx, scene| {
                Box::pin(async move {
                    let (wanted, page) = &scene.input;
                    Ok(members::page(tx, scene.organization, wanted, page.start(), page.rows()).await?)
                })
            })
            .await?;
        Ok(Page::of(rows, &page))
    }

    /// How many members the organization has of those.
    ///
    /// # Errors
    /// [`crate::Error::Invalid`] at `search`.
    pub async fn count_members(&self, grant: &Grant<ViewMembers>, wanted: Wanted) -> Result<i64> {
        input::search(wanted.search.as_deref(), MAX_DESCRIPTION)?;
        self.read(grant, wanted, |tx, scene| {
            Box::pin(async move { Ok(members::count(tx, scene.organization, &scene.input).await?) })
        })
        .await
    }

    /// One of the organization's members.
    ///
    /// # Errors
    /// [`crate::Error::NotFound`].
    pub async fn find_member(&self, grant: &Grant<ViewMembers>, member: MemberReference) -> Result<Member> {
        self.read(grant, member, |tx, scene| Box::pin(resolve(tx, scene, &scene.input))).await
    }
}
