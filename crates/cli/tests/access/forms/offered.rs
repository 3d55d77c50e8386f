//! What somebody is offered: the links and the forms of every page that they come to from the start page, as they are read by a browser.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use http::header::CONTENT_TYPE;

use super::browser::Server;
use super::targets::Form;

/// Where everything of an organization and of oneself begins.
const STARTS: [&str; 2] = ["/organizations/acme", "/account"];
/// So many addresses that differ by what stands behind `?` are followed to one page: there is no end to parts and selections.
const QUERIES: usize = 40;
/// The most pages that one may come to here.
const MOST: usize = 1_500;

/// A field of a form.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Field {
    /// Anything may be written in it.
    Written,
    /// It has this value, or one of these, or is left out.
    Chosen(BTreeSet<String>),
    /// It has one of these values: a browser always sends what stands in a list.
    Listed(BTreeSet<String>),
}

/// Everything that somebody is offered.
#[derive(Debug, Default)]
pub struct Offered {
    /// Whose sign-in it is.
    pub cookie: String,
    /// The addresses that they came to, and what each answered.
    pub pages: BTreeMap<String, u16>,
    /// By its address, each form that stands somewhere.
    forms: BTreeMap<String, Vec<BTreeMap<String, Field>>>,
}

impl Offered {
    /// Follows every link.
    pub async fn to(server: &Server, cookie: &str) -> Self {
        let mut offered = Self { cookie: cookie.to_owned(), ..Self::default() };
        let mut left: VecDeque<String> = STARTS.map(str::to_owned).into();
        let mut known: BTreeSet<String> = left.iter().cloned().collect();
        let mut queries: BTreeMap<String, usize> = BTreeMap::new();
        while let Some(address) = left.pop_front() {
            let answer = server.get(&address, cookie).await;
            offered.pages.insert(address.clone(), answer.status.as_u16());
            let kind = answer.headers.get(CONTENT_TYPE).map_or(&b""[..], |kind| kind.as_bytes());
            if !kind.starts_with(b"text/html") {
                continue;
            }
            for link in offered.read(&answer.text) {
                let link = link.split('#').next().unwrap_or_default().to_owned();
                let is_here = STARTS.iter().any(|start| path_of(&link).starts_with(start));
                let count = queries.entry(path_of(&link).to_owned()).or_default();
                if is_here && *count < QUERIES && known.insert(link.clone()) {
                    *count += 1;
                    left.push_back(link);
                }
            }
            assert!(known.len() < MOST, "there is no end to pages: {address}");
        }
        offered
    }

    /// Reads a page; answers its links.
    fn read(&mut self, page: &str) -> Vec<String> {
        let mut links = Vec::new();
        // The form that is open, and the choice that is open in it.
        let (mut form, mut select) = (None, String::new());
        for tag in page.split('<').skip(1).filter_map(|rest| rest.split('>').next()).map(Tag::read) {
            match tag.name.as_str() {
                "a" => links.extend(tag.value("href").map(str::to_owned)),
                "form" if tag.value("method") == Some("post") => {
                    form = Some((tag.value("action").unwrap_or_default().to_owned(), BTreeMap::new()));
                }
                "/form" => {
                    if let Some((action, fields)) = form.take() {
                        self.forms.entry(action).or_default().push(fields);
                    }
                }
                "input" | "textarea" | "select" | "option" | "button" => {
                    if let Some((_, fields)) = &mut form {
                        tag.put(fields, &mut select);
                    }
                }
                _ => {}
            }
        }
        links
    }

    /// Whether a form stands somewhere that can be sent with these very fields.
    pub fn has(&self, form: &Form) -> bool {
        let takes = |fields: &BTreeMap<String, Field>| {
            form.fields.iter().all(|(name, value)| match fields.get(*name) {
                Some(Field::Written) => true,
                Some(Field::Chosen(values) | Field::Listed(values)) => values.contains(value),
                None => false,
            }) && fields.iter().all(|(name, field)| match field {
                Field::Listed(values) => values.contains("") || form.fields.iter().any(|(given, _)| given == name),
                _ => true,
            })
        };
        self.forms.get(&form.path).is_some_and(|all| all.iter().any(takes))
    }

