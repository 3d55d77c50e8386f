//! `countersign organization`: making organizations, and changing one's own.

use std::ffi::OsString;

use clap::{Args, Subcommand};
use countersign_control::{Settings, access::actions::CreateOrganization};
use countersign_domain::{
    RevealPolicy,
    text::{OrganizationName, Slug},
};
use serde_json::{Value, json};

use super::init::{Answer, NewOrganizationArgs};
use crate::{
    Ambient,
    api::{
        self, Api, documents,
        shapes::{self, text},
    },
    failure::{Exit, Failure, Outcome},
    flags::{InstanceArgs, ServerArgs, variables},
    instance::Place,
    output::{Printer, harmless},
};

/// Make organizations, and change your own
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
    /// A --data-dir that is written out wins over the variables of the other two.
    #[command(
        after_help = "Example:\n  countersign organization create --organization globex --admin hank@example.com --server http://127.0.0.1:8420 --operator-token file:///root/operator-token"
    )]
    Create(Create),
    /// Change your organization's name, its slug, or until when values of its new tokens can be revealed
    ///
    /// A slug that the organization leaves stays its own: no other organization is given it. Pages at addresses with the old one lead to the new ones, and job
    /// tokens for other services name the new one in their `sub`.
    #[command(after_help = "Example:\n  countersign organization update --name \"Acme Corporation\"")]
    Update(Update),
}

#[derive(Debug, Args)]
struct Update {
    /// Another name for people
    #[arg(long)]
    name: Option<OrganizationName>,
    /// Another name in addresses: lower-case letters, digits and '-'
    #[arg(long)]
    slug: Option<Slug>,
    /// How long values of new tokens can be revealed, unless a token says otherwise: window, always or never
    #[arg(long, value_name = "POLICY", env = variables::REVEAL)]
    reveal: Option<RevealPolicy>,
    #[command(flatten)]
    server: ServerArgs,
}

#[derive(Debug, Args)]
struct Create {
    #[command(flatten)]
    new: NewOrganizationArgs,
    /// The running server's address
    #[arg(long, value_name = "URL", env = variables::SERVER)]
    server: Option<String>,
    /// An operator token: the value, file://PATH or fd://N
    #[arg(long, value_name = "TOKEN", env = variables::OPERATOR_TOKEN, hide_env_values = true)]
    operator_token: Option<String>,
    #[command(flatten)]
    instance: InstanceArgs,
}

impl Organization {
    pub(super) async fn run(self, ambient: &Ambient, printer: Printer) -> Outcome {
        let create = match self.command {
            Command::Create(create) => create,
            Command::Update(update) => return update.run(ambient, printer).await,
        };
        let answer = match create.operator_token(&ambient.arguments)? {
            Some(token) => create.through_server(&api::read_token(token)?).await?,
            None => create.on_folder(ambient).await?,
        };
        printer.result(&answer, || answer.text())?;
        Ok(Exit::Done)
    }
}

impl Update {
    async fn run(self, ambient: &Ambient, printer: Printer) -> Outcome {
        if self.name.is_none() && self.slug.is_none() && self.reveal.is_none() {
            return Err(Failure::bad_input("there is nothing to change; give --name, --slug or --reveal"));
        }
        let api = Api::for_user(&self.server, &ambient.environment)?;
        let own: shapes::Viewer<Value> = api.call(documents::WHOSE, json!({})).await?;
        let input = json!({
            "organizationID": own.into_organization()?["id"].take(),
            "name": self.name,
            "slug": self.slug,
            "defaultRevealPolicy": self.reveal.map(|policy| policy.as_str().to_uppercase()),
        });
        let mut answer: Value = api.call(documents::ORGANIZATION_UPDATE, json!({ "input": input })).await?;
        let changed = shapes::there(Some(answer["organizationUpdate"]["organization"].take()), "organization")?;
        printer.result(&changed, || {
            let (name, slug) = (harmless(text(&changed, "name")), harmless(text(&changed, "slug")));
            let policy = text(&changed, "defaultRevealPolicy").to_lowercase();
            format!("The organization is {name}, its slug {slug}, the reveal policy of its new tokens {policy}.")
        })?;
        Ok(Exit::Done)
    }
}

impl Create {
    /// The token for a running server; none when the data folder is meant.
    fn operator_token(&self, arguments: &[OsString]) -> Outcome<Option<&str>> {
        let asks_server = ["--server", "--operator-token"].iter().any(|flag| is_written(arguments, flag));
        if is_written(arguments, "--data-dir") && !asks_server {
            return Ok(None);
        }
        if self.server.is_some() && self.operator_token.is_none() {
            return Err(Failure::bad_input(
                "a server was named (--server, COUNTERSIGN_SERVER) and no operator token; add --operator-token, or \
                 name the data folder with --data-dir to work on it instead",
            ));
        }
        Ok(self.operator_token.as_deref())
    }

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

/// Whether a flag stands among the arguments, and was not only set by its variable.
fn is_written(arguments: &[OsString], flag: &str) -> bool {
    arguments
        .iter()
        .filter_map(|argument| argument.to_str()?.strip_prefix(flag))
        .any(|rest| rest.is_empty() || rest.starts_with('='))
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        create: Create,
    }

    #[test]
    fn a_written_data_folder_wins_over_variables() {
        let place = |written: &[&str], from_variables: &[&str]| {
            let own = ["create", "--organization", "acme", "--admin", "ada@example.com"];
            let line = Line::parse_from(own.iter().chain(written).chain(from_variables));
            let arguments: Vec<OsString> = written.iter().map(OsString::from).collect();
            line.create.operator_token(&arguments).map(|token| token.map(str::to_owned))
        };
        let server = "--server=http://h:1";
        let token = "--operator-token=t";
        assert_eq!(place(&["--data-dir=/d"], &[server]), Ok(None));
        assert_eq!(place(&["--data-dir", "/d"], &[server, token]), Ok(None));
        assert_eq!(place(&[], &[]), Ok(None));
        assert_eq!(place(&[token], &[server, "--data-dir=/d"]), Ok(Some("t".to_owned())));
        assert_eq!(place(&[], &[server, token]), Ok(Some("t".to_owned())));
        for (written, from_variables) in [(&[][..], &[server][..]), (&[server, "--data-dir=/d"], &[])] {
            assert_eq!(place(written, from_variables).expect_err("no token").exit, Exit::BadInput);
        }
    }
}
