//! The store that a URL names, and messages that say which option named it.

use anyhow::{anyhow, ensure};
use dewar::store::BoxStore;
use dewar_stores::url::{StoreUrl, UrlError};

use crate::failure::{Failed, with_causes};

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
    url.open().await.map_err(|error| match error {
        UrlError::Open { .. } => {
            let error = anyhow::Error::new(error);
            Failed(format!("{}: name another {from}", with_causes(&error))).into()
        }
        error => anyhow!("{from}: {error}"),
    })
}
