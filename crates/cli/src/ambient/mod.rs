//! The one place that owns the real clock, the operating system's generator, the environment and the arguments.
//!
//! Everything else is given an [`Ambient`], or a part of it.

mod clock;
mod entropy;
mod process;

use std::{ffi::OsString, path::PathBuf, sync::Arc};

use countersign_agent::{Environment, Host};
use countersign_domain::{Clock, Entropy};

pub use clock::SystemClock;
pub use entropy::SystemEntropy;
pub use process::{forbid_inspection, open_files_limit, start_again};

/// What a process finds when it starts.
#[derive(Clone)]
pub struct Ambient {
    /// The program's only clock.
    pub clock: Arc<dyn Clock>,
    /// The program's only source of randomness.
    pub entropy: Arc<dyn Entropy>,
    /// The variables, as they were at the start.
    pub environment: Environment,
    /// The name that the program was started under; a link may give it another.
    pub program: OsString,
    /// The arguments without that name.
    pub arguments: Vec<OsString>,
    /// The file that runs.
    pub executable: PathBuf,
}

impl Ambient {
    /// Takes a snapshot of what there is now. To be called once, at the start.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the environment")]
    pub fn take() -> Self {
        let mut arguments = std::env::args_os();
        let program = arguments.next().unwrap_or_else(|| "countersign".into());
        Self {
            clock: Arc::new(SystemClock::default()),
            entropy: Arc::new(SystemEntropy),
            environment: std::env::vars_os().collect(),
            executable: std::env::current_exe().unwrap_or_else(|_| PathBuf::from(&program)),
            program,
            arguments: arguments.collect(),
        }
    }

    /// The machine, as agents describe it.
    #[must_use]
    pub fn host(&self) -> Host {
        process::host(self.executable.clone())
    }
}

impl std::fmt::Debug for Ambient {
    /// Neither arguments nor variables: either may hold a secret.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ambient").field("executable", &self.executable).finish_non_exhaustive()
    }
}
