//! Styles and scripts: this program's own, embedded, under addresses that hold a hash of them all, so that browsers keep them for good.

use std::sync::LazyLock;

use aws_lc_rs::digest::{SHA256, digest};
use axum::extract::Path;
use axum::response::{IntoResponse, Response};
use countersign_control::Error;
use countersign_domain::text::hex;
use http::HeaderValue;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};

use crate::failure::Failure;

const STYLE: &str = "text/css; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";

/// Name, kind and text of each. Scripts load each other by name, which stays below one address.
static FILES: [(&str, &str, &str); 14] = [
    ("variables.css", STYLE, include_str!("../assets/variables.css")),
    ("pages.css", STYLE, include_str!("../assets/pages.css")),
    ("pictures.css", STYLE, include_str!("../assets/pictures.css")),
    ("log.css", STYLE, include_str!("../assets/log.css")),
    ("live.js", SCRIPT, include_str!("../assets/live.js")),
    ("pages.js", SCRIPT, include_str!("../assets/pages.js")),
    ("copy.js", SCRIPT, include_str!("../assets/copy.js")),
    ("time.js", SCRIPT, include_str!("../assets/time.js")),
    ("dialog.js", SCRIPT, include_str!("../assets/dialog.js")),
    ("passkey.js", SCRIPT, include_str!("../assets/passkey.js")),
    ("link.js", SCRIPT, include_str!("../assets/link.js")),
    ("pencil.js", SCRIPT, include_str!("../assets/pencil.js")),
    ("password.js", SCRIPT, include_str!("../assets/password.js")),
    ("signed.js", SCRIPT, include_str!("../assets/signed.js")),
];

/// Bytes of the hash that stand in an address: enough that no two releases share one.
const HASH_BYTES: usize = 8;

/// The same address never has another content.
const FOR_GOOD: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");
/// A page of an older release asks for a file of this one.
const ASK_AGAIN: HeaderValue = HeaderValue::from_static("no-cache");

static VERSION: LazyLock<String> = LazyLock::new(|| {
    let all: String = FILES.iter().map(|(name, _, text)| format!("{name} {}\n{text}", text.len())).collect();
    let hash = digest(&SHA256, all.as_bytes());
    hex(hash.as_ref().get(..HASH_BYTES).unwrap_or_default())
});

/// The address of a file.
pub(crate) fn address(name: &str) -> String {
    format!("/assets/{}/{name}", *VERSION)
}

/// One of the files.
pub(crate) async fn file(Path((version, name)): Path<(String, String)>) -> Result<Response, Failure> {
    let found = FILES.iter().find(|(of, ..)| *of == name);
    let &(_, kind, text) = found.ok_or(Error::NotFound("file"))?;
    let kept = if version == *VERSION { FOR_GOOD } else { ASK_AGAIN };
    Ok(([(CONTENT_TYPE, HeaderValue::from_static(kind)), (CACHE_CONTROL, kept)], text).into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_holds_a_hash() {
        let address = address("pages.css");
        let version =
            address.strip_prefix("/assets/").and_then(|it| it.strip_suffix("/pages.css")).expect("an address");
        assert!(version.len() == 2 * HASH_BYTES && version.bytes().all(|byte| byte.is_ascii_hexdigit()), "{address}");
    }

    #[test]
    fn what_scripts_load_is_there() {
        for (of, _, text) in FILES.iter().filter(|(_, kind, _)| *kind == SCRIPT) {
            for import in text.lines().filter_map(|line| line.split_once(" from \"./")) {
                let name = import.1.trim_end_matches("\";");
                assert!(FILES.iter().any(|(file, ..)| *file == name), "{of} loads {name}");
            }
        }
    }

    #[test]
    fn no_file_is_from_elsewhere() {
        for (name, _, text) in FILES {
            assert!(!text.contains("://") && !text.contains("url("), "{name}");
        }
    }

    #[tokio::test]
    async fn a_file_of_this_release_is_kept_for_good() {
        let ask = async |version: &str| file(Path((version.to_owned(), "pages.css".to_owned()))).await.expect("a file");
        assert_eq!(ask(&VERSION).await.headers()[CACHE_CONTROL], FOR_GOOD);
        assert_eq!(ask("0000").await.headers()[CACHE_CONTROL], ASK_AGAIN);
        assert!(file(Path(("0".to_owned(), "../Cargo.toml".to_owned()))).await.is_err());
    }
}
