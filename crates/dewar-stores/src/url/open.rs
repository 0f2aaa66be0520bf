//! From a URL to a store.

use dewar::store::{BoxStore, MemoryStore};

#[cfg(feature = "sqlite")]
use super::SqliteUrl;
use super::{StoreUrl, UrlError};

/// Opens the store that this URL names.
///
/// A store in memory is a new one each time.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let store = dewar_stores::url::open("memory:").await?;
/// assert!(store.scans() && store.knows_users());
/// # Ok(()) }
/// ```
///
/// # Errors
/// If the URL names no store, if this build has not the store's feature, or if the store cannot be
/// opened; see [`UrlError`].
pub async fn open(url: &str) -> Result<BoxStore, UrlError> {
    url.parse::<StoreUrl>()?.open().await
}

impl StoreUrl {
    /// Opens the store; see [`open`].
    ///
    /// # Errors
    /// As [`open`].
    pub async fn open(&self) -> Result<BoxStore, UrlError> {
        match self {
            Self::Memory => Ok(BoxStore::full(MemoryStore::new())),
            #[cfg(feature = "sqlite")]
            Self::Sqlite(url) => sqlite(url).map_err(|source| self.failed(source)),
            #[cfg(not(feature = "sqlite"))]
            Self::Sqlite(_) => Err(UrlError::MissingFeature { feature: "sqlite" }),
            Self::Redis(_) => Err(UrlError::MissingFeature { feature: "redis" }),
            Self::Postgres(_) => Err(UrlError::MissingFeature { feature: "postgres" }),
        }
    }

    #[cfg(feature = "sqlite")]
    fn failed(&self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> UrlError {
        UrlError::Open { url: self.to_string(), source: source.into() }
    }
}

#[cfg(feature = "sqlite")]
fn sqlite(url: &SqliteUrl) -> Result<BoxStore, crate::sqlite::OpenError> {
    use std::time::Duration;

    use crate::sqlite::{Durability, SqliteStore};

    let mut builder = SqliteStore::builder(&url.file);
    if url.options.get("durability") == Some("normal") {
        builder = builder.durability(Durability::Normal);
    }
    if let Some(ms) = url.options.number("busy_timeout_ms") {
        builder = builder.busy_timeout(Duration::from_millis(ms));
    }
    if let Some(length) = url.options.number("queue_length") {
        builder = builder.queue_length(usize::try_from(length).unwrap_or(usize::MAX));
    }
    builder.open().map(BoxStore::full)
}
