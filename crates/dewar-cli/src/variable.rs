//! Keys from environment variables, and messages that say which.

use anyhow::{anyhow, bail, ensure};
use dewar::{ConfigError, SecretKey, SessionLayer, WeakKey};
use tracing::subscriber::{NoSubscriber, with_default};

/// The option that names the newest key.
pub(crate) const NEWEST: &str = "--secret-key-env";

/// The key of the environment variable that was named with `option`.
pub(crate) fn key(option: &str, name: &str) -> anyhow::Result<SecretKey> {
    let key = match dewar::key_from_env(name) {
        // What was given may be the key itself: it is not shown.
        Err(ConfigError::NoVariableName) => {
            bail!("{option} wants the name of a variable, such as SECRET_KEY")
        }
        key => key?,
    };
    ensure!(
        !key.as_bytes().trim_ascii().is_empty(),
        "the environment variable {name} is empty: export {name}=\"$(dewar secret)\""
    );
    Ok(key)
}

/// What is wrong with a key, and where it came from.
pub(crate) fn weak(name: &str, weakness: &WeakKey) -> anyhow::Error {
    anyhow!("the environment variable {name}: {weakness}")
}

/// Why no server would take the key.
pub(crate) fn weakness(key: &SecretKey) -> Option<WeakKey> {
    // The layer is built to ask, not to serve: what it advises is said by the one that serves.
    let built =
        with_default(NoSubscriber::new(), || SessionLayer::signed_cookie(key.clone()).build());
    match built {
        Err(ConfigError::WeakKey(weakness)) => Some(weakness),
        _ => None,
    }
}
