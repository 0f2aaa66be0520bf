//! Where a token or a JSON text comes from.

use std::io::{self, Read};

use anyhow::{Context, ensure};

/// The most that is read: far beyond any cookie, and far below any memory.
const MOST_BYTES: u64 = 16 << 20;

/// The argument itself, or for `-` the standard input; without the white space around it.
pub(super) fn read(argument: &str, what: &str) -> anyhow::Result<String> {
    let mut text = argument.to_owned();
    if argument == "-" {
        text.clear();
        let mut input = io::stdin().lock().take(MOST_BYTES + 1);
        input.read_to_string(&mut text).with_context(|| {
            format!("cannot read {what} from the standard input: give it as text")
        })?;
    }
    ensure!(
        text.len() as u64 <= MOST_BYTES,
        "{what} is longer than {MOST_BYTES} bytes: give one that a browser could hold"
    );
    let text = text.trim();
    ensure!(!text.is_empty(), "{what} is empty: give it as an argument, or - and pipe it in");
    Ok(text.to_owned())
}
