//! `countersign login` and `countersign logout`.

use clap::Args;
use serde_json::{Value, json};

use crate::{
    Ambient,
    api::{self, Api, documents, shapes::Viewer},
    failure::{Exit, Failure, Outcome},
    flags::ServerArgs,
    output::{Printer, harmless},
    profile::Profile,
};

/// Save a server's address and your user token, for commands that are given neither
///
/// The token is tried first. The file is readable by you alone: countersign/profile.json in $XDG_CONFIG_HOME or ~/.config.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  countersign login --server http://127.0.0.1:8420 --user-token file:///home/ada/user-token"
)]
pub struct Login {
    #[command(flatten)]
    server: ServerArgs,
}

/// Remove the saved profile
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  countersign logout")]
pub struct Logout {}

impl Login {
    pub(super) async fn run(self, ambient: &Ambient, printer: Printer) -> Outcome {
        let given = self.server.user_token.as_deref().ok_or_else(|| {
            Failure::bad_input("give your user token with --user-token file://PATH or COUNTERSIGN_USER_TOKEN")
        })?;
        let token = api::read_token(given)?;
        let server = self.server.server.as_deref().unwrap_or(api::DEFAULT_SERVER);
        let api = Api::new(server, &token)?;
        let whose: Viewer<Value> = api.call(documents::WHOSE, json!({})).await?;
        let email = whose.email().unwrap_or("an unknown person").to_owned();
        let profile = Profile { server: api.server().to_owned(), user_token: token.to_string() };
        let path = profile.save(&ambient.environment)?;
        printer.result(
            &json!({ "server": api.server(), "email": email, "profile": path.display().to_string() }),
            || format!("Signed in to {} as {}; saved in {}", api.server(), harmless(&email), path.display()),
        )?;
        Ok(Exit::Done)
    }
}

impl Logout {
    pub(super) fn run(self, ambient: &Ambient, printer: Printer) -> Outcome {
        let removed = Profile::forget(&ambient.environment)?;
        printer.result(&json!({ "removed": removed }), || {
            let text = if removed { "The saved profile was removed." } else { "There was no saved profile." };
            text.to_owned()
        })?;
        if removed {
            printer.say("The token itself stays good; take it back with: countersign user token revoke");
        }
        Ok(Exit::Done)
    }
}
