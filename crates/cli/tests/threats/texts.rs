//! Pipelines that mean harm, as people send them and as jobs do.

use std::time::Duration;

use countersign_testkit::harness::figures::tell;

use crate::subject::{Subject, soon};

/// How much more memory than before the server may take over a text, and over the larger ones that agents upload.
const MEMORY_KIB: u64 = 32 * 1024;
const MEMORY_UPLOADED_KIB: u64 = 64 * 1024;

/// Nine levels, each nine times the one before.
fn laughs() -> String {
    let mut text = "a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol]\n".to_owned();
    for level in 1..=9 {
        let before = format!("*a{}, ", level - 1).repeat(9);
        text += &format!("a{level}: &a{level} [{}]\n", before.trim_end_matches(", "));
    }
    text + "steps: *a9\n"
}

/// Texts that must be refused.
fn bombs() -> Vec<(&'static str, String)> {
    let long = "l".repeat(300_000);
    let wrapped = |level: usize| format!("a{level}: &a{level} {}*a{}{}\n", "[".repeat(10), level - 1, "]".repeat(10));
    vec![
        ("nine levels of laughs", laughs()),
        ("a million brackets", "[".repeat(1_000_000)),
        ("a million dashes", "- ".repeat(500_000)),
        ("brackets that close", "[".repeat(500_000) + &"]".repeat(500_000)),
        ("a hundred thousand keys", format!("{{{}}}", (0..100_000).map(|n| format!("k{n:x},")).collect::<String>())),
        ("a hundred thousand keys in a step", {
            format!(
                "steps: [{{command: x, env: {{{}}}}}]",
                (0..100_000).map(|n| format!("k{n:x}: ,")).collect::<String>()
            )
        }),
        ("a hundred thousand steps", format!("[{}]", "wait,".repeat(100_000))),
        ("one long text many times", format!("steps: [{{command: &a {long}}}{}]", ", {command: *a}".repeat(9_000))),
        ("deep by alias", "a0: &a0 x\n".to_owned() + &(1..=90).map(wrapped).collect::<String>()),
        ("merged over and over", {
            let merged = (1..=60).map(|n| format!("m{n}: &m{n} {{<<: [*m{0}, *m{0}], k{n}: 1}}\n", n - 1));
            "m0: &m0 {k: 1}\n".to_owned() + &merged.collect::<String>()
        }),
        ("itself", "steps: &a [*a]".to_owned()),
        ("a matrix that multiplies", {
            let values = (0..25).map(|n| n.to_string()).collect::<Vec<_>>().join(", ");
            let setup: String = (0..6).map(|n| format!("d{n}: [{values}], ")).collect();
            format!("steps: [{{command: x, matrix: {{setup: {{{setup}}}}}}}]")
        }),
        ("long and many", format!("steps: [{{command: {}, parallelism: 10000}}]", &long[..50_000])),
        ("a tag of Python", "steps: !!python/object/apply:os.system [id]".to_owned()),
        ("a tag of Ruby", "steps: [{command: !ruby/object:Gem::Installer x}]".to_owned()),
        ("a file", "steps: [{command: !include /etc/passwd}]".to_owned()),
        ("a key twice", "steps: [{command: a}]\nsteps: [{command: b}]".to_owned()),
        ("a key twice in a step", "steps: [{command: a, command: b}]".to_owned()),
    ]
}

/// The same in JSON, as agents upload it.
fn uploaded_bombs() -> Vec<(&'static str, String)> {
    vec![
        ("a million brackets", "[".repeat(1_000_000)),
        ("brackets that close", "[".repeat(500_000) + &"]".repeat(500_000)),
        ("deep maps", "{\"a\":".repeat(100_000)),
        ("a hundred levels", format!("{{\"steps\":{}{}}}", "[".repeat(100), "]".repeat(100))),
        ("a hundred thousand keys", {
            let keys: Vec<String> = (0..100_000).map(|n| format!("\"k{n:x}\":1")).collect();
            format!("{{{}}}", keys.join(","))
        }),
        ("a million numbers", format!("{{\"steps\":[{}0]}}", "0,".repeat(999_999))),
        ("a hundred thousand steps", format!("{{\"steps\":[{}\"wait\"]}}", "\"wait\",".repeat(99_999))),
        ("a long text", format!("{{\"steps\":[{{\"command\":\"{}\"}}]}}", "l".repeat(7_000_000))),
        ("a long text of escapes", format!("{{\"steps\":[{{\"command\":\"{}\"}}]}}", "\\u0000".repeat(1_000_000))),
        ("a key twice", "{\"steps\":[{\"command\":\"a\"}],\"steps\":5}".to_owned()),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn a12_texts_that_explode_are_refused_soon_and_in_little_memory() {
    let subject = Subject::new().await;
    let mut slowest = (Duration::ZERO, "");
    let mut costliest = (0, "");
    let bombs = bombs().into_iter().map(|(what, text)| (false, what, text));
    let uploaded = uploaded_bombs().into_iter().map(|(what, text)| (true, what, text));
    for (is_uploaded, what, text) in bombs.chain(uploaded) {
        let (spent, before) = (subject.spent(), subject.forget_peak());
        let answer = if is_uploaded { subject.upload(&text).await } else { subject.define(&text).await };
        let took = subject.spent() - spent;
        slowest = slowest.max((took, what));
        let more = subject.peak().saturating_sub(before);
        costliest = costliest.max((more, what));
        let is_refused = matches!(answer.status, 400 | 413 | 422) || answer.json().get("errors").is_some();
        assert!(is_refused, "{what} (uploaded: {is_uploaded}): {} {}", answer.status, answer.text());
        assert!(answer.body.len() < 2_000, "{what}: an error is a sentence: {} bytes", answer.body.len());
        assert!(took < soon(), "{what} (uploaded: {is_uploaded}) took {took:?} of a processor's time");
        tell(format_args!("threats: a12: {what} (uploaded: {is_uploaded}): {took:?}, {more} KiB more"));
        let most = if is_uploaded { MEMORY_UPLOADED_KIB } else { MEMORY_KIB };
        assert!(more <= most, "{what} (uploaded: {is_uploaded}) took {more} KiB, and may take {most}");
        subject.is_well().await;
    }
    tell(format_args!(
        "threats: a12: at most {:.0} ms of a processor's time ({}), at most {} KiB more ({})",
        slowest.0.as_secs_f64() * 1e3,
        slowest.1,
        costliest.0,
        costliest.1,
    ));
}

#[tokio::test(flavor = "multi_thread")]
async fn a12_words_stay_words() {
    let subject = Subject::new().await;
    let text = "steps: [{command: x, env: {NORWAY: NO, SWITCH: on, VERSION: 1.10, OCTAL: 0755, TIME: 12:30:45}}]";
    let answer = subject.define(text).await.json();
    let job = &answer["data"]["buildCreateFromDefinition"]["build"]["jobs"]["edges"][0]["node"];
    let mut env: Vec<&str> = job["env"].as_array().into_iter().flatten().filter_map(|it| it.as_str()).collect();
    env.sort_unstable();
    assert_eq!(env, ["NORWAY=NO", "OCTAL=0755", "SWITCH=on", "TIME=12:30:45", "VERSION=1.10"], "{answer}");
}
