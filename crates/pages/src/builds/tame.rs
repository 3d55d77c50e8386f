//! Bounds of what a stranger's Markdown makes a reader of HTML do. That reader mends whatever is wrongly nested, at a price that grows with the square of
//! it: so nothing wrongly nested reaches it, nothing deep, and not much.

use pulldown_cmark::{Event, Tag, TagEnd};

/// The most elements within one another.
const MAX_NESTED: usize = 64;
/// The most elements, texts and line breaks.
const MAX_EVENTS: usize = 16 * 1024;
/// Bytes after a `<` in which its `>` is looked for: more than any tag of the lists has.
const MAX_NAME: usize = 16;

/// Elements that may be written as HTML where a block begins, without attributes. None of them is one that a reader of HTML opens again by itself.
const BLOCKS: &[&str] = &[
    "details",
    "summary",
    "div",
    "p",
    "table",
    "thead",
    "tbody",
    "tfoot",
    "tr",
    "th",
    "td",
    "ul",
    "ol",
    "li",
    "dl",
    "dt",
    "dd",
    "blockquote",
];
/// The same within a line.
const INLINE: &[&str] = &["kbd", "mark", "samp", "sub", "sup", "var"];

/// What is open: an element of Markdown, or one that was written as HTML.
enum Open {
    Markdown,
    Html(&'static str),
}

/// The events of Markdown with its HTML tamed: bare tags of the lists, each closed where it was opened, and text for everything else. None: it is
/// too much.
pub(super) fn tamed<'a>(events: impl Iterator<Item = Event<'a>>) -> Option<Vec<Event<'a>>> {
    let mut tamed = Tamed { events: Vec::new(), open: Vec::new() };
    for event in events {
        match event {
            // The events of its lines come between; what they open may be closed in a later block.
            Event::Start(Tag::HtmlBlock) | Event::End(TagEnd::HtmlBlock) => {}
            Event::Html(text) => tamed.html(&text, true),
            Event::InlineHtml(text) => tamed.html(&text, false),
            Event::Start(tag) => {
                tamed.open.push(Open::Markdown);
                tamed.events.push(Event::Start(tag));
            }
            Event::End(tag) => {
                while let Some(Open::Html(name)) = tamed.open.pop() {
                    tamed.close(name);
                }
                tamed.events.push(Event::End(tag));
            }
            other => tamed.events.push(other),
        }
        if tamed.open.len() > MAX_NESTED || tamed.events.len() > MAX_EVENTS {
            return None;
        }
    }
    while let Some(open) = tamed.open.pop() {
        if let Open::Html(name) = open {
            tamed.close(name);
        }
    }
    Some(tamed.events)
}

struct Tamed<'a> {
    events: Vec<Event<'a>>,
    open: Vec<Open>,
}

impl Tamed<'_> {
    fn close(&mut self, name: &str) {
        self.events.push(Event::Html(format!("</{name}>").into()));
    }

    fn text(&mut self, text: &str) {
        if !text.is_empty() {
            self.events.push(Event::Text(text.to_owned().into()));
        }
    }

    /// A line of HTML, or one tag.
    fn html(&mut self, mut rest: &str, is_block: bool) {
        let mut text = String::new();
        while let Some(at) = rest.find('<') {
            let (before, tag) = rest.split_at(at);
            text.push_str(before);
            let after = tag.get(1..).unwrap_or_default();
            let end = after.bytes().take(MAX_NAME).position(|byte| byte == b'>');
            let (word, behind) = end.map_or(("", after), |end| {
                (after.get(..end).unwrap_or_default(), after.get(end + 1..).unwrap_or_default())
            });
            let (name, ends) = word.strip_prefix('/').map_or((word, false), |name| (name, true));
            let is_line_break = name.trim_end_matches([' ', '/']).eq_ignore_ascii_case("br") && !ends;
            let known =
                BLOCKS.iter().filter(|_| is_block).chain(INLINE).find(|it| it.eq_ignore_ascii_case(name)).copied();
            if known.is_none() && !is_line_break {
                text.push('<');
                rest = after;
                continue;
            }
            self.text(&std::mem::take(&mut text));
            rest = behind;
            match known {
                None => self.events.push(Event::HardBreak),
                Some(name) if ends => self.end(name),
                Some(name) => {
                    self.open.push(Open::Html(name));
                    self.events.push(Event::Html(format!("<{name}>").into()));
                }
            }
            if self.open.len() > MAX_NESTED || self.events.len() > MAX_EVENTS {
                return;
            }
        }
        text.push_str(rest);
        self.text(&text);
    }

    /// Closes an element and what is open in it; one that is not open, or around what Markdown opened, is passed over.
    fn end(&mut self, name: &str) {
        let mut since = self.open.iter().rev().take_while(|it| matches!(it, Open::Html(_)));
        let Some(within) = since.position(|it| matches!(it, Open::Html(open) if *open == name)) else {
            return;
        };
        for _ in 0..=within {
            if let Some(Open::Html(open)) = self.open.pop() {
                self.close(open);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use pulldown_cmark::{Parser, html};

    use super::*;

    fn of(markdown: &str) -> Option<String> {
        let mut written = String::new();
        html::push_html(&mut written, tamed(Parser::new(markdown))?.into_iter());
        Some(written)
    }

    #[test]
    fn bare_tags_stand_and_others_are_text() {
        let html = of("<details><summary>More</summary>\n\nText\n\n</details>").expect("little");
        assert!(
            html.starts_with("<details><summary>More</summary>") && html.trim_end().ends_with("</details>"),
            "{html}"
        );
        let html = of("a<br/>b <kbd>c</kbd> <div>d</div> <b x=1>e</b>").expect("little");
        assert!(html.contains("<br />") && html.contains("<kbd>c</kbd>") && html.contains("&lt;div&gt;d"), "{html}");
        assert!(html.contains("&lt;b x="), "{html}");
    }

    #[test]
    fn what_is_opened_is_closed_where_it_was_opened() {
        let html = of("> <div><ul>\n\nafter\n\n</div></p>").expect("little");
        assert!(html.contains("</ul></div></blockquote>"), "{html}");
        assert_eq!(html.matches("<div>").count(), html.matches("</div>").count(), "{html}");
        assert!(!html.contains("</p></p>"), "{html}");
    }

    #[test]
    fn too_much_is_refused() {
        for text in [
            "<div>".repeat(MAX_NESTED + 1),
            ">".repeat(MAX_NESTED + 1) + "a",
            "<p>".repeat(200_000),
            "a\n".repeat(MAX_EVENTS),
        ] {
            assert_eq!(of(&text), None, "{text:.20}");
        }
        assert!(of(&"<div>".repeat(MAX_NESTED)).is_some());
    }
}
