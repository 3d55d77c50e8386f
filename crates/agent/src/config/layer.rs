//! One place that settings come from, and which place wins.

use std::{collections::BTreeMap, fmt, time::Duration};

use zeroize::Zeroizing;

use super::{ConfigFile, Setting};
use crate::{AgentError, Environment};

/// The settings of one place, as text. A flag that takes no value is the text `true`.
#[derive(Clone, Default)]
pub struct Layer(BTreeMap<Setting, Given>);

#[derive(Clone)]
struct Given {
    text: Zeroizing<String>,
    /// For messages: `--spawn`, `COUNTERSIGN_AGENT_SPAWN`, `spawn in /etc/…`.
    origin: String,
}

impl Layer {
    /// Sets a setting from its flag.
    pub fn set_flag(&mut self, setting: Setting, text: impl Into<String>) {
        let given = Given { text: Zeroizing::new(text.into()), origin: format!("--{}", setting.key()) };
        self.0.insert(setting, given);
    }

    /// The settings among the variables.
    #[must_use]
    pub fn from_environment(environment: &Environment) -> Self {
        let mut layer = Self::default();
        for setting in Setting::ALL {
            let found = setting.variables().into_iter().find_map(|name| Some((name, environment.get(name)?)));
            if let Some((name, text)) = found {
                let given = Given { text: Zeroizing::new(text.to_owned()), origin: name.to_owned() };
                layer.0.insert(setting, given);
            }
        }
        layer
    }

    /// The settings in a configuration file. `path` is for messages. Keys that are no settings are passed over.
    #[must_use]
    pub fn from_file(file: &ConfigFile, path: &str) -> Self {
        let mut layer = Self::default();
        for (key, value) in file.entries() {
            if let Some(setting) = Setting::from_key(key)
                && !value.is_empty()
            {
                let given = Given { text: Zeroizing::new(value.to_owned()), origin: format!("{key} in {path}") };
                layer.0.insert(setting, given);
            }
        }
        layer
    }
}

impl fmt::Debug for Layer {
    /// Which settings, and from where; no value, since one of them is the token.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.values().map(|given| &given.origin)).finish()
    }
}

/// The three places, in the order of precedence.
#[derive(Debug, Clone, Default)]
pub struct Layers {
    /// Flags of the command line.
    pub flags: Layer,
    /// Variables.
    pub environment: Layer,
    /// The configuration file.
    pub file: Layer,
}

impl Layers {
    /// The winning text of a setting.
    pub(super) fn get(&self, setting: Setting) -> Option<Found<'_>> {
        let given = [&self.flags, &self.environment, &self.file].into_iter().find_map(|layer| layer.0.get(&setting))?;
        Some(Found { text: &given.text, origin: &given.origin })
    }

    pub(super) fn text(&self, setting: Setting) -> Option<&str> {
        self.get(setting).map(|found| found.text)
    }

    /// A switch: `true`, `false`, `1` or `0`; off when not set.
    pub(super) fn flag(&self, setting: Setting) -> Result<bool, AgentError> {
        self.get(setting).map_or(Ok(false), |found| match found.text.trim() {
            "true" | "1" => Ok(true),
            "false" | "0" => Ok(false),
            _ => Err(found.wrong("must be true or false")),
        })
    }

    /// Whole seconds, with or without the unit `s`.
    pub(super) fn seconds(&self, setting: Setting) -> Result<Option<Duration>, AgentError> {
        /// A year: more is a mistake.
        const MAX: u64 = 366 * 24 * 3600;
        self.get(setting)
            .map(|found| {
                let text = found.text.trim();
                let number = text.strip_suffix('s').unwrap_or(text);
                Found { text: number, ..found }.number(0, MAX).map(Duration::from_secs)
            })
            .transpose()
    }
}

/// A text and where it was found.
#[derive(Clone, Copy)]
pub(super) struct Found<'a> {
    pub text: &'a str,
    pub origin: &'a str,
}

impl Found<'_> {
    pub(super) fn wrong(&self, problem: &str) -> AgentError {
        AgentError::bad_input(format!("{}: {problem}", self.origin))
    }

    pub(super) fn number(&self, least: u64, most: u64) -> Result<u64, AgentError> {
        let number = self.text.trim().parse().ok().filter(|number| (least..=most).contains(number));
        number.ok_or_else(|| self.wrong(&format!("must be a whole number from {least} to {most}")))
    }

    pub(super) fn integer(&self) -> Result<i32, AgentError> {
        self.text.trim().parse().map_err(|_| self.wrong("must be a whole number"))
    }
}
