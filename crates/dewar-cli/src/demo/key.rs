//! Where the demo's key comes from.

use std::{
    env, fmt,
    io::ErrorKind,
    path::{Path, PathBuf},
};

use anyhow::{Context, anyhow};
use dewar::{SecretKey, WeakKey};

use super::programs;
use crate::{args::Demo, terminal, variable};

/// How the key was come by, for the one who started the demo.
pub(super) enum Origin {
    Environment(String),
    File(PathBuf),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Environment(name) => write!(f, "from the environment variable {name}"),
            Self::File(file) => {
                write!(f, "made for development and kept in {}", file.display())
            }
        }
    }
}

/// The key of the environment variable, if one was named; else a key for development.
///
/// Each way to run the demo has a key of its own: what one program left in a browser on this
/// machine is nothing to another that happens to use the same port and name.
pub(super) fn find(args: &Demo) -> anyhow::Result<(SecretKey, Origin)> {
    if let Some(name) = &args.secret_key_env {
        let key = variable::key(variable::NEWEST, name)?;
        return match variable::weakness(&key) {
            Some(weakness) => Err(variable::weak(name, &weakness)),
            None => Ok((key, Origin::Environment(name.clone()))),
        };
    }
    let name = args.program.map_or("demo", |program| programs::find(program).name);
    let file = state_folder()?.join(format!("{name}.key"));
    let key = dewar::development_key(&file).map_err(|error| match error.kind() {
        ErrorKind::InvalidData => unusable(&file, "it is not text"),
        ErrorKind::InvalidInput => unusable(&file, "it is no regular file"),
        _ => anyhow!(
            "cannot keep a key in {}: {error}: name a variable that holds one with {}",
            file.display(),
            variable::NEWEST
        ),
    })?;
    if let Some(weakness) = variable::weakness(&key) {
        return Err(unusable(&file, &of_a_file(&weakness)));
    }
    warn_of_readers(&file);
    Ok((key, Origin::File(file)))
}

fn unusable(file: &Path, why: &str) -> anyhow::Error {
    let file = file.display();
    anyhow!("the key kept in {file} cannot be used: {why}: delete the file, a new one is made")
}

/// What is wrong, without the cure for a key that somebody has to make.
fn of_a_file(weakness: &WeakKey) -> String {
    match weakness {
        WeakKey::Missing => "it is empty".into(),
        WeakKey::Placeholder => "it is a placeholder".into(),
        WeakKey::Published => "it is published".into(),
        WeakKey::SameAs { what } => format!("it equals {what}"),
        WeakKey::Short { bytes: 1, least } => format!("it has 1 byte of at least {least}"),
        WeakKey::Short { bytes, least } => format!("it has {bytes} bytes of at least {least}"),
        WeakKey::Uniform { distinct, least } => {
            format!("it has {distinct} different bytes of at least {least}")
        }
        other => other.to_string(),
    }
}

/// Whoever reads the key can write any session.
#[cfg(unix)]
fn warn_of_readers(file: &Path) {
    use std::os::unix::fs::MetadataExt;
    let mode = std::fs::metadata(file).map_or(0, |found| found.mode());
    if mode & 0o077 != 0 {
        let file = file.display();
        terminal::note(&format!(
            "warning: the key kept in {file} is open to other users (mode {:03o}): chmod 600 {file}",
            mode & 0o777
        ));
    }
}

#[cfg(not(unix))]
fn warn_of_readers(_: &Path) {}

/// Where programs keep what should outlive them: `$XDG_STATE_HOME/dewar`.
pub(super) fn state_folder() -> anyhow::Result<PathBuf> {
    // The specification: a path that is not absolute is to be ignored.
    let folder = |name| env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let state = folder("XDG_STATE_HOME").or_else(|| Some(folder("HOME")?.join(".local/state")));
    let state = state.context(
        "neither XDG_STATE_HOME nor HOME names a folder to keep anything in: set one, or name a \
         key with --secret-key-env and a store with --store",
    )?;
    Ok(state.join("dewar"))
}
