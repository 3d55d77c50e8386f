//! Markdown that a stranger wrote, as HTML that does nothing: read by `pulldown-cmark`, and let through a list of what may stand there by
//! `ammonia`. What is not on the list is left out, whatever it was written as. Of HTML in it only what [`tamed`] lets
//! stand is HTML; and what would be too much work is shown as it was written.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::fmt;

use askama::filters::HtmlSafe;
use pulldown_cmark::{CodeBlockKind, Event, Options, Parser, Tag, TagEnd, html};

use crate::query::address;
use crate::weight;

use super::tame::tamed;

/// The most bytes of HTML that are made of one text. A text that gives more is shown as it was written.
const MAX_WRITTEN: usize = 128 * 1024;

/// What stands before the path of an artifact of the same build, in a link.
const ARTIFACT: &str = "artifact://";

/// Elements that may stand in an annotation. No headings of the page's own levels, nothing that loads anything, nothing that can be sent.
const ELEMENTS: &[&str] = &[
    "a",
    "abbr",
    "b",
    "blockquote",
    "br",
    "code",
    "dd",
    "del",
    "details",
    "div",
    "dl",
    "dt",
    "em",
    "h3",
    "h4",
    "h5",
    "h6",
    "hr",
    "i",
    "ins",
    "kbd",
    "li",
    "mark",
    "ol",
    "p",
    "pre",
    "q",
    "s",
    "samp",
    "small",
    "span",
    "strong",
    "sub",
    "summary",
    "sup",
    "table",
    "tbody",
    "td",
    "tfoot",
    "th",
    "thead",
    "tr",
    "u",
    "ul",
    "var",
];

/// HTML that was let through.
#[derive(Debug, Clone)]
pub(crate) struct Safe {
    html: String,
    /// Whether it shows all of the text.
    pub is_whole: bool,
}

impl fmt::Display for Safe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.html)
    }
}

impl HtmlSafe for Safe {}

impl Safe {
    /// Of Markdown, in at most `most` bytes: what takes more is shown as it was written, as much of it as there is room for. Links to artifacts
    /// of the build lead to `artifacts`, the path of the list of them.
    pub(crate) fn of(markdown: &str, artifacts: &str, most: usize) -> Self {
        Self::rendered(markdown, artifacts, most).unwrap_or_else(|| Self::as_written(markdown, most))
    }

    /// The same; none for what takes more.
    pub(crate) fn rendered(markdown: &str, artifacts: &str, most: usize) -> Option<Self> {
        let options = Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH;
        let events = tamed(Parser::new_ext(markdown, options))?;
        let mut written = String::with_capacity(markdown.len().saturating_mul(2));
        html::push_html(&mut written, events.into_iter().map(quieted));
        if written.len() > MAX_WRITTEN {
            return None;
        }
        let html = let_through(&written, artifacts);
        (html.len() <= most).then_some(Self { html, is_whole: true })
    }

    fn as_written(markdown: &str, most: usize) -> Self {
        let around = "<pre><code></code></pre>\n".len();
        let start = weight::start(markdown, most.saturating_sub(around));
        let block = CodeBlockKind::Indented;
        let events = [Event::Start(Tag::CodeBlock(block)), Event::Text(start.into()), Event::End(TagEnd::CodeBlock)];
        let mut html = String::new();
        html::push_html(&mut html, events.into_iter());
        Self { html, is_whole: start.len() == markdown.len() }
    }
}

/// Pictures become links to them, for nothing is loaded from elsewhere; headings stand below those of the page.
fn quieted(event: Event<'_>) -> Event<'_> {
    use pulldown_cmark::HeadingLevel::{H1, H2, H3, H4, H5, H6};
    let below = |level| match level {
        H1 => H3,
        H2 => H4,
        H3 => H5,
        H4 | H5 | H6 => H6,
    };
    match event {
        Event::Start(Tag::Image { link_type, dest_url, title, id }) => {
            Event::Start(Tag::Link { link_type, dest_url, title, id })
        }
        Event::End(TagEnd::Image) => Event::End(TagEnd::Link),
        Event::Start(Tag::Heading { level, .. }) => {
            Event::Start(Tag::Heading { level: below(level), id: None, classes: Vec::new(), attrs: Vec::new() })
        }
        Event::End(TagEnd::Heading(level)) => Event::End(TagEnd::Heading(below(level))),
        other => other,
    }
}

fn let_through(html: &str, artifacts: &str) -> String {
    let set = |names: &[&'static str]| names.iter().copied().collect::<HashSet<&'static str>>();
    let attributes = HashMap::from([
        ("a", set(&["href"])),
        ("ol", set(&["start"])),
        ("td", set(&["colspan", "rowspan"])),
        ("th", set(&["colspan", "rowspan", "scope"])),
        ("details", set(&["open"])),
    ]);
    let rewritten = artifacts.to_owned();
    let mut builder = ammonia::Builder::empty();
    builder
        .tags(set(ELEMENTS))
        .tag_attributes(attributes)
        .generic_attributes(set(&["title", "lang"]))
        .clean_content_tags(set(&["script", "style", "title", "textarea", "noscript", "template"]))
        .url_schemes(set(&["http", "https", "mailto", "artifact"]))
        .url_relative(ammonia::UrlRelative::Custom(Box::new(only(address(artifacts, &[("path", "x")])))))
        .link_rel(Some("noopener noreferrer nofollow"))
        .attribute_filter(move |element, attribute, value| match (element, attribute) {
            ("a", "href") => Some(link(value, &rewritten)),
            _ => Some(Cow::Borrowed(value)),
        });
    builder.clean(html).to_string()
}

/// Lets those addresses of this server through that begin as `like` does before its last character.
fn only(mut like: String) -> impl Fn(&str) -> Option<Cow<'_, str>> + Send + Sync + 'static {
    like.pop();
    move |url| url.starts_with(&like).then_some(Cow::Borrowed(url))
}

/// Where a link leads.
fn link<'a>(value: &'a str, artifacts: &str) -> Cow<'a, str> {
    let is_artifact = value.get(..ARTIFACT.len()).is_some_and(|start| start.eq_ignore_ascii_case(ARTIFACT));
    match value.get(ARTIFACT.len()..).filter(|_| is_artifact) {
        Some(path) => Cow::Owned(address(artifacts, &[("path", path)])),
        None => Cow::Borrowed(value),
    }
}

