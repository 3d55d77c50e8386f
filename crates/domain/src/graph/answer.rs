//! Whether what a person fills in is what was asked for.

use crate::pipeline::{Matches, Regex};
use crate::plan::Field;

impl Field {
    /// Whether the field takes a value that is not empty; several chosen ones are lines of it.
    ///
    /// # Errors
    /// What is wrong, to follow the field's name.
    pub fn takes(&self, value: &str) -> Result<(), String> {
        if !self.options.is_empty() {
            let is_option = |value: &str| self.options.iter().any(|option| option.value == value);
            let all = if self.multiple { value.lines().all(is_option) } else { is_option(value) };
            return if all { Ok(()) } else { Err("is none of what can be chosen".to_owned()) };
        }
        let Some(format) = &self.format else { return Ok(()) };
        match Regex::compile_whole(format) {
            Ok(regex) if Matches::default().is_match(&regex, value)? => Ok(()),
            Ok(_) => Err(format!("does not have the form {format}")),
            Err(_) => Err("cannot be checked: the form that it should have is no regular expression".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::plan::{Choice, Field};

    fn field(format: Option<&str>, options: &[&str], multiple: bool) -> Field {
        let choice = |value: &&str| Choice { label: String::new(), value: (*value).to_owned() };
        Field {
            key: "k".to_owned(),
            label: None,
            hint: None,
            required: true,
            default: None,
            format: format.map(ToOwned::to_owned),
            options: options.iter().map(choice).collect(),
            multiple,
        }
    }

    #[test]
    fn forms_and_choices_are_held_to() {
        assert!(field(None, &[], false).takes("anything\nat all").is_ok());
        let number = field(Some("[0-9]+|none"), &[], false);
        assert!(number.takes("12").is_ok() && number.takes("none").is_ok());
        assert!(number.takes("12x").is_err() && number.takes("xnone").is_err());
        assert!(field(Some("("), &[], false).takes("x").is_err());
        let one = field(None, &["a", "b"], false);
        assert!(one.takes("a").is_ok() && one.takes("a\nb").is_err() && one.takes("c").is_err());
        assert!(field(None, &["a", "b"], true).takes("a\nb").is_ok());
    }
}
