//! For which site passkeys are: that of the server's public address, and no other.

use webauthn_rs::prelude::{Url, Webauthn, WebauthnBuilder, WebauthnError};

use crate::signing_in::CHALLENGE_LIFETIME;
use crate::{Control, Error, Result};

/// What a browser calls the site when it asks its person.
const NAME: &str = "Countersign";

impl Control {
    /// Whether there are passkeys here: browsers have them on HTTPS alone, and on `http://localhost`, and for a host that has a name.
    #[must_use]
    pub fn has_passkeys(&self) -> bool {
        address(&self.settings().public_url).is_some()
    }

    /// The site that passkeys are for.
    ///
    /// # Errors
    /// [`Error::Conflict`] where there are none.
    pub(super) fn passkey_site(&self) -> Result<Webauthn> {
        let url = address(&self.settings().public_url).ok_or_else(|| {
            Error::Conflict(
                "There are no passkeys here: browsers have them for https:// and a host's name, and for http://localhost. Whoever runs the \
                 server sets --public-url."
                    .to_owned(),
            )
        })?;
        made(&url).map_err(Error::internal)
    }
}

fn address(public_url: &str) -> Option<Url> {
    let url = Url::parse(public_url).ok()?;
    let has_passkeys = match url.scheme() {
        "https" => url.domain().is_some(),
        "http" => url.domain() == Some("localhost"),
        _ => false,
    };
    has_passkeys.then_some(url)
}

fn made(url: &Url) -> std::result::Result<Webauthn, WebauthnError> {
    let host = url.domain().unwrap_or_default();
    WebauthnBuilder::new(host, url)?.rp_name(NAME).timeout(CHALLENGE_LIFETIME).build()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passkeys_are_for_https_and_for_the_machine_itself() {
        for url in ["https://countersign.example", "https://countersign.example:8443/below", "http://localhost:8420"] {
            let url = address(url).unwrap_or_else(|| panic!("{url} has none"));
            assert!(made(&url).is_ok(), "{url}");
        }
        for url in [
            "http://countersign.example",
            "http://localhost.example",
            "http://127.0.0.1:8420",
            "https://192.0.2.1",
            "https://[2001:db8::1]",
            "ftp://countersign.example",
            "countersign.example",
            "",
        ] {
            assert!(address(url).is_none(), "{url} has some");
        }
    }
}
