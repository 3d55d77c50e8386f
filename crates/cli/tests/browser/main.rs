//! The pages in a real browser: Debian's Chromium, driven by the scripts beside this file.
//!
//! ```text
//! test → Stage: a server that listens, on a clock that stands still ── one line of JSON each way ── node SCRIPT.mjs → Chromium → the server
//! ```
//!
//! A script says what it has checked, and each check is one here. The two guides are followed click by click: `seeds.rs` lists what each of
//! them has, and a part that no check follows fails.

#![expect(clippy::expect_used, reason = "a test that cannot go on must say where")]

mod people;
mod provider;
mod script;
mod seeds;
mod stage;
mod work;

use countersign_testkit::harness::setting;
use countersign_testkit::table;

use script::Told;
use stage::Stage;

/// Runs a script against a fresh server. Everything that it has checked holds.
async fn tell(script: &str) -> Told {
    let stage = Box::pin(Stage::set()).await;
    let out = stage.folder().join("screenshots");
    let told = Box::pin(script::run(&stage, script, &out, false)).await;
    told.must_hold(script);
    told
}

#[tokio::test(flavor = "multi_thread")]
async fn the_guide_of_dagster_is_followed_click_by_click() {
    tell("seed_dagster.mjs").await.follows(seeds::DAGSTER);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_guide_of_buildkite_is_followed_click_by_click() {
    tell("seed_buildkite.mjs").await.follows(seeds::BUILDKITE);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_stories_of_tokens_need_no_script() {
    tell("no_script.mjs").await.follows(seeds::WITHOUT_SCRIPT);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_goes_on_is_shown_as_it_goes_on() {
    tell("live.mjs").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn people_sign_in_and_prove_by_a_passkey() {
    tell("passkeys.mjs").await.follows(seeds::PASSKEYS);
}

#[tokio::test(flavor = "multi_thread")]
async fn people_sign_in_and_prove_by_a_provider() {
    let stage = Box::pin(Stage::with_provider()).await;
    let told = Box::pin(script::run(&stage, "provider.mjs", stage.folder(), false)).await;
    told.must_hold("provider.mjs");
    told.follows(seeds::PROVIDER);
}

#[tokio::test(flavor = "multi_thread")]
async fn everybody_can_use_every_page() {
    let told = tell("axe.mjs").await;
    assert!(told.checks.len() > 40, "only {} pages were looked at", told.checks.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_keyboard_reaches_everything_and_nothing_moves_by_itself() {
    tell("keyboard.mjs").await.follows(seeds::KEYBOARD);
}

#[tokio::test(flavor = "multi_thread")]
async fn a10_whatever_strangers_write_stays_text() {
    tell("vectors.mjs").await.follows(seeds::STRANGERS);
}

#[tokio::test(flavor = "multi_thread")]
async fn everybody_is_offered_what_they_may_do_and_nothing_else() {
    let stage = Box::pin(Stage::with_people()).await;
    let told = Box::pin(script::run(&stage, "roles.mjs", stage.folder(), false)).await;
    told.must_hold("roles.mjs");
    let printed = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/browser/roles.txt");
    table::must_be_as_printed(printed, &format!("{}\n", told.rows.join("\n")), "what pages offer to whom");
}

/// Of every page where a folder is named, as `make screenshots` does; else of those that anyone may see, so that the script is known to work.
#[tokio::test(flavor = "multi_thread")]
async fn pages_are_taken_pictures_of() {
    let wanted = setting::screenshots();
    let stage = Box::pin(Stage::set()).await;
    let out = wanted.clone().unwrap_or_else(|| stage.folder().join("screenshots"));
    let told = Box::pin(script::run(&stage, "screenshots.mjs", &out, wanted.is_some())).await;
    told.must_hold("screenshots.mjs");
    let taken = std::fs::read_dir(&out).expect("a folder of pictures").count();
    let least = if wanted.is_some() { 150 } else { 18 };
    assert!(taken >= least, "only {taken} pictures in {}", out.display());
}
