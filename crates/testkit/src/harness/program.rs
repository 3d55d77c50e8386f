//! What is started as `countersign`: the binary itself, or this test's own process image with a fault planted in the store.
//!
//! The fault cannot be asked of the binary: no option of it reaches there. A control experiment starts the running test again
//! as a child, which plants the fault and then goes on as the binary would.

use std::ffi::OsString;
use std::path::PathBuf;

use countersign_store::engine::faults::{Faults, Synchronous};
use tokio::process::Command;

use crate::engine::variable;

/// Names the fault that a child is to plant.
const FAULT: &str = "COUNTERSIGN_TEST_FAULT";
/// The child's arguments, as a JSON list.
const ARGUMENTS: &str = "COUNTERSIGN_TEST_ARGUMENTS";

/// A fault of the store's durability.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// None: what is wrong is up to the test that the child enters.
    None,
    /// Success is answered before it is committed.
    AcknowledgeEarly,
    /// `synchronous=NORMAL`.
    SynchronousNormal,
    /// `synchronous=OFF`.
    SynchronousOff,
}

impl Fault {
    const ALL: [Self; 4] = [Self::None, Self::AcknowledgeEarly, Self::SynchronousNormal, Self::SynchronousOff];

    /// For people.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::AcknowledgeEarly => "acknowledge-early",
            Self::SynchronousNormal => "synchronous-normal",
            Self::SynchronousOff => "synchronous-off",
        }
    }

    fn faults(self) -> Faults {
        match self {
            Self::None => Faults::default(),
            Self::AcknowledgeEarly => Faults { acknowledge_early: true, ..Faults::default() },
            Self::SynchronousNormal => Faults { synchronous: Synchronous::Normal, ..Faults::default() },
            Self::SynchronousOff => Faults { synchronous: Synchronous::Off, ..Faults::default() },
        }
    }
}

/// A program that behaves as `countersign`, sound or not.
#[derive(Debug, Clone)]
pub struct Program {
    path: PathBuf,
    faulty: Option<(Fault, &'static str)>,
}

impl Program {
    /// The binary.
    #[must_use]
    pub fn sound(path: &str) -> Self {
        Self { path: PathBuf::from(path), faulty: None }
    }

    /// The running test binary again, as a child that enters the test of this name. That test must begin with [`planted`].
    ///
    /// # Panics
    /// When the running binary cannot be found.
    #[must_use]
    pub fn faulty(fault: Fault, test: &'static str) -> Self {
        let path = std::env::current_exe().expect("this process has a binary");
        Self { path, faulty: Some((fault, test)) }
    }

    /// A child that ends with this process, with nothing of this process's environment but the search path.
    #[must_use]
    pub fn command(&self, arguments: &[OsString]) -> Command {
        let mut command = Command::new(&self.path);
        command.env_clear().env("PATH", "/usr/bin:/bin").env("LC_ALL", "C").kill_on_drop(true);
        match self.faulty {
            None => {
                command.args(arguments);
            }
            Some((fault, test)) => {
                let texts: Vec<_> = arguments.iter().map(|argument| argument.to_string_lossy()).collect();
                let list = serde_json::to_string(&texts).expect("texts can be listed");
                command.args(["--exact", test, "--nocapture"]).env(FAULT, fault.name()).env(ARGUMENTS, list);
            }
        }
        command
    }
}

/// In a child of [`Program::faulty`]: plants the fault in every store that is opened from now on, and answers the arguments that
/// the binary would have been given. None in any other process.
///
/// # Panics
/// When the fault is not one.
#[must_use]
pub fn planted() -> Option<Vec<String>> {
    let name = variable(FAULT)?;
    let fault = Fault::ALL.into_iter().find(|fault| fault.name() == name).expect("a fault that there is");
    fault.faults().plant();
    let arguments = variable(ARGUMENTS).expect("the arguments come with the fault");
    Some(serde_json::from_str(&arguments).expect("a list of texts"))
}
