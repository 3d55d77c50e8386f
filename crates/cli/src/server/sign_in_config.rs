//! By which provider of OpenID Connect people can sign in.

use std::path::PathBuf;

use clap::Args;
use countersign_control::signing_in::Provider;
use countersign_store::blobs::Secret;
use serde::Deserialize;

use super::artifact_config::{read, secret};
use crate::{
    failure::{Failure, Outcome},
    flags::variables,
};

/// What a secret of this page is of.
const CLIENT: &str = "the secret of the provider of sign-ins (--sign-in-client-secret)";

/// Flags about signing in.
#[derive(Debug, Clone, Default, Args)]
pub struct SignInFlags {
    /// The issuer of an OpenID Connect provider that people can sign in by, as its tokens have it [default: none]
    #[arg(long, value_name = "URL", env = variables::SIGN_IN_ISSUER)]
    sign_in_issuer: Option<String>,
    /// What that provider calls this server
    #[arg(long, value_name = "ID", env = variables::SIGN_IN_CLIENT_ID)]
    sign_in_client_id: Option<String>,
    /// The secret that it gave this server: the value or file://PATH [default: none, a public client]
    #[arg(long, value_name = "SECRET", env = variables::SIGN_IN_CLIENT_SECRET, hide_env_values = true, value_parser = secret)]
    sign_in_client_secret: Option<Secret>,
}

/// The section of the configuration file.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct SignInSection {
    issuer: Option<String>,
    client_id: Option<String>,
    client_secret: Option<String>,
    client_secret_file: Option<PathBuf>,
}

impl std::fmt::Debug for SignInSection {
    /// Without the secret.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SignInSection").field("issuer", &self.issuer).finish_non_exhaustive()
    }
}

/// What was said of a provider. Its secret may still be `file://PATH` of a private file.
#[derive(Debug, Clone)]
pub struct ProviderConfig {
    issuer: String,
    client_id: String,
    client_secret: Option<Secret>,
}

impl ProviderConfig {
    /// Reads the secret.
    ///
    /// # Errors
    /// It cannot be read, or the issuer or the client id is none.
    pub fn open(&self) -> Outcome<Provider> {
        let client_secret = self.client_secret.as_ref().map(|it| read(it, CLIENT)).transpose()?;
        Provider::new(&self.issuer, &self.client_id, client_secret)
            .map_err(|why| Failure::bad_input(why).about("the provider of sign-ins (--sign-in-issuer)"))
    }
}

/// Puts flags and file together. None: people sign in by what they have here.
///
/// # Errors
/// What is said does not fit together.
pub(super) fn resolve(flags: &SignInFlags, file: SignInSection) -> Outcome<Option<ProviderConfig>> {
    let client_secret = match (&flags.sign_in_client_secret, file.client_secret, file.client_secret_file) {
        (Some(secret), ..) => Some(secret.clone()),
        (None, Some(_), Some(_)) => {
            return Err(Failure::bad_input(
                "the configuration file says both sign_in.client_secret and sign_in.client_secret_file; keep one of them",
            ));
        }
        (None, Some(text), None) => Some(Secret::new(text)),
        (None, None, Some(path)) => Some(Secret::new(format!("file://{}", path.display()))),
        (None, None, None) => None,
    };
    let issuer = flags.sign_in_issuer.clone().or(file.issuer);
    match (issuer, flags.sign_in_client_id.clone().or(file.client_id)) {
        (Some(issuer), Some(client_id)) => Ok(Some(ProviderConfig { issuer, client_id, client_secret })),
        (None, None) if client_secret.is_none() => Ok(None),
        _ => Err(Failure::bad_input(
            "a provider of sign-ins needs both its issuer (--sign-in-issuer) and what it calls this server (--sign-in-client-id)",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flags(issuer: Option<&str>, client_id: Option<&str>, client_secret: Option<&str>) -> SignInFlags {
        SignInFlags {
            sign_in_issuer: issuer.map(ToOwned::to_owned),
            sign_in_client_id: client_id.map(ToOwned::to_owned),
            sign_in_client_secret: client_secret.map(|text| Secret::new(text.to_owned())),
        }
    }

    #[test]
    fn a_provider_is_whole_or_not_there() {
        let of = |flags: &SignInFlags| resolve(flags, SignInSection::default());
        assert!(of(&flags(None, None, None)).is_ok_and(|it| it.is_none()));
        let issuer = Some("https://login.example.com");
        for half in [
            flags(issuer, None, None),
            flags(None, Some("countersign"), None),
            flags(None, None, Some("hunter2")),
            flags(issuer, None, Some("hunter2")),
        ] {
            let failure = of(&half).expect_err("half of one");
            assert!(!failure.message.contains("hunter2"), "{failure}");
        }
        let whole = of(&flags(issuer, Some("countersign"), Some("hunter2"))).expect("whole").expect("a provider");
        let provider = whole.open().expect("a provider");
        assert_eq!(provider.host(), "login.example.com");
        assert!(!format!("{whole:?} {provider:?}").contains("hunter2"));
        let plain = of(&flags(Some("http://login.example.com"), Some("countersign"), None)).expect("whole");
        assert!(plain.expect("a provider").open().is_err(), "tokens in clear");
    }

    #[test]
    fn a_flag_wins_over_the_file_which_says_a_secret_once() {
        let file = || SignInSection {
            issuer: Some("https://file.example".to_owned()),
            client_id: Some("file".to_owned()),
            client_secret: Some("hunter2".to_owned()),
            client_secret_file: None,
        };
        let of = |flags: &SignInFlags| resolve(flags, file()).expect("whole").expect("a provider");
        assert_eq!(of(&flags(None, None, None)).issuer, "https://file.example");
        let by_flags = of(&flags(Some("https://flag.example"), Some("flag"), Some("hunter3")));
        assert_eq!((by_flags.issuer.as_str(), by_flags.client_id.as_str()), ("https://flag.example", "flag"));
        assert_eq!(by_flags.client_secret.as_ref().map(Secret::reveal), Some("hunter3"));
        let twice = SignInSection { client_secret_file: Some(PathBuf::from("/secret")), ..file() };
        assert!(resolve(&flags(None, None, None), twice).is_err());
        assert!(!format!("{:?}", file()).contains("hunter2"));
    }
}
