//! Agents: the organization's agent tokens with their values to reveal, and the live list of agents of both protocols.

pub(crate) mod change;
pub(crate) mod dagster;
mod history;
pub(crate) mod list;
pub(crate) mod live;
mod narrow;
pub(crate) mod one;
mod row;
