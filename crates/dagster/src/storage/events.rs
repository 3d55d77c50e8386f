//! Events: the worker of a run stores what it does, and learns how many steps may run at once.

use async_graphql::{Context, Object, Result, SimpleObject};
use countersign_control::Error;
use countersign_control::dagster_runs::{MAX_EVENTS_AT_ONCE, NewEvent};
use countersign_http::{holds_a_token, json_holds_a_token};

use crate::call::Call;
use crate::failure::Failure;
use crate::heartbeat::moment;

use super::deployment;
use super::input::EventLogEntryInput;

/// In the place of words that hold the value of a token.
const LEFT_OUT: &str = "(left out: a token's value stood in it)";

/// What is read of events.
pub(crate) struct EventLogs;

#[Object]
impl EventLogs {
    /// How many steps of one pool may run at once: as many as the worker likes.
    async fn get_pool_config(&self, ctx: &Context<'_>) -> Result<PoolConfig> {
        let call = Call::of(ctx);
        let grant = call.may()?;
        let names = vec![deployment(call)?];
        let reached = call.control.check_dagster_deployments(&grant, names).await.map_err(Failure::Of)?;
        call.left(reached)?;
        Ok(PoolConfig { pool_granularity: None, default_pool_limit: None, op_granularity_run_buffer: None })
    }
}

/// How many steps may run at once. Nothing is set here.
#[derive(SimpleObject)]
pub(crate) struct PoolConfig {
    /// Whether runs or steps are counted.
    pool_granularity: Option<String>,
    /// How many of a pool for which nothing else is said.
    default_pool_limit: Option<i32>,
    /// How many runs may wait for a pool.
    op_granularity_run_buffer: Option<i32>,
}

/// What is written of events. The names are the protocol's.
pub(crate) struct EventLogsByAgents;

#[Object(rename_fields = "PascalCase")]
impl EventLogsByAgents {
    /// Keeps what the worker of a run, or the agent that starts or stops it, tells.
    async fn store_event(
        &self,
        ctx: &Context<'_>,
        #[graphql(name = "eventRecord")] record: EventLogEntryInput,
    ) -> Result<Stored> {
        store(Call::of(ctx), vec![record]).await
    }

    /// The same of several events.
    async fn store_event_batch(
        &self,
        ctx: &Context<'_>,
        #[graphql(name = "eventRecords")] records: Vec<EventLogEntryInput>,
    ) -> Result<Stored> {
        store(Call::of(ctx), records).await
    }
}

/// That something was kept.
#[derive(SimpleObject)]
pub(crate) struct Stored {
    /// Always.
    pub ok: bool,
}

async fn store(call: &Call, records: Vec<EventLogEntryInput>) -> Result<Stored> {
    let grant = call.may()?;
    let deployment = deployment(call)?;
    if records.len() > MAX_EVENTS_AT_ONCE {
        let words = format!("eventRecords has {} entries; at most {MAX_EVENTS_AT_ONCE} are taken.", records.len());
        return Err(Failure::TooLarge(words).into());
    }
    let events = records.iter().map(event).collect::<std::result::Result<_, Failure>>()?;
    let stored = call.control.store_run_events(&grant, deployment, call.key.clone(), events).await;
    call.left(stored.map_err(Failure::Of)?)?;
    Ok(Stored { ok: true })
}

/// What is kept of an event: its words, and all of it, unless the value of a token stands there.
fn event(it: &EventLogEntryInput) -> std::result::Result<NewEvent, Failure> {
    let told = it.dagster_event.as_ref();
    let words = told.and_then(|it| it.message.as_deref()).filter(|it| !it.is_empty());
    let error = it.error_info.as_ref().and_then(|it| it.message.as_deref());
    let words = words.or(it.user_message.as_deref().filter(|it| !it.is_empty())).or(error).unwrap_or_default();
    let entry = serde_json::to_string(it).map_err(|_| Error::internal("an event was not written as JSON"))?;
    let is_secret = json_holds_a_token(&entry);
    let step = told.and_then(|it| it.step_key.clone()).or_else(|| it.step_key.clone());
    Ok(NewEvent {
        run: it.run_id.clone(),
        kind: told.map(|it| word(&it.event_type_value)),
        step: step.as_deref().map(word),
        level: it.level,
        occurred_at: moment(it.timestamp),
        message: if is_secret { LEFT_OUT.to_owned() } else { words.replace('\0', "") },
        entry: if is_secret { "{}".to_owned() } else { entry },
    })
}

/// A word of an event, unless it holds the value of a token.
fn word(text: &str) -> String {
    if holds_a_token(text) { LEFT_OUT.to_owned() } else { text.replace('\0', "") }
}

#[cfg(test)]
mod tests {
    use countersign_domain::token::Prefix;
    use countersign_domain::{Entropy, Kind, TokenSecret};

    use super::*;

    struct Sevens;
    impl Entropy for Sevens {
        fn fill(&self, buffer: &mut [u8]) {
            buffer.fill(7);
        }
    }

    fn record() -> EventLogEntryInput {
        EventLogEntryInput {
            error_info: None,
            level: 20,
            user_message: Some("said".to_owned()),
            run_id: "r1".to_owned(),
            timestamp: 1.5,
            step_key: Some("one".to_owned()),
            pipeline_name: None,
            dagster_event: None,
        }
    }

    #[test]
    fn the_words_of_an_event_are_found_and_no_token_is_kept() {
        let it = event(&record()).expect("an event");
        assert_eq!((it.message.as_str(), it.kind, it.step.as_deref()), ("said", None, Some("one")));
        assert!(it.entry.contains("\"userMessage\":\"said\""), "{}", it.entry);
        assert_eq!((word("a\0b"), word("STEP_START")), ("ab".to_owned(), "STEP_START".to_owned()));
        let secret = TokenSecret::mint(&Prefix::default(), Kind::AgentToken, &Sevens);
        let line = format!("it says:\n{}", secret.reveal());
        let it = event(&EventLogEntryInput { user_message: Some(line), ..record() }).expect("an event");
        assert_eq!((it.message.as_str(), it.entry.as_str()), (LEFT_OUT, "{}"));
        assert_eq!(word(secret.reveal()), LEFT_OUT);
    }
}
