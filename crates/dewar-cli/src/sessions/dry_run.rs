//! What would happen, and how it is made to happen.

use std::env;

use dewar::{Dict, Value};
use dewar_stores::url::StoreUrl;

use crate::{json, terminal};

/// What a verb that destroys has to say; the numbers are those of the dry run and of the real one.
pub(super) struct Outcome {
    /// Whether it was done.
    pub(super) yes: bool,
    /// For scripts, in this order. If the first is 0 there is nothing to do.
    pub(super) numbers: Vec<(&'static str, u64)>,
    /// `end 3 sessions` and `ended 3 sessions`.
    pub(super) would: String,
    pub(super) did: String,
}

impl Outcome {
    pub(super) fn print(self, as_json: bool) -> anyhow::Result<()> {
        let is_nothing = self.numbers.first().is_none_or(|(_, number)| *number == 0);
        let command = (!self.yes && !is_nothing).then(|| Repeated::of(arguments(), variable));
        if as_json {
            let mut dict = Dict::from([("dry_run", Value::from(!self.yes))]);
            for (name, number) in self.numbers {
                dict.insert(name, number);
            }
            if let Some(command) = &command {
                dict.insert("command", command.text());
            }
            terminal::print(&json::one_line(&Value::Dict(dict)))?;
            command.iter().for_each(Repeated::tell_of_variables);
            return Ok(());
        }
        if self.yes {
            return terminal::print(&self.did);
        }
        terminal::print(&format!("would {}", self.would))?;
        if let Some(command) = command {
            let text = command.text();
            terminal::note(&format!("a dry run, nothing was changed; this does it: {text}"));
            command.tell_of_variables();
        }
        Ok(())
    }
}

/// As they were given. A name that is not text cannot be repeated as text, so it is shown with its
/// strange bytes replaced.
fn arguments() -> impl Iterator<Item = String> {
    env::args_os().map(|argument| argument.to_string_lossy().into_owned())
}

/// The options that name a store, each with its variable.
const STORES: [(&str, &str); 3] =
    [("--store", "DEWAR_STORE"), ("--from", "DEWAR_FROM"), ("--to", "DEWAR_TO")];

fn variable(name: &str) -> Option<String> {
    env::var(name).ok()
}

/// The same command once more, with `--yes`. A URL with a password in it is not repeated: a variable
/// stands for it.
struct Repeated {
    words: Vec<String>,
    /// Variables that do not hold their URL yet, each with its option.
    missing: Vec<(&'static str, &'static str)>,
}

impl Repeated {
    fn of(
        arguments: impl Iterator<Item = String>,
        variable_of: impl Fn(&str) -> Option<String>,
    ) -> Self {
        let (mut words, mut missing) = (vec![String::from("dewar")], Vec::new());
        let mut arguments = arguments.skip(1);
        while let Some(argument) = arguments.next() {
            let (option, value) = match argument.split_once('=') {
                Some((option, value)) => (option, Some(value.to_owned())),
                None => (&*argument, None),
            };
            let Some(&(option, variable)) = STORES.iter().find(|(name, _)| *name == option) else {
                words.push(quoted(&argument));
                continue;
            };
            let url = value.or_else(|| arguments.next()).unwrap_or_default();
            words.push(option.into());
            if !has_secret(&url) {
                words.push(quoted(&url));
                continue;
            }
            words.push(format!("\"${variable}\""));
            if variable_of(variable).as_deref() != Some(&*url) {
                missing.push((option, variable));
            }
        }
        // After a `--` every word is an argument.
        let end = words.iter().position(|word| word == "--").unwrap_or(words.len());
        words.insert(end, "--yes".into());
        Self { words, missing }
    }

    fn text(&self) -> String {
        self.words.join(" ")
    }

    /// The command fails as it stands while a variable in it is not set.
    fn tell_of_variables(&self) {
        for (option, variable) in &self.missing {
            terminal::note(&format!(
                "{variable} has to hold the URL of {option} first, which is not repeated here because \
                 of its password"
            ));
        }
    }
}

/// Whether showing the URL would show a password; one that is not understood may have one.
fn has_secret(url: &str) -> bool {
    // `***` that somebody wrote himself costs nothing.
    url.parse::<StoreUrl>().map_or(true, |url| url.to_string().contains("***"))
}

/// As a shell reads it.
fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=@,+%".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn repeated(line: &[&str], held: Option<&str>) -> Repeated {
        Repeated::of(line.iter().map(|&word| word.to_owned()), |_| held.map(str::to_owned))
    }

    fn command_of(line: &[&str]) -> String {
        repeated(line, None).text()
    }

    #[test]
    fn the_command_is_the_same_and_shows_no_password() {
        let plain = "sqlite:a b.db";
        assert_eq!(
            command_of(&["/bin/dewar", "sessions", "purge", "--store", plain]),
            "dewar sessions purge --store 'sqlite:a b.db' --yes"
        );
        let secret = "redis://a:hunter2@h";
        for line in [
            &["dewar", "sessions", "erase", "--user", "o'hara", "--store", secret][..],
            &["dewar", "sessions", "erase", "--user", "o'hara", "--store=redis://a:hunter2@h"],
        ] {
            assert_eq!(
                command_of(line),
                r#"dewar sessions erase --user 'o'\''hara' --store "$DEWAR_STORE" --yes"#
            );
        }
        let sentinel = "redis+sentinel://h/m?sentinel_password=hunter2";
        let both =
            command_of(&["dewar", "sessions", "migrate", "--from", secret, "--to", sentinel]);
        assert_eq!(both, r#"dewar sessions migrate --from "$DEWAR_FROM" --to "$DEWAR_TO" --yes"#);
        let after = command_of(&["dewar", "sessions", "revoke", "--", "abcdef01"]);
        assert_eq!(after, "dewar sessions revoke --yes -- abcdef01");
    }

    #[test]
    fn a_variable_that_does_not_hold_the_url_is_named() {
        let secret = "redis://a:hunter2@h";
        let line = ["dewar", "sessions", "purge", "--store", secret];
        for (held, missing) in [(None, 1), (Some("redis://a:other@h"), 1), (Some(secret), 0)] {
            assert_eq!(repeated(&line, held).missing.len(), missing, "{held:?}");
        }
        for plain in ["postgres://h/app", "sqlite:app.db", "redis://h?prefix=a:"] {
            let line = ["dewar", "sessions", "purge", "--store", plain];
            assert!(repeated(&line, None).missing.is_empty(), "{plain}");
            assert!(command_of(&line).contains(plain), "{}", command_of(&line));
        }
    }
}
