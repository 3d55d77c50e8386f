//! What uses a token at this moment.

use countersign_domain::id::{AgentId, JobId, OrganizationId, TokenId};

use crate::{Row, StoreError, Tx, params, statements};

statements! {
    /// The agents of one token that hold a session, each with the job that it has. They are put in order afterwards: SQLite would else walk over all
    /// agents of the organization, which stand in that order.
    AGENTS = "SELECT a.id, a.name, a.hostname,
                (SELECT j.id FROM jobs j WHERE j.agent_id = a.id
                   AND j.state IN ('assigned', 'accepted', 'running', 'canceling', 'timing_out') ORDER BY j.id LIMIT 1) AS job_id
              FROM agents a WHERE a.organization_id = $1 AND a.token_id = $2
              AND a.state IN ('never_connected', 'connected', 'stopping')";
}

/// An agent that holds a session by a token.
#[derive(Debug, Clone)]
pub struct Using {
    /// The agent.
    pub agent: AgentId,
    /// Its name.
    pub name: String,
    /// The host it said it is on.
    pub hostname: Option<String>,
    /// The job that it has.
    pub job: Option<JobId>,
}

/// The agents of one of the organization's tokens that hold a session, in the order of their ids.
pub async fn agents(tx: &mut Tx, of: OrganizationId, token: TokenId) -> Result<Vec<Using>, StoreError> {
    let rows = tx.all(AGENTS, &params![of, token]).await?;
    let using = |row: &Row| {
        Ok(Using {
            agent: row.get("id")?,
            name: row.get("name")?,
            hostname: row.get("hostname")?,
            job: row.get("job_id")?,
        })
    };
    let mut found: Vec<Using> = rows.iter().map(using).collect::<Result<_, StoreError>>()?;
    found.sort_by_key(|it| it.agent);
    Ok(found)
}
