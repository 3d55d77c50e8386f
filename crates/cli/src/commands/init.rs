//! `countersign init`: an organization, its first admin and its default token, on a fresh database.

use clap::Args;
use countersign_control::{
    Control, Error, Settings,
    access::actions::{CreateOrganization, IssueSignInLink},
    organizations::{Created, NewOrganization},
};
use countersign_domain::{
    KeyRing, RevealPolicy,
    text::{Email, OrganizationName, Slug},
    token::Prefix,
};
use countersign_store::{Store, StoreError};
use serde::Serialize;
use serde_json::Value;
use url::Url;

use crate::{
    Ambient,
    api::global_id,
    failure::{Exit, Failure, Outcome},
    flags::{InstanceArgs, variables},
    instance::{Place, over},
    output::Printer,
};

use super::sign_in_link::sign_in_url;

/// Set up a database: an organization, its first admin with a user token, and a default agent token
///
/// The two tokens, and a link by which the admin sets a password and signs in with a browser, are printed once. On a database that has been set up already it changes nothing, says so and exits 6.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  countersign init --data-dir /var/lib/countersign --organization acme --admin ada@example.com"
)]
pub struct Init {
    #[command(flatten)]
    instance: InstanceArgs,
    #[command(flatten)]
    new: NewOrganizationArgs,
    /// What token values begin with: 3 to 8 lower-case letters
    #[arg(long, value_name = "LETTERS", default_value_t, env = variables::TOKEN_PREFIX)]
    token_prefix: Prefix,
    /// The address under which people will reach the server
    #[arg(long, value_name = "URL", default_value = "http://localhost:8420", env = variables::PUBLIC_URL)]
    public_url: Url,
}

/// What a new organization is to be.
#[derive(Debug, Clone, Args)]
pub(super) struct NewOrganizationArgs {
    /// The organization's slug, its name in addresses: lower-case letters, digits and '-'
    #[arg(long, value_name = "SLUG", env = variables::ORGANIZATION)]
    pub organization: Slug,
    /// The organization's name for people [default: the slug]
    #[arg(long, value_name = "NAME", env = variables::ORGANIZATION_NAME)]
    pub organization_name: Option<OrganizationName>,
    /// The e-mail address of its first admin
    #[arg(long, value_name = "EMAIL", env = variables::ADMIN)]
    pub admin: Email,
    /// How long values of its tokens can be revealed, unless a token says otherwise: window, always or never
    #[arg(long, value_name = "POLICY", default_value_t, env = variables::REVEAL)]
    pub reveal: RevealPolicy,
}

impl NewOrganizationArgs {
    pub fn to_new(&self) -> NewOrganization {
        NewOrganization {
            slug: self.organization.as_str().to_owned(),
            name: self.organization_name.as_ref().map(|name| name.as_str().to_owned()),
            admin: self.admin.as_str().to_owned(),
            reveal_policy: Some(self.reveal),
        }
    }
}

/// The answer, for programs. Its shape is a promise.
#[derive(Debug, Serialize)]
pub(super) struct Answer {
    organization: OrganizationAnswer,
    admin: AdminAnswer,
    user_token: String,
    agent_token: AgentTokenAnswer,
    /// Where the admin sets a password and signs in, once.
    #[serde(skip_serializing_if = "Option::is_none")]
    sign_in_url: Option<String>,
}

#[derive(Debug, Serialize)]
struct OrganizationAnswer {
    slug: String,
    id: String,
    uuid: String,
}

#[derive(Debug, Serialize)]
struct AdminAnswer {
    email: String,
    uuid: String,
}

#[derive(Debug, Serialize)]
struct AgentTokenAnswer {
    id: String,
    uuid: String,
    value: String,
}

impl Answer {
    pub fn of(created: &Created, sign_in_url: Option<String>) -> Self {
        let organization = &created.organization;
        Self {
            organization: OrganizationAnswer {
                slug: organization.slug.clone(),
                id: global_id("Organization", organization.id),
                uuid: organization.id.to_string(),
            },
            admin: AdminAnswer { email: created.admin.email.clone(), uuid: created.admin.id.to_string() },
            user_token: created.user_secret.reveal().to_owned(),
            agent_token: AgentTokenAnswer {
                id: global_id("AgentToken", created.agent_token.id),
                uuid: created.agent_token.id.to_string(),
                value: created.agent_secret.reveal().to_owned(),
            },
            sign_in_url,
        }
    }

    /// From the API's answer to the operator.
    pub fn of_answer(made: &Value) -> Self {
        let text = |at: &Value| at.as_str().unwrap_or_default().to_owned();
        let (organization, token) = (&made["organization"], &made["agentToken"]);
        Self {
            organization: OrganizationAnswer {
                slug: text(&organization["slug"]),
                id: text(&organization["id"]),
                uuid: text(&organization["uuid"]),
            },
            admin: AdminAnswer { email: text(&made["admin"]["email"]), uuid: text(&made["admin"]["uuid"]) },
            user_token: text(&made["userTokenValue"]),
            agent_token: AgentTokenAnswer {
                id: text(&token["id"]),
                uuid: text(&token["uuid"]),
                value: text(&made["agentTokenValue"]),
            },
            sign_in_url: None,
        }
    }

