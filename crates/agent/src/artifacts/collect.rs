//! From patterns to files.
//!
//! `*` and `?` stay within a name, `**` crosses folders, `[ab]` and `{a,b}` choose. Names that begin with a dot are names like others.

use std::{
    collections::BTreeMap,
    path::{Component, Path, PathBuf},
};

use countersign_domain::artifact::ArtifactPath;
use globset::{GlobBuilder, GlobMatcher};
use walkdir::WalkDir;

use crate::AgentError;

/// The most files that one upload finds: more is a mistake in the pattern, and the server would refuse them.
const MAX_FILES: usize = 100_000;

/// What is to be uploaded.
#[derive(Debug, Clone)]
pub(crate) struct Wanted<'a> {
    /// Patterns, separated by the delimiter.
    pub patterns: &'a str,
    /// `;` unless told otherwise; empty: there is one pattern.
    pub delimiter: &'a str,
    /// The patterns are paths and stand for themselves.
    pub literal: bool,
    /// Whether `**` and `*` go through links to folders.
    pub follow_links: bool,
    /// Whether files that are links are left out.
    pub skip_links: bool,
    /// The folder that patterns and paths are relative to.
    pub folder: &'a Path,
}

/// A file that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct File {
    /// As an artifact's path.
    pub path: String,
    /// Where it is.
    pub place: PathBuf,
}

/// The files that the patterns stand for, each once, by path. Nothing found is no error.
///
/// # Errors
/// A pattern is none, a folder cannot be read, or a file's path could not be an artifact's.
pub(crate) fn collect(wanted: &Wanted<'_>) -> Result<Vec<File>, AgentError> {
    let patterns: Vec<&str> = match wanted.delimiter {
        "" => vec![wanted.patterns],
        delimiter => wanted.patterns.split(delimiter).collect(),
    };
    let mut found = BTreeMap::new();
    for pattern in patterns.into_iter().map(str::trim).filter(|pattern| !pattern.is_empty()) {
        for place in places(wanted, pattern)? {
            if wanted.skip_links && place.is_symlink() {
                tracing::info!(file = %place.display(), "left out: it is a link");
                continue;
            }
            // A link to nothing, a folder and a device are no files.
            if !std::fs::metadata(&place).is_ok_and(|it| it.is_file()) {
                continue;
            }
            let path = relative(&place, wanted.folder)?;
            found.insert(place, path);
            if found.len() > MAX_FILES {
                return Err(AgentError::bad_input(format!(
                    "{pattern:?} finds more than {MAX_FILES} files; choose fewer, or pack them into an archive"
                )));
            }
        }
    }
    let mut files: Vec<File> = found.into_iter().map(|(place, path)| File { path, place }).collect();
    files.sort_unstable_by(|a, b| a.path.cmp(&b.path));
    Ok(files)
}

fn places(wanted: &Wanted<'_>, pattern: &str) -> Result<Vec<PathBuf>, AgentError> {
    let whole = tidy(&wanted.folder.join(pattern));
    if wanted.literal || !pattern.contains(['*', '?', '[', '{']) {
        return Ok(vec![whole]);
    }
    let text =
        whole.to_str().ok_or_else(|| AgentError::bad_input(format!("the folder of {pattern:?} is not UTF-8")))?;
    let matcher = matcher(pattern, text)?;
    // Where walking begins: the folders before the first special character.
    let special = text.find(['*', '?', '[', '{']).unwrap_or(text.len());
    let base = text[..special].rsplit_once('/').map_or("/", |(base, _)| if base.is_empty() { "/" } else { base });
    let mut places = Vec::new();
    for entry in WalkDir::new(base).follow_links(wanted.follow_links).follow_root_links(true) {
        match entry {
            Ok(entry) if matcher.is_match(entry.path()) && !entry.file_type().is_dir() => {
                places.push(entry.into_path());
            }
            Ok(_) => {}
            // What is gone meanwhile, may not be read, or leads in a circle holds nothing to upload.
            Err(error) => tracing::debug!(%error, "passed over"),
        }
    }
    Ok(places)
}

fn matcher(pattern: &str, whole: &str) -> Result<GlobMatcher, AgentError> {
    let built = GlobBuilder::new(whole).literal_separator(true).backslash_escape(true).build();
    let glob =
        built.map_err(|error| AgentError::bad_input(format!("{pattern:?} is not a pattern: {}", error.kind())))?;
    Ok(glob.compile_matcher())
}

/// Without `.` and without going up where the text itself says so.
fn tidy(path: &Path) -> PathBuf {
    let mut tidy = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => {
                tidy.pop();
            }
            other => tidy.push(other),
        }
    }
    tidy
}

