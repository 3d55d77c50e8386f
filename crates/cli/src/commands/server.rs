//! `countersign server`.

use clap::Args;

use super::block_on;
use crate::{
    Ambient,
    failure::Outcome,
    flags::{InstanceArgs, OutputArgs},
    logs,
    server::{self, File, ServerConfig, ServerFlags},
};

/// Run the server
///
/// It listens until SIGTERM or Ctrl-C, then finishes the calls that run; a second signal cuts them off. SIGHUP reads the key ring
/// and the TLS certificate again. The configuration file is described in docs/configuration.md.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  countersign server --data-dir /var/lib/countersign --public-url https://countersign.example.com"
)]
pub struct Server {
    #[command(flatten)]
    instance: InstanceArgs,
    #[command(flatten)]
    flags: ServerFlags,
}

impl Server {
    pub(super) fn run(self, output: &OutputArgs, ambient: &Ambient) -> Outcome {
        let file = self.flags.config.as_deref().map(File::read).transpose()?.unwrap_or_default();
        let log = (output.log.clone(), output.log_format);
        let config = ServerConfig::resolve(&self.flags, &self.instance, log, file)?;
        logs::start(&config.log, config.log_format)?;
        block_on(server::run(config, ambient))
    }
}
