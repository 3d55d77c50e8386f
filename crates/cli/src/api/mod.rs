//! A small client of the public GraphQL API: what the commands about tokens and builds talk through.

mod answer;
pub mod build_documents;
pub mod dagster_documents;
pub mod documents;
pub mod inputs;
pub mod role_documents;
pub mod shapes;

use std::time::Duration;

use base64::{Engine, engine::general_purpose::STANDARD};
use countersign_agent::{Environment, TokenSource};
use countersign_domain::Id;
use reqwest::{Client, Url, header, redirect};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::json;
use zeroize::Zeroizing;

use crate::{
    failure::{Exit, Failure, Outcome},
    flags::ServerArgs,
    profile::Profile,
};

/// Where a server is when nothing else was said.
pub const DEFAULT_SERVER: &str = "http://127.0.0.1:8420";
/// Longest time of one call, with the reading of its answer.
const CALL_TIMEOUT: Duration = Duration::from_secs(60);
/// Longest time to open a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Largest answer that is read.
const MAX_ANSWER: usize = 64 * 1024 * 1024;

/// Calls to one server, with one credential.
pub struct Api {
    http: Client,
    address: Url,
    server: String,
    authorization: header::HeaderValue,
}

impl std::fmt::Debug for Api {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Api").field("server", &self.server).finish_non_exhaustive()
    }
}

impl Api {
    /// As the person whose token was given, else that of the saved profile.
    ///
    /// # Errors
    /// There is no token, the address is none, or a token file cannot be read.
    pub fn for_user(given: &ServerArgs, environment: &Environment) -> Outcome<Self> {
        let profile =
            if given.server.is_some() && given.user_token.is_some() { None } else { Profile::load(environment)? };
        let server = match (&given.server, &profile) {
            (Some(server), _) => server.clone(),
            (None, Some(profile)) => profile.server.clone(),
            (None, None) => DEFAULT_SERVER.to_owned(),
        };
        let token = match (&given.user_token, &profile) {
            (Some(token), _) if token.trim().is_empty() => {
                return Err(Failure::bad_input(
                    "the user token is empty; give one with --user-token or COUNTERSIGN_USER_TOKEN, or unset that variable to use the saved profile",
                ));
            }
            (Some(token), _) => read_token(token)?,
            // A saved token is for its own server, and is shown to no other.
            (None, Some(profile)) if same_server(&profile.server, &server) => {
                Zeroizing::new(profile.user_token.clone())
            }
            (None, _) => {
                return Err(Failure::new(
                    Exit::Unauthenticated,
                    "no user token was given; use --user-token, COUNTERSIGN_USER_TOKEN, or countersign login",
                ));
            }
        };
        Self::new(&server, &token)
    }

    /// With any credential.
    ///
    /// # Errors
    /// The address is none, or the value cannot stand in a header.
    pub fn new(server: &str, token: &str) -> Outcome<Self> {
        let base = Url::parse(server).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
        let base = base.filter(|url| url.username().is_empty() && url.password().is_none()).ok_or_else(|| {
            Failure::bad_input(format!("{server} is not the address of a server; write for example {DEFAULT_SERVER}"))
        })?;
        let server = base.as_str().trim_end_matches('/').to_owned();
        let address = Url::parse(&format!("{server}/graphql")).map_err(Failure::internal)?;
        let value = Zeroizing::new(format!("Bearer {token}"));
        let mut authorization = header::HeaderValue::from_str(&value)
            .map_err(|_| Failure::bad_input("the token holds characters that no token has"))?;
        authorization.set_sensitive(true);
        let mut builder = Client::builder()
            .user_agent(concat!("countersign/", env!("CARGO_PKG_VERSION")))
            .timeout(CALL_TIMEOUT)
            .connect_timeout(CONNECT_TIMEOUT)
            // A redirect would carry the token to another place.
            .redirect(redirect::Policy::none())
            .no_proxy();
        if address.scheme() == "http" {
            // Without TLS no certificates are needed, and a small machine may have none.
            builder = builder.tls_certs_only(std::iter::empty());
        }
        let http = builder.build().map_err(|error| Failure::internal(format!("cannot set up connections: {error}")))?;
        Ok(Self { http, address, server, authorization })
    }

    /// The server's address, without a slash at its end.
    #[must_use]
    pub fn server(&self) -> &str {
        &self.server
    }

