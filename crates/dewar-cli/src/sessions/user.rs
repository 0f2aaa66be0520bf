//! The sessions of one user.

use dewar::{
    StoreKey,
    store::{Loaded, Owner, Record},
};

use super::{reach::Reach, view::Sorted};

/// What a store holds of a user.
#[derive(Default)]
pub(super) struct Held {
    /// Oldest first, live or not.
    pub(super) records: Vec<(StoreKey, Record)>,
    /// Records that may be the user's, and cannot be read.
    pub(super) unreadable: Vec<StoreKey>,
}

/// Finds them by the store's list of users, or, if it keeps none, by reading all of it.
pub(super) async fn held(reach: &Reach, owner: &Owner) -> anyhow::Result<Held> {
    let mut held = Held::default();
    if reach.store.knows_users() {
        for key in reach.keys_of(owner).await? {
            held.take(reach, owner, key, reach.load(&key).await)?;
        }
    } else {
        let mut pages = reach.pages();
        while let Some(page) = pages.next().await? {
            for (key, found) in page {
                // An unreadable record in a scan is anybody's.
                if found.is_ok() {
                    held.take(reach, owner, key, found)?;
                }
            }
        }
    }
    held.records.sort_unstable_by_key(|(key, record)| (record.created_ms, *key));
    held.records.dedup_by_key(|(key, _)| *key);
    Ok(held)
}

impl Held {
    fn take(
        &mut self,
        reach: &Reach,
        owner: &Owner,
        key: StoreKey,
        found: Result<Loaded, dewar::store::StoreError>,
    ) -> anyhow::Result<()> {
        match Sorted::of(reach, found)? {
            Sorted::Live(record) | Sorted::Expired(record)
                if record.owner.as_ref() == Some(owner) =>
            {
                self.records.push((key, record));
            }
            Sorted::Unreadable => self.unreadable.push(key),
            _ => {}
        }
        Ok(())
    }
}
