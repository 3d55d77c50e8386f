//! `countersign organization create`.

use clap::{Args, Subcommand};
use countersign_control::{Settings, access::actions::CreateOrganization};
use serde_json::{Value, json};

use super::init::{Answer, NewOrganizationArgs};
use crate::{
    Ambient,
    api::{self, Api, documents},
    failure::{Exit, Failure, Outcome},
    flags::{InstanceArgs, variables},
    instance::Place,
    output::Printer,
};

/// Make organizations
#[derive(Debug, Args)]
pub struct Organization {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Make an organization with its first admin and a default agent token
    ///
    /// With --server and --operator-token through a running server; otherwise on the data folder itself, which no server may be using.
    #[command(
        after_help = "Example:\n  countersign organization create --organization globex --admin hank@example.com --server http://127.0.0.1:8420 --operator-token file:///root/operator-token"
    )]
    Create(Create),
}

#[derive(Debug, Args)]
struct Create {
    #[command(flatten)]
    new: NewOrganizationArgs,
    /// The running server's address
    #[arg(long, value_name = "URL", env = variables::SERVER, requires = "operator_token")]
    server: Option<String>,
    /// An operator token: the value, file://PATH or fd://N
    #[arg(long, value_name = "TOKEN", env = variables::OPERATOR_TOKEN, hide_env_values = true)]
    operator_token: Option<String>,
    #[command(flatten)]
    instance: InstanceArgs,
}

impl Organization {
    pub(super) async fn run(self, ambient: &Ambient, printer: Printer) -> Outcome {
        let Command::Create(create) = self.command;
        let answer = match &create.operator_token {
            Some(token) => create.through_server(&api::read_token(token)?).await?,
            None => create.on_folder(ambient).await?,
        };
        printer.result(&answer, || answer.text())?;
        Ok(Exit::Done)
    }
}

impl Create {
    async fn on_folder(&self, ambient: &Ambient) -> Outcome<Answer> {
        let place = Place::find(&self.instance, &ambient.environment)?;
        let control = place.control(ambient, Settings::default()).await.map_err(|failure| match failure.exit {
            Exit::Conflict => Failure::conflict(format!("{failure}: use --server and --operator-token")),
            _ => failure,
        })?;
        let made = async {
            if !control.is_initialized().await? {
                return Err(Failure::new(
                    Exit::NotFound,
                    "this database has not been set up; run `countersign init` first",
                ));
            }
            let grant = control.grant_own::<CreateOrganization>(&control.local_operator())?;
            let created = control.create_organization(&grant, self.new.to_new()).await?;
            control.seal_audit().await?;
            Ok(Answer::of(&created, None))
        };
        let made = made.await;
        control.store().close().await;
        made
    }

    async fn through_server(&self, token: &str) -> Outcome<Answer> {
        let server = self.server.as_deref().unwrap_or(api::DEFAULT_SERVER);
        let api = Api::new(server, token)?;
        let input = json!({
            "slug": self.new.organization,
            "name": self.new.organization_name,
            "admin": self.new.admin,
            "revealPolicy": self.new.reveal.as_str().to_uppercase(),
        });
        let answer: Value = api.call(documents::ORGANIZATION_CREATE, json!({ "input": input })).await?;
        Ok(Answer::of_answer(&answer["organizationCreate"]))
    }
}
