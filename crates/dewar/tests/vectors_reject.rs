//! Every token that must be refused, in a real request: never an error page, always a verdict.

mod checks;

use std::thread;

use checks::{Real, reject};
use dewar_testdata::vectors;

#[test]
fn vectors_of_refused_tokens_give_an_empty_session_and_the_reason() {
    let cases = vectors("reject");
    assert_eq!(cases.len(), 418);
    assert_eq!(reject::check(&Real, &cases), Ok(()));
}

#[test]
fn vectors_of_refused_tokens_need_no_more_than_256_kib_of_stack() {
    let cases = vectors("reject");
    let run = move || reject::check(&Real, &cases);
    let thread = thread::Builder::new().stack_size(256 << 10).spawn(run).expect("a thread");
    assert_eq!(thread.join().expect("the stack held"), Ok(()));
}
