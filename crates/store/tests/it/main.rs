//! The engine, seen from outside: what holds on both engines, and what each of them promises alone.

mod disk;
mod engines;
mod folder;
mod group;
mod operations;
mod postgres;
mod schema;
mod statements;
