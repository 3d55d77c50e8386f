//! Parts of pages: each a template of its own, which escapes what it is given.

use askama::Template;
use askama::filters::HtmlSafe;
use countersign_control::signing_in::PasskeyQuestion;
use countersign_domain::Timestamp;

use crate::form::Faults;
use crate::sign_in::typed::Typed;

/// A moment: in UTC, and by script in the reader's own zone; or how far it is from now, with the exact one on hover.
#[derive(Debug, Clone, Template)]
#[template(path = "parts/when.html")]
pub(crate) struct When {
    /// For programs.
    exact: String,
    /// For people.
    words: String,
    /// How much of it is said, for the script; and all of it, where that is less.
    mark: &'static str,
    whole: String,
    /// How far it is, of what is said by that.
    ago: Option<Ago>,
}

/// How far a moment is from now.
#[derive(Debug, Clone)]
struct Ago {
    /// In seconds; less than none where it is to come.
    age: i64,
    words: String,
}

/// From here on a date says more than a distance, in seconds: thirty days.
const FAR: i64 = 30 * 24 * 3600;

/// A distance in the largest unit that fits. Script goes on counting in the same words.
fn distance(age: i64) -> String {
    let (length, unit) = match age.abs() {
        ..60 => return if age < 0 { "in a moment" } else { "just now" }.to_owned(),
        seconds @ ..3_600 => (seconds / 60, "min"),
        seconds @ ..86_400 => (seconds / 3_600, "h"),
        seconds @ ..172_800 => (seconds / 86_400, "day"),
        seconds => (seconds / 86_400, "days"),
    };
    if age < 0 { format!("in {length} {unit}") } else { format!("{length} {unit} ago") }
}

impl HtmlSafe for When {}

impl When {
    pub(crate) fn new(at: Timestamp) -> Self {
        let exact = Timestamp::from_micros(at.as_secs().saturating_mul(1_000_000)).to_string();
        let words = Self::said(&exact, 16);
        Self { exact, words, mark: "", whole: String::new(), ago: None }
    }

    /// The same to the second, where the order of what happened counts.
    pub(crate) fn exactly(at: Timestamp) -> Self {
        let plain = Self::new(at);
        Self { words: Self::said(&plain.exact, 19), mark: "data-seconds", ..plain }
    }

    /// The day alone, where that is what one wants to know.
    pub(crate) fn day(at: Timestamp) -> Self {
        let plain = Self::new(at);
        let words = plain.exact.get(..10).unwrap_or_default().to_owned();
        Self { words, mark: "data-day", whole: plain.words, ..plain }
    }

    /// So many characters of a time, as people write them.
    fn said(exact: &str, most: usize) -> String {
        exact.get(..most).map_or_else(|| exact.to_owned(), |text| format!("{} UTC", text.replace('T', " ")))
    }

    /// The same, said by how far it is from `now`: for what one wants to know the age of. What is further than thirty days is said by its date.
    pub(crate) fn ago(at: Timestamp, now: Timestamp) -> Self {
        let (plain, age) = (Self::new(at), now.as_secs().saturating_sub(at.as_secs()));
        let ago = (age.abs() < FAR).then(|| Ago { age, words: distance(age) });
        Self { ago, ..plain }
    }
}

/// A field of a form with its words, its hint and what is wrong with it.
#[derive(Debug, Clone, Template)]
#[template(path = "parts/field.html")]
pub(crate) struct Field {
    name: &'static str,
    label: &'static str,
    kind: &'static str,
    value: String,
    hint: &'static str,
    /// What follows from what is written, below the control.
    below: &'static str,
    complete: &'static str,
    is_required: bool,
    /// Whether it says that it may be left empty.
    is_marked: bool,
    is_long: bool,
    is_focused: bool,
    /// The most that a browser lets one write, in units of UTF-16; 0: as much as one wants.
    most: usize,
    error: Option<String>,
}

impl HtmlSafe for Field {}

impl Field {
    /// A line of text that may be left empty.
    pub(crate) const fn new(name: &'static str, label: &'static str) -> Self {
        Self {
            name,
            label,
            kind: "text",
            value: String::new(),
            hint: "",
            below: "",
            complete: "off",
            is_required: false,
            is_marked: true,
            is_long: false,
            is_focused: false,
            most: 0,
            error: None,
        }
    }

    pub(crate) fn value(self, value: impl Into<String>) -> Self {
        Self { value: value.into(), ..self }
    }

    /// What browsers take it for: `password`, `email`, `datetime-local`, `search`.
    pub(crate) fn kind(self, kind: &'static str) -> Self {
        Self { kind, ..self }
    }

    /// What to write; what stands between two backticks is code.
    pub(crate) fn hint(self, hint: &'static str) -> Self {
        Self { hint, ..self }
    }

