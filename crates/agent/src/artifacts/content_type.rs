//! What a file is, by its name.

use std::path::Path;

/// What a file is when nothing more is known.
const UNKNOWN: &str = "binary/octet-stream";

/// The type of a file by its extension.
pub(super) fn of(path: &str) -> String {
    let guessed = mime_guess::from_path(Path::new(path)).first_raw();
    guessed.map_or_else(|| UNKNOWN.to_owned(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_say_what_files_are() {
        assert_eq!(of("a/b.html"), "text/html");
        assert_eq!(of("x.JSON"), "application/json");
        assert_eq!(of("no-extension"), UNKNOWN);
        assert_eq!(of("x.unheard-of"), UNKNOWN);
    }
}
