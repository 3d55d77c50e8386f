//! The program. Everything is in the library, so that tests reach it.

use std::process::ExitCode;

fn main() -> ExitCode {
    countersign_cli::run(countersign_cli::Ambient::take())
}
