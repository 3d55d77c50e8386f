//! `countersign oidc`: tokens that other systems accept, from inside a job.

use clap::{Args, Subcommand, ValueEnum, builder::BoolishValueParser};
use countersign_agent::commands::{OidcTokenRequest, token};

use super::job_flags::{JobFlags, job_api_unless, plain};
use crate::{
    Ambient,
    failure::{Exit, Outcome},
    output::Printer,
};

/// Ask for OIDC tokens, from inside a job
#[derive(Debug, Args)]
pub struct Oidc {
    #[command(subcommand)]
    command: Command,
}

/// How the token is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// The token itself
    Jwt,
    /// JSON, as the libraries of Google Cloud read it
    Gcp,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Ask for a token and print it; the job's log does not show it
    #[command(after_help = "Example:\n  countersign oidc request-token --audience sts.amazonaws.com --lifetime 300")]
    RequestToken {
        /// Whom the token is shown to
        #[arg(long)]
        audience: Option<String>,
        /// Seconds that it is good for [default: as the server likes]
        #[arg(long, value_name = "SECONDS")]
        lifetime: Option<i64>,
        /// Claims to add, separated by commas
        #[arg(long, value_name = "CLAIMS", env = "BUILDKITE_OIDC_TOKEN_CLAIMS", value_delimiter = ',')]
        claim: Vec<String>,
        /// Claims to add as tags of an AWS session, separated by commas
        #[arg(long, value_name = "CLAIMS", env = "BUILDKITE_OIDC_TOKEN_AWS_SESSION_TAGS", value_delimiter = ',')]
        aws_session_tag: Vec<String>,
        /// The claim that becomes the subject
        #[arg(long, value_name = "CLAIM", env = "BUILDKITE_OIDC_TOKEN_SUBJECT_CLAIM")]
        subject_claim: Option<String>,
        /// Do not take the token out of the job's log
        #[arg(long, env = "BUILDKITE_AGENT_OIDC_REQUEST_TOKEN_SKIP_TOKEN_REDACTION", value_parser = BoolishValueParser::new(), default_missing_value = "true", num_args = 0..=1, require_equals = true, default_value_t = false)]
        skip_redaction: bool,
        /// How it is printed
        #[arg(long, value_enum, default_value = "jwt")]
        format: Format,
        #[command(flatten)]
        job: JobFlags,
    },
}

impl Oidc {
    pub(super) async fn run(self, ambient: &Ambient, printer: Printer) -> Outcome {
        let Command::RequestToken {
            audience,
            lifetime,
            claim,
            aws_session_tag,
            subject_claim,
            skip_redaction,
            format,
            job,
        } = self.command;
        let access = job.access(None, ambient)?;
        let log = job_api_unless(skip_redaction, ambient)?;
        let request =
            OidcTokenRequest { audience, lifetime, claims: claim, aws_session_tags: aws_session_tag, subject_claim };
        let token = token::request_oidc(&access, &request, log.as_ref()).await.map_err(plain)?;
        match format {
            Format::Jwt => printer.result(&token, || token.reveal().to_owned())?,
            Format::Gcp => {
                let shown = token::for_gcp(&token).map_err(plain)?;
                printer.write(format!("{shown}\n").as_bytes())?;
            }
        }
        Ok(Exit::Done)
    }
}
