//! What jobs noted on their build: Markdown, made safe.

use countersign_control::builds::Annotation;
use countersign_domain::annotation::Style;

use super::markdown::Safe;

/// The most bytes of one annotation on the page of its build; a page of its own has [`LONG`].
const SHORT: usize = 8 * 1024;
/// The most bytes of all of them there.
const ROOM: usize = 16 * 1024;
/// The most bytes of one on a page of its own.
const LONG: usize = 64 * 1024;

/// An annotation.
#[derive(Debug, Clone)]
pub(crate) struct Note {
    pub context: String,
    /// The name of its colour.
    pub class: &'static str,
    /// What colour alone would tell.
    pub word: &'static str,
    pub body: Safe,
    /// Where the whole is, of one that is cut.
    pub whole: Option<String>,
    /// Whether even its own page shows only its start.
    pub is_cut: bool,
}

/// Annotations that fit on the page of a build, and what is left.
#[derive(Debug, Clone, Default)]
pub(crate) struct Notes {
    pub shown: Vec<Note>,
    /// Those that have no room: their names, and where they are.
    pub others: Vec<(String, String)>,
}

const fn look(style: Style) -> (&'static str, &'static str) {
    match style {
        Style::Default => ("plain", "Note"),
        Style::Success => ("good", "Success"),
        Style::Info => ("active", "Information"),
        Style::Warning => ("warning", "Warning"),
        Style::Error => ("bad", "Error"),
    }
}

/// The start of a text that is not longer than `most` bytes, and whether that is all of it. It ends between two characters.
fn start(text: &str, most: usize) -> (&str, bool) {
    if text.len() <= most {
        return (text, true);
    }
    let end = (0..=most).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    (text.get(..end).unwrap_or_default(), false)
}

impl Note {
    /// `page`: where the whole is; none: it is to be shown whole.
    fn new(it: &Annotation, artifacts: &str, page: Option<String>) -> Self {
        let (class, word) = look(it.content.style);
        let most = if page.is_some() { SHORT } else { LONG };
        let (text, is_whole) = start(&it.content.body, most);
        let is_cut = page.is_none() && !is_whole;
        Self {
            context: it.context.clone(),
            class,
            word,
            body: Safe::of(text, artifacts),
            whole: page.filter(|_| !is_whole),
            is_cut,
        }
    }

    /// One of a build's annotations, on a page of its own.
    pub(crate) fn whole(it: &Annotation, artifacts: &str) -> Self {
        Self::new(it, artifacts, None)
    }
}

impl Notes {
    /// Of a build; `page` is where one of them has a page of its own.
    pub(crate) fn of(all: &[Annotation], artifacts: &str, page: impl Fn(&Annotation) -> String) -> Self {
        let mut notes = Self::default();
        let mut taken = 0;
        for it in all {
            taken += it.content.body.len().min(SHORT);
            if taken <= ROOM {
                notes.shown.push(Note::new(it, artifacts, Some(page(it))));
            } else {
                notes.others.push((it.context.clone(), page(it)));
            }
        }
        notes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_cut_between_two_characters() {
        assert_eq!(start("abc", 3), ("abc", true));
        assert_eq!(start("aä", 2), ("a", false));
        assert_eq!(start("ä", 1), ("", false));
    }

    #[test]
    fn every_colour_is_one_of_the_style_sheet() {
        let style = include_str!("../../assets/pages.css");
        for it in Style::ALL {
            assert!(style.contains(&format!(".note.{} ", look(it).0)), "{it}");
        }
    }
}
