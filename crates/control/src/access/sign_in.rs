//! From the value in a browser's cookie to a [`Caller`].
//!
//! A sign-in belongs to a person; in which organization they call is said with each call, or is the one that they looked at last. Its value is
//! accepted here alone, and no other value is accepted here.

use std::net::IpAddr;

use countersign_domain::deployment_role::Somewhere;
use countersign_domain::{Kind, Refusal, Role, TokenSecret};
use countersign_store::sign_ins::{self, Credential, Membership};
use countersign_store::{Lane, Tx, deployment_roles};

use crate::rates::network_of;
use crate::signing_in::IDLE;
use crate::usage::Seen;
use crate::{Control, Error, Origin, Result};

use super::authenticate::Found;
use super::{Caller, Presented, UserCaller, UserCredential};

impl Control {
    /// Says who is signed in. Without a value, [`Caller::Anonymous`]. `organization` is the slug of the one that they call in; none: the one
    /// that they looked at last, or, if they have left that one, another one of theirs.
    ///
    /// # Errors
    /// As [`Control::authenticate`]: [`Error::Unauthenticated`] with `revoked` for a sign-in that was ended or whose person is a member of
    /// nothing any more, with `expired` for one at its end, with `kind` for the value of anything else. [`Error::NotFound`] for an organization
    /// that is not theirs.
    pub async fn authenticate_sign_in(&self, presented: Presented<'_>, organization: Option<&str>) -> Result<Caller> {
        let Presented { value, origin } = presented;
        let Some(value) = value else { return Ok(Caller::Anonymous(origin)) };
        let secret = TokenSecret::parse(value).map_err(|_| self.unknown())?;
        match self.verified(&secret, origin.ip).await? {
            Found::SignIn(it) => self.admit_sign_in(it, organization, origin).await,
            _ => Err(self.not_for_this(&secret)),
        }
    }

    /// The refusal of a genuine value that is shown where values of its kind are not looked for.
    pub(crate) fn not_for_this(&self, secret: &TokenSecret) -> Error {
        self.counts().refused(Refusal::Kind);
        Error::refused(Refusal::Kind, secret.public_id().clone())
    }

    async fn admit_sign_in(&self, it: Credential, slug: Option<&str>, origin: Origin) -> Result<Caller> {
        let Credential { sign_in, name, email } = it;
        let now = self.now();
        let pending = self.usage().sign_in_seen(sign_in.id);
        let seen_at = pending.map_or(sign_in.seen_at, |seen| seen.at.max(sign_in.seen_at));
        let reason = if sign_in.ended_at.is_some() {
            Some(Refusal::Revoked)
        } else if sign_in.expires_at <= now || seen_at.plus(IDLE) <= now {
            Some(Refusal::Expired)
        } else {
            None
        };
        if let Some(reason) = reason {
            self.counts().refused(reason);
            return Err(Error::refused(reason, sign_in.public_id));
        }
        let current = pending.map_or(sign_in.organization, |seen| seen.organization);
        let slug_given = slug.is_some();
        let wanted = (sign_in.user, slug.map(str::to_owned), current);
        let found = self
            .store()
            .read_in(Lane::Urgent, wanted, |tx, (user, slug, current)| {
                Box::pin(async move {
                    let membership = match slug.as_deref() {
                        Some(slug) if is_slug(slug) => sign_ins::membership(tx, *user, slug).await?,
                        Some(_) => None,
                        None => sign_ins::preferred(tx, *user, *current).await?,
                    };
                    match membership {
                        Some(it) => Ok::<_, Error>(Some((it, somewhere(tx, *user, it).await?))),
                        None => Ok(None),
                    }
                })
            })
            .await?;
        let Some((Membership { organization, role }, somewhere)) = found else {
            if slug_given {
                return Err(Error::NotFound("organization"));
            }
            self.counts().refused(Refusal::Revoked);
            return Err(Error::refused(Refusal::Revoked, sign_in.public_id));
        };
        self.usage().sign_in_used(sign_in.id, Seen { at: now, ip: origin.ip, organization });
        Ok(Caller::User(UserCaller {
            organization,
            user: sign_in.user,
            name,
            email,
            is_service: false,
            role,
            somewhere,
            credential: UserCredential::SignIn { id: sign_in.id, proved_at: sign_in.proved_at },
            public_id: sign_in.public_id,
            origin,
        }))
    }

    /// Lets something be tried that only its owner gets right, or says when to come again. Nobody tries many; whoever does is guessing.
    pub(crate) fn pace_guesses(&self, ip: IpAddr, what: &str) -> Result<()> {
        self.invitations().take(network_of(ip), self.now()).map_err(|retry_after| Error::TooMany {
            what: format!("{what} are tried too often from this network address."),
            retry_after,
        })
    }

    /// Whether this kind of value is one that is guessed by the hand, and paced.
    pub(super) const fn is_paced(kind: Kind) -> bool {
        matches!(kind, Kind::Invitation | Kind::SignInLink)
    }
}

/// What cannot be a slug names nothing, and is not looked for.
fn is_slug(text: &str) -> bool {
    countersign_domain::text::Slug::parse(text).is_ok()
}

async fn somewhere(tx: &mut Tx, user: countersign_domain::id::UserId, it: Membership) -> Result<Somewhere> {
    match it.role.0 {
        Role::Admin => Ok(Somewhere::NOTHING),
        Role::Member => Ok(deployment_roles::somewhere(tx, it.organization, user).await?),
    }
}

#[cfg(test)]
mod tests {
    use super::is_slug;

    /// No database is asked for what it cannot hold.
    #[test]
    fn what_cannot_be_a_slug_is_not_looked_for() {
        assert!(is_slug("acme") && is_slug("acme-2"));
        for other in ["", "Acme", "a\0b", "a b", "-", "a'; --"] {
            assert!(!is_slug(other), "{other:?}");
        }
    }
}
