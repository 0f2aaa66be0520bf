//! Chance that repeats itself: the same seed makes the same values.

use std::env;

use dewar::{BigInt, DateTime, Dict, Uuid, Value};

/// A number from the environment, or the default.
pub fn setting(name: &str, default: u64) -> u64 {
    let text = env::var(name).ok();
    text.map_or(default, |text| text.parse().unwrap_or_else(|e| panic!("{name}={text}: {e}")))
}

/// SplitMix64.
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^ (bits >> 31)
    }

    /// One of `0..n`.
    pub fn below(&mut self, n: usize) -> usize {
        (self.next() % n as u64) as usize
    }

    pub fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }

    pub fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len())]
    }

    pub fn bytes(&mut self) -> Vec<u8> {
        (0..self.length()).map(|_| self.next() as u8).collect()
    }

    fn length(&mut self) -> usize {
        *self.pick(&[0, 1, 2, 3, 5, 8, 13, 40])
    }
}

const TAGS: [&str; 12] =
    [" t", " b", " m", " u", " d", " di", " zz", " ", "t", " t__", " u__", "__"];
const ALPHABETS: [&str; 6] = [
    "abcdefghijklmnopqrstuvwxyz_0123456789",
    " \"\\/<>&'=;,%+\u{7f}",
    "\u{0}\u{1}\u{8}\t\n\u{b}\u{c}\r\u{e}\u{1b}\u{1f}",
    "äßéñøžЖשع日本語한\u{80}\u{85}\u{a0}\u{2028}\u{2029}\u{feff}\u{fffd}\u{ffff}\u{d7ff}\u{e000}",
    "😀🏳\u{10000}\u{10ffff}𝒳",
    "{}[]:,\"ntf",
];
const FLOATS: [f64; 26] = [
    0.0,
    -0.0,
    1.0,
    0.1,
    1e15,
    1e16,
    1e17,
    1e22,
    1e23,
    1e-4,
    1e-5,
    9.999e-5,
    5e-324,
    -5e-324,
    123_456_789.125,
    f64::MIN_POSITIVE,
    f64::MAX,
    9_007_199_254_740_993.0,
    9_999_999_999_999_998.0,
    4.35,
    1.0 / 3.0,
    f64::EPSILON,
    f64::INFINITY,
    f64::NEG_INFINITY,
    f64::NAN,
    -1e300,
];

impl Random {
    /// Any session: text keys, any values, never empty.
    pub fn session(&mut self) -> Dict {
        let mut session = Dict::new();
        for _ in 0..=self.below(5) {
            session.insert(self.key(), self.value(4));
        }
        if self.one_in(10) {
            // Long and regular: it is compressed.
            session.insert("log", vec![Value::from(self.text()); 1 + self.below(60)]);
        }
        session
    }

    fn value(&mut self, depth: usize) -> Value {
        if depth == 0 || self.below(10) < 6 {
            return self.leaf();
        }
        let mut items: Vec<Value> = (0..self.below(5)).map(|_| self.value(depth - 1)).collect();
        match self.below(4) {
            // One key that looks like a tag: it is escaped.
            0 => Value::Dict([(*self.pick(&TAGS), items.pop().unwrap_or_default())].into()),
            1 => Value::List(items),
            2 => Value::Tuple(items),
            _ => Value::Dict(items.into_iter().map(|item| (self.key(), item)).collect()),
        }
    }

    fn leaf(&mut self) -> Value {
        match self.below(11) {
            0 => Value::Null,
            1 => Value::Bool(self.one_in(2)),
            2 => self.integer(),
            3 => Value::Float(self.float()),
            4 | 5 => Value::Str(self.text()),
            6 => Value::Bytes(self.bytes()),
            7 => Value::Markup(self.text()),
            8 => {
                let (high, low) = (u128::from(self.next()), u128::from(self.next()));
                Value::Uuid(Uuid::from_bytes((high << 64 | low).to_be_bytes()))
            }
            9 => Value::DateTime(self.datetime()),
            _ => self.big_integer(),
        }
    }

    fn integer(&mut self) -> Value {
        let edges = [0, -1, 1 << 31, 1 << 53, (1 << 53) + 1, i64::MAX, i64::MIN];
        match self.below(3) {
            0 => Value::Int(*self.pick(&edges)),
            1 => Value::Int(self.below(2000) as i64 - 1000),
            _ => Value::Int(self.next() as i64),
        }
    }

    fn big_integer(&mut self) -> Value {
        let most = if self.one_in(20) { 400 } else { 30 };
        let digits = 20 + self.below(most);
        let digits: String = (0..digits).map(|_| char::from(b'1' + self.below(9) as u8)).collect();
        let sign = if self.one_in(2) { "-" } else { "" };
        Value::BigInt(BigInt::parse(&format!("{sign}{digits}")).expect("beyond 64 bits"))
    }

    fn float(&mut self) -> f64 {
        match self.below(3) {
            0 => *self.pick(&FLOATS),
            1 => (self.below(20_000_000) as f64 - 1e7) / 10_f64.powi(self.below(8) as i32),
            _ => f64::from_bits(self.next()),
        }
    }

    /// Any second of the years 1 to 9999 with any offset; a day off the ends, where an offset
    /// would lead out of them.
    fn datetime(&mut self) -> DateTime {
        let seconds = self.next() as i64;
        let utc = DateTime::from_unix(-62_135_510_400 + seconds.rem_euclid(315_537_724_800));
        let utc = utc.expect("within the years 1 to 9999");
        let offset = (self.below(28 * 60 + 1) as i32 - 14 * 60) * 60;
        match self.below(3) {
            0 => utc,
            1 => DateTime::from_civil(utc.civil(), None).expect("a date"),
            _ => DateTime::from_civil(utc.civil(), Some(offset)).expect("a date"),
        }
    }

    fn key(&mut self) -> String {
        if self.one_in(8) { (*self.pick(&TAGS)).to_owned() } else { self.text() }
    }

    fn text(&mut self) -> String {
        let alphabet: Vec<char> = self.pick(&ALPHABETS).chars().collect();
        (0..self.length()).map(|_| *self.pick(&alphabet)).collect()
    }
}
