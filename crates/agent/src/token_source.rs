//! Where the agent token comes from: a value, a file or an open pipe.

use std::{
    fmt, fs,
    io::{self, Read},
    os::unix::fs::FileTypeExt,
    path::{Path, PathBuf},
};

use countersign_wire::SecretText;
use zeroize::Zeroizing;

use crate::AgentError;

/// Longest token that is read from a file or a pipe, in bytes. Real values have well under 100.
const MAX_TOKEN: u64 = 4096;

/// Where the agent token comes from.
#[derive(Clone, PartialEq, Eq)]
pub enum TokenSource {
    /// The value itself.
    Value(SecretText),
    /// `file://PATH`: a file that holds the value, and nothing else.
    File(PathBuf),
    /// `fd://N`: an open pipe that the value can be read from once.
    Pipe(u32),
}

impl TokenSource {
    /// Reads what was given as the token: a value, `file://PATH` or `fd://N`.
    ///
    /// # Errors
    /// The text is empty, or begins with `file://` or `fd://` and does not go on with a path or a number.
    pub fn parse(text: &str) -> Result<Self, AgentError> {
        if let Some(path) = text.strip_prefix("file://") {
            if path.is_empty() {
                return Err(AgentError::bad_input(
                    "the token says file:// without a path; write file:///etc/agent.token",
                ));
            }
            return Ok(Self::File(PathBuf::from(path)));
        }
        if let Some(number) = text.strip_prefix("fd://") {
            let number = number.parse().map_err(|_| {
                AgentError::bad_input(
                    "the token says fd:// without the number of an open pipe; write for example fd://3",
                )
            })?;
            return Ok(Self::Pipe(number));
        }
        Self::clean(text, "the agent token").map(Self::Value)
    }

    /// Reads the value. A pipe can be read once.
    ///
    /// # Errors
    /// The file or the pipe cannot be read, is empty, or holds something that cannot be a token.
    pub fn read(&self) -> Result<SecretText, AgentError> {
        match self {
            Self::Value(value) => Ok(value.clone()),
            Self::File(path) => {
                let from = format!("the token file {}", path.display());
                Self::clean(&read_whole(path, &from)?, &from)
            }
            Self::Pipe(number) => {
                let from = format!("the token's file descriptor {number}");
                let path = descriptor_path(*number);
                let kind = fs::metadata(&path).map_err(|error| cannot_read(&from, &error))?.file_type();
                // The job inherits this descriptor. A pipe is empty once it was read; a file could be read again.
                if !kind.is_fifo() {
                    return Err(AgentError::bad_input(format!(
                        "{from} is not a pipe; give a file as file://PATH instead"
                    )));
                }
                Self::clean(&read_whole(&path, &from)?, &from)
            }
        }
    }

    /// Takes the line end off and refuses what cannot stand in a header.
    fn clean(text: &str, from: &str) -> Result<SecretText, AgentError> {
        let value = text.trim();
        if value.is_empty() {
            return Err(AgentError::bad_input(format!("{from} is empty; it must hold an agent token")));
        }
        if !value.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(AgentError::bad_input(format!(
                "{from} holds spaces, line breaks or other characters that no token has; it must hold the token and nothing else"
            )));
        }
        Ok(SecretText::new(value))
    }
}

impl fmt::Debug for TokenSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Value(_) => f.write_str("Value([secret])"),
            Self::File(path) => f.debug_tuple("File").field(path).finish(),
            Self::Pipe(number) => f.debug_tuple("Pipe").field(number).finish(),
        }
    }
}

/// A path under which the process can open its own descriptor.
fn descriptor_path(number: u32) -> PathBuf {
    let linux = Path::new("/proc/self/fd");
    let folder = if linux.is_dir() { linux } else { Path::new("/dev/fd") };
    folder.join(number.to_string())
}

fn read_whole(path: &Path, from: &str) -> Result<Zeroizing<String>, AgentError> {
    let file = fs::File::open(path).map_err(|error| cannot_read(from, &error))?;
    let mut text = Zeroizing::new(String::new());
    let read = file.take(MAX_TOKEN + 1).read_to_string(&mut text).map_err(|error| cannot_read(from, &error))?;
    if u64::try_from(read).unwrap_or(u64::MAX) > MAX_TOKEN {
        return Err(AgentError::bad_input(format!("{from} holds more than {MAX_TOKEN} bytes; that is no token")));
    }
    Ok(text)
}

fn cannot_read(from: &str, error: &io::Error) -> AgentError {
    AgentError::bad_input(format!("{from} cannot be read: {error}"))
}

#[cfg(test)]
mod tests {
    use std::{io::Write, os::fd::AsRawFd};

    use super::*;

    #[test]
    fn a_value_is_taken_as_it_is_and_never_shown() {
        let source = TokenSource::parse("csnat_abc").expect("a value");
        assert_eq!(source.read().expect("reads").reveal(), "csnat_abc");
        assert_eq!(format!("{source:?}"), "Value([secret])");
    }

    #[test]
    fn a_file_loses_its_line_end() {
        let mut file = tempfile::NamedTempFile::new().expect("a file");
        file.write_all(b"csnat_abc\n").expect("writes");
        let source = TokenSource::parse(&format!("file://{}", file.path().display())).expect("a path");
        assert_eq!(source.read().expect("reads").reveal(), "csnat_abc");
        file.write_all(b"more\n").expect("writes");
        assert!(source.read().expect_err("two lines").to_string().contains("nothing else"));
        let missing = TokenSource::parse("file:///nowhere/token").expect("a path").read().expect_err("missing");
        assert!(missing.to_string().contains("/nowhere/token"), "{missing}");
    }

    #[test]
    fn a_pipe_is_read_once_and_a_file_is_no_pipe() {
        let (reader, mut writer) = io::pipe().expect("a pipe");
        writer.write_all(b"csnat_abc\n").expect("writes");
        drop(writer);
        let source = TokenSource::parse(&format!("fd://{}", reader.as_raw_fd())).expect("a number");
        assert_eq!(source.read().expect("reads").reveal(), "csnat_abc");
        assert!(source.read().expect_err("empty now").to_string().contains("is empty"));
        let file = tempfile::tempfile().expect("a file");
        let source = TokenSource::parse(&format!("fd://{}", file.as_raw_fd())).expect("a number");
        assert!(source.read().expect_err("a file").to_string().contains("file://PATH"));
    }

    #[test]
    fn half_a_source_is_refused() {
        for text in ["", "  ", "file://", "fd://", "fd://x", "fd://-1", "two words"] {
            assert!(TokenSource::parse(text).is_err(), "{text:?}");
        }
    }
}
