//! What reaches the terminal, and in which form.

use std::io::{self, ErrorKind, IsTerminal, Write};

use crate::failure::Failed;

/// Writes a line to the standard output. A reader that went away wants no more: no error.
pub(crate) fn print(line: &str) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    match writeln!(out, "{line}").and_then(|()| out.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        Err(error) => Err(Failed(format!("cannot write to the standard output: {error}")).into()),
        Ok(()) => Ok(()),
    }
}

/// Writes a message to the standard error. If that is closed there is nobody to tell.
pub(crate) fn note(message: &str) {
    let _ = writeln!(io::stderr().lock(), "dewar: {}", visible(message));
}

/// Whether colours are wanted on the standard error: on a terminal, unless `NO_COLOR` is set.
pub(crate) fn colours() -> bool {
    let refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    io::stderr().is_terminal() && !refused
}

/// Whether a terminal would obey a character, hide it, or write what follows in another direction.
pub(crate) fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{ad}'
                | '\u{61c}'
                | '\u{180e}'
                | '\u{200b}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{feff}'
                | '\u{fff9}'..='\u{fffb}'
                | '\u{e0000}'..='\u{e0fff}'
        )
}

/// The text with every [hidden](is_hidden) character spelled out: `\x1b`, `\u{202e}`.
pub(crate) fn visible(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        match u32::from(c) {
            _ if !is_hidden(c) => shown.push(c),
            code @ ..=0xff => shown.push_str(&format!("\\x{code:02x}")),
            code => shown.push_str(&format!("\\u{{{code:x}}}")),
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_terminal_obeys_nothing_of_a_visible_text() {
        assert_eq!(
            visible("é😀\x1b[31m\r\n\u{9b}\u{202e}"),
            "é😀\\x1b[31m\\x0d\\x0a\\x9b\\u{202e}"
        );
    }
}
