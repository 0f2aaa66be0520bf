//! The contract: of one store, and of two on one file, which know of each other as two processes do.

#![allow(clippy::unwrap_used, reason = "a test fails where it stands")]

mod support;

use std::{
    path::PathBuf,
    sync::atomic::{AtomicUsize, Ordering},
};

use dewar::store::conformance::{self, Alternating};
use dewar_stores::sqlite::{Durability, SqliteStore};
use support::Folder;

/// Power cuts are another test's subject; here ten thousands of syncs would only take time.
fn open(path: PathBuf) -> SqliteStore {
    SqliteStore::builder(path).durability(Durability::Normal).open().unwrap()
}

/// A new file for each case.
struct Files {
    folder: Folder,
    count: AtomicUsize,
}

impl Files {
    fn new() -> Self {
        Self { folder: Folder::new(), count: AtomicUsize::new(0) }
    }

    async fn one(&self) -> SqliteStore {
        let number = self.count.fetch_add(1, Ordering::Relaxed);
        open(self.folder.join(&format!("{number}.db")))
    }

    async fn two(&self) -> Alternating<SqliteStore> {
        let number = self.count.fetch_add(1, Ordering::Relaxed);
        let path = self.folder.join(&format!("{number}.db"));
        Alternating::of([open(path.clone()), open(path)])
    }
}

#[tokio::test]
async fn sqlite_keeps_the_contract() {
    let files = Files::new();
    conformance::check(|| files.one()).await.assert_passed();
    conformance::check_sweep(|| files.one()).await.assert_passed();
    conformance::check_users(|| files.one()).await.assert_passed();
    conformance::check_scan(|| files.one()).await.assert_passed();
}

#[tokio::test]
async fn two_stores_on_one_file_keep_the_contract() {
    let files = Files::new();
    conformance::check(|| files.two()).await.assert_passed();
    conformance::check_sweep(|| files.two()).await.assert_passed();
    conformance::check_users(|| files.two()).await.assert_passed();
    conformance::check_scan(|| files.two()).await.assert_passed();
}
