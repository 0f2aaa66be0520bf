//! Nothing but the genuine text is accepted: every single edit of ten cookies, and ten thousand
//! cleverer ones.
#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod checks;

use std::time::{Duration, Instant};

use checks::{
    KEY, NOW, Real, Seen, cookies,
    random::{Random, setting},
    signed,
    tamper::{Gate, bits, cookies as genuine, insertions_and_deletions, replacements, structured},
    visit,
};
use dewar::{ManualClock, Verdict};
use dewar_signing::payload::{Compression, MAX_INFLATED, encode};

/// Runs one kind of edit over all ten cookies; none may be accepted.
fn none_is_accepted<I: Iterator<Item = Vec<u8>>>(edits: impl Fn(&str) -> I, least: u64) {
    let tokens = genuine();
    assert_eq!(tokens.len(), 10);
    let mut gate = Gate::new(&Real);
    for token in &tokens {
        gate.present(&tokens, edits(token));
    }
    println!("{} tried, {} of them not sendable", gate.tried, gate.unsendable);
    assert!(gate.tried >= least && gate.unsendable * 3 < gate.tried);
    assert_eq!(gate.verdict(), Ok(()));
}

#[test]
fn no_single_bit_can_be_changed() {
    none_is_accepted(bits, 5_000);
}

#[test]
fn no_single_byte_can_be_replaced() {
    none_is_accepted(replacements, 150_000);
}

#[test]
fn no_single_byte_can_be_added_or_taken_away() {
    none_is_accepted(insertions_and_deletions, 150_000);
}

#[test]
fn no_structured_forgery_is_accepted() {
    let (seed, count) = (setting("DEWAR_SEED", 52), setting("DEWAR_CASES", 12_500));
    println!("DEWAR_SEED={seed} DEWAR_CASES={count}");
    let tokens = genuine();
    let mut gate = Gate::new(&Real);
    let count = usize::try_from(count).expect("a small number");
    gate.present(&tokens, structured(&tokens, &mut Random::new(seed), count));
    println!("{} tried, {} of them not sendable", gate.tried, gate.unsendable);
    assert!(gate.tried * 5 >= count as u64 * 4, "too many changes changed nothing");
    assert_eq!(gate.verdict(), Ok(()));
}

#[test]
fn the_genuine_ones_are_accepted() {
    let seen = Seen::default();
    let sessions = signed().clock(ManualClock::at_unix(NOW)).build().unwrap();
    let app = seen.router().layer(sessions);
    for token in genuine() {
        visit(&app, "/", Some(&format!("session={token}")));
        let (verdict, _) = seen.take().unwrap();
        assert!(verdict.is_live(), "{verdict}: {token}");
    }
}

/// A payload that takes long to decode tells by the time it takes whether it was decoded, and one
/// that cannot be decoded by the verdict.
#[test]
fn a_refused_payload_is_never_decoded() {
    let seen = Seen::default();
    let sessions = signed().clock(ManualClock::at_unix(NOW)).build().unwrap();
    let app = seen.router().layer(sessions);
    let bomb = encode(&vec![b' '; MAX_INFLATED], Compression::WhenSmaller);
    let good = String::from_utf8(cookies::signer(KEY).sign(&bomb, NOW)).unwrap();
    let forged = String::from_utf8(cookies::signer("another").sign(&bomb, NOW)).unwrap();
    let opened = |token: &str| -> (Duration, Verdict) {
        let cookie = format!("session={token}");
        let start = Instant::now();
        for _ in 0..20 {
            visit(&app, "/", Some(&cookie));
        }
        (start.elapsed(), seen.take().unwrap().0)
    };
    let (decoding, read) = opened(&good);
    let (refusing, refused) = opened(&forged);
    assert!(matches!(read, Verdict::WrongFormat { .. }), "{read}");
    assert!(matches!(refused, Verdict::BadSignature { .. }), "{refused}");
    println!("{refusing:?} to refuse, {decoding:?} to decode");
    assert!(refusing * 2 < decoding, "{refusing:?} to refuse, {decoding:?} to decode");
}
