//! What would happen, and how it is made to happen.

use std::env;

use dewar::{Dict, Value};
use dewar_stores::url::StoreUrl;

use crate::{json, terminal};

/// What a verb that destroys has to say; the numbers are those of the dry run and of the real one.
pub(super) struct Outcome {
    /// Whether it was done.
    pub(super) yes: bool,
    /// For scripts, in this order.
    pub(super) numbers: Vec<(&'static str, u64)>,
    /// `end 3 sessions` and `ended 3 sessions`.
    pub(super) would: String,
    pub(super) did: String,
}

impl Outcome {
    pub(super) fn print(self, as_json: bool) -> anyhow::Result<()> {
        let command = command(env::args());
        if as_json {
            let mut dict = Dict::from([("dry_run", Value::from(!self.yes))]);
            for (name, number) in self.numbers {
                dict.insert(name, number);
            }
            if !self.yes {
                dict.insert("command", command);
            }
            return terminal::print(&json::one_line(&Value::Dict(dict)));
        }
        if self.yes {
            return terminal::print(&self.did);
        }
        terminal::print(&format!("would {}", self.would))?;
        terminal::note(&format!("a dry run, nothing was changed; this does it: {command}"));
        Ok(())
    }
}

/// The options that name a store, each with its variable.
const STORES: [(&str, &str); 3] =
    [("--store", "DEWAR_STORE"), ("--from", "DEWAR_FROM"), ("--to", "DEWAR_TO")];

/// The same command once more, with `--yes`. A URL with a password in it is not repeated.
fn command(arguments: impl Iterator<Item = String>) -> String {
    let mut words = vec![String::from("dewar")];
    let mut arguments = arguments.skip(1);
    while let Some(argument) = arguments.next() {
        let (option, value) = match argument.split_once('=') {
            Some((option, value)) => (option, Some(value.to_owned())),
            None => (&*argument, None),
        };
        let Some((option, variable)) = STORES.iter().find(|(name, _)| *name == option) else {
            words.push(quoted(&argument));
            continue;
        };
        let url = value.or_else(|| arguments.next()).unwrap_or_default();
        words.push((*option).into());
        let shown = url.parse::<StoreUrl>().map(|url| url.to_string()).unwrap_or_default();
        words.push(if shown.contains("***") { format!("\"${variable}\"") } else { quoted(&url) });
    }
    // After a `--` every word is an argument.
    let end = words.iter().position(|word| word == "--").unwrap_or(words.len());
    words.insert(end, "--yes".into());
    words.join(" ")
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

    fn command_of(line: &[&str]) -> String {
        command(line.iter().map(|&word| word.to_owned()))
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
}
