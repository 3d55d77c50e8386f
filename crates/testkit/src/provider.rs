//! A provider of OpenID Connect in memory: what it says of itself, its key set, codes and tokens.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL;
use countersign_control::Control;
use countersign_control::signing_in::{Fetch, FetchError, Provider, ProviderAnswer, ProviderQuestion};
use countersign_domain::id::{Id, SigningKeyId};
use countersign_domain::signing::SigningKey;
use countersign_store::BoxFuture;
use countersign_store::blobs::Secret;
use serde_json::{Value, json};
use url::{Url, form_urlencoded};

use crate::{ManualClock, SeededEntropy};

/// Its issuer.
pub const ISSUER: &str = "https://login.example.com/acme";
/// What it calls this server.
pub const CLIENT: &str = "countersign";
/// What it gave this server.
const SECRET: &str = "a secret of the client";

/// What a code is worth.
#[derive(Debug)]
struct Code {
    claims: Value,
    challenge: String,
    redirect: String,
}

#[derive(Debug)]
struct Inside {
    /// What its tokens are signed by.
    key: Signer,
    /// What its key set says.
    published: Vec<Value>,
    /// Codes that nobody has shown yet.
    codes: HashMap<String, Code>,
    /// How many codes it gave.
    given: usize,
    /// How many calls it was sent.
    calls: usize,
    is_silent: bool,
    /// How long it takes until a code is exchanged, and by which clock.
    takes: Option<(Arc<ManualClock>, Duration)>,
}

#[derive(Debug)]
struct Signer(SigningKeyId, SigningKey);

/// A provider.
#[derive(Debug, Clone)]
pub struct FakeProvider(Arc<Mutex<Inside>>);

impl FakeProvider {
    /// One that people of this server can sign in by from now on; the first one that a server has stays its provider.
    ///
    /// # Panics
    /// When it has no key.
    #[must_use]
    pub fn of(control: &Control) -> Self {
        let key = signer(control);
        let inside = Inside {
            published: vec![published(&key)],
            key,
            codes: HashMap::new(),
            given: 0,
            calls: 0,
            is_silent: false,
            takes: None,
        };
        let it = Self(Arc::new(Mutex::new(inside)));
        let provider = Provider::new(ISSUER, CLIENT, Some(Secret::new(SECRET.to_owned()))).expect("a provider");
        let _ = control.clone().with_provider(provider, Arc::new(it.clone()));
        it
    }

    /// Signs by another key from now on, which its key set says or does not.
    ///
    /// # Panics
    /// When there is no other key.
    pub fn change_key(&self, control: &Control, is_published: bool) {
        let key = signer(control);
        let mut inside = self.inside();
        if is_published {
            inside.published.push(published(&key));
        }
        inside.key = key;
    }

    /// Answers nothing, or something again.
    ///
    /// # Panics
    /// After another call has.
    pub fn be_silent(&self, is_silent: bool) {
        self.inside().is_silent = is_silent;
    }

    /// Takes so long from now on until it gives anything for a code.
    ///
    /// # Panics
    /// After another call has.
    pub fn be_slow(&self, clock: &Arc<ManualClock>, by: Duration) {
        self.inside().takes = Some((Arc::clone(clock), by));
    }

    /// How many calls it was sent.
    ///
    /// # Panics
    /// After another call has.
    #[must_use]
    pub fn calls(&self) -> usize {
        self.inside().calls
    }

