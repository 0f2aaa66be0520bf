//! Where secret keys come from.

use std::{
    fs,
    io::{self, Write},
    path::Path,
};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use dewar_signing::SecretKey;

use crate::config::ConfigError;

/// How many random bytes make a good key.
const KEY_BYTES: usize = 32;

/// Reads the secret key from an environment variable.
///
/// The text of the variable is the key, as in Flask. How good it is, is checked when the layer is
/// built.
///
/// # Errors
/// [`ConfigError::NoKeyInEnvironment`] if it is not set, or not text.
///
/// # Flask
/// `app.secret_key = os.environ["SECRET_KEY"]`
pub fn key_from_env(name: &str) -> Result<SecretKey, ConfigError> {
    match std::env::var(name) {
        Ok(text) => Ok(SecretKey::from(text)),
        Err(_) => Err(ConfigError::NoKeyInEnvironment { name: name.to_owned() }),
    }
}

/// Random bytes from the operating system, for a new key.
///
/// # Errors
/// If the operating system has none to give: there is no weaker source to fall back to.
///
/// # Flask
/// `secrets.token_bytes(n)`
pub fn random_bytes(n: usize) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; n];
    getrandom::fill(&mut bytes).map_err(io::Error::other)?;
    Ok(bytes)
}

/// The key of this machine for development: made once, kept in `file`, and the same ever after, so
/// that sessions survive a restart.
///
/// The file is created with its folders, readable by its owner alone.
///
/// # Errors
/// If the file can be neither read nor created.
///
/// # Security
/// For servers that listen on a loopback address. In production the key comes from where secrets
/// are kept: see [`key_from_env`].
pub fn development_key(file: impl AsRef<Path>) -> io::Result<SecretKey> {
    let file = file.as_ref();
    match fs::read_to_string(file) {
        Ok(text) => return Ok(SecretKey::from(text.trim())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    if let Some(folder) = file.parent() {
        fs::create_dir_all(folder)?;
    }
    // Written beside and linked into place: of two processes that start at once, one key wins, and
    // nobody reads half of it.
    let text = URL_SAFE_NO_PAD.encode(random_bytes(KEY_BYTES)?);
    let draft = file.with_extension(format!("{}.new", std::process::id()));
    let written = write_private(&draft, &text).and_then(|()| fs::hard_link(&draft, file));
    fs::remove_file(&draft)?;
    match written {
        Ok(()) => Ok(SecretKey::from(text)),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            Ok(SecretKey::from(fs::read_to_string(file)?.trim()))
        }
        Err(error) => Err(error),
    }
}

fn write_private(file: &Path, text: &str) -> io::Result<()> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(file)?.write_all(text.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_development_key_is_made_once() {
        let folder = std::env::temp_dir().join(format!("dewar-keys-{}", std::process::id()));
        let file = folder.join("deep/down/key");
        let first = development_key(&file).expect("a key");
        let second = development_key(&file).expect("the same key");
        assert_eq!(first.as_bytes(), second.as_bytes());
        assert_eq!(first.as_bytes().len(), 43);
        #[cfg(unix)]
        {
            use std::os::unix::fs::MetadataExt;
            let mode = fs::metadata(&file).expect("the file").mode();
            assert_eq!(mode & 0o777, 0o600, "nobody else can read it");
        }
        let files = fs::read_dir(file.parent().expect("a folder")).expect("the folder").count();
        assert_eq!(files, 1, "no draft is left behind");
        fs::remove_dir_all(folder).expect("the folder can go");
    }
}