    /// What follows from it, where that is too long to stand before the control; backticks as in a hint.
    pub(crate) fn below(self, below: &'static str) -> Self {
        Self { below, ..self }
    }

    /// Without the word that it may be left empty: something else on the form says when it counts.
    pub(crate) fn unmarked(self) -> Self {
        Self { is_marked: false, ..self }
    }

    /// The ids of what describes it, in the order in which they are read out; none where nothing does.
    fn described_by(&self) -> Option<String> {
        let all = [("hint", !self.hint.is_empty()), ("below", !self.below.is_empty()), ("error", self.error.is_some())];
        let ids: Vec<_> =
            all.iter().filter(|(_, is_there)| *is_there).map(|(of, _)| format!("{}-{of}", self.name)).collect();
        if ids.is_empty() { None } else { Some(ids.join(" ")) }
    }

    /// What browsers may fill in, by the names of HTML.
    pub(crate) fn complete(self, complete: &'static str) -> Self {
        Self { complete, ..self }
    }

    pub(crate) fn required(self) -> Self {
        Self { is_required: true, ..self }
    }

    pub(crate) fn at_most(self, most: usize) -> Self {
        Self { most, ..self }
    }

    /// Of several lines.
    pub(crate) fn long(self) -> Self {
        Self { is_long: true, ..self }
    }

    /// Where one begins to write, unless a fault stands elsewhere.
    pub(crate) fn first(self) -> Self {
        Self { is_focused: true, ..self }
    }

    /// What is wrong with it, under the name that the operation knows it by.
    pub(crate) fn faults(self, faults: &Faults, known_as: &str) -> Self {
        let (error, is_first) = faults.of_field(known_as, self.label);
        let is_focused = is_first || (self.is_focused && faults.beside(&[]).is_empty());
        Self { error, is_focused, ..self }
    }
}

/// The pieces of a hint, each with whether it is code.
fn pieces(hint: &str) -> impl Iterator<Item = (bool, &str)> {
    hint.split('`').enumerate().map(|(at, piece)| (at % 2 == 1, piece))
}

/// One of several things that one of is chosen.
#[derive(Debug, Clone)]
pub(crate) struct Choice {
    pub value: String,
    pub words: String,
    pub is_chosen: bool,
}

impl Choice {
    pub(crate) fn new(value: impl Into<String>, words: impl Into<String>, is_chosen: bool) -> Self {
        Self { value: value.into(), words: words.into(), is_chosen }
    }
}

/// A value, where it was asked for. Shown once and kept nowhere: a click copies it.
#[derive(Template)]
#[template(path = "parts/secret.html")]
pub(crate) struct Secret<'a> {
    pub label: &'static str,
    pub value: &'a str,
}

impl<'a> Secret<'a> {
    /// The value of a token.
    pub(crate) const fn of_token(value: &'a str) -> Self {
        Self { label: "Token value", value }
    }
}

impl std::fmt::Debug for Secret<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret")
    }
}

impl HtmlSafe for Secret<'_> {}

/// A form that a passkey fills in: a script shows it where the browser has passkeys, and without one nobody sees it.
#[derive(Debug, Clone, Template)]
#[template(path = "parts/passkey.html")]
pub(crate) struct PasskeyForm {
    /// Whether a passkey is made; else one is shown.
    pub is_new: bool,
    pub action: &'static str,
    pub words: &'static str,
    pub question: PasskeyQuestion,
    /// The page that asks anew.
    pub again: String,
    /// Where one is led afterwards.
    pub to: String,
    /// The form that waits for a proof.
    pub typed: Option<Typed>,
    /// What a new one is called.
    pub name: Option<Field>,
}

impl HtmlSafe for PasskeyForm {}

/// The ways from one part of a list to others.
#[derive(Debug, Clone, Template)]
#[template(path = "parts/pager.html")]
pub(crate) struct Pager {
    /// Back to its beginning; none where this is it.
    pub first: Option<String>,
    /// To what comes after; none at its end.
    pub next: Option<String>,
}

impl HtmlSafe for Pager {}

impl Pager {
    /// Of a list at `path`, looked at with `asked`; `last` is the last entry shown where there are more.
    pub(crate) fn new(path: &str, asked: &[(&str, &str)], is_first: bool, last: Option<String>) -> Self {
        let first = (!is_first).then(|| crate::query::address(path, asked));
        let next = last.map(|last| {
            let mut asked = asked.to_vec();
            asked.push(("after", last.as_str()));
            crate::query::address(path, &asked)
        });
        Self { first, next }
    }
}