    /// Sends one document and reads its `data`.
    ///
    /// # Errors
    /// By the server's own word: the exit code tells which kind. [`Exit::Unavailable`] when it cannot be reached.
    pub async fn call<T: DeserializeOwned>(&self, document: &str, variables: impl Serialize) -> Outcome<T> {
        let request = self
            .http
            .post(self.address.clone())
            .header(header::AUTHORIZATION, self.authorization.clone())
            .json(&json!({ "query": document, "variables": variables }));
        let response = request.send().await.map_err(|error| self.unreachable(&error))?;
        let status = response.status();
        let declared = response.content_length().unwrap_or(0);
        if declared > MAX_ANSWER as u64 {
            return Err(Failure::internal(format!("{} answered more than this program reads", self.server)));
        }
        let body = Zeroizing::new(response.bytes().await.map_err(|error| self.unreachable(&error))?.to_vec());
        answer::read(status, &body).map_err(|failure| match failure.exit {
            Exit::Internal | Exit::Unavailable => failure.about(&self.server),
            _ => failure,
        })
    }

    /// Fetches what stands at an address that the server signed; nothing of the credential goes there.
    ///
    /// # Errors
    /// [`Exit::Unavailable`] when it cannot be reached, [`Exit::NotFound`] when nothing is there any more.
    pub async fn fetch(&self, url: &str) -> Outcome<Vec<u8>> {
        let response = self.http.get(url).send().await.map_err(|error| self.unreachable(&error))?;
        if !response.status().is_success() {
            let why = format!("what was to be read is not there any more ({})", response.status());
            return Err(Failure::new(Exit::NotFound, why));
        }
        if response.content_length().unwrap_or(0) > MAX_ANSWER as u64 {
            return Err(Failure::internal(format!("{} answered more than this program reads", self.server)));
        }
        Ok(response.bytes().await.map_err(|error| self.unreachable(&error))?.to_vec())
    }

    fn unreachable(&self, error: &reqwest::Error) -> Failure {
        let mut cause: &dyn std::error::Error = error;
        while let Some(next) = cause.source() {
            cause = next;
        }
        Failure::unavailable(format!(
            "the server {} cannot be reached ({cause}); is it running, and is the address right?",
            self.server
        ))
    }
}

/// A token that was given: the value, `file://PATH` or `fd://N`.
///
/// # Errors
/// The file cannot be read, or holds no token.
pub fn read_token(given: &str) -> Outcome<Zeroizing<String>> {
    if given.trim().is_empty() {
        return Err(Failure::bad_input(
            "the token that was given is empty; give a value, file://PATH or fd://N, or unset the variable that it comes from",
        ));
    }
    let value = TokenSource::parse(given)?.read()?;
    Ok(Zeroizing::new(value.reveal().to_owned()))
}

/// The id and the slug of the one organization that the token is for.
///
/// # Errors
/// It is for none, or the server does not answer.
pub async fn organization(api: &Api) -> Outcome<(String, String)> {
    let whose: shapes::Viewer<serde_json::Value> = api.call(documents::WHOSE, json!({})).await?;
    let organization = whose.into_organization()?;
    Ok((shapes::text(&organization, "id").to_owned(), shapes::text(&organization, "slug").to_owned()))
}

/// The id of a thing as the GraphQL API has it.
#[must_use]
pub fn global_id<T>(sort: &str, id: Id<T>) -> String {
    STANDARD.encode(format!("{sort}---{id}"))
}

fn same_server(one: &str, other: &str) -> bool {
    one.trim_end_matches('/') == other.trim_end_matches('/')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_checked_before_any_call() {
        for wrong in ["", "localhost:8420", "ftp://x", "http://user:secret@host", "http://"] {
            let failure = Api::new(wrong, "csnut_x").expect_err(wrong);
            assert_eq!(failure.exit, Exit::BadInput, "{wrong}");
        }
        let api = Api::new("http://host:8420/", "csnut_x").expect("good");
        assert_eq!((api.server(), api.address.as_str()), ("http://host:8420", "http://host:8420/graphql"));
        assert!(!format!("{api:?}").contains("csnut"));
    }

    #[test]
    fn a_saved_token_is_shown_to_its_own_server_only() {
        let folder = tempfile::tempdir().expect("a folder");
        let environment: Environment =
            [("XDG_CONFIG_HOME", folder.path().to_str().expect("UTF-8"))].into_iter().collect();
        let saved = Profile { server: "http://mine:1".to_owned(), user_token: "csnut_x".to_owned() };
        saved.save(&environment).expect("saved");
        let own = Api::for_user(&ServerArgs::default(), &environment).expect("the profile is enough");
        assert_eq!(own.server(), "http://mine:1");
        let other = ServerArgs { server: Some("http://other:1".to_owned()), user_token: None };
        assert_eq!(Api::for_user(&other, &environment).expect_err("no token").exit, Exit::Unauthenticated);
    }
}
