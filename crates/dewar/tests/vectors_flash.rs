//! Messages that are shown once, as Flask keeps them.

mod checks;

use checks::{Real, flash};
use dewar_testdata::vectors;

#[test]
fn vectors_of_flashed_messages_are_shown_once() {
    assert_eq!(vectors("flash").len(), 48);
    assert_eq!(flash::check(&Real), Ok(()));
}
