//! Organization Settings, but for tokens.

pub(crate) mod audit;
pub(crate) mod deployments;
pub(crate) mod export;
pub(crate) mod general;
pub(crate) mod members;
mod period;
pub(crate) mod roles;
pub(crate) mod teams;

use askama::Template;
use countersign_domain::Timestamp;

use crate::frame::Frame;
use crate::parts::Field;

/// A form of a few fields, which is a page of its own.
#[derive(Template)]
#[template(path = "fields.html")]
struct Fields {
    frame: Frame,
    /// What it is a form of, behind its title.
    of: String,
    action: String,
    back: String,
    problems: Vec<String>,
    fields: Vec<Field>,
    button: &'static str,
}

/// A moment as a field for one has it, in UTC; empty where there is none.
fn written(at: Option<Timestamp>) -> String {
    let text = at.map(|at| at.to_string()).unwrap_or_default();
    text.get(..16).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use crate::form::Faults;
    use crate::naughty::{TEXTS, assert_inert};
    use crate::seen::Seen;
    use crate::theme::Theme;

    use super::*;

    #[test]
    fn whatever_is_written_in_a_form_stays_text() {
        let seen = Seen { is_safe: false, page: "/x".to_owned(), theme: Theme::System, notice: None };
        for text in TEXTS {
            let faults = Faults::at("name", text);
            let page = Fields {
                frame: Frame::plain(*text, &seen),
                of: (*text).to_owned(),
                action: "/x".to_owned(),
                back: "/".to_owned(),
                problems: vec![(*text).to_owned()],
                fields: vec![Field::new("name", "Name").value(*text).faults(&faults, "name")],
                button: "Save",
            };
            assert_inert(&page.render().expect("a page"), text);
        }
    }

    #[test]
    fn a_moment_is_written_as_a_field_has_it() {
        let at: Timestamp = "2026-01-02T03:04:05.678Z".parse().expect("a time");
        assert_eq!((written(Some(at)).as_str(), written(None).as_str()), ("2026-01-02T03:04", ""));
    }
}
