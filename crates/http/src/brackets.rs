//! Brackets in the text of a GraphQL document: a parser goes down with each, and its stack is not endless.

/// How many brackets are open at once, those in strings and comments left out.
#[must_use]
pub fn deepest_bracket(query: &str) -> usize {
    let (mut open, mut deepest) = (0_usize, 0);
    let mut rest = query;
    while let Some(c) = rest.chars().next() {
        let skip = match c {
            '{' | '(' | '[' => {
                open += 1;
                deepest = deepest.max(open);
                1
            }
            '}' | ')' | ']' => {
                open = open.saturating_sub(1);
                1
            }
            '#' => rest.find(['\n', '\r']).unwrap_or(rest.len()),
            '"' => string(rest),
            other => other.len_utf8(),
        };
        rest = rest.get(skip..).unwrap_or_default();
    }
    deepest
}

/// How many bytes a string takes that starts here; one that does not end takes the rest.
fn string(text: &str) -> usize {
    let (mark, escape) = if text.starts_with("\"\"\"") { ("\"\"\"", "\\\"\"\"") } else { ("\"", "\\") };
    let mut at = mark.len();
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        if rest.starts_with(escape) {
            // A plain string's escape covers the character behind it, a block string's only the three quotes.
            let covered = if mark.len() == 1 { rest.chars().nth(1).map_or(0, char::len_utf8) } else { 0 };
            at += escape.len() + covered;
        } else if rest.starts_with(mark) {
            return at + mark.len();
        } else if mark.len() == 1 && rest.starts_with('\n') {
            // A plain string ends with its line, whether it is closed or not.
            return at;
        } else {
            at += rest.chars().next().map_or(1, char::len_utf8);
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brackets_in_strings_and_comments_do_not_count() {
        assert_eq!(deepest_bracket("{ a(b: [1]) { c } }"), 3);
        assert_eq!(deepest_bracket("{ a(b: \"[[[[[[ \\\" [[[\") } # [[[[\n { "), 2);
        assert_eq!(deepest_bracket("{ a(b: \"\"\"[[[ \\\"\"\" [[ \" [ \"\"\") }"), 2);
        assert_eq!(deepest_bracket("\"[[[[[["), 0);
        assert_eq!(deepest_bracket("\"é\\é[\" ["), 1);
        assert_eq!(deepest_bracket("\"open\n[["), 2);
        assert_eq!(deepest_bracket("]]]}}}{"), 1);
    }
}
