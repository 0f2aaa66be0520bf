//! A server under measurement: its visitors, and what each burst cost it.

use std::{collections::BTreeMap, io, path::Path, time::Duration};

use crate::{
    connection::Visitor,
    load::burst,
    process::{on_cpu_ns, peak_mib, ran_ns},
    server::{Places, Server},
    targets::Target,
};

/// No burst is longer, however slow the server is.
const LIMIT: Duration = Duration::from_secs(5);
/// Until a server has gone to sleep after its last answer, and its time is counted.
const SETTLE: Duration = Duration::from_millis(2);

/// A running server with visitors who have sessions.
pub(super) struct Probe {
    pub(super) target: Target,
    // Before the server: some wait for open connections before they end.
    visitors: BTreeMap<usize, Vec<Visitor>>,
    server: Server,
}

/// What one burst cost and took.
#[derive(Clone, Debug)]
pub(super) struct Sample {
    pub(super) cpu_us: f64,
    pub(super) requests_per_s: f64,
    pub(super) errors: usize,
    pub(super) latencies: Vec<Duration>,
}

impl Probe {
    /// Starts the server, and gives so many visitors a session each.
    pub(super) async fn start(
        places: &Places,
        target: Target,
        crowds: &[usize],
        environment: &[(&str, &Path)],
    ) -> Result<Self, String> {
        let server = Server::start(places, target, environment).map_err(|e| e.to_string())?;
        let mut probe = Self { target, visitors: BTreeMap::new(), server };
        probe.check().await?;
        for crowd in crowds {
            let visitors = (0..*crowd).map(|_| Visitor::new(probe.server.address)).collect();
            probe.visitors.insert(*crowd, visitors);
            probe.sample("/fill", *crowd, *crowd).await?;
        }
        Ok(probe)
    }

    /// Whether the pages count and remember, or answer as a floor does.
    async fn check(&self) -> Result<(), String> {
        let expected = match self.target.is_floor() {
            true => ["filled", "1", "1", "1", "unused", "1"],
            false => ["filled", "2", "3", "3", "unused", "4"],
        };
        let mut visitor = Visitor::new(self.server.address);
        for (page, expected) in
            ["/fill", "/", "/", "/read", "/unused", "/"].into_iter().zip(expected)
        {
            let answer = visitor.get(page).await.map_err(|error| format!("{page}: {error}"))?;
            let body = String::from_utf8_lossy(answer.body);
            if answer.status != 200 || body != expected {
                let status = answer.status;
                return Err(format!("{page} answered {status} {body:?} instead of {expected:?}"));
            }
        }
        Ok(())
    }

    /// How many requests by so many visitors take about as long as `aim`.
    pub(super) async fn calibrate(
        &mut self,
        page: &'static str,
        crowd: usize,
        aim: Duration,
    ) -> Result<usize, String> {
        let first = self.sample(page, crowd, crowd * 8).await?;
        let requests = (first.requests_per_s * aim.as_secs_f64()) as usize;
        // Whole shares: every visitor asks as often as the others.
        Ok(requests.clamp(crowd * 4, 50_000).div_ceil(crowd) * crowd)
    }

    /// One burst. An error is only what ends the server.
    pub(super) async fn sample(
        &mut self,
        page: &'static str,
        crowd: usize,
        requests: usize,
    ) -> Result<Sample, String> {
        let processes = self.server.processes();
        let before = on_cpu_ns(&processes).map_err(|error| self.why(&error))?;
        let visitors = self.visitors.get_mut(&crowd).expect("a crowd that was asked for");
        let seen = burst(visitors, page, requests, LIMIT).await;
        tokio::time::sleep(SETTLE).await;
        let after = on_cpu_ns(&processes).map_err(|error| self.why(&error))?;
        if let Some(why) = self.server.died() {
            return Err(why);
        }
        if seen.errors == seen.requests {
            return Err(seen.first_error.unwrap_or_else(|| "no request was answered".to_owned()));
        }
        if let Some(error) = &seen.first_error {
            eprintln!(
                "  {}: {} of {} failed: {error}",
                self.target.name, seen.errors, seen.requests
            );
        }
        Ok(Sample {
            cpu_us: ran_ns(&before, &after) as f64 / seen.requests as f64 / 1000.0,
            requests_per_s: seen.requests as f64 / seen.took.as_secs_f64(),
            errors: seen.errors,
            latencies: seen.latencies,
        })
    }

    /// The most memory that the server ever had resident.
    pub(super) fn peak_mib(&self) -> f64 {
        peak_mib(&self.server.processes())
    }

    fn why(&mut self, error: &io::Error) -> String {
        self.server.died().unwrap_or_else(|| error.to_string())
    }
}
