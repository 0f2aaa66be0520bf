//! Where the demo's key comes from.

use std::{env, fmt, path::PathBuf};

use anyhow::Context;
use dewar::SecretKey;

use super::programs;
use crate::args::Demo;

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
        return Ok((dewar::key_from_env(name)?, Origin::Environment(name.clone())));
    }
    let name = args.program.map_or("demo", |program| programs::find(program).name);
    let file = state_folder()?.join(format!("{name}.key"));
    let key = dewar::development_key(&file).with_context(|| {
        let file = file.display();
        format!("cannot keep a key in {file}: name another one with --secret-key-env")
    })?;
    Ok((key, Origin::File(file)))
}

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
