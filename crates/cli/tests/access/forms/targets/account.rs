//! Ways to sign in and to prove who one is, and what is one's own.

use countersign_control::access::actions::{AddPasskey, ProveAgain};
use countersign_control::signing_in::PasskeyAnswer;
use countersign_control::{Caller, Origin, Presented};
use countersign_testkit::Authenticator;
use countersign_testkit::provider::{FakeProvider, ISSUER};
use serde_json::json;

use super::members::invite;
use super::{By, Leaves, Making, ORGANIZATION};
use crate::forms::browser::{ADA, PASSWORD, Server, public_id};

/// Ada, by her first sign-in.
async fn ada(server: &Server, making: &Making) -> Caller {
    let value = making.ada.split_once('=').map(|(_, value)| value);
    let presented = Presented { value, origin: Origin::local() };
    server.world.control.authenticate_sign_in(presented, None).await.expect("she is signed in")
}

/// Adds a passkey of Ada's; answers its id.
async fn add(server: &Server, ada: &Caller, authenticator: &mut Authenticator) -> String {
    let control = &server.world.control;
    let grant = control.grant_own::<AddPasskey>(ada).expect("she may");
    let answer = authenticator.make(&control.ask_for_new_passkey(&grant).await.expect("asked"));
    control.add_passkey(&grant, &answer, Some("Phone")).await.expect("it is added").id.to_string()
}

/// What a browser has answered, as a page posts it, and other fields.
fn answered<'a>(answer: &'a PasskeyAnswer, name: &'static str, value: &'a str) -> [(&'static str, &'a str); 3] {
    [("challenge", &answer.challenge), ("credential", &answer.credential), (name, value)]
}

/// Signing in, proving and becoming a member: by a password, by a passkey, by the provider.
pub async fn ways_in(server: &Server, provider: &FakeProvider, making: &mut Making) {
    let control = &server.world.control;
    let ada = ada(server, making).await;
    // A passkey of its own for each: how often one has signed is compared.
    let (mut one, mut other) = (Authenticator::new(), Authenticator::new());
    add(server, &ada, &mut one).await;
    add(server, &ada, &mut other).await;
    let signs_in = one.show(&control.ask_for_passkey().expect("asked"));
    let grant = control.grant_own::<ProveAgain>(&ada).expect("she may");
    let proves = other.show(&control.ask_for_own_passkey(&grant).await.expect("asked"));
    let asked = control.ask_provider().await.expect("asked");
    let back = provider.visit(control, &asked, ADA, &json!({}));
    let nobody = Caller::Anonymous(Origin::local());
    control.sign_in_by_provider(&nobody, &back).await.expect("it means her from now on");

    let to = format!("{ORGANIZATION}/agents");
    let form = making.form("/appearance", &[], &[("theme", "dark"), ("to", &to)]);
    (form.by, form.leaves) = (By::Anyone, Leaves::Cookie);
    let fields = [("email", ADA), ("password", PASSWORD), ("to", &to)];
    making.form("/sign-in", &[], &fields).by = By::Anyone;
    making.form("/sign-in/passkey", &[], &answered(&signs_in, "to", &to)).by = By::Anyone;
    let form = making.form("/sign-in/provider", &[], &[("to", &to)]);
    (form.by, form.leaves) = (By::Anyone, Leaves::Away);
    let (_, invitation) = invite(&server.world, "pat").await;
    let form = making.form("/invitation/provider", &[], &[("link", &invitation), ("name", "Pat")]);
    (form.by, form.leaves) = (By::Anyone, Leaves::Away);
    making.form("/prove", &[], &[("password", PASSWORD), ("to", &to)]).by = By::Oneself;
    making.form("/prove/passkey", &[], &answered(&proves, "to", &to)).by = By::Oneself;
    let form = making.form("/prove/provider", &[], &[("to", &to)]);
    (form.by, form.leaves) = (By::Oneself, Leaves::Away);
    making.form("/account/identities/forget", &[], &[("issuer", ISSUER)]).by = By::Oneself;
}

/// One's passkeys. Of another person's nobody could say which.
pub async fn passkeys(server: &Server, making: &mut Making) {
    let control = &server.world.control;
    let ada = ada(server, making).await;
    let grant = control.grant_own::<AddPasskey>(&ada).expect("she may");
    let made = Authenticator::new().make(&control.ask_for_new_passkey(&grant).await.expect("asked"));
    making.form("/account/passkeys/new", &[], &answered(&made, "name", "Laptop")).by = By::Oneself;
    let renamed = add(server, &ada, &mut Authenticator::new()).await;
    let fields = [("name", "Other phone")];
    making.form("/account/passkeys/{passkey}/rename", &[("{passkey}", &renamed)], &fields);
    let removed = add(server, &ada, &mut Authenticator::new()).await;
    making.form("/account/passkeys/{passkey}/remove", &[("{passkey}", &removed)], &[]);
}

/// What is one's own: at the end, for they end what others are sent by.
pub async fn account(server: &Server, making: &mut Making) {
    let (ended, left) = (server.signs_in(ADA, PASSWORD).await, server.signs_in(ADA, PASSWORD).await);
    let end = "/account/sign-ins/{sign_in}/end";
    // Of another person's sign-in, which is nobody's that they could name.
    making.form(end, &[("{sign_in}", public_id(&ended))], &[]);
    let form = making.form("/sign-out", &[], &[]);
    (form.by, form.cookie) = (By::Oneself, left);
    let fields = [("password", PASSWORD), ("new_password", "another horse battery staple")];
    making.form("/account/password", &[], &fields).by = By::Oneself;
    making.form("/account/sign-out-everywhere", &[], &[]).by = By::Oneself;
}
