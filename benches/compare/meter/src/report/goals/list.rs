//! The goals, each with the two figures that it compares.

use super::{
    Goal,
    Limit::{AtLeast, AtMost, Below},
};
use crate::results::{Of, Results, allocations, end_to_end, in_process, of_step};

/// All of them, in the order of the table.
pub(super) fn goals(results: &Results) -> Vec<Goal<'static>> {
    let mut goals = Vec::new();
    let mut ratio = |what, limit, ours: Of<'_>, theirs: Of<'_>| {
        goals.push(Goal { what, limit, ours: results.value(ours), theirs: results.value(theirs) });
    };
    let ns = in_process;
    let (cookie, memory, tower) = ("dewar-cookie", "dewar-memory", "tower-sessions-memory");

    ratio(
        "ns, untouched: dewar cookie / tower-sessions memory",
        AtMost(0.35),
        ns(cookie, "/unused"),
        ns(tower, "/unused"),
    );
    ratio(
        "ns, untouched: dewar memory / tower-sessions memory",
        AtMost(0.35),
        ns(memory, "/unused"),
        ns(tower, "/unused"),
    );
    ratio(
        "ns, read: dewar cookie / by hand",
        AtMost(1.25),
        ns(cookie, "/read"),
        ns("hand-cookie", "/read"),
    );
    ratio(
        "ns, read and written: dewar cookie / by hand",
        AtMost(1.25),
        ns(cookie, "/"),
        ns("hand-cookie", "/"),
    );
    ratio(
        "ns, read: dewar cookie / axum-extra signed",
        AtMost(0.55),
        ns(cookie, "/read"),
        ns("axum-extra-signed", "/read"),
    );
    ratio(
        "ns, read and written: dewar cookie / axum-extra signed",
        AtMost(0.55),
        ns(cookie, "/"),
        ns("axum-extra-signed", "/"),
    );
    ratio(
        "ns, read: dewar memory / tower-sessions memory",
        AtMost(0.42),
        ns(memory, "/read"),
        ns(tower, "/read"),
    );
    ratio(
        "ns, read and written: dewar memory / tower-sessions memory",
        AtMost(0.42),
        ns(memory, "/"),
        ns(tower, "/"),
    );

    let cpu = |target, crowd| end_to_end(target, "/", crowd, "overhead_us");
    let wal = "tower-sessions-sqlite-wal";
    ratio(
        "CPU µs, read and written, 16 connections: dewar Normal / tower-sessions WAL",
        AtMost(0.4),
        cpu("dewar-sqlite-normal", 16),
        cpu(wal, 16),
    );
    ratio(
        "CPU µs, read and written, 1 connection: dewar Normal / tower-sessions WAL",
        AtMost(0.4),
        cpu("dewar-sqlite-normal", 1),
        cpu(wal, 1),
    );
    let rate =
        |step, target| Of { page: "/", connections: 32, ..of_step(step, target, "requests_per_s") };
    let (full, default) = ("dewar-sqlite-full", "tower-sessions-sqlite");
    ratio(
        "requests/s, 32 connections: dewar Full / tower-sessions default",
        AtLeast(5.0),
        rate("sqlite-full", full),
        rate("sqlite-full", default),
    );
    if results.facts.iter().any(|fact| fact.step == "sqlite-full-1ms") {
        let step = "sqlite-full-1ms";
        ratio(
            "the same, with 1 ms more for each sync",
            AtLeast(5.0),
            rate(step, full),
            rate(step, default),
        );
    }

    let flask = |figure: &'static str| cheaper_flask(results, figure);
    for (what, limit, figure) in [
        ("CPU µs of the session: dewar cookie / Flask on gunicorn", 0.01, "overhead_us"),
        ("CPU µs of the whole request: dewar cookie / Flask on gunicorn", 0.02, "cpu_us"),
    ] {
        goals.push(Goal {
            what,
            limit: AtMost(limit),
            ours: results.value(end_to_end(cookie, "/", 1, figure)),
            theirs: flask(figure),
        });
    }

    for (what, target, page, limit) in [
        ("allocations, read and written: dewar cookie", cookie, "/", 15.0),
        ("allocations, read: dewar cookie", cookie, "/read", 12.0),
        ("allocations, untouched: dewar cookie", cookie, "/unused", 6.0),
        ("allocations, read and written: dewar memory", memory, "/", 18.0),
        ("allocations, read: dewar memory", memory, "/read", 9.0),
        ("allocations, untouched: dewar memory", memory, "/unused", 6.0),
    ] {
        // Less than half a one comes from what happens every so many requests.
        let ours = results.value(allocations(target, page)).map(f64::round);
        goals.push(Goal { what, limit: AtMost(limit), ours, theirs: Some(1.0) });
    }

    let each = |target| of_step("memory", target, "bytes_per_session");
    let build = |target, figure| of_step("build", target, figure);
    for (what, limit, ours, theirs) in [
        (
            "bytes of a session in memory: dewar / tower-sessions",
            AtMost(0.45),
            each(memory),
            Some(each(tower)),
        ),
        (
            "memory under churn: dewar, last generation / second",
            AtMost(1.1),
            of_step("memory", memory, "growth"),
            None,
        ),
        (
            "crates: dewar / tower-sessions",
            Below(1.0),
            build("dewar", "crates"),
            Some(build("tower-sessions", "crates")),
        ),
        (
            "first build: dewar / tower-sessions",
            Below(1.0),
            build("dewar", "cold_s"),
            Some(build("tower-sessions", "cold_s")),
        ),
    ] {
        let theirs = theirs.map_or(Some(1.0), |of| results.value(of));
        goals.push(Goal { what, limit, ours: results.value(ours), theirs });
    }
    goals
}

/// Of gunicorn's two kinds of worker the one that costs less.
fn cheaper_flask(results: &Results, figure: &str) -> Option<f64> {
    let of = |target| results.value(end_to_end(target, "/", 1, figure));
    match (of("flask-sync"), of("flask-gthread")) {
        (Some(sync), Some(gthread)) => Some(sync.min(gthread)),
        (sync, gthread) => sync.or(gthread),
    }
}
