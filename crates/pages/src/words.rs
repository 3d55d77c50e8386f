//! Words for what the system knows as types.

use std::collections::BTreeMap;

use countersign_control::agent_tokens::{EXPIRING, Token};
use countersign_control::deployments::Deployment;
use countersign_domain::id::DeploymentId;
use countersign_domain::{DeploymentRole, DeploymentScope, QueueScope, Refusal, RevealPolicy, Role, Scope, Timestamp};

/// The most names that one line has before it counts the rest.
const MAX_NAMED: usize = 3;

/// Names of deployments by their ids.
pub(crate) type Names = BTreeMap<DeploymentId, String>;

pub(crate) fn names(deployments: &[Deployment]) -> Names {
    deployments.iter().map(|it| (it.id, it.name.clone())).collect()
}

/// What a token reaches, in one line.
pub(crate) fn permissions(scope: &Scope, names: &Names) -> String {
    let mut parts = vec![deployments(&scope.deployments, names)];
    if let QueueScope::Only(queues) = &scope.queues {
        let word = if queues.len() == 1 { "queue" } else { "queues" };
        parts.push(format!("{word} {}", list(queues.iter().map(|queue| queue.as_str().to_owned()).collect())));
    }
    if !scope.networks.is_empty() {
        parts.push(format!("from {}", list(scope.networks.iter().map(ToString::to_string).collect())));
    }
    parts.join("; ")
}

fn deployments(scope: &DeploymentScope, names: &Names) -> String {
    let DeploymentScope::Only { deployments, all_branches } = scope else {
        return "Org Agent: every deployment".to_owned();
    };
    let mut found: Vec<String> = deployments
        .iter()
        .map(|id| names.get(id).cloned().unwrap_or_else(|| "a deployment that is gone".to_owned()))
        .collect();
    found.sort();
    if *all_branches {
        // Said whatever else is counted: it is the widest of them.
        found.insert(0, "all branch deployments".to_owned());
    }
    list(found)
}

/// `a`, `a and b`, `a, b and c`, `a, b, c and 4 more`.
pub(crate) fn list(mut all: Vec<String>) -> String {
    let more = all.len().saturating_sub(MAX_NAMED);
    if more == 1 {
        // One more name is no longer than saying that there is one.
        return joined(&all);
    }
    all.truncate(MAX_NAMED);
    if more > 0 {
        all.push(format!("{more} more"));
    }
    joined(&all)
}

fn joined(all: &[String]) -> String {
    match all {
        [] => "nothing".to_owned(),
        [one] => one.clone(),
        [rest @ .., last] => format!("{} and {last}", rest.join(", ")),
    }
}

/// A foreign text where there is room for so many characters of one line; what hides in it has a sign in its place.
pub(crate) fn short(text: &str, most: usize) -> String {
    let start = text.chars().take(most);
    let mut short: String =
        start.map(|sign| if countersign_domain::text::hidden(sign).is_some() { '\u{fffd}' } else { sign }).collect();
    if text.chars().nth(most).is_some() {
        short.push('…');
    }
    short
}

/// `1 agent`, `2 agents`.
pub(crate) fn count(number: usize, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

/// What browsers call themselves, the more special before what it passes for; and the systems that they run on.
const BROWSERS: [(&str, &str); 6] = [
    ("Edg/", "Edge"),
    ("OPR/", "Opera"),
    ("Firefox/", "Firefox"),
    ("HeadlessChrome/", "Headless Chrome"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
];
const SYSTEMS: [(&str, &str); 7] = [
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("CrOS", "ChromeOS"),
    ("Linux", "Linux"),
];

/// A browser by what it calls itself, in words; what is not known stays as it is.
pub(crate) fn browser(user_agent: &str) -> String {
    let among =
        |all: &[(&str, &'static str)]| all.iter().find(|(mark, _)| user_agent.contains(mark)).map(|(_, it)| *it);
    match among(&BROWSERS).zip(among(&SYSTEMS)) {
        Some((browser, system)) => format!("{browser} on {system}"),
        None => user_agent.to_owned(),
    }
}

/// Where a token stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    Active,
    /// Its time runs out within [`EXPIRING`].
    ExpiresSoon,
    Expired,
    Revoked,
}

impl State {
    pub(crate) fn of(token: &Token, now: Timestamp) -> Self {
        match token.expires_at {
            _ if token.revoked_at.is_some() => Self::Revoked,
            Some(at) if at <= now => Self::Expired,
            Some(at) if at <= now.plus(EXPIRING) => Self::ExpiresSoon,
            _ => Self::Active,
        }
    }

    pub(crate) const fn words(self) -> &'static str {
        match self {
            Self::Active => "Active",
            Self::ExpiresSoon => "Expires soon",
            Self::Expired => "Expired",
            Self::Revoked => "Revoked",
        }
    }

    /// The name that its colour goes by.
    pub(crate) const fn class(self) -> &'static str {
        match self {
            Self::Active => "good",
            Self::ExpiresSoon => "warning",
            Self::Expired | Self::Revoked => "ended",
        }
    }

    /// Whether anything can still be done with the token.
    pub(crate) const fn is_live(self) -> bool {
        matches!(self, Self::Active | Self::ExpiresSoon)
    }
}

/// Until when a value can be shown again.
pub(crate) const fn policy(policy: RevealPolicy) -> &'static str {
    match policy {
        RevealPolicy::Window => "For 10 minutes after creation",
        RevealPolicy::Always => "For as long as the token lives",
        RevealPolicy::Never => "Never: it is shown once, when it is created",
    }
}

