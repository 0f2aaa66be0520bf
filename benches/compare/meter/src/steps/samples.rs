//! Samples of many bursts, as facts.

use std::time::Duration;

use compare_fact::Fact;

use super::probe::Sample;

/// The facts of one target, page and crowd.
pub(super) fn facts(
    step: &str,
    target: &str,
    page: &str,
    crowd: usize,
    samples: &[Sample],
) -> Vec<Fact> {
    let fact = |figure: &str, value: &dyn Fn(&Sample) -> f64| {
        Fact::new(step, target, figure, samples.iter().map(value).collect()).on(page, crowd)
    };
    let mut latencies: Vec<Duration> =
        samples.iter().flat_map(|sample| sample.latencies.iter().copied()).collect();
    latencies.sort_unstable();
    // Of all requests; least and greatest are those of the rounds.
    let percentile = |figure: &str, percent: usize| Fact {
        value: at(&latencies, percent),
        ..fact(figure, &|sample| {
            let mut latencies = sample.latencies.clone();
            latencies.sort_unstable();
            at(&latencies, percent)
        })
    };
    let errors: usize = samples.iter().map(|sample| sample.errors).sum();
    vec![
        fact("cpu_us", &|sample| sample.cpu_us),
        fact("requests_per_s", &|sample| sample.requests_per_s),
        percentile("p50_us", 50),
        percentile("p99_us", 99),
        Fact::new(step, target, "errors", vec![errors as f64]).on(page, crowd),
    ]
}

/// In microseconds.
fn at(sorted: &[Duration], percent: usize) -> f64 {
    let at = (sorted.len() * percent).div_ceil(100).saturating_sub(1);
    sorted.get(at).map_or(f64::NAN, |latency| latency.as_nanos() as f64 / 1000.0)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    #[test]
    fn a_percentile_is_one_of_those_seen() {
        let seen: Vec<_> = (1..=200).map(Duration::from_micros).collect();
        assert_eq!((super::at(&seen, 50), super::at(&seen, 99)), (100.0, 198.0));
        assert_eq!(super::at(&seen[..1], 99), 1.0);
    }
}