#[cfg(test)]
mod tests {
    use crate::naughty::TEXTS;

    use super::*;

    fn of(markdown: &str) -> String {
        Safe::of(markdown, "/artifacts", usize::MAX).to_string()
    }

    #[test]
    fn what_people_write_is_shown() {
        let html = of(
            "# Tests\n\n**3** failed, see [the log](https://ci.example/1):\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n```\n<x>\n```\n",
        );
        for part in [
            "<h3>Tests</h3>",
            "<strong>3</strong>",
            r#"<a href="https://ci.example/1" rel="noopener noreferrer nofollow">the log</a>"#,
            "<td>1</td>",
            "<code>&lt;x&gt;\n</code>",
        ] {
            assert!(html.contains(part), "{part}: {html}");
        }
        let html = of("<details><summary>More</summary>\n\nText\n\n</details>");
        assert!(html.contains("<summary>More</summary>") && html.contains("<p>Text</p>"), "{html}");
    }

    #[test]
    fn an_artifact_is_linked_to_and_a_picture_is_not_loaded() {
        let html = of("![a plot](artifact://out/a&b.png) <img src=\"https://else.example/x.png\">");
        assert!(html.contains(r#"href="/artifacts?path=out%2Fa%26b.png""#) && html.contains("a plot"), "{html}");
        assert!(!html.contains("<img"), "{html}");
    }

    #[test]
    fn nothing_that_a_stranger_writes_does_anything() {
        let more = [
            "[x](javascript:alert(1))",
            "[x](JaVaScRiPt&colon;alert(1))",
            "[x](data:text/html,<script>alert(1)</script>)",
            "<a href=\"vbscript:x\" onclick=\"alert(1)\">x</a>",
            "<a href=\"/organizations/acme\">x</a>",
            "<div style=\"position:fixed;inset:0\">x</div>",
            "<form action=\"/sign-out\" method=post><button>x</button></form>",
            "<input autofocus onfocus=alert(1)>",
            "<svg><a xlink:href=\"javascript:alert(1)\"><text>x</text></a></svg>",
            "<math><mi xlink:href=\"javascript:alert(1)\">x</mi></math>",
            "<object data=x></object><embed src=x><link rel=stylesheet href=x>",
            "<p id=main class=notice>x</p>",
            "<a href=\"artifact://x\" target=_blank>x</a>",
            "`<script>alert(1)</script>`",
            "<noscript><p title=\"</noscript><img src=x onerror=alert(1)>\">",
        ];
        for text in TEXTS.iter().chain(&more) {
            let html = of(text).to_ascii_lowercase();
            let tags: Vec<&str> = html.split('<').skip(1).filter_map(|it| it.split('>').next()).collect();
            for tag in tags {
                let name = tag.trim_start_matches('/').split([' ', '/']).next().unwrap_or_default();
                assert!(ELEMENTS.contains(&name), "<{tag}> came out of {text}: {html}");
                for sign in [" on", "style=", "javascript:", "vbscript:", "data:", " id=", " class=", "target=", "src="]
                {
                    assert!(!tag.contains(sign), "{sign} came out of {text}: {html}");
                }
                assert!(!tag.contains("href=\"/organizations") && !tag.contains("href=\"//"), "{text}: {html}");
            }
        }
    }

    #[test]
    fn what_would_be_much_work_is_shown_as_it_was_written() {
        let header = "|a".repeat(1_000);
        let many = [
            format!("<p>{}{}", "<b x=1><b x=2>".repeat(50), "<p>a".repeat(200)),
            "<div>".repeat(10_000),
            format!("{header}\n{}\n{}", "|-".repeat(1_000), "b\n".repeat(500)),
            ">".repeat(200),
            "&".repeat(40_000),
        ];
        for text in many {
            let html = of(&text);
            assert!(html.len() < 64 * 1024 + 5 * text.len(), "{} of {}", html.len(), text.len());
            assert!(!html.contains("<b") || html.contains("<blockquote"), "{}", html.len());
            assert!(html.matches("</").count() < 10_000, "{}", html.len());
        }
        let cells = of(&format!("{header}\n{}\n{}", "|-".repeat(1_000), "b\n".repeat(500)));
        assert!(cells.starts_with("<pre><code>|a|a"), "{cells:.40}");
    }

    #[test]
    fn no_text_takes_more_than_there_is_room_for() {
        for text in
            ["&<>".repeat(9_000), "||||||||\n|-|-|-|-|-|-|-|\n".to_owned() + &"|".repeat(9_000), "[](a)".repeat(5_000)]
        {
            for most in [2_000, 80_000] {
                let safe = Safe::of(&text, "/artifacts", most);
                assert!(safe.to_string().len() <= most, "{} bytes of {text:.20}", safe.to_string().len());
                let is_rendered = Safe::rendered(&text, "/artifacts", most).is_some();
                assert!(safe.is_whole || !is_rendered, "{text:.20}");
            }
        }
        let few = Safe::of("**a**", "/artifacts", 10);
        assert_eq!((few.to_string().contains("<pre>"), few.is_whole), (true, false));
    }
}
