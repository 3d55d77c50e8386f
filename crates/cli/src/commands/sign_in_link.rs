//! `countersign sign-in-link`: a way in for somebody who has no password or has forgotten it, made on the data folder itself.

use clap::Args;
use countersign_control::{Control, Settings, access::actions::IssueSignInLink};
use countersign_domain::{TokenSecret, text::Email};
use serde_json::json;
use url::Url;

use crate::{
    Ambient,
    failure::{Exit, Outcome},
    flags::{InstanceArgs, variables},
    instance::Place,
    output::{Printer, local_time},
};

/// Make a link by which somebody sets a password and signs in with a browser, once
///
/// It is good for 24 hours, and ends older links of the same person. Whoever opens it is that person: hand it over in private. This
/// command works on the data folder itself: stop the server first, unless the rows are in PostgreSQL.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  countersign sign-in-link --user ada@example.com")]
pub struct SignInLink {
    /// The e-mail address of whom it is for, a member of any organization
    #[arg(long, value_name = "EMAIL")]
    user: Email,
    /// The address under which people reach the server
    #[arg(long, value_name = "URL", default_value = "http://localhost:8420", env = variables::PUBLIC_URL)]
    public_url: Url,
    #[command(flatten)]
    instance: InstanceArgs,
}

/// The page that a link leads to. The value stands behind the `#`, which no browser sends to a server or a log.
pub(super) fn sign_in_url(public_url: &Url, secret: &TokenSecret) -> String {
    format!("{}/sign-in#{}", public_url.as_str().trim_end_matches('/'), secret.reveal())
}

impl SignInLink {
    pub(super) async fn run(self, ambient: &Ambient, printer: Printer) -> Outcome {
        let place = Place::find(&self.instance, &ambient.environment)?;
        let control = place.control(ambient, Settings::default()).await?;
        let outcome = self.issue(&control, printer).await;
        control.store().close().await;
        outcome
    }

    async fn issue(&self, control: &Control, printer: Printer) -> Outcome {
        let grant = control.grant_own::<IssueSignInLink>(&control.local_operator())?;
        let issued = control.issue_sign_in_link(&grant, self.user.as_str()).await?;
        control.seal_audit().await?;
        let url = sign_in_url(&self.public_url, &issued.secret);
        let expires_at = issued.link.expires_at.to_string();
        let answer = json!({
            "email": issued.email,
            "id": issued.link.public_id.as_str(),
            "expires_at": expires_at,
            "sign_in_url": url,
        });
        printer.result(&answer, || {
            let until = local_time(Some(&expires_at));
            format!("{url}\nFor {}, once, until {until}. It is shown this once.", issued.email)
        })?;
        Ok(Exit::Done)
    }
}

#[cfg(test)]
mod tests {
    use countersign_domain::{Kind, token::Prefix};

    use super::*;

    struct Sevens;
    impl countersign_domain::Entropy for Sevens {
        fn fill(&self, buffer: &mut [u8]) {
            buffer.fill(7);
        }
    }

    #[test]
    fn the_value_stands_where_no_server_sees_it() {
        let secret = TokenSecret::mint(&Prefix::default(), Kind::SignInLink, &Sevens);
        for public in ["https://countersign.example", "https://countersign.example/"] {
            let url = Url::parse(&sign_in_url(&public.parse().expect("an address"), &secret)).expect("an address");
            assert_eq!((url.path(), url.query(), url.fragment()), ("/sign-in", None, Some(secret.reveal())));
        }
    }
}
