//! What every page has around it: its title, who looks at it, where it stands; and how a page becomes an answer.

use askama::Template;
use axum::response::{IntoResponse, Response};
use countersign_control::Error;
use http::header::{CONTENT_TYPE, LOCATION, SET_COOKIE};
use http::{HeaderValue, StatusCode};

use crate::assets;
use crate::brief::Brief;
use crate::failure::Failure;
use crate::notice::Notice;
use crate::seen::Seen;
use crate::site::Site;
use crate::theme::Theme;

/// What every handler gives.
pub(crate) type Answer = Result<Response, Failure>;

const HTML: HeaderValue = HeaderValue::from_static("text/html; charset=utf-8");

/// What stands around a page.
#[derive(Debug, Clone)]
pub(crate) struct Frame {
    /// What the page is, for the window and for its first heading.
    pub title: String,
    pub theme: Theme,
    /// The page itself, to lead back to it.
    pub here: String,
    pub person: Option<Person>,
    pub organization: Option<Place>,
    /// The parts of the organization's settings, on its pages.
    pub tabs: Vec<Link>,
    /// Where the page stands, from the outside in, without itself.
    pub crumbs: Vec<Link>,
    pub notice: Option<Notice>,
    /// Whether what is written and shown on the page can be read on its way.
    pub is_in_clear: bool,
    pub styles: [String; 4],
    pub script: String,
}

/// Who looks at a page.
#[derive(Debug, Clone)]
pub(crate) struct Person {
    pub name: String,
    pub email: String,
}

/// The organization that a page is of.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    pub slug: String,
    pub name: String,
}

/// A way to somewhere.
#[derive(Debug, Clone)]
pub(crate) struct Link {
    pub words: String,
    pub href: String,
    /// Whether one is there.
    pub is_current: bool,
}

impl Link {
    pub(crate) fn new(words: impl Into<String>, href: impl Into<String>) -> Self {
        Self { words: words.into(), href: href.into(), is_current: false }
    }

    pub(crate) fn current(self, is_current: bool) -> Self {
        Self { is_current, ..self }
    }
}

impl Frame {
    /// Around a page that nobody needs to be signed in for.
    pub(crate) fn plain(title: impl Into<String>, seen: &Seen) -> Self {
        Self {
            title: title.into(),
            theme: seen.theme,
            here: seen.page.clone(),
            person: None,
            organization: None,
            tabs: Vec::new(),
            crumbs: Vec::new(),
            notice: seen.notice.filter(|_| seen.is_safe),
            is_in_clear: false,
            styles: ["variables.css", "pages.css", "pictures.css", "log.css"].map(assets::address),
            script: assets::address("pages.js"),
        }
    }

    /// On a server as it is reached: without TLS from elsewhere, the page says so.
    pub(crate) fn on(self, site: &Site) -> Self {
        Self { is_in_clear: site.travels_in_clear(), ..self }
    }

    /// Whether the page is one of this part of its organization, by its path below the organization's own; the overview is the part without one.
    pub(crate) fn is_in(&self, part: &str) -> bool {
        let Some(organization) = &self.organization else { return false };
        let path = self.here.split(['?', '#']).next().unwrap_or_default();
        let below = path.strip_prefix("/organizations/").and_then(|path| path.split_once('/'));
        let (slug, below) = below.unwrap_or((path.strip_prefix("/organizations/").unwrap_or_default(), ""));
        // `-` stands for the organization that one works in now.
        (slug == organization.slug || slug == "-") && below.split('/').next().unwrap_or_default() == part
    }

    /// Its title where there is little room for it.
    pub(crate) fn short_title(&self) -> Brief {
        Brief::of(&self.title)
    }

    pub(crate) fn crumb(mut self, words: impl Into<String>, href: impl Into<String>) -> Self {
        let words: String = words.into();
        self.crumbs.push(Link::new(&*Brief::of(&words), href));
        self
    }
}

/// A page as an answer.
pub(crate) fn page(status: StatusCode, page: &impl Template) -> Answer {
    match page.render() {
        Ok(text) => Ok((status, [(CONTENT_TYPE, HTML)], text).into_response()),
        Err(error) => Err(Error::internal(format!("a page could not be made: {error}")).into()),
    }
}

/// A page that was asked for.
pub(crate) fn show(it: &impl Template) -> Answer {
    page(StatusCode::OK, it)
}

/// A form that could not be taken, with what was written in it.
pub(crate) fn again(it: &impl Template) -> Answer {
    page(StatusCode::UNPROCESSABLE_ENTITY, it)
}

/// Leads to another page of this server, which is then asked for by GET.
pub(crate) fn to(path: &str) -> Response {
    let location = HeaderValue::from_str(path).unwrap_or(HeaderValue::from_static("/"));
    (StatusCode::SEE_OTHER, [(LOCATION, location)]).into_response()
}

/// Puts a cookie that is no secret on an answer, for `kept` seconds; of none it is taken away. Values are words of this program's own.
pub(crate) fn set_cookie(site: &Site, answer: &mut Response, name: &str, value: &str, kept: u32) {
    let secure = if site.is_https() { "; Secure" } else { "" };
    let line = format!("{name}={value}; Path=/; Max-Age={kept}; HttpOnly; SameSite=Lax{secure}");
    if let Ok(line) = HeaderValue::from_str(&line) {
        answer.headers_mut().append(SET_COOKIE, line);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Template)]
    #[template(path = "layout.html")]
    struct Bare {
        frame: Frame,
    }

    #[test]
    fn a_page_knows_which_part_of_its_organization_it_is_of() {
        let at = |page: &str| {
            let seen = Seen { is_safe: true, page: page.to_owned(), theme: Theme::System, notice: None };
            let organization = Place { slug: "acme".to_owned(), name: "Acme".to_owned() };
            Frame { organization: Some(organization), ..Frame::plain("A page", &seen) }
        };
        let parts = ["", "builds", "agents", "settings"];
        let of = |page: &str| parts.into_iter().filter(|part| at(page).is_in(part)).collect::<Vec<_>>();
        assert_eq!(of("/organizations/acme"), [""]);
        assert_eq!(of("/organizations/acme?x=/builds"), [""]);
        assert_eq!(of("/organizations/acme/builds/demo/1?view=graph"), ["builds"]);
        assert_eq!(of("/organizations/-/agents"), ["agents"]);
        assert_eq!(of("/organizations/globex/agents"), [] as [&str; 0]);
        assert_eq!(of("/account"), [] as [&str; 0]);
    }

    #[test]
    fn every_page_says_that_it_travels_in_clear() {
        let seen = Seen { is_safe: true, page: "/x".to_owned(), theme: Theme::System, notice: None };
        for is_in_clear in [true, false] {
            let page = Bare { frame: Frame { is_in_clear, ..Frame::plain("A page", &seen) } };
            assert_eq!(page.render().expect("a page").contains("without TLS"), is_in_clear);
        }
    }
}
