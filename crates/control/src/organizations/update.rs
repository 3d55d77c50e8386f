//! Changing an organization: its name, its slug, and until when its tokens may be revealed that say nothing of it. Its id stays.

use countersign_domain::RevealPolicy;
use countersign_domain::text::{OrganizationName, Slug};
use countersign_store::organizations::{self, Organization};
use countersign_store::{Lane, Turn, Tx};
use serde_json::{Map, json};

use crate::access::actions::UpdateOrganization;
use crate::scene::Subject;
use crate::{Control, Error, Grant, Result, Scene, input, shown};

use super::taken;

/// Most slugs that one organization has and had, since it keeps each for good.
pub const MAX_SLUGS: i64 = 20;

/// What is to be different. What is `None` stays.
#[derive(Debug, Clone, Default)]
pub struct OrganizationChange {
    /// Another name for people.
    pub name: Option<String>,
    /// Another name in addresses, and in what job tokens for other services say of their job.
    pub slug: Option<String>,
    /// Until when values of new tokens may be revealed that name no policy. Those that are there keep theirs.
    pub default_reveal_policy: Option<RevealPolicy>,
    /// What the organization was when whoever changes it saw it: [`digest`]. When it is something else by now, nothing is done. None changes
    /// it whatever it is.
    pub expected: Option<String>,
}

/// What of an organization can be changed, as one short text, which is another one once anything of it was.
#[must_use]
pub fn digest(it: &Organization) -> String {
    shown::digest(&[&it.name, &it.slug, it.default_reveal_policy.as_str()])
}

impl Control {
    /// Changes an organization. A slug that it leaves stays its own: other services may trust it by that, so no other organization is given it, and
    /// the organization itself may take it back. Addresses that name the old one lead nowhere from then on.
    ///
    /// # Errors
    /// [`Error::Invalid`] at `name` or `slug`; [`Error::Conflict`] when the slug is another organization's, or was, or the organization has had
    /// [`MAX_SLUGS`], or the organization is something else than `expected`.
    pub async fn update_organization(
        &self,
        grant: &Grant<UpdateOrganization>,
        mut change: OrganizationChange,
    ) -> Result<Organization> {
        if let Some(name) = &mut change.name {
            *name = input::field("name", OrganizationName::parse(name))?.as_str().to_owned();
        }
        if let Some(slug) = &mut change.slug {
            *slug = input::field("slug", Slug::parse(slug))?.as_str().to_owned();
        }
        self.write(grant, Lane::Normal, change, |tx, scene| Box::pin(update(tx, scene))).await
    }
}

async fn update(tx: &mut Tx, scene: &Scene<OrganizationChange>) -> Result<Organization> {
    let (of, change) = (scene.organization, &scene.input);
    // Of two who change it at the same time, the second changes what the first has left.
    tx.take_turn(of, Turn::Alone).await?;
    let before = organizations::find(tx, of).await?.ok_or(Error::NotFound("organization"))?;
    shown::must_be_as_seen(change.expected.as_deref(), || digest(&before), "The organization has")?;
    let after = Organization {
        name: change.name.clone().unwrap_or_else(|| before.name.clone()),
        slug: change.slug.clone().unwrap_or_else(|| before.slug.clone()),
        default_reveal_policy: change.default_reveal_policy.unwrap_or(before.default_reveal_policy),
        ..before.clone()
    };
    let mut detail = Map::new();
    let texts = [
        ("name", before.name.as_str(), after.name.as_str()),
        ("slug", before.slug.as_str(), after.slug.as_str()),
        ("default_reveal_policy", before.default_reveal_policy.as_str(), after.default_reveal_policy.as_str()),
    ];
    for (field, from, to) in texts.into_iter().filter(|(_, from, to)| from != to) {
        detail.insert(field.to_owned(), json!({ "from": from, "to": to }));
    }
    if detail.is_empty() {
        return Ok(after);
    }
    match organizations::owner_of_slug(tx, &after.slug).await? {
        Some(owner) if owner == of => {}
        Some(_) => return Err(taken(&after.slug)),
        None if organizations::count_slugs(tx, of).await? >= MAX_SLUGS => {
            return Err(Error::Conflict(format!(
                "The organization has had {MAX_SLUGS} slugs, the most there may be; take one of them back."
            )));
        }
        None => {}
    }
    organizations::update(tx, &after).await?;
    let subject = Subject::new("organization", of, after.slug.as_str());
    scene.audit(tx, "organization.updated", subject, detail.into()).await?;
    Ok(after)
}
