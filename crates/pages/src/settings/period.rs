//! A time that is asked for in an address: from one moment until another, in UTC.

use std::time::Duration;

use countersign_control::audit::Period;
use countersign_control::{Error, Result};
use countersign_domain::Timestamp;
use countersign_domain::text::FieldError;

use crate::form::Faults;
use crate::query::Query;

/// What was written.
pub(super) struct Written {
    pub from: String,
    pub until: String,
}

impl Written {
    pub(super) fn of(query: &Query) -> Self {
        let said = |name| query.said(name).unwrap_or_default().to_owned();
        Self { from: said("from"), until: said("until") }
    }

    /// The time that is meant; with all that is wrong at its fields.
    pub(super) fn period(&self) -> Result<Period> {
        // A day without a time begins at its beginning, and ends with the first moment of the next one.
        let (from, until) = (read("from", &self.from), read("until", &self.until));
        let until = until.map(|it| it.map(|at| if self.until.len() == DAY_WRITTEN { at.plus(DAY) } else { at }));
        match (from, until) {
            (Ok(from), Ok(until)) => Ok(Period { from, until }),
            (from, until) => Err(Error::Invalid([from.err(), until.err()].into_iter().flatten().collect())),
        }
    }
}

/// How long a day is written.
const DAY_WRITTEN: usize = 10;
const DAY: Duration = Duration::from_secs(24 * 3600);

/// A moment as `datetime-local` writes it, or whole, or a day.
fn read(field: &'static str, text: &str) -> std::result::Result<Option<Timestamp>, FieldError> {
    let whole = match text.len() {
        0 => return Ok(None),
        DAY_WRITTEN => format!("{text}T00:00:00Z"),
        16 => format!("{text}:00Z"),
        19 => format!("{text}Z"),
        _ => text.to_owned(),
    };
    let wrong = |_| FieldError::new(field, "is not a point in time; write it as 2027-01-31T09:00");
    whole.parse().map(Some).map_err(wrong)
}

/// A field of the form: one end of the time.
#[derive(Debug, Clone)]
pub(super) struct Edge {
    pub name: &'static str,
    pub label: &'static str,
    pub value: String,
    pub error: Option<String>,
    pub is_focused: bool,
}

impl Edge {
    pub(super) fn new(value: &str, faults: &Faults, name: &'static str, label: &'static str) -> Self {
        let (error, is_focused) = faults.of_field(name, label);
        Self { name, label, value: value.to_owned(), error, is_focused }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn period(from: &str, until: &str) -> Result<(String, String)> {
        let said = |at: Option<Timestamp>| at.map(|at| at.to_string()).unwrap_or_default();
        let written = Written { from: from.to_owned(), until: until.to_owned() };
        written.period().map(|it| (said(it.from), said(it.until)))
    }

    #[test]
    fn a_time_is_read_as_browsers_write_it() {
        let read = |from, until| period(from, until).expect("a time");
        let pair = |from: &str, until: &str| (from.to_owned(), until.to_owned());
        assert_eq!(read("", ""), pair("", ""));
        assert_eq!(read("2027-01-31T09:00", ""), pair("2027-01-31T09:00:00Z", ""));
        assert_eq!(read("2027-01-31", "2027-01-31").0, "2027-01-31T00:00:00Z");
        assert_eq!(read("", "2027-01-31").1, "2027-02-01T00:00:00Z");
        assert_eq!(read("", "2027-01-31T09:00:00Z"), pair("", "2027-01-31T09:00:00Z"));
    }

    #[test]
    fn all_that_is_wrong_is_said_at_once() {
        let Err(Error::Invalid(faults)) = period("soon", "ä0000000000000") else { panic!("it is no time") };
        assert_eq!(faults.iter().map(|it| it.field.as_str()).collect::<Vec<_>>(), ["from", "until"]);
    }
}
