//! Room 1: to find our cookie among those of others. The layer does it for every request.

mod quick;

use std::hint::black_box;

use criterion::Throughput;
use dewar::cookie::{Grammar, values};
use http::{HeaderMap, HeaderValue, header::COOKIE};

const OURS: &str = "session=eyJ1c2VyX2lkIjoxMCwidmlzaXRzIjoxfQ.aUuFQA.7jLucbd_y6JULspK5LuCcsZBjCQ";
/// 100 bytes of somebody else.
const ANOTHER: &str = "_ga_measurement_7f3a=GS1.1.1700000000.42.1.1700000123.60.0.0.c29tZWJvZHkgbWVhc3VyZXMgeW91IGhlcmU; ";

fn main() {
    let mut criterion = quick::quick();
    let mut group = criterion.benchmark_group("header");
    // The layer reads 16 KiB and no more.
    for (name, others) in [("ours alone", 0), ("beside 4 KiB", 40), ("beside 16 KiB", 163)] {
        let line = ANOTHER.repeat(others) + OURS;
        group.throughput(Throughput::Bytes(line.len() as u64));
        let mut headers = HeaderMap::new();
        headers.insert(COOKIE, HeaderValue::try_from(line).expect("visible ASCII"));
        assert_eq!(found(&headers), 1, "{name}");
        group.bench_function(name, |b| b.iter(|| found(black_box(&headers))));
    }
    group.finish();
    criterion.final_summary();
}

/// To the end of the header: a second cookie of our name would matter.
fn found(headers: &HeaderMap) -> usize {
    values(headers.get_all(COOKIE), "session", Grammar::Rfc6265).count()
}
