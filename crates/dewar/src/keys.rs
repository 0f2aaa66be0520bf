//! Where secret keys come from.

use std::{
    env::{self, VarError},
    fs::{self, OpenOptions},
    io::{self, Write},
    path::Path,
};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use dewar_signing::SecretKey;

use crate::config::ConfigError;

/// How many random bytes make a good key.
const KEY_BYTES: usize = 32;

/// From here on a text may be a key: no shorter one passes the gate.
const SHORTEST_KEY_TEXT: usize = 16;

/// Reads the secret key from an environment variable.
///
/// The text of the variable is the key, as in Flask. How good it is, is checked when the layer is
/// built.
///
/// # Errors
/// [`ConfigError::NoKeyInEnvironment`] if it is not set, [`ConfigError::KeyNotText`] if it holds
/// something else than text, and [`ConfigError::NoVariableName`] if `name` can hardly be a name.
///
/// # Security
/// Who gives the key where its name belongs does not find it in a log: such a name is never shown.
///
/// # Flask
/// `app.secret_key = os.environ["SECRET_KEY"]`
pub fn key_from_env(name: &str) -> Result<SecretKey, ConfigError> {
    match env::var(name) {
        Ok(text) => Ok(SecretKey::from(text)),
        Err(VarError::NotUnicode(_)) => Err(ConfigError::KeyNotText { name: name.to_owned() }),
        Err(VarError::NotPresent) if is_likely_name(name) => {
            Err(ConfigError::NoKeyInEnvironment { name: name.to_owned() })
        }
        Err(VarError::NotPresent) => Err(ConfigError::NoVariableName),
    }
}

/// Whether a shell could export the name, and it does not look like a key.
///
/// A key in base64 or hexadecimal may well have the letters of a name. It is long and mixes small
/// letters with digits or capitals, which names that long hardly do.
fn is_likely_name(name: &str) -> bool {
    let is_word = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    let starts = name.starts_with(|first: char| !first.is_ascii_digit());
    let has = |kind: fn(&u8) -> bool| name.as_bytes().iter().any(kind);
    let is_mixed =
        has(u8::is_ascii_lowercase) && (has(u8::is_ascii_digit) || has(u8::is_ascii_uppercase));
    is_word && starts && !(name.len() >= SHORTEST_KEY_TEXT && is_mixed)
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
/// If the file can be neither read nor created. Of the kind [`InvalidInput`] if it is no regular
/// file, of the kind [`InvalidData`] if it is not text. What the text is worth as a key is checked
/// when the layer is built.
///
/// # Security
/// For servers that listen on a loopback address. In production the key comes from where secrets
/// are kept: see [`key_from_env`].
///
/// [`InvalidData`]: io::ErrorKind::InvalidData
/// [`InvalidInput`]: io::ErrorKind::InvalidInput
pub fn development_key(file: impl AsRef<Path>) -> io::Result<SecretKey> {
    let file = file.as_ref();
    match read(file) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        read => return read,
    }
    if let Some(folder) = file.parent() {
        fs::create_dir_all(folder)?;
    }
    let text = URL_SAFE_NO_PAD.encode(random_bytes(KEY_BYTES)?);
    match keep(&text, file, |draft, file| fs::hard_link(draft, file)) {
        Ok(()) => Ok(SecretKey::from(text)),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => read(file),
        Err(error) => Err(error),
    }
}

fn read(file: &Path) -> io::Result<SecretKey> {
    // Reading a pipe would wait for somebody who writes.
    if !fs::metadata(file)?.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is no regular file"));
    }
    Ok(SecretKey::from(fs::read_to_string(file)?.trim()))
}

/// Puts the text into the file, unless there is one: that is the error `AlreadyExists`.
///
/// Written beside and linked into place: of two processes that start at once, one key wins, and
/// nobody reads half of it.
fn keep(text: &str, file: &Path, link: impl Fn(&Path, &Path) -> io::Result<()>) -> io::Result<()> {
    let draft = file.with_extension(format!("{}.new", std::process::id()));
    let drafted = write_private(OpenOptions::new().create(true).truncate(true), &draft, text);
    let kept = drafted.and_then(|()| match link(&draft, file) {
        // Some file systems have no links. Created only if it is new, one key still wins; the
        // other process may see the file before its text, and then says that it is empty.
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
            write_private(OpenOptions::new().create_new(true), file, text)
        }
        linked => linked,
    });
    // It may not even have come to be, and why is what the caller wants to know.
    let _ = fs::remove_file(&draft);
    kept
}

fn write_private(options: &mut OpenOptions, file: &Path, text: &str) -> io::Result<()> {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    options.write(true).open(file)?.write_all(text.as_bytes())
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    /// A folder of its own, gone at the end.
    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str) -> Self {
            let name = format!("dewar-keys-{name}-{}", std::process::id());
            let folder = env::temp_dir().join(name);
            fs::create_dir_all(&folder).expect("a folder");
            Self(folder)
        }

        fn files(&self) -> usize {
            fs::read_dir(&self.0).expect("the folder").count()
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn the_development_key_is_made_once() {
        let folder = Folder::new("once");
        let file = folder.0.join("deep/down/key");
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
    }

    #[test]
    fn a_file_system_without_links_keeps_a_key_too() {
        let folder = Folder::new("links");
        let file = folder.0.join("key");
        let no_links = |_: &Path, _: &Path| Err(io::ErrorKind::Unsupported.into());
        keep("first", &file, no_links).expect("kept");
        let second = keep("second", &file, no_links).expect_err("there is one");
        assert_eq!(second.kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(fs::read_to_string(&file).expect("the key"), "first");
        assert_eq!(folder.files(), 1, "no draft is left behind");
    }

    #[test]
    fn the_reason_is_told_not_what_followed_from_it() {
        let folder = Folder::new("reason");
        // A draft that is a folder can be neither written nor removed as a file.
        let draft = folder.0.join(format!("key.{}.new", std::process::id()));
        fs::create_dir(&draft).expect("a folder in the way");
        let refused = development_key(folder.0.join("key")).expect_err("no draft");
        let wanted = write_private(OpenOptions::new().create(true), &draft, "").expect_err("none");
        assert_eq!(refused.kind(), wanted.kind());
    }

    #[test]
    fn what_is_no_file_of_text_is_no_key() {
        let folder = Folder::new("kinds");
        let refused = development_key(&folder.0).expect_err("a folder");
        assert_eq!(refused.kind(), io::ErrorKind::InvalidInput);
        let file = folder.0.join("key");
        fs::write(&file, b"\xff\xfe").expect("written");
        let refused = development_key(&file).expect_err("no text");
        assert_eq!(refused.kind(), io::ErrorKind::InvalidData);
    }

    #[test]
    fn a_key_in_the_place_of_its_name_is_not_shown() {
        let key = "q83vEjRWeJq83vEjRWeJq83vEjRWeJq83vEjRWeJ_xY";
        let hex = "deadbeefcafe01234567deadbeefcafe";
        for name in ["", "A=B", "a key", "1ST", "-x", "na\u{ef}ve", key, hex] {
            let message = key_from_env(name).expect_err("no name").to_string();
            assert!(name.len() < 2 || !message.contains(name), "{message}");
            assert!(message.contains("such as SECRET_KEY"), "{message}");
        }
        for name in ["NO_SUCH_KEY", "secret_key_of_the_old_site", "_K2"] {
            let message = key_from_env(name).expect_err("not set").to_string();
            assert!(message.contains(&format!("export {name}=")), "{message}");
        }
    }
}
