//! Times, sizes and keys; `peer` uses this file too.

use std::{fs, hint::black_box, path::Path, time::Instant};

use cpu_time::ProcessTime;

/// Measurements take turns with nothing, so each is repeated and the median is given.
const ROUNDS: usize = 7;

/// One line of the results: what was measured, of which store, at which size.
pub fn figure(table: &str, store: &str, size: u64, name: &str, value: f64) {
    println!("{table}\t{store}\t{size}\t{name}\t{value:.4}");
}

/// Numbers that look drawn at random and are the same in every run (splitmix64).
pub fn scatter(number: u64) -> u64 {
    let mut z = number.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// The key of a session: 32 bytes without an order, made anew each time instead of kept.
pub fn key(number: u64) -> [u8; 32] {
    let mut bytes = [0; 32];
    for (part, at) in bytes.chunks_exact_mut(8).zip(0_u64..) {
        part.copy_from_slice(&scatter(number.wrapping_mul(4).wrapping_add(at)).to_be_bytes());
    }
    bytes
}

/// Any of so many sessions.
pub fn any(of: u64, draw: u64) -> u64 {
    scatter(draw ^ 0x5e55_1045) % of
}

/// The process' CPU nanoseconds of one call, and the calls' numbers are never the same twice.
pub fn cpu_ns(calls: u64, mut call: impl FnMut(u64)) -> f64 {
    median_of_rounds(|round| {
        let start = ProcessTime::now();
        for number in 0..calls {
            call(round * calls + number);
        }
        start.elapsed().as_nanos() as f64 / calls as f64
    })
}

/// What the rounds, which are numbered, find in the middle; one before them only warms up.
pub fn median_of_rounds(round: impl FnMut(u64) -> f64) -> f64 {
    let mut found: Vec<f64> = (0..=ROUNDS as u64).map(round).skip(1).collect();
    found.sort_unstable_by(f64::total_cmp);
    found[ROUNDS / 2]
}

/// What this process has in memory.
pub fn rss_bytes() -> f64 {
    let pages = fs::read_to_string("/proc/self/statm").ok();
    let pages = pages.and_then(|text| text.split(' ').nth(1)?.parse::<f64>().ok());
    pages.unwrap_or(f64::NAN) * 4096.0
}

/// The file and its log.
pub fn file_bytes(path: &Path) -> f64 {
    let sizes = ["", "-wal"].map(|end| {
        let mut name = path.as_os_str().to_owned();
        name.push(end);
        fs::metadata(name).map_or(0, |file| file.len())
    });
    sizes.iter().sum::<u64>() as f64
}

/// How long each of many calls waited.
#[derive(Default)]
pub struct Waits(Vec<f64>);

impl Waits {
    pub fn add(&mut self, since: Instant) {
        self.0.push(since.elapsed().as_secs_f64() * 1e3);
    }

    pub fn print(mut self, table: &str, store: &str, size: u64) {
        self.0.sort_unstable_by(f64::total_cmp);
        let at = |share: f64| {
            let last = self.0.len().saturating_sub(1);
            self.0.get((last as f64 * share) as usize).copied().unwrap_or(f64::NAN)
        };
        figure(table, store, size, "calls", self.0.len() as f64);
        figure(table, store, size, "p50_ms", at(0.5));
        figure(table, store, size, "p99_ms", at(0.99));
        figure(table, store, size, "longest_ms", at(1.0));
    }
}

/// Keeps a result from being optimized away.
pub fn use_up<T>(value: T) {
    drop(black_box(value));
}
