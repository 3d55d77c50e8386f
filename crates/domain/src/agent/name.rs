//! The name of an agent, from the template that it registers with.

use crate::{
    Entropy,
    text::{BadText, check_line},
};

/// Most characters of an agent's name.
pub const MAX_NAME: usize = 255;
/// The template of an agent that gives none.
const DEFAULT_TEMPLATE: &str = "%hostname-%random";
/// Characters that `%random` stands for.
const RANDOM_LENGTH: usize = 8;

/// The name cannot be taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadName {
    /// What the agent gave as its name, or what became of it.
    #[error("The agent's name {0}.")]
    Name(#[from] BadText),
    /// The name of its host, which stands for `%hostname`.
    #[error("The host's name {0}.")]
    Host(BadText),
}

impl BadName {
    /// What the agent calls the field that is wrong.
    #[must_use]
    pub const fn field(&self) -> &'static str {
        match self {
            Self::Name(_) => "name",
            Self::Host(_) => "hostname",
        }
    }
}

/// Puts the host's name, the process id and random characters in the place of `%hostname`, `%pid` and `%random`. The
/// agent itself has replaced `%spawn`. An empty template gives `%hostname-%random`.
///
/// # Errors
/// [`BadName`] when the host's name or the result is blank, has more than [`MAX_NAME`] characters or holds what cannot be seen.
pub fn expand_name(template: &str, hostname: &str, pid: Option<i64>, entropy: &dyn Entropy) -> Result<String, BadName> {
    // Parts are checked before they are joined, so that a long host name named many times costs nothing.
    let template = if template.is_empty() { DEFAULT_TEMPLATE } else { template };
    check_line(template, MAX_NAME)?;
    let hostname = if hostname.is_empty() { "agent" } else { hostname };
    check_line(hostname, MAX_NAME).map_err(BadName::Host)?;
    let pid = pid.unwrap_or_default().to_string();
    // One pass over the template: what a host calls itself is never expanded again.
    let mut name = String::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('%') {
        name.push_str(before);
        rest = if let Some(after) = after.strip_prefix("hostname") {
            name.push_str(hostname);
            after
        } else if let Some(after) = after.strip_prefix("pid") {
            name.push_str(&pid);
            after
        } else if let Some(after) = after.strip_prefix("random") {
            name.push_str(&entropy.base62(RANDOM_LENGTH));
            after
        } else {
            name.push('%');
            after
        };
    }
    name.push_str(rest);
    check_line(&name, MAX_NAME)?;
    Ok(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Fixed;
    impl Entropy for Fixed {
        fn fill(&self, buffer: &mut [u8]) {
            buffer.fill(36);
        }
    }

    fn name(template: &str, hostname: &str) -> Result<String, BadName> {
        expand_name(template, hostname, Some(42), &Fixed)
    }

    #[test]
    fn each_token_is_replaced_once() {
        assert_eq!(name("%hostname-1", "box"), Ok("box-1".to_owned()));
        assert_eq!(name("a%pid%random%hostname%hostname", "h"), Ok("a42aaaaaaaahh".to_owned()));
        assert_eq!(name("", "box"), Ok("box-aaaaaaaa".to_owned()));
        assert_eq!(name("%hostname", ""), Ok("agent".to_owned()));
        assert_eq!(name("100% %other %", "box"), Ok("100% %other %".to_owned()));
    }

    #[test]
    fn a_host_cannot_smuggle_tokens_or_characters_in() {
        assert_eq!(name("%hostname", "%pid"), Ok("%pid".to_owned()));
        assert!(name("%hostname", "a\u{202E}b").is_err());
        assert!(name("a\nb", "box").is_err());
        assert_eq!(name(" ", "box"), Err(BadName::Name(BadText::Empty)));
    }

    #[test]
    fn length_is_that_of_the_result() {
        assert!(name(&"a".repeat(255), "box").is_ok());
        assert!(name(&"a".repeat(256), "box").is_err());
        assert_eq!(name("%hostname%hostname", &"a".repeat(128)).map_err(|it| it.field()), Err("name"));
        assert_eq!(name("web-%random", &"a".repeat(256)).map_err(|it| it.field()), Err("hostname"));
    }
}
