//! What is kept is kept with all its bits.

use std::sync::Arc;

use super::{
    super::subject::{Finding, Subject, ensure, same},
    Case, cases,
};
use crate::{
    id::StoreKey,
    store::{Created, Loaded, Moved, Owner, Reached, Record, Store, Writes, Written},
};

pub(super) fn cases<S: Store>() -> Vec<Case<S>> {
    cases![
        data_of_any_length_comes_back,
        every_byte_comes_back,
        every_moment_comes_back,
        the_owner_comes_back,
        all_eight_writes_come_back,
        keys_that_differ_in_one_bit_are_two_keys,
        keys_of_letters_and_zeros_are_keys,
    ]
}

/// Around the limits of column types and length prefixes (Spring Session gh-1203).
async fn data_of_any_length_comes_back<S: Store>(s: Arc<Subject<S>>) -> Finding {
    for len in [0, 1, 64, 65, 255, 256, 4_095, 65_535, 65_536, 1 << 20] {
        let bytes: Vec<u8> = (0..len).map(|at: u32| (at % 251) as u8).collect();
        let record = s.record(bytes.clone());
        let key = s.created(&record).await?;
        let what = format!("load of {len} bytes");
        s.holds(&what, &key, Loaded::Live(record.clone())).await?;
        // Over something short, and back in a conflict.
        let (key, short) = s.live().await?;
        let next = s.next(&short, bytes);
        same(&what, s.update(&key, short.version(), &next).await?, Written::Done)?;
        let conflict = s.update(&key, short.version(), &short).await?;
        same(&what, conflict, Written::Conflict(next))?;
    }
    Ok(())
}

/// The data is no text: zeros, quotes and what is not UTF-8 are bytes like others.
async fn every_byte_comes_back<S: Store>(s: Arc<Subject<S>>) -> Finding {
    for byte in 0..=u8::MAX {
        let record = s.record([byte, 0, byte]);
        let key = s.created(&record).await?;
        s.holds(&format!("load of the byte {byte}"), &key, Loaded::Live(record)).await?;
    }
    let all: Vec<u8> = (0..=u8::MAX).chain((0..=u8::MAX).rev()).collect();
    let record = s.record(all);
    let key = s.created(&record).await?;
    s.holds("load of all bytes", &key, Loaded::Live(record)).await
}

/// A database whose integers are signed or floating must not round, clip or wrap a moment.
async fn every_moment_comes_back<S: Store>(s: Arc<Subject<S>>) -> Finding {
    const MOMENTS: [u64; 6] =
        [0, (1 << 53) + 1, i64::MAX as u64, i64::MAX as u64 + 1, u64::MAX - 1, u64::MAX];
    for moment in MOMENTS {
        let usual = s.record("when");
        let (idle_deadline_ms, absolute_deadline_ms) = (moment, moment);
        for record in [
            Record { created_ms: moment, ..usual.clone() },
            Record { idle_deadline_ms, ..usual.clone() },
            Record { absolute_deadline_ms, ..usual.clone() },
            Record { idle_deadline_ms, absolute_deadline_ms, ..usual },
        ] {
            let key =
                s.created(&Record { writes: Writes::first(s.write()), ..record.clone() }).await?;
            let found = s.load(&key).await?;
            let what = format!("load of a record with the moment {moment}");
            comes_back(&s, &what, found, record).await?;
        }
        let (key, record) = s.live().await?;
        let moved = Moved { until_ms: moment, ..s.marker() };
        s.supersede(&key, record.version(), moved).await?;
        let found = s.load(&key).await?;
        ensure(found == Loaded::Moved(moved) || forgotten(&s, moment, &found), || {
            format!("a marker until {moment}: found {found:?}")
        })?;
        let key = s.key();
        s.delete(&key, moment).await?;
        let found = s.load(&key).await?;
        let ended = Loaded::Ended { until_ms: moment };
        ensure(found == ended || forgotten(&s, moment, &found), || {
            format!("a tombstone until {moment}: found {found:?}")
        })?;
    }
    let forever = Record { absolute_deadline_ms: u64::MAX, ..s.record("for ever") };
    let key = s.created(&forever).await?;
    same("touch to the last moment", s.touch(&key, u64::MAX).await?, Reached::Done)?;
    let touched = Record { idle_deadline_ms: u64::MAX, ..forever };
    s.holds("load after that touch", &key, Loaded::Live(touched)).await
}

