//! The look: as the system has it, light or dark by choice. The choice is in a cookie of its own, so that it outlives a sign-in.

use axum::extract::{Extension, State};
use axum::response::Response;

use crate::form::{Posted, not_offered};
use crate::frame::{Answer, set_cookie, to};
use crate::seen::{Seen, is_local};
use crate::site::Site;

pub(crate) const COOKIE: &str = "countersign-theme";
/// How long a choice is kept, in seconds: a year.
const KEPT: u32 = 365 * 24 * 3600;

/// How pages look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Theme {
    /// As the system says.
    #[default]
    System,
    Light,
    Dark,
}

impl Theme {
    /// The word in the cookie, in the page and in the form.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }

    pub(crate) fn named(word: &str) -> Option<Self> {
        [Self::System, Self::Light, Self::Dark].into_iter().find(|it| it.as_str() == word)
    }
}

impl std::fmt::Display for Theme {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Keeps a choice, and leads back.
pub(crate) async fn choose(State(site): State<Site>, Extension(seen): Extension<Seen>, form: Posted) -> Answer {
    let theme = Theme::named(form.text("theme")).ok_or_else(|| not_offered("theme", "Appearance"))?;
    let page = Some(form.text("to")).filter(|path| is_local(path)).unwrap_or(&seen.page);
    let mut answer: Response = to(page);
    set_cookie(&site, &mut answer, COOKIE, theme.as_str(), KEPT);
    Ok(answer)
}
