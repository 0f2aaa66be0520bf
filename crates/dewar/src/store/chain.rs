//! From an id to where its session is now.

use std::future::Future;

use super::{Loaded, Moved, StoreError};
use crate::id::StoreKey;

/// The keys of one session, from an old one to the present one: each [`Loaded::Moved`] leads one key
/// further.
///
/// A session is followed over 8 rotations, so that nobody goes round in circles.
#[derive(Clone, Copy, Debug)]
pub struct Chain {
    at: StoreKey,
    hops: usize,
}

impl Chain {
    /// How many rotations are followed.
    pub const MAX_HOPS: usize = 8;

    /// The chain that begins here.
    pub fn from(key: StoreKey) -> Self {
        Self { at: key, hops: 0 }
    }

    /// The key that was reached.
    pub fn key(&self) -> &StoreKey {
        &self.at
    }

    /// Goes on to the successor.
    ///
    /// # Errors
    /// If the session was rotated more often than is followed: of the kind
    /// [`Unavailable`](super::StoreErrorKind::Unavailable), because somebody who rotates it at this
    /// moment stops some time. If the marker names its own key: of the kind
    /// [`Refused`](super::StoreErrorKind::Refused), because the session was carried over to another
    /// store, where this one cannot follow.
    pub fn follow(&mut self, moved: Moved) -> Result<(), StoreError> {
        if moved.to == self.at {
            return Err(StoreError::carried_over());
        }
        if self.hops == Self::MAX_HOPS {
            let said = "the session was rotated too often to be followed";
            return Err(StoreError::unavailable(said));
        }
        self.hops += 1;
        self.at = moved.to;
        Ok(())
    }

    /// Where the session is now, and what stands there: anything but [`Loaded::Moved`]. `load` asks
    /// the store.
    ///
    /// # Errors
    /// If the store does not answer, or the session was rotated more often than is followed.
    pub async fn end<L, F>(mut self, load: L) -> Result<(StoreKey, Loaded), StoreError>
    where
        L: Fn(StoreKey) -> F,
        F: Future<Output = Result<Loaded, StoreError>>,
    {
        loop {
            match load(self.at).await? {
                Loaded::Moved(moved) => self.follow(moved)?,
                loaded => return Ok((self.at, loaded)),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::StoreErrorKind;

    #[test]
    fn a_chain_is_followed_over_eight_rotations() {
        let key = |number| StoreKey::from_bytes([number; 32]);
        let mut chain = Chain::from(key(0));
        for number in 1..=8 {
            chain.follow(Moved { to: key(number), until_ms: 0 }).expect("few hops");
        }
        assert_eq!(*chain.key(), key(8));
        let error = chain.follow(Moved { to: key(9), until_ms: 0 }).expect_err("too many");
        assert_eq!((error.kind(), *chain.key()), (StoreErrorKind::Unavailable, key(8)));
    }

    #[test]
    fn a_marker_that_names_its_own_key_leads_to_another_store() {
        let key = StoreKey::from_bytes([1; 32]);
        let mut chain = Chain::from(key);
        let error = chain.follow(Moved { to: key, until_ms: 0 }).expect_err("not here");
        assert_eq!(error.kind(), StoreErrorKind::Refused);
        assert!(error.is_outage(), "another node may know both stores");
    }
}
