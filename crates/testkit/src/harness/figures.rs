//! What a test has counted, for whoever reads its run.

use std::fmt;

/// Prints a line of figures.
#[expect(clippy::print_stdout, reason = "the figures of a run are what it is for")]
pub fn tell(line: fmt::Arguments<'_>) {
    println!("{line}");
}
