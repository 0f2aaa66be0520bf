//! Names for writes: no two writes of one session have the same, whichever process made them.

use std::{
    io,
    sync::{
        OnceLock,
        atomic::{AtomicU64, Ordering},
    },
};

use crate::{id::Random, store::WriteId};

/// 2⁶⁴ divided by the golden ratio: its multiples keep as far apart as 64 bits allow.
const STRIDE: u64 = 0x9E37_79B9_7F4A_7C15;

/// Numbers writes from a start that is drawn at random, once: asking the operating system at every
/// write took as long as all the rest of a commit in memory.
///
/// A copy of this process (a snapshot that was started twice) has the same start and the same count.
/// So the time goes in as well: two copies never name two writes alike unless they write to one
/// session within one millisecond, as their writes of the same number.
#[derive(Debug, Default)]
pub(crate) struct WriteIds {
    start: OnceLock<u64>,
    count: AtomicU64,
}

impl WriteIds {
    /// # Errors
    /// If there is no chance to start from.
    pub(crate) fn next(&self, random: &dyn Random, now_ms: u64) -> io::Result<WriteId> {
        let start = match self.start.get() {
            Some(start) => *start,
            None => {
                let mut bytes = [0; 8];
                random.fill(&mut bytes)?;
                *self.start.get_or_init(|| u64::from_be_bytes(bytes))
            }
        };
        let count = self.count.fetch_add(1, Ordering::Relaxed);
        Ok(WriteId::new(start.wrapping_add(count).wrapping_add(now_ms.wrapping_mul(STRIDE))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::OsRandom;

    /// Gives no chance.
    #[derive(Debug)]
    struct NoChance;

    impl Random for NoChance {
        fn fill(&self, _: &mut [u8]) -> io::Result<()> {
            Err(io::Error::other("no chance"))
        }
    }

    #[test]
    fn names_differ_within_a_process_between_two_and_between_copies_of_one() {
        let mut seen = std::collections::HashSet::new();
        for _process in 0..100 {
            let ids = WriteIds::default();
            for now_ms in [0, 1, 1_700_000_000_000] {
                for _write in 0..100 {
                    assert!(seen.insert(ids.next(&OsRandom, now_ms).expect("chance")));
                }
            }
        }
        let copies = [(); 2].map(|()| WriteIds { start: 7.into(), count: AtomicU64::new(0) });
        let [one, other] = &copies;
        let names = [one.next(&OsRandom, 1), other.next(&OsRandom, 2)].map(Result::ok);
        assert_ne!(names[0], names[1]);
    }

    #[test]
    fn without_chance_there_is_no_name_and_the_next_one_asks_again() {
        let ids = WriteIds::default();
        assert!(ids.next(&NoChance, 0).is_err());
        assert!(ids.next(&OsRandom, 0).is_ok());
        assert!(ids.next(&NoChance, 0).is_ok(), "it has started");
    }
}
