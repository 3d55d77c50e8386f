//! What LIKE is given, so that a text that is searched for stands for itself: its own signs are no wildcards. Each statement says `ESCAPE '!'`.

/// What stands before each of LIKE's own signs.
const ESCAPE: char = '!';

/// A text as it stands between LIKE's own signs, in any case of the letters A to Z.
fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    // As both engines do: other letters than ASCII's stay as they are.
    for sign in text.to_ascii_lowercase().chars() {
        if matches!(sign, '%' | '_' | ESCAPE) {
            plain.push(ESCAPE);
        }
        plain.push(sign);
    }
    plain
}

/// What holds a text; anything for none.
pub(crate) fn holding(text: Option<&str>) -> String {
    format!("%{}%", plain(text.unwrap_or_default()))
}

/// What begins with a text; anything for none.
pub(crate) fn beginning(text: Option<&str>) -> String {
    format!("{}%", plain(text.unwrap_or_default()))
}

/// A list of texts, as JSON has it, of which one holds a text. The list is looked at by [`one_holds!`]; signs that JSON writes in its own way are sought as
/// it writes them.
pub(crate) fn one_of_list_holding(text: Option<&str>) -> String {
    let quoted = serde_json::Value::from(text.unwrap_or_default()).to_string();
    let inner = quoted.strip_prefix('"').and_then(|it| it.strip_suffix('"')).unwrap_or_default();
    holding(Some(inner))
}

/// Whether one of a list of texts, as JSON has it, is like what [`one_of_list_holding`] gives: without what JSON puts around and between them, for two
/// quotes are nowhere else. What is in one of them is in the whole list too, which costs a third to look at and leaves few for the rest.
macro_rules! one_holds {
    ($column:literal, $like:literal) => {
        concat!(
            "(LOWER(",
            $column,
            ") LIKE ",
            $like,
            " ESCAPE '!' AND LOWER(REPLACE(SUBSTR(",
            $column,
            ", 2, LENGTH(",
            $column,
            ") - 2), '\",\"', '\"\"')) LIKE ",
            $like,
            " ESCAPE '!')"
        )
    };
}
pub(crate) use one_holds;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_stands_for_itself() {
        assert_eq!(holding(None), "%%");
        assert_eq!(holding(Some("Web")), "%web%");
        assert_eq!(holding(Some(r"50%_!\")), r"%50!%!_!!\%");
        assert_eq!(beginning(Some("agent_token.")), "agent!_token.%");
    }

    #[test]
    fn what_json_writes_in_its_own_way_is_sought_so() {
        assert_eq!(one_of_list_holding(Some("os=linux")), "%os=linux%");
        assert_eq!(one_of_list_holding(Some("\"")), "%\\\"%");
        assert_eq!(one_of_list_holding(None), "%%");
    }
}
