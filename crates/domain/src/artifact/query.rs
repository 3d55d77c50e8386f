//! What artifacts are searched by: a path, or a pattern in which `*` also stands for `/`.

use globset::{GlobBuilder, GlobMatcher};

/// Most bytes of a query.
pub const MAX_QUERY: usize = 1_024;

/// A path or a pattern: `*` and `**` for anything, `?` for one character, `[ab]` for one of some, `{a,b}` for either.
#[derive(Debug, Clone)]
pub struct Query {
    /// A path is also found by itself, whatever its characters mean in a pattern.
    exact: String,
    pattern: Option<GlobMatcher>,
}

/// The query cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadQuery {
    /// Nothing.
    #[error("is empty; give a path or a pattern such as pkg/*.tar.gz")]
    Empty,
    /// Too long.
    #[error("is longer than {MAX_QUERY} bytes")]
    TooLong,
    /// No pattern.
    #[error("is not a pattern: {0}")]
    Malformed(String),
}

impl Query {
    /// Reads a query.
    ///
    /// # Errors
    /// [`BadQuery`] follows the field's name.
    pub fn parse(text: &str) -> Result<Self, BadQuery> {
        if text.is_empty() {
            return Err(BadQuery::Empty);
        }
        if text.len() > MAX_QUERY {
            return Err(BadQuery::TooLong);
        }
        // Agents on Windows write what their users wrote; no path here has a backslash.
        let exact = text.replace('\\', "/");
        let exact = exact.strip_prefix("./").unwrap_or(&exact).to_owned();
        let pattern = exact.contains(['*', '?', '[', '{']).then(|| {
            let built = GlobBuilder::new(&exact).literal_separator(false).backslash_escape(false).build();
            built.map(|glob| glob.compile_matcher()).map_err(|error| BadQuery::Malformed(error.kind().to_string()))
        });
        Ok(Self { exact, pattern: pattern.transpose()? })
    }

    /// Whether it stands for this path.
    #[must_use]
    pub fn matches(&self, path: &str) -> bool {
        self.exact == path || self.pattern.as_ref().is_some_and(|pattern| pattern.is_match(path))
    }

    /// The only path that it can stand for, if there is only one.
    #[must_use]
    pub fn only_path(&self) -> Option<&str> {
        self.pattern.is_none().then_some(self.exact.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(query: &str) -> Vec<&'static str> {
        let query = Query::parse(query).expect("a query");
        let paths = ["a.txt", "b.log", "pkg/a.txt", "pkg/deep/c.txt", "x[1].txt", "pkg"];
        paths.into_iter().filter(|path| query.matches(path)).collect()
    }

    #[test]
    fn a_star_crosses_folders() {
        assert_eq!(found("*"), ["a.txt", "b.log", "pkg/a.txt", "pkg/deep/c.txt", "x[1].txt", "pkg"]);
        assert_eq!(found("*.txt"), ["a.txt", "pkg/a.txt", "pkg/deep/c.txt", "x[1].txt"]);
        assert_eq!(found("pkg/*"), ["pkg/a.txt", "pkg/deep/c.txt"]);
        assert_eq!(found("pkg/**/*.txt"), ["pkg/a.txt", "pkg/deep/c.txt"]);
        assert_eq!(found("**/a.txt"), ["a.txt", "pkg/a.txt"]);
        assert_eq!(found("{a,b}.*"), ["a.txt", "b.log"]);
        assert_eq!(found("?.txt"), ["a.txt"]);
        assert_eq!(found("./pkg\\a.txt"), ["pkg/a.txt"]);
    }

    #[test]
    fn a_path_is_found_by_itself() {
        assert_eq!(found("x[1].txt"), ["x[1].txt"]);
        assert_eq!(found("pkg"), ["pkg"]);
        assert_eq!(found("nothing"), [""; 0]);
        assert_eq!(Query::parse("pkg/a.txt").expect("a query").only_path(), Some("pkg/a.txt"));
        assert_eq!(Query::parse("pkg/*").expect("a query").only_path(), None);
    }

    #[test]
    fn what_is_no_query_is_refused() {
        assert_eq!(Query::parse("").err(), Some(BadQuery::Empty));
        assert_eq!(Query::parse(&"a".repeat(1_025)).err(), Some(BadQuery::TooLong));
        for bad in ["[a", "{a", "{{{{"] {
            assert!(matches!(Query::parse(bad), Err(BadQuery::Malformed(_))), "{bad}");
        }
    }
}
