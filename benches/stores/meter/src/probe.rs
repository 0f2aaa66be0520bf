//! A server under measurement: its visitors, and what each burst cost it and its store.

use std::{collections::BTreeMap, time::Duration};

use crate::{
    connection::Visitor,
    databases::Databases,
    load::burst,
    process::{on_cpu_ns, ran_ns},
    rounds::Plan,
    server::Server,
    targets::Target,
};

/// No burst is longer, however slow the server is.
const LIMIT: Duration = Duration::from_secs(5);
/// Until everybody has gone to sleep after the last answer, and the time is counted.
const SETTLE: Duration = Duration::from_millis(3);

/// A running server with visitors who have sessions.
pub(crate) struct Probe {
    target: Target,
    // Before the server: some wait for open connections before they end.
    visitors: BTreeMap<usize, Vec<Visitor>>,
    server: Server,
}

/// What one burst cost and took.
#[derive(Clone, Debug)]
pub(crate) struct Sample {
    /// Of the application's process.
    pub(crate) cpu_us: f64,
    /// Of the processes of its store's server.
    pub(crate) store_cpu_us: f64,
    pub(crate) requests_per_s: f64,
    pub(crate) errors: usize,
    pub(crate) latencies: Vec<Duration>,
}

impl Probe {
    /// Starts the server, and gives so many visitors a session each.
    pub(crate) async fn start(
        plan: &Plan,
        databases: &Databases,
        target: Target,
        crowds: &[usize],
    ) -> Result<Self, String> {
        let store = databases.store(target, &plan.data).map_err(|error| error.to_string())?;
        let server = Server::start(&plan.programs, target, &store, &plan.data);
        let server = server.map_err(|error| error.to_string())?;
        let mut probe = Self { target, visitors: BTreeMap::new(), server };
        probe.check().await?;
        for crowd in crowds {
            let visitors = (0..*crowd).map(|_| Visitor::new(probe.server.address)).collect();
            probe.visitors.insert(*crowd, visitors);
            probe.sample(databases, "/fill", *crowd, *crowd).await?;
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
    pub(crate) async fn calibrate(
        &mut self,
        databases: &Databases,
        page: &'static str,
        crowd: usize,
        aim: Duration,
    ) -> Result<usize, String> {
        let first = self.sample(databases, page, crowd, crowd * 8).await?;
        let requests = (first.requests_per_s * aim.as_secs_f64()) as usize;
        // Whole shares: every visitor asks as often as the others.
        Ok(requests.clamp(crowd * 4, 50_000).div_ceil(crowd) * crowd)
    }

    /// One burst.
    pub(crate) async fn sample(
        &mut self,
        databases: &Databases,
        page: &'static str,
        crowd: usize,
        requests: usize,
    ) -> Result<Sample, String> {
        let told = |error: std::io::Error| error.to_string();
        let (ours, theirs) = (self.server.processes(), databases.processes(self.target.store));
        let visitors = self.visitors.get_mut(&crowd).expect("a crowd that was asked for");
        let before = on_cpu_ns(&ours).map_err(told)?;
        let store_before = if theirs.is_empty() { None } else { Some(on_cpu_ns(&theirs)) };
        let seen = burst(visitors, page, requests, LIMIT).await;
        tokio::time::sleep(SETTLE).await;
        let after = on_cpu_ns(&ours).map_err(told)?;
        // A connection that was opened meanwhile is a process of Postgres that was not there before.
        let theirs = databases.processes(self.target.store);
        let store_ns = match store_before {
            Some(before) => ran_ns(&before.map_err(told)?, &on_cpu_ns(&theirs).map_err(told)?),
            None => 0,
        };
        if let Some(error) = seen.first_error {
            // A figure of answers that were errors would compare something else.
            return Err(format!("{} of {} failed: {error}", seen.errors, seen.requests));
        }
        let each_us = |ns: u64| ns as f64 / seen.requests as f64 / 1000.0;
        Ok(Sample {
            cpu_us: each_us(ran_ns(&before, &after)),
            store_cpu_us: each_us(store_ns),
            requests_per_s: seen.requests as f64 / seen.took.as_secs_f64(),
            errors: seen.errors,
            latencies: seen.latencies,
        })
    }
}