/// Why a value was refused.
pub(crate) const fn refusal(reason: Refusal) -> &'static str {
    match reason {
        Refusal::Unknown => "No such value",
        Refusal::Revoked => "The token is revoked",
        Refusal::Rotated => "An old value, after a rotation",
        Refusal::Expired => "The token has expired",
        Refusal::Network => "From outside its networks",
        Refusal::Scope => "Outside its permissions",
        Refusal::Kind => "Another kind of token is needed",
        Refusal::Rate => "Too often",
    }
}

/// A role in the organization.
pub(crate) const fn role(role: Role) -> &'static str {
    match role {
        Role::Admin => "Organization Admin",
        Role::Member => "Member",
    }
}

/// What a role in the organization lets its holder do.
pub(crate) const fn about_member(role: Role) -> &'static str {
    match role {
        Role::Admin => {
            "Organization Admin: manages members, tokens and settings, and can do everything in every deployment"
        }
        Role::Member => "Member: sees builds, agents and members, and does what roles in deployments allow",
    }
}

/// A role in a deployment.
pub(crate) const fn deployment_role(role: DeploymentRole) -> &'static str {
    match role {
        DeploymentRole::Viewer => "Viewer",
        DeploymentRole::Launcher => "Launcher",
        DeploymentRole::Editor => "Editor",
        DeploymentRole::Admin => "Admin",
    }
}

/// The same in the middle of a sentence.
pub(crate) const fn with_article(role: DeploymentRole) -> &'static str {
    match role {
        DeploymentRole::Viewer => "a Viewer",
        DeploymentRole::Launcher => "a Launcher",
        DeploymentRole::Editor => "an Editor",
        DeploymentRole::Admin => "an Admin",
    }
}

/// What a role in a deployment lets its holder do.
pub(crate) const fn about_role(role: DeploymentRole) -> &'static str {
    match role {
        DeploymentRole::Viewer => "Viewer: sees what is there",
        DeploymentRole::Launcher => "Launcher: starts and ends builds, jobs and runs",
        DeploymentRole::Editor => "Editor: changes queues, agents, code locations and the deployment's description",
        DeploymentRole::Admin => "Admin: gives and removes roles in the deployment",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn deployment(n: u128) -> DeploymentId {
        let text = format!("00000000-0000-7000-8000-{n:012}");
        text.parse().expect("an id")
    }

    fn only(ids: &[u128], all_branches: bool) -> Scope {
        let deployments = ids.iter().map(|n| deployment(*n)).collect();
        Scope { deployments: DeploymentScope::Only { deployments, all_branches }, ..Scope::widest() }
    }

    fn said(scope: &Scope) -> String {
        let names = (1..=6).map(|n| (deployment(n), format!("d{n}"))).collect();
        permissions(scope, &names)
    }

    #[test]
    fn permissions_are_said_in_words() {
        assert_eq!(said(&Scope::widest()), "Org Agent: every deployment");
        assert_eq!(said(&only(&[1], false)), "d1");
        assert_eq!(said(&only(&[2, 1], true)), "all branch deployments, d1 and d2");
        assert_eq!(said(&only(&[1, 2, 3, 4], false)), "d1, d2, d3 and d4");
        assert_eq!(said(&only(&[1, 2, 3, 4, 5, 6], false)), "d1, d2, d3 and 3 more");
        assert_eq!(said(&only(&[], true)), "all branch deployments");
        assert_eq!(said(&only(&[9], false)), "a deployment that is gone");
        let queues = ["deploy", "default"].map(|name| name.parse().expect("a queue"));
        let networks = ["10.0.0.0/8", "2001:db8::/32"].map(|text| text.parse().expect("a network"));
        let scope = Scope { queues: QueueScope::Only(queues.into()), networks: networks.into(), ..only(&[1], false) };
        assert_eq!(said(&scope), "d1; queues default and deploy; from 10.0.0.0/8 and 2001:db8::/32");
    }

    #[test]
    fn a_foreign_text_is_short_and_hides_nothing() {
        assert_eq!(short("Don't say \"no\"", 80), "Don't say \"no\"");
        assert_eq!(short("abcd", 3), "abc…");
        assert_eq!(short("a\u{202e}b\tc", 80), "a\u{fffd}b\u{fffd}c");
    }

    #[test]
    fn browsers_are_called_as_people_call_them() {
        let linux =
            "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36";
        assert_eq!(browser(linux), "Chrome on Linux");
        assert_eq!(
            browser("Mozilla/5.0 (Windows NT 10.0; rv:128.0) Gecko/20100101 Firefox/128.0"),
            "Firefox on Windows"
        );
        assert_eq!(browser("curl/8.5.0"), "curl/8.5.0");
    }

    #[test]
    fn things_are_counted_in_words() {
        assert_eq!(count(0, "agent", "agents"), "0 agents");
        assert_eq!(count(1, "agent", "agents"), "1 agent");
    }
}