/// The path below the folder; for what lies elsewhere, below the root.
fn relative(place: &Path, folder: &Path) -> Result<String, AgentError> {
    let below = place.strip_prefix(tidy(folder)).or_else(|_| place.strip_prefix("/")).unwrap_or(place);
    let shown = below.display();
    let text = below.to_str().ok_or_else(|| AgentError::bad_input(format!("the path {shown} is not UTF-8")))?;
    let path = ArtifactPath::parse(text)
        .map_err(|why| AgentError::bad_input(format!("the path {text:?} cannot be an artifact's: it {why}")))?;
    Ok(path.as_str().to_owned())
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::symlink};

    use super::*;

    fn tree() -> tempfile::TempDir {
        let folder = tempfile::tempdir().expect("a folder");
        for path in ["a.txt", "b.log", "pkg/c.txt", "pkg/deep/d.txt", ".hidden/e.txt", "odd[1].txt"] {
            let place = folder.path().join(path);
            fs::create_dir_all(place.parent().expect("a parent")).expect("made");
            fs::write(place, path).expect("written");
        }
        symlink("a.txt", folder.path().join("link.txt")).expect("linked");
        symlink("pkg", folder.path().join("way")).expect("linked");
        symlink("nowhere", folder.path().join("broken.txt")).expect("linked");
        symlink("..", folder.path().join("pkg/up")).expect("linked");
        folder
    }

    fn found(folder: &Path, patterns: &str, change: impl Fn(&mut Wanted<'_>)) -> Vec<String> {
        let mut wanted =
            Wanted { patterns, delimiter: ";", literal: false, follow_links: false, skip_links: false, folder };
        change(&mut wanted);
        collect(&wanted).expect("collects").into_iter().map(|file| file.path).collect()
    }

    #[test]
    fn patterns_find_files() {
        let folder = tree();
        let found = |patterns| found(folder.path(), patterns, |_| ());
        assert_eq!(found("*.txt"), ["a.txt", "link.txt", "odd[1].txt"]);
        assert_eq!(
            found("**/*.txt"),
            [".hidden/e.txt", "a.txt", "link.txt", "odd[1].txt", "pkg/c.txt", "pkg/deep/d.txt"]
        );
        assert_eq!(found("pkg/**"), ["pkg/c.txt", "pkg/deep/d.txt"]);
        assert_eq!(found("pkg/*"), ["pkg/c.txt"]);
        assert_eq!(found("{a,b}.*; pkg/c.txt;;"), ["a.txt", "b.log", "pkg/c.txt"]);
        assert_eq!(found("./pkg/../a.txt"), ["a.txt"]);
        assert_eq!(found("nothing;*.none;pkg"), [""; 0]);
        assert_eq!(found("a.txt;*.txt;./a.txt").iter().filter(|path| *path == "a.txt").count(), 1);
    }

    #[test]
    fn links_are_followed_as_told() {
        let folder = tree();
        assert_eq!(found(folder.path(), "*.txt", |it| it.skip_links = true), ["a.txt", "odd[1].txt"]);
        let through = found(folder.path(), "way/*.txt", |it| it.follow_links = true);
        assert_eq!(through, ["way/c.txt"]);
        // A link in a circle ends.
        found(folder.path(), "**", |it| it.follow_links = true);
    }

    #[test]
    fn a_literal_stands_for_itself() {
        let folder = tree();
        let literal = |text: &str, delimiter: &'static str| {
            found(folder.path(), text, |it| {
                it.literal = true;
                it.delimiter = delimiter;
            })
        };
        assert_eq!(literal("odd[1].txt;a.txt", ";"), ["a.txt", "odd[1].txt"]);
        assert_eq!(literal("*.txt", ";"), [""; 0]);
        assert_eq!(literal("odd[1].txt", ""), ["odd[1].txt"]);
    }

    #[test]
    fn what_lies_elsewhere_is_below_the_root_and_odd_names_are_refused() {
        let folder = tree();
        let other = tempfile::tempdir().expect("a folder");
        fs::write(other.path().join("x.txt"), "x").expect("written");
        let pattern = format!("{}/*.txt", other.path().display());
        assert_eq!(found(folder.path(), &pattern, |_| ()), [pattern.replace("*.txt", "x.txt").trim_start_matches('/')]);
        fs::write(folder.path().join("a\\b"), "x").expect("written");
        let wanted = Wanted {
            patterns: "a*b",
            delimiter: ";",
            literal: false,
            follow_links: false,
            skip_links: false,
            folder: folder.path(),
        };
        let error = collect(&wanted).expect_err("a backslash").to_string();
        assert!(error.contains("backslash"), "{error}");
    }
}
