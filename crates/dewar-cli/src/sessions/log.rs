//! What an SQLite file still holds beside itself of what is gone.

use super::reach::Reach;

/// Empties the log: what was erased can be read in it, until it is written over.
///
/// # Errors
/// If another program holds it, or it cannot be emptied. What was erased is so all the same: say so first.
#[cfg(feature = "sqlite")]
pub(super) fn empty(reach: &Reach) -> anyhow::Result<()> {
    use std::time::Duration;

    use dewar_stores::url::StoreUrl;

    use crate::failure::{Failed, with_causes};

    /// How long an application may hold the log.
    const PATIENCE: Duration = Duration::from_secs(3);

    let StoreUrl::Sqlite(url) = &reach.url else { return Ok(()) };
    let log = format!("{}-wal", url.file.display());
    match dewar_stores::sqlite::empty_log(&url.file, PATIENCE) {
        Ok(true) => Ok(()),
        Ok(false) => {
            let said =
                "which may still hold what is gone: run this again later, or end that program";
            Err(Failed(format!("another program holds the log {log}, {said} first")).into())
        }
        Err(error) => {
            let said = with_causes(&error.into());
            Err(Failed(format!("the log {log} cannot be emptied: {said}")).into())
        }
    }
}

#[cfg(not(feature = "sqlite"))]
pub(super) fn empty(_: &Reach) -> anyhow::Result<()> {
    Ok(())
}
