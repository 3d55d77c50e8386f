//! Rows: one SQL text per query, two engines.
//!
//! [`engine`] alone knows SQLite from PostgreSQL. The other modules each hold the statements of one table or a few, and
//! functions that take a [`Tx`] and never open one; `control` opens transactions through [`Store`].

pub mod engine;
pub mod statements;

pub mod agents;
pub mod artifacts;
pub mod audit;
pub mod blobs;
pub mod builds;
pub mod code_locations;
pub mod dagster_agents;
pub mod dagster_requests;
pub mod dagster_runs;
pub mod dagster_snapshots;
pub mod deployment_roles;
pub mod deployments;
pub mod identities;
pub mod instance;
pub mod invitations;
pub mod jobs;
pub mod keys;
mod like;
mod many;
pub mod members;
pub mod numbers;
pub mod oidc_keys;
pub mod organizations;
pub mod passkeys;
pub mod passwords;
pub mod queue_counts;
pub mod queues;
pub mod refusals;
pub mod retention;
pub mod sign_ins;
pub mod steps;
pub mod teams;
pub mod tokens;
pub mod users;

pub use engine::{
    Database, FromValue, Health, Holder, IntoValue, Lane, Options, Report, Row, Sql, Store, StoreError, Turn, Tx, Value,
};
pub use futures_util::future::BoxFuture;
