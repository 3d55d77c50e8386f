//! Patterns of branches: `main`, `release/*`, `!feature/*`.

/// Patterns that a branch must match: one of those that ask for it, if there are such, and none of those with `!`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Branches(Vec<String>);

impl Branches {
    /// Patterns parted by blanks.
    pub fn parse<'a>(texts: impl IntoIterator<Item = &'a str>) -> Self {
        Self(texts.into_iter().flat_map(str::split_whitespace).map(str::to_owned).collect())
    }

    /// Whether a step with these patterns takes part in a build of this branch. Without patterns it does.
    pub fn take(&self, branch: Option<&str>) -> bool {
        let (refused, wanted): (Vec<&str>, Vec<&str>) =
            self.0.iter().map(String::as_str).partition(|pattern| pattern.starts_with('!'));
        let Some(branch) = branch else { return wanted.is_empty() };
        (wanted.is_empty() || wanted.iter().any(|pattern| matches(pattern, branch)))
            && !refused.iter().any(|pattern| matches(&pattern[1..], branch))
    }
}

/// Whether the whole text fits the pattern, in which `*` stands for any text, also for none. In linear time for the
/// patterns that people write, and never worse than the product of both lengths.
fn matches(pattern: &str, text: &str) -> bool {
    let (pattern, text) = (pattern.as_bytes(), text.as_bytes());
    let (mut at, mut from) = (0, 0);
    // Where the last star stood, and how much of the text it has taken so far.
    let mut star: Option<(usize, usize)> = None;
    while from < text.len() {
        match pattern.get(at) {
            Some(b'*') => {
                star = Some((at, from));
                at += 1;
            }
            Some(byte) if *byte == text[from] => (at, from) = (at + 1, from + 1),
            _ => match star {
                Some((stood, taken)) => {
                    star = Some((stood, taken + 1));
                    (at, from) = (stood + 1, taken + 1);
                }
                None => return false,
            },
        }
    }
    pattern[at..].iter().all(|byte| *byte == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_take_branches() {
        for (patterns, branch, taken) in [
            ("", "main", true),
            ("main", "main", true),
            ("main", "mainline", false),
            ("main stable/*", "stable/1.0", true),
            ("main stable/*", "unstable/1.0", false),
            ("*", "", true),
            ("*-fix", "a-fix-fix", true),
            ("*a*b*", "xxaxxbxx", true),
            ("*a*b*", "xxbxxaxx", false),
            ("!main", "main", false),
            ("!main", "other", true),
            ("!*/wip release/*", "release/wip", false),
            ("!*/wip release/*", "release/2", true),
            ("!*/wip release/*", "other", false),
            ("übung/*", "übung/ß", true),
        ] {
            assert_eq!(Branches::parse([patterns]).take(Some(branch)), taken, "{patterns} on {branch}");
        }
        assert!(!Branches::parse(["main"]).take(None));
        assert!(Branches::parse(["!main"]).take(None));
        assert!(Branches::parse(["a b", "c"]).take(Some("c")));
    }
}
