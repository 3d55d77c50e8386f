//! Foreign texts where there is room for the start of one: in lists, ways and labels. All of a text is on the page of what it is of.

use std::fmt;
use std::ops::Deref;

use countersign_control::organizations::User;

use crate::weight;

/// The most characters of a text in a list.
const MOST: usize = 80;
/// The most bytes that it takes in the page, whatever signs it has.
const ROOM: usize = 160;
/// The most characters of a word that a column has room for.
const WORD: usize = 32;
/// The most places of one in which a line may end.
const BREAKS: usize = 8;
/// The most characters where the text names a button a second time.
const CALLED: usize = 60;
/// The most bytes of what somebody calls themself, and of the beginning and the end of an address, whose end says whose it is.
const NAME: usize = 80;
const BEGINNING: usize = 30;
const END: usize = 70;

/// The start of a text, as much as a row of a table has room for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Brief(String);

impl Brief {
    pub(crate) fn of(text: &str) -> Self {
        Self::within(text, ROOM)
    }

    /// The same in a room of another size, in bytes of the page.
    pub(crate) fn within(text: &str, room: usize) -> Self {
        let most = MOST.max(room / 2);
        let end = text.char_indices().nth(most).map(|(at, _)| at);
        let start = end.and_then(|end| text.get(..end));
        let cut = weight::cut(start.unwrap_or(text), room);
        // One mark says that there is more, whichever of both left it out.
        Self(if start.is_some() && !cut.ends_with('…') { cut + "…" } else { cut })
    }

    /// The same of a text that may not be there; empty without one.
    pub(crate) fn of_some(text: Option<&String>) -> Self {
        text.map(|text| Self::of(text)).unwrap_or_default()
    }

    /// Somebody beside what they did or hold: what they call themself is not theirs alone, so their address stands behind it. Nobody else has that.
    pub(crate) fn of_user(user: &User) -> Self {
        Self::of_person(&user.name, &user.email, user.is_service)
    }

    /// The same by what is known of them.
    pub(crate) fn of_person(name: &str, email: &str, is_service: bool) -> Self {
        let name = weight::cut(name, NAME);
        let behind = if is_service { "service user".to_owned() } else { address(email) };
        Self(format!("{name} ({behind})"))
    }

    /// Whether it is one word that a column has room for, such as an address or a public id: it is not broken in two then.
    pub(crate) fn is_word(&self) -> bool {
        !self.0.contains(char::is_whitespace) && self.0.chars().count() <= WORD
    }

    /// Where a line may end in an address or the name of a host: behind each dot and `@`, a few of them, for each place takes room in the page.
    pub(crate) fn parts(&self) -> Vec<&str> {
        let ends = self.0.match_indices(['.', '@']).map(|(at, sign)| at + sign.len()).take(BREAKS);
        let (mut parts, mut from) = (Vec::new(), 0);
        for end in ends.filter(|end| *end < self.0.len()) {
            parts.extend(self.0.get(from..end));
            from = end;
        }
        parts.extend(self.0.get(from..));
        parts
    }

    /// What a button is said to be for, behind its own words.
    pub(crate) fn called(&self) -> String {
        weight::cut(&self.0, CALLED)
    }
}

/// An address, of a long one both ends.
pub(crate) fn address(email: &str) -> String {
    if weight::of(email) <= BEGINNING + END {
        return email.to_owned();
    }
    let backwards: String = email.chars().rev().collect();
    let end: String = weight::start(&backwards, END).chars().rev().collect();
    format!("{}…{end}", weight::start(email, BEGINNING))
}

impl From<&str> for Brief {
    fn from(text: &str) -> Self {
        Self::of(text)
    }
}

impl From<String> for Brief {
    fn from(text: String) -> Self {
        Self::of(&text)
    }
}

impl Deref for Brief {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Brief {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_of_any_signs_takes_little_room() {
        assert_eq!(&*Brief::of("runners of the build farm"), "runners of the build farm");
        assert!(
            Brief::of("ada@example.com").is_word()
                && !Brief::of("two words").is_word()
                && !Brief::of(&"a".repeat(99)).is_word()
        );
        assert_eq!(Brief::of(&"a".repeat(1_000)).chars().count(), MOST + 1);
        for sign in ["\"", "👩", "ä", "<"] {
            let brief = Brief::of(&sign.repeat(1_000));
            assert!(weight::of(&brief) <= ROOM + '…'.len_utf8() && brief.ends_with('…'), "{brief}");
            assert!(weight::of(&brief.called()) <= CALLED + '…'.len_utf8());
        }
    }

    #[test]
    fn a_line_ends_behind_a_dot_and_not_behind_each_of_many() {
        assert_eq!(Brief::of("ci.example.com").parts(), ["ci.", "example.", "com"]);
        assert_eq!(Brief::of("ada@example.com.").parts(), ["ada@", "example.", "com."]);
        assert_eq!((Brief::of("").parts(), Brief::of("ci").parts()), (vec![""], vec!["ci"]));
        assert_eq!(Brief::of(&".".repeat(80)).parts().len(), BREAKS + 1);
    }

    #[test]
    fn whoever_calls_themself_like_another_is_told_from_them() {
        assert_eq!(&*Brief::of_person("ada", "eve@example.com", false), "ada (eve@example.com)");
        assert_eq!(&*Brief::of_person("deployer", "018f@service.invalid", true), "deployer (service user)");
        let long = format!("{}@a-long-domain.example", "x".repeat(200));
        assert!(Brief::of_person(&"\"".repeat(100), &long, false).ends_with("@a-long-domain.example)"));
        assert!(weight::of(&address(&format!("{}@example.com", "'".repeat(200)))) <= BEGINNING + END + '…'.len_utf8());
    }
}
