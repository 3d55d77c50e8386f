//! The style sheets: lengths and colours come from one file, and text can be read in both themes.

use std::collections::BTreeMap;
use std::path::Path;

fn sheet(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets").join(name);
    without_comments(&std::fs::read_to_string(path).expect("a style sheet"))
}

fn without_comments(css: &str) -> String {
    let mut parts = css.split("/*");
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        text.push_str(part.split_once("*/").map_or("", |(_, rest)| rest));
    }
    text
}

/// Colours by name that anybody might reach for.
const NAMES: [&str; 20] = [
    "black", "white", "gray", "grey", "silver", "red", "maroon", "orange", "gold", "yellow", "olive", "lime", "green",
    "teal", "aqua", "cyan", "blue", "navy", "purple", "pink",
];
const FUNCTIONS: [&str; 8] = ["rgb(", "rgba(", "hsl(", "hsla(", "hwb(", "lab(", "oklch(", "color-mix("];
const UNITS: [&str; 8] = ["px", "rem", "em", "pt", "cm", "mm", "ex", "pc"];

/// Whether a word of a value is a length of its own: a number with a unit that does not follow the window or the font's characters.
fn is_length(word: &str) -> bool {
    let number = word.trim_start_matches(['-', '+']);
    UNITS.iter().any(|unit| {
        number.strip_suffix(unit).is_some_and(|it| !it.is_empty() && it.chars().all(|c| c.is_ascii_digit() || c == '.'))
    })
}

fn is_colour(word: &str) -> bool {
    let is_hex = word.strip_prefix('#').is_some_and(|it| it.len() >= 3 && it.chars().all(|c| c.is_ascii_hexdigit()));
    is_hex || NAMES.contains(&word)
}

/// What stands in a sheet though it belongs into the one with the variables. Conditions of `@media` cannot use variables.
fn raw(css: &str) -> Vec<String> {
    let mut found = Vec::new();
    for line in css.lines().filter(|line| !line.trim_start().starts_with("@media")) {
        for declaration in line.split(['{', ';', '}']) {
            let Some((_, value)) = declaration.split_once(':') else { continue };
            let words = value.split(|c: char| c.is_whitespace() || matches!(c, '(' | ')' | ','));
            let is_raw = words.into_iter().any(|word| is_length(word) || is_colour(word))
                || FUNCTIONS.iter().any(|of| value.contains(of));
            if is_raw {
                found.push(declaration.trim().to_owned());
            }
        }
    }
    found
}

#[test]
fn lengths_and_colours_come_from_the_variables() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets");
    let mut count = 0;
    for entry in std::fs::read_dir(folder).expect("there are assets") {
        let name = entry.expect("an asset").file_name().into_string().expect("a name");
        if !name.ends_with(".css") || name == "variables.css" {
            continue;
        }
        let found = raw(&sheet(&name));
        assert!(found.is_empty(), "{name} has lengths or colours of its own: {found:#?}");
        count += 1;
    }
    assert!(count >= 2, "only {count} style sheets were read");
}

#[test]
fn what_is_raw_is_found_out() {
    for css in [
        "a { color: #fff; }",
        "a { color: red; }",
        "a { border: 1px solid var(--border); }",
        "a { margin: calc(-1 * 4px); }",
        "a { background: rgb(0 0 0 / 5%); }",
        "a { padding: 0 .5rem; }",
    ] {
        assert_eq!(raw(css).len(), 1, "{css}");
    }
    for css in [
        "a { color: var(--text); width: 100%; max-width: 70ch; flex: 1 1 0; line-height: 1.5; }",
        "@media (max-width: 60rem) {\n a { inset: 0; } }",
        ".f10 { white-space: pre-wrap; }",
    ] {
        assert_eq!(raw(css), [""; 0], "{css}");
    }
}

