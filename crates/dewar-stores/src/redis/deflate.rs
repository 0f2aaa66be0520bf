//! Deflates what is short at once: one block of the fixed codes (RFC 1951 §3.2.6) behind known words.
//!
//! A library's packer clears tables of a quarter of a megabyte for each session, ten times the work of
//! the packing itself. Here the words' table is made by the compiler, and the contents' is small. Any
//! library unpacks it.

use std::mem;

/// What a match takes at least and at most.
const SHORTEST: usize = 3;
const LONGEST: usize = 258;
/// A match of this length is taken without a look at the next.
const ENOUGH: usize = 8;
/// How far back a match may lie.
const FURTHEST: usize = 32 * 1024;

/// How many places of the words with the same hash are looked at.
const LOOKS: usize = 16;

/// How many bits of a hash count: of the words, and of the contents, whose table is cleared each time.
const WORDS_BITS: u32 = 11;
const CONTENTS_BITS: u32 = 9;

const END_OF_BLOCK: usize = 256;

/// Words that whoever unpacks knows as well, and where each three of their bytes stand: at most `N`.
pub(super) struct Words<const N: usize> {
    words: &'static [u8; N],
    /// The last place with this hash, plus one; 0 if there is none.
    last: [u16; 1 << WORDS_BITS],
    /// The place before it with the same hash, likewise.
    before: [u16; N],
}

impl<const N: usize> Words<N> {
    pub(super) const fn new(words: &'static [u8; N]) -> Self {
        assert!(N < FURTHEST, "no match reaches so far");
        let (mut last, mut before) = ([0; 1 << WORDS_BITS], [0; N]);
        let mut at = 0;
        while at + SHORTEST <= N {
            let hash = hash([words[at], words[at + 1], words[at + 2]], WORDS_BITS);
            before[at] = last[hash];
            at += 1;
            last[hash] = at as u16;
        }
        Self { words, last, before }
    }

    pub(super) const fn as_bytes(&self) -> &[u8] {
        self.words
    }

    /// The contents packed, if that is shorter than they are.
    pub(super) fn deflate(&self, data: &[u8]) -> Option<Vec<u8>> {
        let mut bits = Bits::new(data.len());
        // The last block, of the fixed codes.
        bits.put(0b011, 3);
        let mut seen = [0_u32; 1 << CONTENTS_BITS];
        let mut at = 0;
        let mut found = self.longest(data, at, &mut seen);
        while at < data.len() {
            // The next byte may begin a longer match than this one does.
            let is_enough = found.is_some_and(|found| found.len >= ENOUGH);
            let next = if is_enough { None } else { self.longest(data, at + 1, &mut seen) };
            match found {
                Some(Match { len, distance }) if next.is_none_or(|next| next.len <= len) => {
                    bits.length(len);
                    bits.distance(distance);
                    at += len;
                    found = self.longest(data, at, &mut seen);
                }
                _ => {
                    bits.symbol(usize::from(data[at]));
                    at += 1;
                    found = next;
                }
            }
            if bits.bytes.len() >= data.len() {
                return None;
            }
        }
        bits.symbol(END_OF_BLOCK);
        let packed = bits.end();
        (packed.len() < data.len()).then_some(packed)
    }

    /// The longest match for what begins at `at`, which is noted in `seen`.
    fn longest(
        &self,
        data: &[u8],
        at: usize,
        seen: &mut [u32; 1 << CONTENTS_BITS],
    ) -> Option<Match> {
        let rest = &data[at..];
        let first = *rest.first_chunk::<SHORTEST>()?;
        let mut best = Match { len: SHORTEST - 1, distance: 0 };
        let last = mem::replace(&mut seen[hash(first, CONTENTS_BITS)], at as u32 + 1);
        // What was looked at in vain is noted already.
        if let Some(there) = (last as usize).checked_sub(1).filter(|there| *there < at) {
            best = best.or(common(&data[there..], rest), at - there);
        }
        let mut place = self.last[hash(first, WORDS_BITS)];
        for _ in 0..LOOKS {
            let Some(there) = usize::from(place).checked_sub(1) else { break };
            best = best.or(common(&self.words[there..], rest), N - there + at);
            place = self.before[there];
        }
        (best.len >= SHORTEST).then_some(best)
    }
}

#[derive(Clone, Copy)]
struct Match {
    len: usize,
    distance: usize,
}

impl Match {
    fn or(self, len: usize, distance: usize) -> Self {
        if len > self.len && distance <= FURTHEST { Self { len, distance } } else { self }
    }
}

/// How many bytes are the same, as far as a match may go.
fn common(a: &[u8], b: &[u8]) -> usize {
    a.iter().zip(b).take(LONGEST).take_while(|(a, b)| a == b).count()
}

const fn hash(bytes: [u8; SHORTEST], bits: u32) -> usize {
    let number = u32::from_le_bytes([bytes[0], bytes[1], bytes[2], 0]);
    (number.wrapping_mul(0x9e37_79b1) >> (32 - bits)) as usize
}

/// The fixed code of each symbol, its first bit lowest, and how many bits it has.
const CODES: [(u16, u32); 288] = {
    let mut codes = [(0, 0); 288];
    let mut symbol = 0_u16;
    while symbol < 288 {
        let (code, bits) = match symbol {
            0..=143 => (0x30 + symbol, 8),
            144..=255 => (0x190 + (symbol - 144), 9),
            256..=279 => (symbol - 256, 7),
            _ => (0xc0 + (symbol - 280), 8),
        };
        codes[symbol as usize] = (code.reverse_bits() >> (16 - bits), bits);
        symbol += 1;
    }
    codes
};

