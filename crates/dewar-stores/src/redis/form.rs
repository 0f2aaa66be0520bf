//! A record as the value of a key, and back.
//!
//! ```text
//!  live      kind  version  idle  check  absolute  shape  sum  │ owner?  created  older writes  data
//!            1     8        8     1      8         1      4    │ 0|32    1…10     7 × 1…10      rest
//!  moved     kind  until  to  sum
//!            1     8      32  4
//!  ended     kind  until  check  sum
//!            1     8      1      4
//! ```
//!
//! Scripts read the fixed part by position. A touch writes `idle` and `check` alone, so the sum does
//! not cover these two; `check` is what a script can reckon. All numbers are big-endian.

use dewar::{
    StoreKey,
    store::{Loaded, Moved, Owner, Record, WriteId, Writes},
};

use super::{pack, varint};

/// What a value is, in its first byte. No flipped bit makes one of another.
pub(super) const LIVE: u8 = 0x11;
pub(super) const MOVED: u8 = 0x22;
pub(super) const ENDED: u8 = 0x44;

/// Where the parts of a live value begin, for the scripts.
pub(super) const VERSION_AT: usize = 1;
pub(super) const IDLE_AT: usize = 9;
pub(super) const ABSOLUTE_AT: usize = 18;
const CHECK_AT: usize = 17;
const SHAPE_AT: usize = 26;
const SUM_AT: usize = 27;
pub(super) const HEAD: usize = 31;

const OWNED: u8 = 0x80;
const PACKED: u8 = 0x40;
const OLDER: u8 = 0x07;

/// A value that is not what this store writes. It is left as it is.
#[derive(Debug, thiserror::Error)]
#[error("the value of {key} is damaged: {what}")]
pub(super) struct Unreadable {
    pub(super) key: StoreKey,
    pub(super) what: &'static str,
}

pub(super) fn live(key: &StoreKey, record: &Record) -> Vec<u8> {
    let packed = pack::pack(&record.data);
    let data = packed.as_deref().unwrap_or(&record.data);
    let older = record.writes.len() - 1;
    let mut value = Vec::with_capacity(HEAD + 32 + 10 + 10 * older + data.len());
    value.push(LIVE);
    value.extend(record.version().get().to_be_bytes());
    value.extend(record.idle_deadline_ms.to_be_bytes());
    value.push(check(&record.idle_deadline_ms.to_be_bytes()));
    value.extend(record.absolute_deadline_ms.to_be_bytes());
    value.push(
        older as u8
            | if record.owner.is_some() { OWNED } else { 0 }
            | if packed.is_some() { PACKED } else { 0 },
    );
    value.extend([0; 4]);
    value.extend(record.owner.iter().flat_map(Owner::as_bytes));
    varint::put_step(&mut value, record.absolute_deadline_ms, record.created_ms);
    let writes = record.writes.to_bytes();
    let mut newer = record.version().get();
    for older in numbers(&writes).skip(1) {
        varint::put_step(&mut value, newer, older);
        newer = older;
    }
    value.extend_from_slice(data);
    let sum = live_sum(key, &value);
    value[SUM_AT..HEAD].copy_from_slice(&sum);
    value
}

pub(super) fn moved(key: &StoreKey, moved: &Moved) -> Vec<u8> {
    let mut value = vec![MOVED];
    value.extend(moved.until_ms.to_be_bytes());
    value.extend(moved.to.as_bytes());
    seal(key, value)
}

pub(super) fn ended(key: &StoreKey, until_ms: u64) -> Vec<u8> {
    let mut value = vec![ENDED];
    value.extend(until_ms.to_be_bytes());
    value.push(check(&until_ms.to_be_bytes()));
    seal(key, value)
}

/// What a value says; every damage that can be seen is an error.
pub(super) fn loaded(key: &StoreKey, value: &[u8]) -> Result<Loaded, Unreadable> {
    let damaged = |what| Unreadable { key: *key, what };
    let sealed = || {
        let (value, sum) = value.split_last_chunk::<4>()?;
        (*sum == checksum(key, &[value])).then_some(value)
    };
    match value.first() {
        Some(&LIVE) => live_record(key, value).map(Loaded::Live).map_err(damaged),
        Some(&MOVED) => {
            let value = sealed().ok_or_else(|| damaged("its checksum"))?;
            let to = value.get(9..).and_then(|to| to.try_into().ok()).map(StoreKey::from_bytes);
            match (number_at(value, 1), to) {
                (Some(until_ms), Some(to)) => Ok(Loaded::Moved(Moved { to, until_ms })),
                _ => Err(damaged("its successor")),
            }
        }
        Some(&ENDED) => {
            let value = sealed().ok_or_else(|| damaged("its checksum"))?;
            match number_at(value, 1) {
                Some(until_ms) if value.len() == 10 => Ok(Loaded::Ended { until_ms }),
                _ => Err(damaged("its deadline")),
            }
        }
        _ => Err(damaged("its kind")),
    }
}

