//! placeholder
use clap::Args;
use crate::{Ambient, failure::{Outcome, Exit}, output::Printer};
/// Demo
#[derive(Debug, Args)]
pub struct Demo {}
impl Demo { pub(super) async fn run(self, _: &Ambient, _: Printer) -> Outcome { Ok(Exit::Done) } }
