//! Searching agent tokens by what people look for: a word, those that expire soon, those that nobody uses.

use std::time::Duration;

use countersign_domain::dagster::RUNNING_FOR;
use countersign_domain::id::TokenId;
use countersign_domain::text::MAX_DESCRIPTION;
use countersign_store::tokens::search::{self, Among, Creator, Wanted};

use crate::access::actions::ViewAgentTokens;
use crate::{Control, Grant, PageRequest, Part, Result, SEARCHED, input};

use super::AgentToken;
use super::list::with_scopes;

const DAY: Duration = Duration::from_secs(24 * 3600);
/// How long before its end a token counts as expiring.
pub const EXPIRING: Duration = DAY.saturating_mul(30);
/// How long a token is without use before it counts as unused.
pub const UNUSED: Duration = DAY.saturating_mul(30);

/// Which part of an organization's agent tokens is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Selection {
    /// All there are, revoked ones among them.
    All,
    /// Those that are accepted.
    #[default]
    Live,
    /// Those that are accepted and whose time runs out within [`EXPIRING`], those first that end first.
    Expiring,
    /// Those that are accepted, and were neither made nor used for [`UNUSED`], the oldest first.
    Unused,
    /// Those that were taken back.
    Revoked,
}

/// What is looked for.
#[derive(Debug, Clone, Default)]
pub struct Search {
    /// Among which.
    pub selection: Selection,
    /// The one whose public id this is, whole and exact; when it is none, those whose description holds this text, in any case of the letters A to Z.
    /// At most [`MAX_DESCRIPTION`] characters.
    pub text: Option<String>,
}

/// A token as a list shows it.
#[derive(Debug, Clone)]
pub struct Found {
    /// The token, and what it reaches.
    pub token: AgentToken,
    /// Whoever made it; none for the default token.
    pub creator: Option<Creator>,
    /// How many of its agents are connected.
    pub agents: i64,
    /// How many of its Dagster+ agents run.
    pub dagster_agents: i64,
}

impl Found {
    fn new(token: AgentToken, row: search::Listed) -> Self {
        Self { token, creator: row.creator, agents: row.agents, dagster_agents: row.dagster_agents }
    }
}

impl Control {
    /// A part of the organization's agent tokens that are looked for, newest first, where the selection says nothing else. Where only some of a selection
    /// are wanted, [`SEARCHED`] are looked at in one call; so a part may be short, or have none, and the list go on behind it. A public id is found however
    /// old the token is.
    ///
    /// # Errors
    /// [`crate::Error::Invalid`] at `search`.
    pub async fn search_agent_tokens(
        &self,
        grant: &Grant<ViewAgentTokens>,
        search: Search,
        page: PageRequest<TokenId>,
    ) -> Result<Part<Found, TokenId>> {
        let wanted = self.wanted(&search)?;
        let (rows, last) = self
            .read(grant, (wanted, page), |tx, scene| {
                Box::pin(async move {
                    let (wanted, page) = &scene.input;
                    let (of, since) = (scene.organization, tx.now().minus(RUNNING_FOR));
                    let by = scene.selected_by_roles_of();
                    let found = search::search(tx, of, by, wanted, since, page.after, page.rows()).await?;
                    let tokens = found.rows.iter().map(|row| row.token.clone()).collect();
                    let tokens = with_scopes(tx, scene, tokens).await?;
                    let both = tokens.into_iter().zip(found.rows);
                    let rows: Vec<Found> = both.map(|(token, row)| Found::new(token, row)).collect();
                    Ok((rows, found.last))
                })
            })
            .await?;
        let mut part = Part::of(rows, &page, last, |it: &Found| it.token.token.id);
        for it in &mut part.items {
            self.overlay(&mut it.token.token);
        }
        if search.selection == Selection::Unused {
            // What is used and not written yet is no token that nobody uses. Nothing is written here: a list is a read.
            let since = self.now().minus(UNUSED);
            part.items.retain(|it| it.token.token.last_used_at.unwrap_or(it.token.token.created_at) < since);
        }
        Ok(part)
    }

    fn wanted(&self, search: &Search) -> Result<Wanted> {
        input::search(search.text.as_deref(), MAX_DESCRIPTION)?;
        let now = self.now();
        let among = match search.selection {
            Selection::All => Among::All,
            Selection::Live => Among::Live,
            Selection::Expiring => Among::Expiring(now.plus(EXPIRING)),
            Selection::Unused => Among::Unused(now.minus(UNUSED)),
            Selection::Revoked => Among::Revoked,
        };
        Ok(Wanted { among, text: search.text.clone(), within: SEARCHED })
    }
}