    pub fn text(&self) -> String {
        let text = format!(
            "Organization {} ({})\n\nBoth values are shown this once:\n  user token of {}: {}\n  agent token \
             (Default agent registration token): {}\n",
            self.organization.slug, self.organization.id, self.admin.email, self.user_token, self.agent_token.value
        );
        match &self.sign_in_url {
            Some(url) => format!("{text}\nTo sign in with a browser, once and within 24 hours: {url}\n"),
            None => format!(
                "{text}\nNext: {0} signs in with a browser by a link, which `countersign sign-in-link --user {0}` makes on the data folder (with SQLite, \
                 while no server uses it).\n",
                self.admin.email
            ),
        }
    }
}

impl Init {
    pub(super) async fn run(self, ambient: &Ambient, printer: Printer) -> Outcome {
        let place = Place::find(&self.instance, &ambient.environment)?;
        let store = match Store::create(place.options(ambient)).await {
            Ok(store) => store,
            Err(error @ StoreError::FolderInUse { .. }) => return Err(in_use(&place, ambient, error).await),
            Err(error) => return Err(error.into()),
        };
        let outcome = self.set_up(store.clone(), &place, ambient).await;
        store.close().await;
        let answer = outcome?;
        printer.result(&answer, || answer.text())?;
        if !printer.is_json() {
            printer.say(format_args!(
                "The key ring is {}. Keep a copy of it apart from copies of the database.\nNext: countersign server{}",
                place.key_ring.path().display(),
                self.instance
                    .data_dir
                    .as_ref()
                    .map(|folder| format!(" --data-dir {}", folder.display()))
                    .unwrap_or_default()
            ));
        }
        Ok(Exit::Done)
    }

    async fn set_up(&self, store: Store, place: &Place, ambient: &Ambient) -> Outcome<Answer> {
        // Asked before a key ring is made, with one that is thrown away.
        let now = ambient.clock.now();
        let fresh = KeyRing::generate(now, &*ambient.entropy);
        let settings = Settings { prefix: self.token_prefix.clone(), ..Settings::default() };
        let asking = over(store.clone(), KeyRing::generate(now, &*ambient.entropy), ambient, Settings::default());
        if asking.is_initialized().await? {
            return Err(already());
        }
        // An `init` that was killed may have left a key ring; another that runs now may make one first.
        let is_ours = match place.key_ring.read_if_there()? {
            Some(_) => false,
            None => place.key_ring.create(&fresh)?,
        };
        let control = over(store, place.key_ring.read()?, ambient, settings);
        let operator = control.local_operator();
        let grant = control.grant_own::<CreateOrganization>(&operator)?;
        match control.initialize(&grant, self.new.to_new()).await {
            Ok(created) => {
                // The two tokens are said in any case: their values are nowhere else.
                let link = match control.grant_own::<IssueSignInLink>(&operator) {
                    Ok(grant) => control.issue_sign_in_link(&grant, &created.admin.email).await,
                    Err(error) => Err(error),
                };
                if let Err(error) = &link {
                    tracing::warn!(%error, "no link to sign in was made; make one by: countersign sign-in-link");
                }
                control.seal_audit().await?;
                let url = link.ok().map(|link| sign_in_url(&self.public_url, &link.secret));
                Ok(Answer::of(&created, url))
            }
            // Another was faster; from now on nobody can come to need the ring that was made here.
            Err(Error::Conflict(_)) => {
                if is_ours {
                    remove_unneeded_ring(&control, place).await;
                }
                Err(already())
            }
            Err(other) => Err(other.into()),
        }
    }
}

/// Takes back the key ring that was made for nothing, unless the `init` that won has used it.
async fn remove_unneeded_ring(control: &Control, place: &Place) {
    let ring = control.keys();
    if let Ok(needed) = control.needed_keys().await
        && !needed.keys().any(|key| ring.has(key))
    {
        place.key_ring.remove();
    }
}

fn already() -> Failure {
    Failure::conflict(
        "this database has been set up already; nothing was changed. Further organizations: countersign organization \
         create",
    )
}

/// Somebody works on the folder: another `init`, or the server of a folder that has been set up long since.
async fn in_use(place: &Place, ambient: &Ambient, error: StoreError) -> Failure {
    let is_set_up = async {
        let store = place.open_beside(ambient).await.ok()?;
        let ring = KeyRing::generate(ambient.clock.now(), &*ambient.entropy);
        over(store, ring, ambient, Settings::default()).is_initialized().await.ok()
    };
    if is_set_up.await == Some(true) { already() } else { error.into() }
}
