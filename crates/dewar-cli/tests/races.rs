//! Overlapping requests over real HTTP, against the real program in one and in three processes.
//!
//! That the requests overlap is proven, not hoped for: each answer says when its session was open
//! and when its handler was done, and a round in which a session was opened after the first handler
//! was done counts for nothing. Each race is run against a build that loses, too, and must notice.
//!
//! `DEWAR_RACES` says how many logout races are run (2,000; with three processes a quarter of that), and
//! `DEWAR_SEED` runs the orders of an earlier run again.

mod demo;
mod race;

use std::time::Instant;

use race::{Found, logout, many, races, rotation, seed, site::Site};

/// How often the races that are quick are run.
const ROUNDS: u64 = 30;

/// Runs a race on every kind of site, and on the one that loses, which must be found out.
fn everywhere(rounds: u64, race: impl Fn(&Site, u64) -> Found) {
    let seed = seed();
    for name in ["memory", "SQLite", "SQLite, three processes"] {
        let site = match name {
            "memory" => Site::memory(),
            "SQLite" => Site::sqlite(),
            _ => Site::three(),
        };
        let begun = Instant::now();
        for round in 0..rounds {
            if let Err(lost) = race(&site, seed.wrapping_add(round)) {
                panic!("{name}, round {round}: {lost}");
            }
        }
        eprintln!("{name}: {rounds} rounds in {:?}", begun.elapsed());
    }
    for processes in [1, 3] {
        let site = Site::sabotaged(processes);
        let mut found = (0..rounds).map(|round| race(&site, seed.wrapping_add(round)));
        let lost = found.find_map(Result::err).expect("the build that loses must be found out");
        eprintln!("the build that loses, {processes} ports: {lost}");
    }
}

#[test]
fn two_hundred_overlapping_writes_of_distinct_keys_all_land() {
    everywhere(3, |site, _| many::all_land(site, &many::SET));
}

#[test]
fn two_hundred_overlapping_increments_add_up() {
    everywhere(3, |site, _| many::all_land(site, &many::INCR));
}

#[test]
fn two_hundred_overlapping_pushes_keep_every_element() {
    everywhere(3, |site, _| many::all_land(site, &many::PUSH));
}

#[test]
fn a_slow_reader_clobbers_nothing() {
    everywhere(3, |site, _| many::slow_reader(site));
}

#[test]
fn a_rotation_keeps_the_write_in_flight_and_leaves_the_old_id_dead() {
    everywhere(ROUNDS, rotation::keeps_the_write);
}

#[test]
fn a_late_write_is_no_way_into_the_rotated_session() {
    everywhere(ROUNDS, rotation::fixation_fails);
}

/// Runs the logout races: none may be lost, and both orders must have come up in every kind.
fn logout_is_final(site: &Site, number: u64) {
    let seed = seed();
    let begun = Instant::now();
    let tallies = logout::races(site, number, seed);
    eprintln!("{number} races in {:?}: {:?}", begun.elapsed(), tallies.kinds);
    assert!(tallies.losses.is_empty(), "{}", tallies.losses.join("\n"));
    for tally in tallies.kinds {
        assert!(tally.logout_first > 0 && tally.logout_last > 0, "one order only: {tally:?}");
    }
}

#[test]
fn a_logout_is_final_in_memory() {
    logout_is_final(&Site::memory(), races(2000));
}

#[test]
fn a_logout_is_final_in_sqlite() {
    logout_is_final(&Site::sqlite(), races(2000));
}

#[test]
fn a_logout_is_final_with_three_processes() {
    logout_is_final(&Site::three(), races(2000) / 4);
}

#[test]
fn a_logout_that_is_not_final_is_noticed_in_every_kind() {
    for processes in [1, 3] {
        let tallies = logout::races(&Site::sabotaged(processes), 100, seed());
        eprintln!("{:?}", tallies.kinds);
        for (kind, tally) in tallies.kinds.iter().enumerate() {
            assert!(tally.lost > 0, "kind {kind}: {tally:?}");
        }
    }
}