/// A part of a list that is read as a whole: at most `rows` of what comes after an entry, and whether more does. After one that is gone the
/// list begins anew.
pub(crate) fn part<T>(all: &[T], rows: usize, is_last_shown: impl FnMut(&T) -> bool) -> (&[T], bool) {
    let start = all.iter().position(is_last_shown).map_or(0, |at| at + 1);
    let rest = &all[start..];
    (&rest[..rest.len().min(rows)], rest.len() > rows)
}

#[cfg(test)]
mod tests {
    use crate::naughty::{TEXTS, assert_inert};

    use super::*;

    #[test]
    fn a_list_comes_in_parts_without_gap_or_repeat() {
        let all: Vec<u8> = (0..120).collect();
        let (mut after, mut seen) = (None, Vec::new());
        loop {
            let (shown, has_more) = part(&all, 50, |it| Some(*it) == after);
            seen.extend_from_slice(shown);
            after = shown.last().copied();
            if !has_more {
                break;
            }
        }
        assert_eq!(seen, all);
        assert_eq!(part(&all, 50, |it| *it == 200), (&all[..50], true), "after one that is gone it begins anew");
        assert_eq!(part(&all[..50], 50, |_| false), (&all[..50], false));
    }

    #[test]
    fn a_moment_is_said_in_utc() {
        let at: Timestamp = "2026-01-02T03:04:05.678Z".parse().expect("a time");
        assert_eq!(
            When::new(at).to_string().trim(),
            r#"<time datetime="2026-01-02T03:04:05Z">2026-01-02 03:04 UTC</time>"#
        );
        assert_eq!(
            When::exactly(at).to_string().trim(),
            r#"<time datetime="2026-01-02T03:04:05Z" data-seconds>2026-01-02 03:04:05 UTC</time>"#
        );
        assert_eq!(
            When::day(at).to_string().trim(),
            r#"<time datetime="2026-01-02T03:04:05Z" data-day title="2026-01-02 03:04 UTC">2026-01-02</time>"#
        );
    }

    #[test]
    fn a_distance_is_said_in_the_largest_unit_that_fits() {
        assert_eq!(
            [0, 59, 60, 3_599, 3_600, 86_399, 86_400, 172_800].map(distance),
            ["just now", "just now", "1 min ago", "59 min ago", "1 h ago", "23 h ago", "1 day ago", "2 days ago"]
        );
        assert_eq!([-5, -60, -7_200, -1_000_000].map(distance), ["in a moment", "in 1 min", "in 2 h", "in 11 days"]);
        let now: Timestamp = "2026-01-02T03:04:05Z".parse().expect("a time");
        let at: Timestamp = "2026-01-02T03:01:05Z".parse().expect("a time");
        assert_eq!(
            When::ago(at, now).to_string().trim(),
            r#"<time datetime="2026-01-02T03:01:05Z" title="2026-01-02 03:01 UTC" data-age="180">3 min ago</time>"#
        );
        let long_ago: Timestamp = "2025-01-02T03:04:05Z".parse().expect("a time");
        assert_eq!(When::ago(long_ago, now).to_string(), When::new(long_ago).to_string());
    }

    #[test]
    fn a_field_tells_what_is_wrong_with_it() {
        let faults = Faults::at("description", "is empty");
        let field = Field::new("description", "Description").hint("Where it is used.").required();
        let html = field.faults(&faults, "description").to_string();
        for part in [
            r#"id="description""#,
            r#"for="description""#,
            r#"aria-describedby="description-hint description-error""#,
            r#"aria-invalid="true""#,
            "autofocus",
            "required",
            "Description is empty.",
        ] {
            assert!(html.contains(part), "{part}: {html}");
        }
        let long = Field::new("slug", "Slug").hint("Digits.").below("As `sub` says it.").to_string();
        for part in
            [r#"aria-describedby="slug-hint slug-below""#, r#"id="slug-below">As <code>sub</code> says it.</p>"#]
        {
            assert!(long.contains(part), "{part}: {long}");
        }
        assert!(long.contains("optional") && !Field::new("a", "A").unmarked().to_string().contains("optional"));
        let plain = Field::new("description", "Description").to_string();
        for part in ["aria-invalid", "aria-describedby", "autofocus", "required"] {
            assert!(!plain.contains(part), "{part}: {plain}");
        }
    }

    #[test]
    fn whatever_is_written_stays_text() {
        for text in TEXTS {
            assert_inert(&Field::new("a", "A").value(*text).to_string(), text);
            assert_inert(&Field::new("a", "A").long().value(*text).to_string(), text);
            assert_inert(&Field::new("a", "A").faults(&Faults::at("a", text), "a").to_string(), text);
            assert_inert(&Secret::of_token(text).to_string(), text);
            assert_inert(&Pager::new("/a", &[("search", *text)], false, Some((*text).to_owned())).to_string(), "");
        }
    }
}
