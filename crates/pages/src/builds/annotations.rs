//! What jobs noted on their build: Markdown, made safe.

use countersign_control::builds::Annotation;
use countersign_domain::annotation::Style;

use super::markdown::Safe;

/// The most characters of one annotation on the page of its build.
pub(crate) const SHORT: i64 = 8 * 1024;
/// The most bytes of HTML that all of them take there.
pub(crate) const ROOM: usize = 24 * 1024;
/// The most that are named there.
pub(crate) const MOST: i64 = 30;
/// The most bytes of one on a page of its own, and of HTML that it takes.
pub(crate) const LONG: usize = 64 * 1024;
const LONG_ROOM: usize = 80 * 1024;

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
    /// How many there are beside.
    pub more: usize,
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
    fn new(it: &Annotation, body: Safe) -> Self {
        let (class, word) = look(it.content.style);
        Self { context: it.context.clone(), class, word, body, whole: None, is_cut: false }
    }

    /// One of a build's annotations, on a page of its own.
    pub(crate) fn whole(it: &Annotation, artifacts: &str) -> Self {
        let (text, is_whole) = start(&it.content.body, LONG);
        let body = Safe::of(text, artifacts, LONG_ROOM);
        Self { is_cut: !is_whole || !body.is_whole, ..Self::new(it, body) }
    }
}

impl Notes {
    /// Of the starts of a build's first annotations, each with how many bytes the whole has, and how many there are; `page` is where one of them
    /// has a page of its own.
    pub(crate) fn of(
        all: &[(Annotation, i64)],
        count: i64,
        artifacts: &str,
        page: impl Fn(&Annotation) -> String,
    ) -> Self {
        let more = usize::try_from(count).unwrap_or(0).saturating_sub(all.len());
        let (mut notes, mut left) = (Self { more, ..Self::default() }, ROOM);
        for (it, size) in all {
            let text = &it.content.body;
            let is_whole = i64::try_from(text.len()).is_ok_and(|bytes| bytes >= *size);
            // Where one has found no room, those behind it have none either: what matters most stands first.
            let room = if notes.others.is_empty() { left } else { 0 };
            match Safe::rendered(text, artifacts, room).filter(|_| room > 0) {
                Some(body) => {
                    left = left.saturating_sub(body.to_string().len());
                    let whole = (!is_whole).then(|| page(it));
                    notes.shown.push(Note { whole, ..Note::new(it, body) });
                }
                None => notes.others.push((it.context.clone(), page(it))),
            }
        }
        notes
    }
}

#[cfg(test)]
mod tests {
    use countersign_control::builds::AnnotationContent;
    use countersign_domain::Timestamp;

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

    #[test]
    fn annotations_stand_on_the_page_while_there_is_room() {
        let note = |at: i64, body: &str, size: i64| {
            let content = AnnotationContent { style: Style::Info, body: body.to_owned(), priority: 3 };
            let id = format!("00000000-0000-7000-8000-{at:012}");
            let annotation = Annotation {
                id: id.parse().expect("an id"),
                job: id.parse().expect("an id"),
                scope: "build".to_owned(),
                context: format!("note {at}"),
                content,
                created_at: Timestamp::EPOCH,
                updated_at: Timestamp::EPOCH,
            };
            (annotation, size)
        };
        let long = "a ".repeat(4_096);
        let all = [note(1, "**a**", 5), note(2, &long, 100_000), note(3, &"&".repeat(8_000), 8_000), note(4, "b", 1)];
        let notes = Notes::of(&all, 6, "/artifacts", |it| format!("?annotation={}", it.context));
        let shown: Vec<_> = notes.shown.iter().map(|it| (it.context.as_str(), it.whole.is_some())).collect();
        assert_eq!(shown, [("note 1", false), ("note 2", true)]);
        assert_eq!(notes.others.iter().map(|it| it.0.as_str()).collect::<Vec<_>>(), ["note 3", "note 4"]);
        assert_eq!(notes.more, 2);
        let whole = Note::whole(&note(1, &"&".repeat(60_000), 60_000).0, "/artifacts");
        assert!(whole.is_cut && whole.body.to_string().len() <= LONG_ROOM);
    }
}