fn live_record(key: &StoreKey, value: &[u8]) -> Result<Record, &'static str> {
    const SHORT: &str = "it is too short";
    if value.len() < HEAD {
        return Err(SHORT);
    }
    if value[CHECK_AT] != check(&value[IDLE_AT..CHECK_AT]) {
        return Err("its idle deadline");
    }
    if value[SUM_AT..HEAD] != live_sum(key, value) {
        return Err("its checksum");
    }
    let (head, mut rest) = value.split_at(HEAD);
    let shape = head[SHAPE_AT];
    let owner = if shape & OWNED == 0 {
        None
    } else {
        let (owner, after) = rest.split_first_chunk().ok_or(SHORT)?;
        rest = after;
        Some(Owner::from_bytes(*owner))
    };
    let version = number_at(head, VERSION_AT).ok_or(SHORT)?;
    let absolute_deadline_ms = number_at(head, ABSOLUTE_AT).ok_or(SHORT)?;
    let created_ms = varint::take_step(&mut rest, absolute_deadline_ms).ok_or("its beginning")?;
    let mut writes = version.to_be_bytes().to_vec();
    let mut newer = version;
    for _ in 0..shape & OLDER {
        newer = varint::take_step(&mut rest, newer).ok_or("its writes")?;
        writes.extend(newer.to_be_bytes());
    }
    let data = match shape & PACKED {
        0 => rest.to_vec(),
        _ => pack::unpack(rest).ok_or("its contents")?,
    };
    Ok(Record {
        owner,
        created_ms,
        idle_deadline_ms: number_at(head, IDLE_AT).ok_or(SHORT)?,
        absolute_deadline_ms,
        writes: Writes::from_bytes(&writes).ok_or("its writes")?,
        data,
    })
}

fn number_at(value: &[u8], at: usize) -> Option<u64> {
    value.get(at..at + 8)?.try_into().ok().map(u64::from_be_bytes)
}

fn numbers(bytes: &[u8]) -> impl Iterator<Item = u64> {
    bytes.chunks_exact(8).filter_map(|chunk| chunk.try_into().ok().map(u64::from_be_bytes))
}

/// What a live value of this version begins with, and nothing else does.
pub(super) fn expected(version: WriteId) -> [u8; 9] {
    let mut begin = [LIVE; 9];
    begin[VERSION_AT..].copy_from_slice(&version.get().to_be_bytes());
    begin
}

/// One byte that changes with every single byte of the eight: odd factors lose nothing modulo 256.
fn check(moment: &[u8]) -> u8 {
    moment
        .iter()
        .zip((1_u8..).step_by(2))
        .fold(0, |sum, (byte, factor)| sum.wrapping_add(byte.wrapping_mul(factor)))
}

/// Over all but the two fields that a touch moves, and the sum itself.
fn live_sum(key: &StoreKey, value: &[u8]) -> [u8; 4] {
    checksum(key, &[&value[..IDLE_AT], &value[ABSOLUTE_AT..SUM_AT], &value[HEAD..]])
}

fn seal(key: &StoreKey, mut value: Vec<u8>) -> Vec<u8> {
    let sum = checksum(key, &[&value]);
    value.extend(sum);
    value
}

/// Over the key too, so that what stands under another session's key is noticed. It is no signature:
/// whoever may write may write a fitting sum.
fn checksum(key: &StoreKey, parts: &[&[u8]]) -> [u8; 4] {
    let mut sum = crc32fast::Hasher::new();
    sum.update(key.as_bytes());
    parts.iter().for_each(|part| sum.update(part));
    sum.finalize().to_be_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whatever lies there, and be its sum right: an error, or a session, and no panic.
    #[test]
    fn any_bytes_are_read_or_refused() {
        let key = StoreKey::from_bytes([7; 32]);
        let mut number = 1_u64;
        let mut chance = || {
            number = number.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (number >> 33) as usize
        };
        let (mut read, mut refused) = (0, 0);
        for _ in 0..200_000 {
            let len = chance() % 120;
            let mut value: Vec<u8> = (0..len).map(|_| chance() as u8).collect();
            if let Some(kind) = value.first_mut() {
                *kind = [LIVE, MOVED, ENDED, 0][chance() % 4];
            }
            match value.first() {
                Some(&LIVE) if len >= HEAD => {
                    value[CHECK_AT] = check(&value[IDLE_AT..CHECK_AT]);
                    let sum = live_sum(&key, &value);
                    value[SUM_AT..HEAD].copy_from_slice(&sum);
                }
                Some(&(MOVED | ENDED)) => value = seal(&key, value),
                _ => {}
            }
            match loaded(&key, &value) {
                Ok(_) => read += 1,
                Err(_) => refused += 1,
            }
        }
        assert!(read > 1000 && refused > 1000, "{read} were read, {refused} refused");
    }
}