/// Bits on their way into bytes, the first one lowest.
struct Bits {
    bytes: Vec<u8>,
    pending: u64,
    count: u32,
}

impl Bits {
    fn new(capacity: usize) -> Self {
        Self { bytes: Vec::with_capacity(capacity + 8), pending: 0, count: 0 }
    }

    /// At most 32 at once.
    fn put(&mut self, bits: u32, count: u32) {
        self.pending |= u64::from(bits) << self.count;
        self.count += count;
        if self.count >= 32 {
            self.bytes.extend((self.pending as u32).to_le_bytes());
            self.pending >>= 32;
            self.count -= 32;
        }
    }

    fn symbol(&mut self, symbol: usize) {
        let (code, bits) = CODES[symbol];
        self.put(u32::from(code), bits);
    }

    /// RFC 1951 §3.2.5: the symbols 257 to 285, and how far the length is beyond what they say.
    fn length(&mut self, len: usize) {
        let beyond = len - SHORTEST;
        if len == LONGEST {
            return self.symbol(285);
        }
        let more = (beyond | 7).ilog2() - 2;
        self.symbol(257 + 4 * more as usize + (beyond >> more));
        self.put((beyond & ((1 << more) - 1)) as u32, more);
    }

    /// The same for distances, whose codes are their numbers in five bits.
    fn distance(&mut self, distance: usize) {
        let beyond = distance - 1;
        let more = (beyond | 3).ilog2() - 1;
        let symbol = (2 * more as usize + (beyond >> more)) as u32;
        self.put(symbol.reverse_bits() >> (32 - 5), 5);
        self.put((beyond & ((1 << more) - 1)) as u32, more);
    }

    fn end(mut self) -> Vec<u8> {
        let left = self.count.div_ceil(8) as usize;
        self.bytes.extend(&self.pending.to_le_bytes()[..left]);
        self.bytes
    }
}

#[cfg(test)]
mod tests {
    use flate2::{Decompress, FlushDecompress, Status};
    use proptest::{collection::vec, prelude::*, sample::select};

    use super::*;

    const TEXT: &[u8; 46] = br#"{"csrf_token":"user_id":null,"_permanent":true"#;
    static WORDS: Words<46> = Words::new(TEXT);

    /// What the library makes of it.
    fn inflate(packed: &[u8]) -> Vec<u8> {
        let mut unpacker = Decompress::new_with_window_bits(false, 15);
        unpacker.set_dictionary(TEXT).unwrap();
        let mut data = Vec::with_capacity(1 << 20);
        let status = unpacker.decompress_vec(packed, &mut data, FlushDecompress::Finish).unwrap();
        assert_eq!(status, Status::StreamEnd);
        assert_eq!(unpacker.total_in(), packed.len() as u64, "nothing is left over");
        data
    }

    fn chance(len: usize) -> Vec<u8> {
        let mut number = 1_u64;
        let mut next = || {
            number = number.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (number >> 56) as u8
        };
        (0..len).map(|_| next()).collect()
    }

    /// The library understands every literal, length and distance.
    #[test]
    fn every_code_is_the_one_of_the_rfc() {
        let mut expected = chance(FURTHEST);
        let mut bits = Bits::new(1 << 20);
        bits.put(0b011, 3);
        expected.iter().for_each(|byte| bits.symbol(usize::from(*byte)));
        let lengths = (SHORTEST..=LONGEST).map(|len| (len, 1 + len * 127 % FURTHEST));
        let borders = (0..15).flat_map(|bit| [(1 << bit) - 1, 1 << bit, (1 << bit) + 1, 3 << bit]);
        let distances = borders.chain([FURTHEST - 1, FURTHEST]);
        let distances = distances.filter(|far| (1..=FURTHEST).contains(far)).map(|far| (7, far));
        for (len, distance) in lengths.chain(distances) {
            bits.length(len);
            bits.distance(distance);
            for _ in 0..len {
                expected.push(expected[expected.len() - distance]);
            }
        }
        bits.symbol(END_OF_BLOCK);
        assert!(inflate(&bits.end()) == expected);
    }

    #[test]
    fn what_is_far_away_is_no_match() {
        let mut data = vec![b'a'; FURTHEST + 1000];
        data[..100].copy_from_slice(&chance(100));
        let end = data.len() - 100;
        data.copy_within(..100, end);
        data.splice(..0, *TEXT);
        data.extend(TEXT);
        assert!(inflate(&WORDS.deflate(&data).unwrap()) == data);
    }

    #[test]
    fn words_and_repetitions_take_little() {
        assert_eq!(WORDS.deflate(br#""csrf_token":"user_id":null"#).unwrap().len(), 4);
        assert_eq!(WORDS.deflate(&[b'a'; 259]).unwrap().len(), 4);
        assert_eq!(WORDS.deflate(&chance(500)), None);
        assert_eq!(WORDS.deflate(b""), None);
    }

    proptest! {
        #[test]
        fn whatever_is_packed_comes_back(
            parts in vec(select(vec![
                &TEXT[..], &TEXT[..3], &TEXT[40..], b"aaaa", b"\xff\x00", b"123", b"z", b"{\"id\":",
            ]), 0..60),
        ) {
            let data = parts.concat();
            if let Some(packed) = WORDS.deflate(&data) {
                prop_assert!(packed.len() < data.len());
                prop_assert_eq!(inflate(&packed), data);
            }
        }
    }
}
