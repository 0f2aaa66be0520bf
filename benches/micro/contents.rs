//! Room 3 and what undoes it: contents ⇄ text ⇄ payload, apart and together.
//!
//! The time for a byte should not depend on how many there are.

mod quick;

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput};
use dewar_benches::contents;
use dewar_signing::{
    Codec, LazyDict, TaggedJson, Value,
    payload::{self, Compression},
};

const SIZES: [(&str, usize); 5] =
    [("100 B", 100), ("1 KB", 1000), ("10 KB", 10_000), ("100 KB", 100_000), ("1 MB", 1_000_000)];
const LIMIT: usize = payload::MAX_INFLATED;

fn main() {
    let mut criterion = quick::quick();
    json(&mut criterion);
    payload(&mut criterion);
    together(&mut criterion);
    criterion.final_summary();
}

fn json(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("tagged json");
    for (size, bytes) in SIZES {
        let (value, text) = session(bytes);
        group.throughput(Throughput::Bytes(text.len() as u64));
        let read = |text: &str| TaggedJson.read(text).expect("JSON");
        group.bench_function(BenchmarkId::new("read", size), |b| b.iter(|| read(black_box(&text))));
        let write = |value: &Value| TaggedJson.write(value).expect("has a text form");
        let id = BenchmarkId::new("write", size);
        group.bench_function(id, |b| b.iter(|| write(black_box(&value))));
        let id = BenchmarkId::new("read, left as text", size);
        group.bench_function(id, |b| b.iter(|| lazily(black_box(&text))));
        let lazy = lazily(&text);
        let write =
            |lazy: &LazyDict| TaggedJson.write_members(lazy.iter()).expect("has a text form");
        let id = BenchmarkId::new("write, left as text", size);
        group.bench_function(id, |b| b.iter(|| write(black_box(&lazy))));
    }
}

fn lazily(text: &str) -> LazyDict {
    TaggedJson.read_dict(text.to_owned()).expect("JSON").expect("a dict")
}

fn payload(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("payload");
    for (size, bytes) in &SIZES[1..3] {
        let text = session(*bytes).1.into_bytes();
        group.throughput(Throughput::Bytes(text.len() as u64));
        for (verb, inverse, how) in [
            ("encode", "decode", Compression::Never),
            ("deflate", "inflate", Compression::WhenSmaller),
        ] {
            let encode = |text: &[u8]| payload::encode(text, how);
            let id = BenchmarkId::new(verb, size);
            group.bench_function(id, |b| b.iter(|| encode(black_box(&text))));
            let payload = encode(&text);
            assert_eq!(payload.starts_with(b"."), how == Compression::WhenSmaller);
            let decode = |payload: &[u8]| payload::decode(payload, LIMIT).expect("a payload");
            let id = BenchmarkId::new(inverse, size);
            group.bench_function(id, |b| b.iter(|| decode(black_box(&payload))));
        }
    }
}

/// As the session cookie: what nobody touched stays text, and a long one is compressed.
fn together(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("contents");
    for (size, bytes) in &SIZES[..3] {
        let text = session(*bytes).1;
        let lazy = lazily(&text);
        group.throughput(Throughput::Bytes(text.len() as u64));
        let id = BenchmarkId::new("encode", size);
        group.bench_function(id, |b| b.iter(|| encode(black_box(&lazy))));
        let payload = encode(&lazy);
        let id = BenchmarkId::new("decode", size);
        group.bench_function(id, |b| b.iter(|| decode(black_box(&payload))));
    }
}

fn encode(lazy: &LazyDict) -> Vec<u8> {
    let text = TaggedJson.write_members(lazy.iter()).expect("has a text form");
    payload::encode(text.as_bytes(), Compression::WhenLong(512))
}

fn decode(payload: &[u8]) -> LazyDict {
    let text = payload::decode(payload, LIMIT).expect("a payload");
    lazily(std::str::from_utf8(&text).expect("UTF-8"))
}

/// So many bytes, as a value and as text.
fn session(bytes: usize) -> (Value, String) {
    let value = Value::Dict(contents(bytes));
    let text = TaggedJson.write(&value).expect("has a text form");
    assert!(text.len().abs_diff(bytes) <= bytes / 2, "{} bytes, not {bytes}", text.len());
    (value, text)
}
