//! `?name=value&name=value`.

use std::fmt;

use super::{error::UrlError, near::nearest, percent};

/// What may be said about a store, and in which words.
pub(super) struct Rule {
    pub(super) name: &'static str,
    pub(super) allowed: Allowed,
    /// What to write, for an error.
    pub(super) says: &'static str,
}

pub(super) enum Allowed {
    OneOf(&'static [&'static str]),
    /// From the first to the second.
    Number(u64, u64),
    Text(fn(&str) -> bool),
    /// Anything, and it is never shown.
    Secret,
}

impl Rule {
    fn allows(&self, value: &str) -> bool {
        match self.allowed {
            Allowed::OneOf(words) => words.contains(&value),
            Allowed::Number(least, most) => {
                let number = value.parse().ok().filter(|_| !value.starts_with('+'));
                number.is_some_and(|number: u64| (least..=most).contains(&number))
            }
            Allowed::Text(is_good) => is_good(value),
            Allowed::Secret => true,
        }
    }
}

/// The options of a store URL, each known and in order. A default is no option.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Options(Vec<Said>);

#[derive(Clone, PartialEq, Eq)]
struct Said {
    name: &'static str,
    value: String,
    is_secret: bool,
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.shown()).finish()
    }
}

impl Options {
    /// What was said of this option, if anything.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|said| said.name == name).map(|said| &*said.value)
    }

    /// The same of an option that is a number.
    pub fn number(&self, name: &str) -> Option<u64> {
        self.get(name).and_then(|value| value.parse().ok())
    }

    /// All of them, in the order they were written; instead of a password `***`.
    pub fn shown(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|said| (said.name, if said.is_secret { "***" } else { &*said.value }))
    }

    /// Reads what follows the `?`.
    pub(super) fn read(
        scheme: &'static str,
        query: &str,
        rules: &'static [Rule],
    ) -> Result<Self, UrlError> {
        let mut options = Self::default();
        for option in query.split('&').filter(|option| !option.is_empty()) {
            // Without its sign it may be anything, and is not repeated.
            let (name, value) = option.split_once('=').unwrap_or(("", ""));
            let rule = rules.iter().find(|rule| rule.name == name);
            let Some(rule) = rule else { return Err(unknown(scheme, name, rules)) };
            let value = percent::decode(value, "an option")?;
            if options.get(rule.name).is_some() {
                return Err(UrlError::OptionTwice { option: rule.name });
            }
            if !rule.allows(&value) {
                return Err(UrlError::BadOption { option: rule.name, value, allowed: rule.says });
            }
            let is_secret = matches!(rule.allowed, Allowed::Secret);
            options.0.push(Said { name: rule.name, value, is_secret });
        }
        Ok(options)
    }
}

fn unknown(scheme: &'static str, name: &str, rules: &'static [Rule]) -> UrlError {
    let is_word = |c: char| c.is_ascii_alphanumeric() || "_-".contains(c);
    let is_name = (1..=32).contains(&name.len()) && name.chars().all(is_word);
    let names: Vec<_> = rules.iter().map(|rule| rule.name).collect();
    UrlError::UnknownOption {
        scheme,
        option: if is_name { name.to_owned() } else { "…".to_owned() },
        near: nearest(name, names.iter().copied()),
        known: names.join(", "),
    }
}

/// What stands before the `?`, and what follows it.
pub(super) fn split(text: &str) -> (&str, &str) {
    text.split_once('?').unwrap_or((text, ""))
}
