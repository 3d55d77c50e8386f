//! Making a token: the row, its first secret, its scope, its sealed copy.

use std::sync::Arc;

use countersign_domain::id::{OrganizationId, SecretId, TokenId, UserId};
use countersign_domain::sealing::Place;
use countersign_domain::{Entropy, KeyRing, Kind, RevealPolicy, Scope, Timestamp, TokenSecret};
use countersign_store::tokens::secrets::{self, NewSecret};
use countersign_store::tokens::{self, Token, scopes};
use countersign_store::{Tx, members, organizations};

use crate::user_tokens::MAX_USER_TOKENS;
use crate::{Control, Error, Result, Scene, revealing};

/// A token to be made. Its ids and its value are chosen before the transaction, so that running it again makes the same one.
pub(crate) struct Issue {
    pub id: TokenId,
    pub secret_id: SecretId,
    pub secret: Arc<TokenSecret>,
    pub organization: OrganizationId,
    pub family: &'static str,
    pub user: Option<UserId>,
    pub description: Option<String>,
    pub is_public: bool,
    pub scope: Scope,
    pub reveal_policy: RevealPolicy,
    pub created_by: Option<UserId>,
    pub expires_at: Option<Timestamp>,
}

/// The family of an agent token: fixed when it is made, because its global id carries it.
pub(crate) const AGENT_TOKEN: &str = "AgentToken";
/// The family of an agent token that was made for one deployment, and stays with it.
pub(crate) const CLUSTER_TOKEN: &str = "ClusterToken";
/// The family of a user token.
pub(crate) const USER_TOKEN: &str = "APIAccessToken";
/// The description of the user token that somebody begins with.
pub(crate) const FIRST_USER_TOKEN: &str = "First user token";
/// The family of an operator token.
pub(crate) const OPERATOR_TOKEN: &str = "OperatorToken";

impl Control {
    /// A token of the widest scope with nothing optional set.
    pub(crate) fn issue(&self, kind: Kind, family: &'static str, organization: OrganizationId) -> Issue {
        Issue {
            id: self.fresh_id(),
            secret_id: self.fresh_id(),
            secret: self.mint(kind),
            organization,
            family,
            user: None,
            description: None,
            is_public: false,
            scope: Scope::widest(),
            reveal_policy: RevealPolicy::Window,
            created_by: None,
            expires_at: None,
        }
    }
}

/// Makes the token. The organization is part of the sealed copy's associated data, so it is final here.
pub(crate) async fn issue(tx: &mut Tx, keys: &KeyRing, entropy: &dyn Entropy, new: &Issue) -> Result<Token> {
    let place = Place { organization: new.organization, token: new.id };
    let sealed = revealing::seal(keys, entropy, new.reveal_policy, &place, 1, &new.secret, tx.now());
    let (data_key, data_key_id) = sealed.data_key.unzip();
    let mut token = Token {
        id: new.id,
        organization: new.organization,
        number: None,
        kind: new.secret.kind(),
        family: new.family.to_owned(),
        public_id: new.secret.public_id().clone(),
        user: new.user,
        description: new.description.clone(),
        is_public: new.is_public,
        reveal_policy: new.reveal_policy,
        reveal_until: sealed.reveal_until,
        data_key,
        data_key_id,
        generation: 1,
        created_at: tx.now(),
        created_by: new.created_by,
        expires_at: new.expires_at,
        revoked_at: None,
        revoked_by: None,
        revoked_reason: None,
        last_used_at: None,
        last_used_ip: None,
    };
    token.number = tokens::insert(tx, &token).await?;
    let secret = NewSecret {
        id: new.secret_id,
        token: new.id,
        public_id: token.public_id.clone(),
        generation: 1,
        digest: keys.digest(&new.secret),
        sealed: sealed.sealed,
        made_by: new.created_by,
    };
    secrets::insert(tx, &secret).await?;
    if new.scope != Scope::widest() {
        if !scopes::replace(tx, new.organization, new.id, &new.scope).await? {
            return Err(Error::invalid("scope", "names a deployment that the organization does not have"));
        }
        token.generation += 1;
    }
    Ok(token)
}

/// Makes the user token of an owner, by whoever makes it, under the policy that is given or else the organization's default.
///
/// # Errors
/// [`Error::Conflict`] for a member who has [`MAX_USER_TOKENS`].
pub(crate) async fn issue_for<I: Sync>(
    tx: &mut Tx,
    scene: &Scene<I>,
    new: &Issue,
    policy: Option<RevealPolicy>,
    (owner, by): (UserId, UserId),
) -> Result<Token> {
    let Some(organization) = organizations::find(tx, scene.organization).await? else {
        return Err(Error::NotFound("organization"));
    };
    if members::count_live_tokens(tx, scene.organization, owner).await? >= MAX_USER_TOKENS {
        return Err(Error::Conflict(format!(
            "There are {MAX_USER_TOKENS} user tokens of this member that were not revoked, the most there may be; revoke some first."
        )));
    }
    let mut new = new.with_policy(policy.unwrap_or(organization.default_reveal_policy));
    new.user = Some(owner);
    new.created_by = Some(by);
    issue(tx, &scene.keys, &*scene.entropy, &new).await
}

/// An expiry that a new or changed token may have.
///
/// # Errors
/// [`Error::Invalid`] for a time that has passed, and for one beyond [`Timestamp::LATEST`].
pub(crate) fn check_expiry(at: Option<Timestamp>, now: Timestamp) -> Result<()> {
    match at {
        Some(at) if at <= now => {
            Err(Error::invalid("expiresAt", "has passed; give a time that is still to come, or none"))
        }
        Some(at) if at > Timestamp::LATEST => {
            Err(Error::invalid("expiresAt", "is too far away; give a time before the year 9999, or none"))
        }
        _ => Ok(()),
    }
}

impl Issue {
    /// The same token under another reveal policy: the organization's default is known only inside the transaction.
    pub(crate) fn with_policy(&self, reveal_policy: RevealPolicy) -> Self {
        Self {
            id: self.id,
            secret_id: self.secret_id,
            secret: self.secret.clone(),
            organization: self.organization,
            family: self.family,
            user: self.user,
            description: self.description.clone(),
            is_public: self.is_public,
            scope: self.scope.clone(),
            reveal_policy,
            created_by: self.created_by,
            expires_at: self.expires_at,
        }
    }
}
