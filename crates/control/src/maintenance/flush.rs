//! Writing what has gathered in memory, in slices.

use std::net::IpAddr;
use std::sync::Arc;

use countersign_domain::id::{Id, OrganizationId, TokenId};
use countersign_domain::{KeyId, PublicId, Refusal, Timestamp};
use countersign_store::agents::{self, sessions};
use countersign_store::refusals::{self, Refused};
use countersign_store::tokens::{self, secrets};
use countersign_store::{Lane, Tx, jobs, sign_ins};

use crate::access::actions::KeepHouse;
use crate::usage::{Digested, Entry, Move};
use crate::{Control, Grant, Result};

/// How many entries one transaction writes at the most: small, so that a revoke never waits long behind it.
const SLICE: usize = 500;

impl Control {
    /// Writes when tokens were used, when agents were heard, what was refused, and digests under the newest key.
    ///
    /// # Errors
    /// The first that a slice met. What was not written is kept for the next time.
    pub async fn flush_usage(&self) -> Result<()> {
        let _writing = self.usage().writing.lock().await;
        let entries = self.usage().entries();
        if entries.is_empty() {
            return Ok(());
        }
        let grant: Grant<KeepHouse> = self.system("write what has gathered", Id::nil())?;
        for slice in entries.chunks(SLICE) {
            let slice: Arc<[Entry]> = slice.into();
            self.write(&grant, Lane::Normal, slice.clone(), |tx, scene| {
                Box::pin(async move {
                    for entry in scene.input.iter() {
                        write(tx, entry, scene.keys.newest()).await?;
                    }
                    Ok(())
                })
            })
            .await?;
            self.usage().written(&slice);
        }
        Ok(())
    }

    /// Counts a refused attempt with a value whose secret verified.
    pub(crate) fn count_refusal(
        &self,
        of: OrganizationId,
        token: TokenId,
        public_id: &PublicId,
        reason: Refusal,
        ip: IpAddr,
        at: Timestamp,
    ) {
        self.counts().refused(reason);
        let new = Refused {
            token,
            public_id: public_id.clone(),
            reason,
            ip: ip.to_string(),
            count: 1,
            first_at: at,
            last_at: at,
        };
        self.usage().refused(of, new, ip);
    }
}

async fn write(tx: &mut Tx, entry: &Entry, newest: &KeyId) -> Result<()> {
    match entry {
        Entry::Token(id, at, ip) => tokens::touch(tx, *id, *at, &ip.to_string()).await?,
        Entry::Secret(id, at, ip) => secrets::touch(tx, *id, *at, &ip.to_string()).await?,
        Entry::Agent(id, heard) => agents::touch(tx, *id, heard.seen, heard.heartbeat).await?,
        Entry::SignIn(id, seen) => {
            sign_ins::touch(tx, *id, seen.at, &seen.ip.to_string(), seen.organization).await?;
        }
        Entry::Refusal(of, _, refused) => refusals::add(tx, *of, refused).await?,
        // A newer key has come since: the next use moves the row to that one.
        Entry::Moved(_, Move { to, .. }) if to.key() != newest => {}
        Entry::Moved(row, Move { to, from }) => {
            match row {
                Digested::Secret(id) => secrets::move_digest(tx, *id, to, from).await?,
                Digested::Session(id) => sessions::move_digest(tx, *id, to, from).await?,
                Digested::Job(id) => jobs::tokens::move_digest(tx, *id, to, from).await?,
                Digested::SignIn(id) => sign_ins::move_digest(tx, *id, to, from).await?,
            };
        }
    }
    Ok(())
}
