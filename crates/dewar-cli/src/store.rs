//! The store that a URL names, and messages that say which option named it.

use std::{
    io::{self, ErrorKind},
    path::{Path, PathBuf},
};

use anyhow::{anyhow, ensure};
use dewar::store::BoxStore;
use dewar_stores::url::{StoreUrl, UrlError};

use crate::{
    failure::{Failed, with_causes},
    terminal,
};

/// Reads a URL; `from` is the option or the variable that it came from. No message shows a password.
pub(crate) fn read(from: &str, url: &str) -> anyhow::Result<StoreUrl> {
    url.parse().map_err(|error: UrlError| anyhow!("{from}: {error}"))
}

/// Refuses a store that keeps sessions of Flask-Session: its keys are ids, and a layer of ours gives it
/// hashes.
pub(crate) fn ensure_ours(from: &str, url: &StoreUrl) -> anyhow::Result<()> {
    ensure!(
        !url.is_flask_session(),
        "{from}: {url} holds sessions of Flask-Session: move them by `dewar sessions migrate --from`, and \
         name a store of dewar here, such as sqlite:app.db"
    );
    Ok(())
}

/// Opens the store. One that this build has not is a wrong use, one that does not open a failure.
pub(crate) async fn open(from: &str, url: &StoreUrl) -> anyhow::Result<BoxStore> {
    url.open().await.map_err(|error| failed(from, url, error))
}

/// Opens a store that is there; none is made.
pub(crate) async fn open_existing(from: &str, url: &StoreUrl) -> anyhow::Result<BoxStore> {
    url.open_existing().await.map_err(|error| failed(from, url, error))
}

/// The folder that opening this store would make.
pub(crate) fn missing_folder(url: &StoreUrl) -> Option<PathBuf> {
    let folder = url.file()?.parent().filter(|folder| *folder != Path::new(""))?;
    (!folder.exists()).then(|| folder.to_owned())
}

/// Says so, once it was made.
pub(crate) fn tell_made(folder: Option<&Path>) {
    if let Some(folder) = folder {
        terminal::note(&format!("made the folder {} for the store", folder.display()));
    }
}

fn failed(from: &str, url: &StoreUrl, error: UrlError) -> anyhow::Error {
    if !matches!(error, UrlError::Open { .. }) {
        return anyhow!("{from}: {error}");
    }
    let error = anyhow::Error::new(error);
    Failed(with_causes(&error) + &cure(from, url, &error)).into()
}

/// What helps, where the causes do not say it themselves.
fn cure(from: &str, url: &StoreUrl, error: &anyhow::Error) -> String {
    let mut causes = error.chain();
    let kind = causes.find_map(|cause| cause.downcast_ref::<io::Error>()).map(io::Error::kind);
    match kind {
        // The place is no place for a file.
        Some(_) if url.file().is_some() => format!(": name another {from}"),
        Some(
            ErrorKind::ConnectionRefused
            | ErrorKind::ConnectionReset
            | ErrorKind::NotFound
            | ErrorKind::TimedOut,
        ) => ": see whether the server runs there".into(),
        _ => String::new(),
    }
}
