//! The configuration file: the format and the places of `buildkite-agent.cfg`.
//!
//! One `key=value` or `key: value` per line. An `export ` before the key is passed over, `#` outside quotes starts a comment,
//! quotes around a value are taken off, and inside double quotes `\n` is a line break and `\"` a quote.

use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use crate::{AgentError, Environment};

/// The name of the file.
const FILE_NAME: &str = "buildkite-agent.cfg";

/// The entries of a configuration file, in its order. The last of a key wins.
#[derive(Default)]
pub struct ConfigFile(Vec<(String, Zeroizing<String>)>);

impl ConfigFile {
    /// Reads the text of a file. `path` is for messages.
    ///
    /// # Errors
    /// A line has no `=` and no `:`, an empty key, or a quote that is never closed. The message names the line and does not
    /// quote it, since it may hold the token.
    pub fn parse(text: &str, path: &str) -> Result<Self, AgentError> {
        let mut entries = Vec::new();
        for (index, line) in text.trim_start_matches('\u{feff}').lines().enumerate() {
            let wrong = |problem: &str| AgentError::bad_input(format!("{path}, line {}: {problem}", index + 1));
            let line = without_comment(line).map_err(wrong)?.trim();
            if line.is_empty() {
                continue;
            }
            let (key, value) = line
                .split_once(['=', ':'])
                .ok_or_else(|| wrong("is no setting; write key=\"value\", or # before a comment"))?;
            let key = key.trim();
            let key = key.strip_prefix("export ").unwrap_or(key).trim();
            if key.is_empty() {
                return Err(wrong("has no key before the equals sign"));
            }
            entries.push((key.to_owned(), unquoted(value.trim())));
        }
        Ok(Self(entries))
    }

    /// Keys and values, in the order of the file.
    pub fn entries(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(key, value)| (key.as_str(), value.as_str()))
    }
}

/// Where a configuration file is looked for when none was named, the winning place first. `executable_folder` is the folder of
/// the running binary.
#[must_use]
pub fn config_file_candidates(environment: &Environment, executable_folder: Option<&Path>) -> Vec<PathBuf> {
    let beside = executable_folder.map(Path::to_path_buf);
    let home = environment.get("HOME").map(|home| Path::new(home).join(".buildkite-agent"));
    let brew = cfg!(all(target_os = "macos", target_arch = "aarch64"))
        .then(|| PathBuf::from("/opt/homebrew/etc/buildkite-agent"));
    let shared = ["/usr/local/etc/buildkite-agent", "/etc/buildkite-agent"].map(PathBuf::from);
    beside.into_iter().chain(home).chain(brew).chain(shared).map(|folder| folder.join(FILE_NAME)).collect()
}

/// The part of a line before its comment.
fn without_comment(line: &str) -> Result<&str, &'static str> {
    let mut quote = None;
    let mut escaped = false;
    for (at, c) in line.char_indices() {
        match quote {
            Some('"') if c == '\\' && !escaped => {
                escaped = true;
                continue;
            }
            Some(open) if c == open && !escaped => quote = None,
            Some(_) => {}
            None if c == '#' => return line.get(..at).ok_or("cannot be read"),
            // A quote only opens a value; an apostrophe inside one is a character like any other.
            None if (c == '"' || c == '\'') && opens_value(line.get(..at).unwrap_or_default()) => quote = Some(c),
            None => {}
        }
        escaped = false;
    }
    if quote.is_some() { Err("has a quote that is never closed") } else { Ok(line) }
}

/// Whether what comes next is the beginning of a value.
fn opens_value(before: &str) -> bool {
    before.trim_end().ends_with(['=', ':'])
}

/// Takes the quotes off a value.
fn unquoted(value: &str) -> Zeroizing<String> {
    let inside = |quote: char| value.strip_prefix(quote).and_then(|rest| rest.strip_suffix(quote));
    Zeroizing::new(if let Some(text) = inside('"') {
        text.replace("\\n", "\n").replace("\\\"", "\"")
    } else {
        inside('\'').unwrap_or(value).to_owned()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entries(text: &str) -> Vec<(String, String)> {
        let file = ConfigFile::parse(text, "agent.cfg").expect("parses");
        file.entries().map(|(key, value)| (key.to_owned(), value.to_owned())).collect()
    }

    fn one(line: &str) -> (String, String) {
        entries(line).pop().expect("one entry")
    }

    #[test]
    fn the_file_that_packages_ship() {
        let text = "# The token\ntoken=\"xxx\"\n\nname=\"%hostname-%spawn\"\n# tags=\"key1=val2\"\nbuild-path=\"/var/lib/builds\"\n";
        let keys: Vec<String> = entries(text).into_iter().map(|(key, value)| format!("{key}={value}")).collect();
        assert_eq!(keys, ["token=xxx", "name=%hostname-%spawn", "build-path=/var/lib/builds"]);
    }

    #[test]
    fn every_way_to_write_a_line() {
        let pair = |key: &str, value: &str| (key.to_owned(), value.to_owned());
        assert_eq!(one("spawn=2"), pair("spawn", "2"));
        assert_eq!(one("  spawn : 2  "), pair("spawn", "2"));
        assert_eq!(one("export spawn='2'"), pair("spawn", "2"));
        assert_eq!(one("endpoint=http://h:1/v3 # here"), pair("endpoint", "http://h:1/v3"));
        assert_eq!(one("endpoint: \"http://h:1/v3\""), pair("endpoint", "http://h:1/v3"));
        assert_eq!(one("tags=\"queue=a#b,os=x\" # why"), pair("tags", "queue=a#b,os=x"));
        assert_eq!(one(r#"name="a\nb\"c""#), pair("name", "a\nb\"c"));
        assert_eq!(one(r"name='a\nb'"), pair("name", r"a\nb"));
        assert_eq!(one("name=it's mine"), pair("name", "it's mine"));
        assert_eq!(one("name="), pair("name", ""));
        assert_eq!(one("\u{feff}name=a\r\n"), pair("name", "a"));
    }

    #[test]
    fn a_wrong_line_is_named_and_not_quoted() {
        for (text, line) in [("a=1\nsecretvalue\n", 2), ("=secretvalue", 1), ("\n\ntoken=\"secretvalue", 3)] {
            let error = ConfigFile::parse(text, "agent.cfg").err().expect("refused").to_string();
            assert!(error.contains(&format!("agent.cfg, line {line}")) && !error.contains("secretvalue"), "{error}");
        }
    }

    #[test]
    fn the_order_of_places() {
        let environment: Environment = [("HOME", "/home/ada")].into_iter().collect();
        let places = config_file_candidates(&environment, Some(Path::new("/opt/bin")));
        let places: Vec<_> = places.iter().filter(|place| !place.starts_with("/opt/homebrew")).collect();
        assert_eq!(
            places,
            [
                Path::new("/opt/bin/buildkite-agent.cfg"),
                Path::new("/home/ada/.buildkite-agent/buildkite-agent.cfg"),
                Path::new("/usr/local/etc/buildkite-agent/buildkite-agent.cfg"),
                Path::new("/etc/buildkite-agent/buildkite-agent.cfg"),
            ]
        );
    }
}
