//! Writing what has gathered in memory, in slices.

use std::net::IpAddr;

use countersign_domain::id::{AgentId, Id, OrganizationId, TokenId};
use countersign_domain::{PublicId, Refusal, Timestamp};
use countersign_store::agents::{self, sessions};
use countersign_store::refusals::{self, Refused};
use countersign_store::tokens::{self, secrets};
use countersign_store::{Lane, Tx, jobs};

use crate::access::actions::KeepHouse;
use crate::usage::{Digested, Heard, Move, Pending};
use crate::{Control, Grant, Result};

/// How many entries one transaction writes at the most: small, so that a revoke never waits long behind it.
const SLICE: usize = 500;

/// One entry.
enum Entry {
    Token(TokenId, Timestamp, IpAddr),
    Secret(countersign_domain::id::SecretId, Timestamp, IpAddr),
    Agent(AgentId, Heard),
    Refusal(OrganizationId, Refused),
    Moved(Digested, Move),
}

impl Control {
    /// Writes when tokens were used, when agents were heard, what was refused, and digests under the newest key.
    ///
    /// # Errors
    /// The first that a slice met. What was not written is kept for the next time.
    pub async fn flush_usage(&self) -> Result<()> {
        let pending = self.usage().take();
        if pending.is_empty() {
            return Ok(());
        }
        let grant: Grant<KeepHouse> = self.system("write what has gathered", Id::nil())?;
        let mut entries = entries(&pending);
        while !entries.is_empty() {
            let rest = entries.split_off(entries.len().min(SLICE));
            let slice = std::mem::replace(&mut entries, rest);
            let outcome = self
                .write(&grant, Lane::Normal, slice, |tx, scene| {
                    Box::pin(async move {
                        for entry in &scene.input {
                            write(tx, entry).await?;
                        }
                        Ok(())
                    })
                })
                .await;
            if let Err(error) = outcome {
                // Times and digests may be written twice without harm; counts may come out too high, and never too low.
                self.usage().give_back(pending);
                return Err(error);
            }
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

fn entries(pending: &Pending) -> Vec<Entry> {
    let tokens = pending.tokens.iter().map(|(id, (at, ip))| Entry::Token(*id, *at, *ip));
    let secrets = pending.secrets.iter().map(|(id, (at, ip))| Entry::Secret(*id, *at, *ip));
    let agents = pending.agents.iter().map(|(id, heard)| Entry::Agent(*id, *heard));
    let refusals = pending.refusals.iter().map(|((of, ..), refused)| Entry::Refusal(*of, refused.clone()));
    let moves = pending.moves.iter().map(|(row, to)| Entry::Moved(*row, to.clone()));
    tokens.chain(secrets).chain(agents).chain(refusals).chain(moves).collect()
}

async fn write(tx: &mut Tx, entry: &Entry) -> Result<()> {
    match entry {
        Entry::Token(id, at, ip) => tokens::touch(tx, *id, *at, &ip.to_string()).await?,
        Entry::Secret(id, at, ip) => secrets::touch(tx, *id, *at, &ip.to_string()).await?,
        Entry::Agent(id, heard) => agents::touch(tx, *id, heard.seen, heard.heartbeat).await?,
        Entry::Refusal(of, refused) => refusals::add(tx, *of, refused).await?,
        Entry::Moved(row, Move { to, from }) => {
            match row {
                Digested::Secret(id) => secrets::move_digest(tx, *id, to, from).await?,
                Digested::Session(id) => sessions::move_digest(tx, *id, to, from).await?,
                Digested::Job(id) => jobs::tokens::move_digest(tx, *id, to, from).await?,
            };
        }
    }
    Ok(())
}
