//! What Flask sends at the end of a request, to the byte and in its order.

mod checks;

use checks::{Real, save_session};
use dewar_testdata::vectors;

#[test]
fn vectors_of_saved_sessions_have_flasks_headers() {
    assert_eq!(vectors("save_session").len(), 433);
    assert_eq!(save_session::check(&Real), Ok(()));
}
