//! `countersign demo`: the whole story on one screen, with a server and agents that are this same program.

mod children;
mod stage;
mod story;

use std::path::PathBuf;

use clap::Args;

use self::stage::Stage;
use crate::{
    Ambient,
    failure::{Exit, Failure, Outcome},
    flags::variables,
    output::Printer,
    server::Signals,
};

/// Tell the whole story: a server, an organization, an agent, a build, and a token that is taken back
///
/// Everything happens in a folder of its own, on an embedded database. Afterwards the server stays until Ctrl-C, for you to try
/// more.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  countersign demo --once")]
pub struct Demo {
    /// End after the story
    #[arg(long, env = variables::DEMO_ONCE)]
    once: bool,
    /// A folder that is not there yet, to keep what happens [default: a temporary one, which is removed]
    #[arg(long, value_name = "DIR", env = variables::DATA_DIR)]
    data_dir: Option<PathBuf>,
}

impl Demo {
    pub(super) async fn run(self, ambient: &Ambient, printer: Printer) -> Outcome {
        // Before anything is started: a signal from here on takes everything down in order.
        let mut signals = Signals::listen()?;
        let mut stage = Stage::set(self.data_dir.clone(), ambient, printer)?;
        let outcome = tokio::select! {
            told = story::tell(&mut stage) => told,
            name = signals.stop() => Err(Failure::new(Exit::Internal, format!("stopped by {name} before the story \
             had ended"))),
        };
        let outcome = match outcome {
            Ok(()) if self.once => Ok(Exit::Done),
            Ok(()) => stay(&mut stage, &mut signals).await,
            Err(failure) => {
                stage.show_logs();
                Err(failure)
            }
        };
        stage.strike().await;
        outcome
    }
}

/// Leaves everything running until a signal comes, or the server ends by itself.
async fn stay(stage: &mut Stage, signals: &mut Signals) -> Outcome {
    story::what_next(stage)?;
    tokio::select! {
        _ = signals.stop() => Ok(Exit::Done),
        () = stage.server_ended() => {
            stage.show_logs();
            Err(Failure::unavailable("the server has ended"))
        }
    }
}
