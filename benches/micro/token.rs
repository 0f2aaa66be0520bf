//! Room 2: to sign, to verify, and to refuse. The signer is that of the session cookie.
//!
//! A good token was made with the newest key of its ring; for a forged one every key is tried.

mod quick;

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput};
use dewar_benches::KEY;
use dewar_signing::{KeyDerivation, KeyRing, TimestampSigner};

const NOW: u64 = 1_800_000_000;
const SIZES: [(&str, usize); 2] = [("100 B", 100), ("1 KB", 1000)];

fn main() {
    let mut criterion = quick::quick();
    sign(&mut criterion);
    verify(&mut criterion);
    refuse(&mut criterion);
    criterion.final_summary();
}

fn sign(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("sign");
    let signer = signer(1);
    for (size, bytes) in SIZES {
        let value = vec![b'a'; bytes];
        group.throughput(Throughput::Bytes(bytes as u64));
        group.bench_function(size, |b| b.iter(|| signer.sign(black_box(&value), NOW)));
    }
}

fn verify(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("verify");
    for keys in [1, 4, 16] {
        let signer = signer(keys);
        for (size, bytes) in SIZES {
            let token = signer.sign(&vec![b'a'; bytes], NOW);
            assert!(signer.verify(&token).is_ok_and(|unsigned| unsigned.newest));
            group.throughput(Throughput::Bytes(bytes as u64));
            let id = BenchmarkId::new(format!("keys {keys}"), size);
            group.bench_function(id, |b| b.iter(|| signer.verify(black_box(&token)).is_ok()));
        }
    }
}

fn refuse(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("refuse");
    for keys in [1, 4, 16] {
        let signer = signer(keys);
        let token = TimestampSigner::new("a stranger's key").sign(&[b'a'; 100], NOW);
        assert!(signer.verify(&token).is_err());
        let id = BenchmarkId::new(format!("keys {keys}"), "100 B");
        group.bench_function(id, |b| b.iter(|| signer.verify(black_box(&token)).is_err()));
    }
}

fn signer(keys: usize) -> TimestampSigner {
    let old = (1..keys).map(|n| format!("{KEY}{n}"));
    let keys = KeyRing::new(KEY).with_fallbacks(old).expect("no key is empty");
    TimestampSigner::builder(keys)
        .salt("cookie-session")
        .key_derivation(KeyDerivation::Hmac)
        .build_timestamp()
        .expect("a sound configuration")
}