    /// Each form with its address, as it comes up: nothing is written, and of a choice the first is taken.
    pub fn as_they_come(&self) -> impl Iterator<Item = (&String, Vec<(String, String)>)> {
        let value = |field: &Field| match field {
            Field::Written => String::new(),
            Field::Chosen(values) | Field::Listed(values) => values.first().cloned().unwrap_or_default(),
        };
        let all = self.forms.iter().flat_map(|(action, all)| all.iter().map(move |fields| (action, fields)));
        all.map(move |(action, fields)| (action, fields.iter().map(|(name, it)| (name.clone(), value(it))).collect()))
    }
}

/// An address without what stands behind `?`.
fn path_of(address: &str) -> &str {
    address.split('?').next().unwrap_or_default()
}

/// What stands between `<` and `>`.
#[derive(Debug)]
struct Tag {
    name: String,
    values: BTreeMap<String, String>,
}

impl Tag {
    /// Reads one as these pages write it: values in double quotes, and no `>` in one.
    fn read(text: &str) -> Self {
        let (name, mut rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
        let mut values = BTreeMap::new();
        loop {
            rest = rest.trim_start();
            let end = rest.find(|c: char| c == '=' || c.is_whitespace()).unwrap_or(rest.len());
            let key = &rest[..end];
            if key.is_empty() {
                break;
            }
            rest = &rest[end..];
            let mut value = "";
            if let Some(quoted) = rest.strip_prefix("=\"") {
                (value, rest) = quoted.split_once('"').unwrap_or((quoted, ""));
            }
            values.insert(key.to_owned(), unescaped(value));
        }
        Self { name: name.to_owned(), values }
    }

    fn value(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(String::as_str)
    }

    /// Puts what it lets a browser send to the fields of the form that it stands in. The name of a choice is kept for what may be chosen.
    fn put(&self, fields: &mut BTreeMap<String, Field>, select: &mut String) {
        let chosen = |fields: &mut BTreeMap<String, Field>, name: &str| {
            let value = self.value("value").unwrap_or("on").to_owned();
            match fields.entry(name.to_owned()).or_insert_with(|| Field::Chosen(BTreeSet::new())) {
                Field::Chosen(values) | Field::Listed(values) => {
                    values.insert(value);
                }
                Field::Written => {}
            }
        };
        if self.name == "option" {
            return chosen(fields, select);
        }
        let Some(name) = self.value("name") else { return };
        match (self.name.as_str(), self.value("type").unwrap_or("text")) {
            ("select", _) => {
                name.clone_into(select);
                fields.insert(name.to_owned(), Field::Listed(BTreeSet::new()));
            }
            ("button", _) | ("input", "checkbox" | "radio" | "hidden") => chosen(fields, name),
            _ => {
                fields.insert(name.to_owned(), Field::Written);
            }
        }
    }
}

/// What templates write so that it stays text.
fn unescaped(text: &str) -> String {
    let pairs = [("&#60;", "<"), ("&#62;", ">"), ("&#34;", "\""), ("&#39;", "'"), ("&lt;", "<"), ("&gt;", ">")];
    let text = pairs.iter().fold(text.to_owned(), |text, (written, meant)| text.replace(written, meant));
    text.replace("&quot;", "\"").replace("&#38;", "&").replace("&amp;", "&")
}

#[test]
fn a_page_is_read_as_a_browser_reads_it() {
    let mut offered = Offered::default();
    let links = offered.read(
        r#"<a class="button" href="/x?a=1&#38;b=2">x</a><form method="post" action="/go"><input name="text" required>
        <input type="hidden" name="of" value="one"><select id="s" name="place"><option value="p" selected>p</option></select>
        <label><input type="checkbox" name="tokens" value="on"></label><button>Go</button></form><input name="outside">"#,
    );
    assert_eq!(links, ["/x?a=1&b=2"]);
    let has = |fields: &[(&'static str, &str)]| offered.has(&Form::at("/go", fields));
    assert!(has(&[("text", "whatever"), ("of", "one"), ("place", "p"), ("tokens", "on")]));
    for other in [("of", "two"), ("tokens", "off"), ("outside", "x")] {
        assert!(!has(&[("place", "p"), other]), "{other:?}");
    }
    assert!(!has(&[("place", "q")]) && !has(&[("text", "no place")]));
    assert!(!offered.has(&Form::at("/stay", &[])));
}