/// The record as it was, but for its write; or nothing, if a store's own clock calls it past.
async fn comes_back<S: Store>(
    s: &Subject<S>,
    what: &str,
    found: Loaded,
    expected: Record,
) -> Finding {
    if forgotten(s, expected.deadline_ms(), &found) {
        return Ok(());
    }
    let Loaded::Live(found) = found else {
        return Err(format!("{what}: found {found:?}"));
    };
    same(what, Record { writes: expected.writes, ..found }, expected)
}

fn forgotten<S>(s: &Subject<S>, deadline_ms: u64, found: &Loaded) -> bool {
    deadline_ms < s.now_ms && *found == Loaded::Nothing
}

/// Nobody is not the same as somebody whose hash is all zeros.
async fn the_owner_comes_back<S: Store>(s: Arc<Subject<S>>) -> Finding {
    let owners = [
        None,
        Some(Owner::of("mary")),
        Some(Owner::from_bytes([0; 32])),
        Some(Owner::from_bytes([0xff; 32])),
    ];
    for owner in owners {
        let record = Record { owner, ..s.record("whose?") };
        let key = s.created(&record).await?;
        s.holds("load of an owned record", &key, Loaded::Live(record)).await?;
    }
    Ok(())
}

/// A writer whose answer was lost looks for its write among the last eight.
async fn all_eight_writes_come_back<S: Store>(s: Arc<Subject<S>>) -> Finding {
    let (key, mut record) = s.live().await?;
    for count in 2..=Writes::KEPT + 2 {
        let next = s.next(&record, format!("write {count}"));
        same("update", s.update(&key, record.version(), &next).await?, Written::Done)?;
        s.holds(&format!("load after {count} writes"), &key, Loaded::Live(next.clone())).await?;
        record = next;
    }
    let record = Record { writes: record.writes, ..s.record("born with eight") };
    let key = s.created(&record).await?;
    s.holds("load of a record created with eight writes", &key, Loaded::Live(record)).await
}

/// No request sees another visitor's session: a key that is cut or hashed again is two visitors'.
async fn keys_that_differ_in_one_bit_are_two_keys<S: Store>(s: Arc<Subject<S>>) -> Finding {
    let (key, record) = s.live().await?;
    let mut others = Vec::new();
    for bit in 0..256 {
        let mut bytes = *key.as_bytes();
        bytes[bit / 8] ^= 1 << (bit % 8);
        let other = StoreKey::from_bytes(bytes);
        s.holds(&format!("load of the key without bit {bit}"), &other, Loaded::Nothing).await?;
        let there = s.record([bit as u8]);
        same("create of that key", s.create(&other, &there).await?, Created::Done)?;
        others.push((other, there));
    }
    s.holds("load of the first key", &key, Loaded::Live(record)).await?;
    for (other, there) in others {
        s.holds("load of a key beside it", &other, Loaded::Live(there)).await?;
    }
    Ok(())
}

/// A column that ignores case, or ends at a zero or a space, takes several keys for one (Django).
async fn keys_of_letters_and_zeros_are_keys<S: Store>(s: Arc<Subject<S>>) -> Finding {
    let mut keys = Vec::new();
    for fill in [b'a', b'A', b'%', b'_', b'\'', b' ', 0, 0xff] {
        keys.push([fill; 32]);
        for tail in [0, b' '] {
            let mut bytes = [fill; 32];
            bytes[31] = tail;
            keys.push(bytes);
            bytes[1..].fill(tail);
            keys.push(bytes);
        }
    }
    keys.sort_unstable();
    keys.dedup();
    let mut there = Vec::new();
    for bytes in keys {
        let (key, record) = (StoreKey::from_bytes(bytes), s.record(bytes));
        let what = format!("create of the key {bytes:02x?}");
        same(&what, s.create(&key, &record).await?, Created::Done)?;
        there.push((key, record));
    }
    for (key, record) in there {
        let what = format!("load of the key {:02x?}", key.as_bytes());
        s.holds(&what, &key, Loaded::Live(record)).await?;
    }
    Ok(())
}
