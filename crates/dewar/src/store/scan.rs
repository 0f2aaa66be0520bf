//! Everything a store holds, page by page.

use std::{fmt, future::Future};

use super::{Loaded, Store, StoreError};
use crate::id::StoreKey;

/// Where a scan goes on: bytes that mean something to the store that gave them alone.
///
/// They hold no secret and may be kept, so that a scan goes on after a restart.
#[derive(Clone, PartialEq, Eq)]
pub struct Cursor(Vec<u8>);

impl Cursor {
    /// The cursor of these bytes.
    pub fn from_bytes(bytes: impl Into<Vec<u8>>) -> Self {
        Self(bytes.into())
    }

    /// Its bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Cursor({} bytes)", self.0.len())
    }
}

/// One page of a [`Scan`].
#[derive(Debug)]
#[expect(clippy::exhaustive_structs, reason = "a store writes every field")]
pub struct Page {
    /// What stands under each key; an error for a record that cannot be read. Never
    /// [`Loaded::Nothing`].
    pub found: Vec<(StoreKey, Result<Loaded, StoreError>)>,
    /// Where the next page begins; `None` after the last one.
    pub next: Option<Cursor>,
}

/// A store that shows everything it holds: for migration, and for operators.
pub trait Scan: Store {
    /// The page at `from`, or the first one; about `limit` keys, perhaps fewer, perhaps none.
    ///
    /// What is there from the first page to the last is shown at least once, whatever others do
    /// meanwhile. No other call waits for it for long.
    ///
    /// # Errors
    /// Also if the cursor is none of this store's.
    fn scan(
        &self,
        from: Option<&Cursor>,
        limit: usize,
    ) -> impl Future<Output = Result<Page, StoreError>> + Send;
}
