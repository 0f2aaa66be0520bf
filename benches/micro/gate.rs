//! The gate for weak keys, when an application starts. It has no door of its own: a layer is built
//! with it and without, and the difference is the gate.

mod quick;

use criterion::BenchmarkId;
use dewar::{KeyRing, SessionLayer};
use dewar_benches::KEY;

fn main() {
    let mut criterion = quick::quick();
    let mut group = criterion.benchmark_group("build a layer");
    for keys in [1, 16] {
        let old: Vec<String> = (1..keys).map(|n| format!("{KEY}{n}")).collect();
        let ring = || KeyRing::new(KEY).with_fallbacks(old.clone()).expect("no key is empty");
        let builder = || SessionLayer::signed_cookie(ring());
        let id = BenchmarkId::new("with the gate, keys", keys);
        group.bench_function(id, |b| b.iter(|| builder().build().expect("sound")));
        let id = BenchmarkId::new("without, keys", keys);
        let open = || builder().insecure_accept_weak_key();
        group.bench_function(id, |b| b.iter(|| open().build().expect("sound")));
    }
    group.finish();
    criterion.final_summary();
}
