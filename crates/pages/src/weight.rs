//! How many bytes a stranger's text takes in a page, where some signs take several times as many as they have: what bounds a page counts those.

/// Bytes of a sign once it is written so that it is no HTML.
const fn of_sign(sign: char) -> usize {
    match sign {
        '<' | '>' | '&' | '"' | '\'' => 5,
        other => other.len_utf8(),
    }
}

/// Bytes of a text in a page.
pub(crate) fn of(text: &str) -> usize {
    text.chars().map(of_sign).sum()
}

/// The longest start of a text that takes at most so many bytes in a page; it ends between two characters.
pub(crate) fn start(text: &str, most: usize) -> &str {
    // No text takes fewer bytes in a page than it has.
    if text.len() * 5 <= most {
        return text;
    }
    let mut left = most;
    let end = text.char_indices().find(|(_, sign)| match left.checked_sub(of_sign(*sign)) {
        Some(rest) => {
            left = rest;
            false
        }
        None => true,
    });
    end.map_or(text, |(at, _)| text.get(..at).unwrap_or_default())
}

/// The same with a mark behind what is not all of it.
pub(crate) fn cut(text: &str, most: usize) -> String {
    let start = start(text, most);
    if start.len() < text.len() { format!("{start}…") } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_cut_where_it_would_be_too_much() {
        assert_eq!((of("a<b>ä"), of("")), (14, 0));
        assert_eq!([start("abc", 3), start("abc", 2), start("abc", 0)], ["abc", "ab", ""]);
        assert_eq!([start("a<<", 6), start("a<<", 10), start("ä", 1)], ["a<", "a<", ""]);
        assert_eq!([cut("abc", 3), cut("abc", 2)], ["abc", "ab…"]);
        for text in ["<>&\"'", "ää", "a"] {
            assert_eq!(askama::filters::escape(text, askama::filters::Html).expect("text").to_string().len(), of(text));
        }
    }
}
