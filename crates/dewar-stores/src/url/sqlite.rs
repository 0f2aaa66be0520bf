//! `sqlite:FILE?durability=full|normal&busy_timeout_ms=1500&queue_length=1024`.

use std::path::{Path, PathBuf};

use super::{
    error::UrlError,
    options::{self, Allowed, Options, Rule},
    percent,
};

const RULES: &[Rule] = &[
    Rule {
        name: "durability",
        allowed: Allowed::OneOf(&["full", "normal"]),
        says: "full or normal",
    },
    Rule {
        name: "busy_timeout_ms",
        allowed: Allowed::Number(0, 3_600_000),
        says: "milliseconds from 0 to 3600000",
    },
    Rule {
        name: "queue_length",
        allowed: Allowed::Number(1, 1 << 20),
        says: "a number from 1 to 1048576",
    },
];

/// A `sqlite:` URL, read.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SqliteUrl {
    /// The file. A relative path begins in the working folder.
    pub file: PathBuf,
    /// `durability`, `busy_timeout_ms`, `queue_length`.
    pub options: Options,
}

impl SqliteUrl {
    /// The file with the defaults of a store.
    pub fn new(file: impl AsRef<Path>) -> Self {
        Self { file: file.as_ref().to_owned(), options: Options::default() }
    }

    pub(super) fn read(rest: &str) -> Result<Self, UrlError> {
        let (file, query) = options::split(rest);
        let options = Options::read("sqlite", query, RULES)?;
        Ok(Self { file: file_of("sqlite", file)?, options })
    }
}

/// The file that a URL names after its scheme.
pub(super) fn file_of(scheme: &'static str, file: &str) -> Result<PathBuf, UrlError> {
    // To some `sqlite:///app.db` is a file here, to others one at the root.
    if file.starts_with("//") {
        return Err(UrlError::SqliteSlashes { scheme });
    }
    let file = percent::decode(file, "the file")?;
    if file == ":memory:" {
        return Err(UrlError::SqliteMemory);
    }
    if file.is_empty() || file.ends_with('/') {
        return Err(UrlError::NoFile { scheme });
    }
    Ok(PathBuf::from(file))
}
