//! How long a figure is measured: all of them together take about three minutes.

use std::time::{Duration, Instant};

use criterion::{Bencher, Criterion};
use tokio::runtime::{Builder, Runtime};

/// Criterion, with the options of the command line.
pub(crate) fn quick() -> Criterion {
    Criterion::default()
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_millis(1200))
        .sample_size(30)
        .without_plots()
        .configure_from_args()
}

/// A runtime on the thread that measures.
#[allow(dead_code, reason = "not every bench waits")]
pub(crate) fn runtime() -> Runtime {
    Builder::new_current_thread().enable_time().build().expect("a runtime")
}

/// Measures what waits, without counting how a runtime is entered and left.
#[allow(dead_code, reason = "not every bench waits")]
pub(crate) fn measure(bencher: &mut Bencher<'_>, runtime: &Runtime, mut call: impl AsyncFnMut()) {
    bencher.iter_custom(|times| {
        runtime.block_on(async {
            let start = Instant::now();
            for _ in 0..times {
                call().await;
            }
            start.elapsed()
        })
    });
}
