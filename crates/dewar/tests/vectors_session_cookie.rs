//! Every recorded session cookie of Flask opens here, and is made here, to the byte.

mod checks;

use checks::{Real, session_cookie};
use dewar_testdata::vectors;

#[test]
fn vectors_of_session_cookies_open_through_a_request() {
    assert_eq!(vectors("session_cookie").len(), 280);
    assert_eq!(session_cookie::check_opening(&Real), Ok(()));
}

#[test]
fn vectors_of_session_cookies_are_made_by_a_request() {
    assert_eq!(session_cookie::check_writing(&Real), Ok(()));
}

#[test]
fn vectors_of_session_cookies_open_and_are_made_without_a_request() {
    assert_eq!(session_cookie::check_floor_1(), Ok(()));
}
