//! The step graph in memory: single cases, and properties over many plans and many orders of events.

mod cases;
mod memory;
mod properties;