    /// What a browser comes back with that was sent there, where somebody showed who they are. `change` says of the claims what is
    /// otherwise; null, what is not said.
    ///
    /// # Panics
    /// When the browser was sent elsewhere, or with anything but what a provider is asked here.
    #[must_use]
    pub fn visit(&self, control: &Control, question: &ProviderQuestion, email: &str, change: &Value) -> ProviderAnswer {
        let url = Url::parse(&question.url).expect("an address");
        assert!(question.url.starts_with("https://login.example.com/authorize?"), "{url}");
        let asked: HashMap<String, String> = url.query_pairs().into_owned().collect();
        assert_eq!((asked["response_type"].as_str(), asked["client_id"].as_str()), ("code", CLIENT));
        assert_eq!((asked["scope"].as_str(), asked["code_challenge_method"].as_str()), ("openid email", "S256"));
        assert_eq!(asked["redirect_uri"], "http://localhost:8420/sign-in/callback");
        let now = control.now().as_secs();
        let mut claims = json!({
            "iss": ISSUER, "aud": CLIENT, "sub": format!("subject of {email}"), "nonce": asked["nonce"],
            "iat": now, "exp": now + 300, "auth_time": now, "email": email, "email_verified": true,
        });
        let said = claims.as_object_mut().expect("claims");
        for (name, value) in change.as_object().expect("claims") {
            if value.is_null() {
                said.remove(name)
            } else {
                said.insert(name.clone(), value.clone())
            };
        }
        let mut inside = self.inside();
        inside.given += 1;
        let code = format!("code {}", inside.given);
        let challenge = asked["code_challenge"].clone();
        inside.codes.insert(code.clone(), Code { claims, challenge, redirect: asked["redirect_uri"].clone() });
        ProviderAnswer { cookie: question.cookie.clone(), state: asked["state"].clone(), code }
    }

    fn inside(&self) -> std::sync::MutexGuard<'_, Inside> {
        self.0.lock().expect("nobody panicked")
    }

    fn answer(&self, request: &http::Request<Vec<u8>>) -> Result<(u16, Value), FetchError> {
        let mut inside = self.inside();
        inside.calls += 1;
        if inside.is_silent {
            return Err(FetchError("no answer".to_owned()));
        }
        let answer = match request.uri().to_string().as_str() {
            "https://login.example.com/acme/.well-known/openid-configuration" => json!({
                "issuer": ISSUER,
                "authorization_endpoint": "https://login.example.com/authorize",
                "token_endpoint": "https://login.example.com/token",
                "jwks_uri": "https://login.example.com/keys",
                "response_types_supported": ["code"],
                "subject_types_supported": ["public"],
                "id_token_signing_alg_values_supported": ["RS256"],
            }),
            "https://login.example.com/keys" => json!({ "keys": inside.published }),
            "https://login.example.com/token" => {
                if let Some((clock, by)) = &inside.takes {
                    clock.advance(*by);
                }
                return Ok(token(&mut inside, request));
            }
            other => panic!("{other} is no address of the provider's"),
        };
        Ok((200, answer))
    }
}

impl Fetch for FakeProvider {
    fn fetch(
        &self,
        request: http::Request<Vec<u8>>,
    ) -> BoxFuture<'static, Result<http::Response<Vec<u8>>, FetchError>> {
        let answer = self.answer(&request).map(|(status, body)| {
            let response = http::Response::builder().status(status).header("content-type", "application/json");
            response.body(body.to_string().into_bytes()).expect("a response")
        });
        Box::pin(async move { answer })
    }
}

/// The tokens for a code, once, for whoever sent the browser and has the client's secret.
fn token(inside: &mut Inside, request: &http::Request<Vec<u8>>) -> (u16, Value) {
    let refused = (400, json!({ "error": "invalid_grant" }));
    let form: HashMap<String, String> = form_urlencoded::parse(request.body()).into_owned().collect();
    assert_eq!(form["grant_type"], "authorization_code");
    assert!(request.headers().contains_key("authorization"), "the client shows its secret in a header");
    let Some(code) = inside.codes.remove(&form["code"]) else { return refused };
    let verifier = digest(&SHA256, form["code_verifier"].as_bytes());
    if BASE64URL.encode(verifier) != code.challenge || form["redirect_uri"] != code.redirect {
        return refused;
    }
    let Signer(id, key) = &inside.key;
    let id_token = key.sign(*id, &code.claims).expect("signed");
    (200, json!({ "access_token": "nothing", "token_type": "Bearer", "expires_in": 300, "id_token": id_token }))
}

fn signer(control: &Control) -> Signer {
    let id = Id::new(control.now(), &SeededEntropy::another());
    Signer(id, SigningKey::generate().expect("a key is made"))
}

fn published(signer: &Signer) -> Value {
    signer.1.public().expect("a public key").jwk(signer.0)
}
