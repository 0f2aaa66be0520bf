//! What would happen, and how it is made to happen.

use std::env;

use dewar::{Dict, Value};
use dewar_stores::url::StoreUrl;

use super::reach::VARIABLE;
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
    pub(super) fn print(self, url: &StoreUrl, as_json: bool) -> anyhow::Result<()> {
        let command = command(env::args(), url);
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

/// The same command once more, with `--yes`. A URL with a password in it is not repeated.
fn command(arguments: impl Iterator<Item = String>, url: &StoreUrl) -> String {
    let mut words = vec![String::from("dewar")];
    let mut arguments = arguments.skip(1);
    while let Some(argument) = arguments.next() {
        let store = match argument.strip_prefix("--store") {
            Some("") => arguments.next().unwrap_or_default(),
            Some(value) if value.starts_with('=') => value[1..].to_owned(),
            _ => {
                words.push(quoted(&argument));
                continue;
            }
        };
        words.push("--store".into());
        let hides = url.to_string().contains(":***@");
        words.push(if hides { format!("\"${VARIABLE}\"") } else { quoted(&store) });
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

    fn command_of(line: &[&str], url: &str) -> String {
        let url = url.parse().expect("a URL");
        command(line.iter().map(|&word| word.to_owned()), &url)
    }

    #[test]
    fn the_command_is_the_same_and_shows_no_password() {
        let plain = "sqlite:a b.db";
        assert_eq!(
            command_of(&["/bin/dewar", "sessions", "purge", "--store", plain], plain),
            "dewar sessions purge --store 'sqlite:a b.db' --yes"
        );
        let secret = "redis://a:hunter2@h";
        for line in [
            &["dewar", "sessions", "erase", "--user", "o'hara", "--store", secret][..],
            &["dewar", "sessions", "erase", "--user", "o'hara", "--store=redis://a:hunter2@h"],
        ] {
            assert_eq!(
                command_of(line, secret),
                r#"dewar sessions erase --user 'o'\''hara' --store "$DEWAR_STORE" --yes"#
            );
        }
        let after = command_of(&["dewar", "sessions", "revoke", "--", "abcdef01"], plain);
        assert_eq!(after, "dewar sessions revoke --yes -- abcdef01");
    }
}