#[test]
fn every_variable_that_is_used_is_there() {
    let variables = sheet("variables.css");
    for name in ["pages.css", "pictures.css", "log.css"] {
        for part in sheet(name).split("var(").skip(1) {
            let used = part.split(')').next().expect("its end");
            assert!(variables.contains(&format!("{used}:")), "{name} uses {used}");
        }
    }
}

/// The variables of a block: what stands behind `selector` up to its end.
fn block(css: &str, selector: &str) -> BTreeMap<String, String> {
    let (_, rest) = css.split_once(&format!("{selector} {{")).unwrap_or_else(|| panic!("no {selector}"));
    let body = rest.split('}').next().expect("its end");
    let pairs = body.split(';').filter_map(|line| line.trim().split_once(':'));
    pairs.map(|(name, value)| (name.trim().to_owned(), value.trim().to_owned())).collect()
}

fn luminance(colour: &str) -> f64 {
    let hex = colour.strip_prefix('#').unwrap_or_else(|| panic!("{colour} is no colour in hex"));
    let part = |at: usize| {
        let value = f64::from(u8::from_str_radix(&hex[at..at + 2], 16).expect("two digits")) / 255.0;
        if value <= 0.04045 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
    };
    0.2126 * part(0) + 0.7152 * part(2) + 0.0722 * part(4)
}

fn contrast(one: &str, other: &str) -> f64 {
    let (one, other) = (luminance(one), luminance(other));
    (one.max(other) + 0.05) / (one.min(other) + 0.05)
}

#[test]
fn text_and_controls_stand_out_in_both_themes() {
    let css = sheet("variables.css");
    let light = block(&css, ":root");
    let dark = block(&css, ":root[data-theme=\"dark\"]");
    let by_system = block(&css, ":root:not([data-theme=\"light\"])");
    let without_scheme: BTreeMap<_, _> = dark.iter().filter(|(name, _)| *name != "color-scheme").collect();
    assert_eq!(without_scheme, by_system.iter().collect(), "dark by choice is another one than dark by the system");
    // What stands on what, and how far it must stand out.
    let mut pairs = vec![
        ("--text", "--ground", 4.5),
        ("--text", "--raised", 4.5),
        ("--text", "--hover", 4.5),
        ("--text", "--active-ground", 4.5),
        ("--quiet", "--ground", 4.5),
        ("--quiet", "--raised", 4.5),
        ("--quiet", "--hover", 4.5),
        ("--link", "--ground", 4.5),
        ("--link", "--raised", 4.5),
        ("--link", "--hover", 4.5),
        ("--on-accent", "--accent", 4.5),
        ("--on-accent", "--accent-strong", 4.5),
        ("--on-bad", "--bad", 4.5),
        ("--on-bad", "--bad-strong", 4.5),
        ("--bad", "--ground", 4.5),
        ("--accent", "--active-ground", 4.5),
        ("--ended", "--ground", 4.5),
        ("--control", "--ground", 3.0),
        ("--control", "--raised", 3.0),
        ("--focus", "--ground", 3.0),
        ("--focus", "--raised", 3.0),
    ];
    let states = ["good", "warning", "bad", "active", "ended"].map(|it| (format!("--{it}"), format!("--{it}-ground")));
    pairs.extend(states.iter().map(|(text, ground)| (text.as_str(), ground.as_str(), 4.5)));
    for (theme, colours) in [("light", &light), ("dark", &dark)] {
        for (text, ground, least) in &pairs {
            let found = contrast(&colours[*text], &colours[*ground]);
            assert!(found >= *least, "{theme}: {text} on {ground} has {found:.2} to 1");
        }
    }
    for at in 0..16 {
        let text = &light[&format!("--log-f{at}")];
        for ground in ["--log-ground", "--log-raised"] {
            assert!(contrast(text, &light[ground]) >= 4.5, "colour {at} of a log on {ground}");
        }
        let ground = &light[&format!("--log-g{at}")];
        assert!(contrast(&light["--log-text"], ground) >= 4.5, "text on ground {at} of a log");
    }
}
