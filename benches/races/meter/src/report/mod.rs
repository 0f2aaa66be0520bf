//! What a reader sees of a run.

mod outage;
mod races;
mod table;
mod versions;

use std::{error::Error, fs, path::Path};

use crate::{results::Results, targets};

const BEGIN: &str = "<!-- races:begin -->";
const END: &str = "<!-- races:end -->";

/// Both tables with what they ask, who ran and how they were set.
///
/// # Errors
/// If a lock file cannot be read.
pub(crate) fn text(results: &Results, here: &Path) -> Result<String, Box<dyn Error>> {
    let (races, is_refused) = races::table(results);
    let asked = races::ASKED.map(|(column, asked)| format!("- **{column}**: {asked}\n")).concat();
    let mut text = format!("{races}\n{asked}");
    if is_refused {
        text += "\n† A request that was under way was answered with an error, so whoever sent it knows.\n";
    }
    if let Some(outage) = outage::table(results) {
        text += "\nRedis ends after a login. What three pages then answer to the browser that has \
                 logged in, and after how long:\n\n";
        text += &outage;
    }
    for (target, race, reason) in &results.failures {
        text += &format!("\nFailed: {target}, {race}: {reason}.\n");
    }
    text += "\nHow each is set: ";
    let ran = targets::ALL.iter().filter(|target| results.has(target.name));
    let settings: Vec<_> =
        ran.map(|target| format!("{} ({})", target.label, target.settings)).collect();
    text += &settings.join("; ");
    let notes: Vec<_> =
        results.notes.iter().map(|(name, text)| format!("{name}: {text}")).collect();
    text += &format!(".\n\n{}. {}.\n", notes.join("; "), versions::read(here)?);
    Ok(text)
}

/// Puts a text between the markers of a file.
///
/// # Errors
/// If it cannot be read or written, or the markers are not there.
pub(crate) fn put_into(readme: &Path, table: &str) -> Result<(), Box<dyn Error>> {
    let replaced = between(&fs::read_to_string(readme)?, table).ok_or_else(|| {
        format!("{} needs the lines {BEGIN} and {END}, in this order", readme.display())
    })?;
    Ok(fs::write(readme, replaced)?)
}

fn between(text: &str, table: &str) -> Option<String> {
    let (before, rest) = text.split_once(BEGIN)?;
    let (_, after) = rest.split_once(END)?;
    Some(format!("{before}{BEGIN}\n{table}{END}{after}"))
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_table_replaces_what_stood_between_the_markers() {
        let text = "a\n<!-- races:begin -->\nold\n<!-- races:end -->\nb\n";
        let replaced = super::between(text, "new\n").unwrap();
        assert_eq!(replaced, "a\n<!-- races:begin -->\nnew\n<!-- races:end -->\nb\n");
        assert_eq!(super::between(&replaced, "new\n"), Some(replaced.clone()));
        assert_eq!(super::between("no markers", "new\n"), None);
    }
}
