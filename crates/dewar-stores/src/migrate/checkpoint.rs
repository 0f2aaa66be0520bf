//! Where a migration goes on after it was stopped: a small file of text.
//!
//! ```text
//! dewar migration 1
//! from sqlite:old.db
//! to postgres://db/app
//! seen 1200
//! …
//! cursor 00ff…
//! end
//! ```
//!
//! A new one is written beside it, synced, and put in its place: whoever reads it finds the old one or
//! the new one, whole.

use std::{
    fmt::Write as _,
    fs::{self, File},
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use dewar::store::Cursor;

use super::{error::MigrationError, progress::Progress};

const FIRST: &str = "dewar migration 1";
const LAST: &str = "end";

/// The file, and of which migration it has to be.
#[derive(Clone, Debug)]
pub(super) struct Checkpoint {
    path: PathBuf,
    from: String,
    to: String,
}

/// Where to go on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Place {
    /// Passes that are finished: 0 while everything is seen for the first time.
    pub(super) passes: u64,
    /// Where the next page begins; `None` at the start of a pass.
    pub(super) cursor: Option<Cursor>,
}

impl Checkpoint {
    pub(super) fn new(path: &Path, from: &str, to: &str) -> Self {
        Self { path: path.to_owned(), from: name(from), to: name(to) }
    }

    /// `None` if there is none yet.
    pub(super) fn read(&self) -> Result<Option<(Place, Progress)>, MigrationError> {
        let text = match fs::read(&self.path) {
            Ok(bytes) => String::from_utf8(bytes).map_err(|_| self.broken("it is no text"))?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(self.failed(source)),
        };
        let mut lines = text.lines();
        if lines.next() != Some(FIRST) {
            return Err(self.broken("its first line is another"));
        }
        let mut field = |name: &'static str| {
            let line = lines.next().and_then(|line| line.strip_prefix(name));
            let value = line
                .and_then(|line| line.strip_prefix(' ').or(Some("").filter(|_| line.is_empty())));
            value.ok_or_else(|| self.broken("a line is missing"))
        };
        let (from, to) = (field("from")?, field("to")?);
        if (from, to) != (&self.from, &self.to) {
            return Err(MigrationError::OtherMigration {
                path: self.path.clone(),
                found: format!("{from} to {to}"),
                expected: format!("{} to {}", self.from, self.to),
            });
        }
        let mut number =
            |name| field(name)?.parse::<u64>().map_err(|_| self.broken("a number is none"));
        let passes = number("passes")?;
        let mut progress = Progress::default();
        for (name, count) in counts(&mut progress) {
            *count = number(name)?;
        }
        let cursor = match field("cursor")? {
            "" => None,
            hex => Some(Cursor::from_bytes(
                unhex(hex).ok_or_else(|| self.broken("its cursor is none"))?,
            )),
        };
        if lines.next() != Some(LAST) {
            return Err(self.broken("its end is missing"));
        }
        progress.seen_before = progress.seen;
        // A check of the end holds for all of the old store, or for nothing.
        let cursor = cursor.filter(|_| passes == 0);
        Ok(Some((Place { passes, cursor }, progress)))
    }

    pub(super) fn write(&self, place: &Place, progress: &Progress) -> Result<(), MigrationError> {
        let mut text =
            format!("{FIRST}\nfrom {}\nto {}\npasses {}\n", self.from, self.to, place.passes);
        let mut progress = progress.clone();
        for (name, count) in counts(&mut progress) {
            let _ = writeln!(text, "{name} {count}");
        }
        text.push_str("cursor ");
        for byte in place.cursor.iter().flat_map(|cursor| cursor.as_bytes()) {
            let _ = write!(text, "{byte:02x}");
        }
        text.push('\n');
        text.push_str(LAST);
        text.push('\n');
        self.put(text.as_bytes()).map_err(|source| self.failed(source))
    }

    /// What was finished needs no checkpoint; the next migration of this pair begins anew.
    pub(super) fn remove(&self) -> Result<(), MigrationError> {
        match fs::remove_file(&self.path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(self.failed(error)),
            _ => Ok(()),
        }
    }

    fn put(&self, bytes: &[u8]) -> io::Result<()> {
        // Two migrations that are told to keep one file must not write into one another's.
        let mut name = self.path.file_name().unwrap_or_default().to_owned();
        name.push(format!(".{}", std::process::id()));
        let beside = self.path.with_file_name(name);
        let mut file = File::create(&beside)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        drop(file);
        fs::rename(&beside, &self.path)?;
        // The name is on the disk when the folder is; not every system can sync one.
        let folder = self.path.parent().filter(|folder| !folder.as_os_str().is_empty());
        if let Ok(folder) = File::open(folder.unwrap_or(Path::new("."))) {
            let _ = folder.sync_all();
        }
        Ok(())
    }

    fn broken(&self, rule: &'static str) -> MigrationError {
        MigrationError::NoCheckpoint { path: self.path.clone(), rule }
    }

    fn failed(&self, source: io::Error) -> MigrationError {
        MigrationError::Checkpoint { path: self.path.clone(), source }
    }
}

fn counts(progress: &mut Progress) -> [(&'static str, &mut u64); 8] {
    [
        ("seen", &mut progress.seen),
        ("carried", &mut progress.carried),
        ("already_there", &mut progress.already_there),
        ("carried_elsewhere", &mut progress.carried_elsewhere),
        ("ended", &mut progress.ended),
        ("expired", &mut progress.expired),
        ("unreadable", &mut progress.unreadable),
        ("routes_until_ms", &mut progress.routes_until_ms),
    ]
}

/// One line, and without the passwords that a URL may carry, before its host or among its options.
fn name(text: &str) -> String {
    let text: String = text.chars().filter(|it| !it.is_control()).collect();
    let Some((scheme, rest)) = text.split_once("://") else { return text };
    // Options may hold one, too; and whoever left a `/` in his password unescaped did not mean a path.
    let rest = rest.split(['?', '#']).next().unwrap_or_default();
    let place = rest.rsplit_once('@').map_or(rest, |(_, place)| place);
    format!("{scheme}://{place}")
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    if text.len() % 2 != 0 || !text.is_ascii() {
        return None;
    }
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).ok()).collect()
}
