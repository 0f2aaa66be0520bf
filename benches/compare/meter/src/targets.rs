//! Everybody who is measured.

/// One server, and how it is called in this comparison.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Target {
    /// As it is named on the command line and in the results.
    pub(crate) name: &'static str,
    /// As a reader knows it.
    pub(crate) label: &'static str,
    /// The same framework without sessions; a floor is its own.
    pub(crate) floor: &'static str,
    /// How its server is started.
    pub(crate) program: Program,
    /// Whether it can be called inside a process, without a socket.
    pub(crate) in_process: bool,
}

/// What serves a target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Program {
    /// `serve` of compare-sites.
    Sites,
    /// The program of `peers/tower-sessions-sqlite`.
    TowerSessionsSqlite,
    /// gunicorn with this kind of worker.
    Gunicorn(&'static str),
    /// uvicorn.
    Uvicorn,
}

use Program::{Gunicorn, Sites, TowerSessionsSqlite, Uvicorn};

const fn target(
    name: &'static str,
    label: &'static str,
    floor: &'static str,
    program: Program,
) -> Target {
    Target { name, label, floor, program, in_process: false }
}

/// One that runs on axum, and inside a process too.
const fn inside(name: &'static str, label: &'static str) -> Target {
    Target { in_process: true, ..target(name, label, "floor", Sites) }
}

/// One that runs on axum and has threads of its own, whose time only its process tells.
const fn threads(name: &'static str, label: &'static str) -> Target {
    target(name, label, "floor", Sites)
}

/// All of them, in the order of the tables.
pub(crate) const TARGETS: [Target; 24] = [
    threads("floor", "axum without sessions"),
    inside("dewar-cookie", "dewar, signed cookie"),
    inside("dewar-flask", "dewar, exact Flask profile"),
    inside("hand-cookie", "by hand, signed cookie"),
    inside("axum-extra-signed", "axum-extra SignedCookieJar"),
    inside("axum-extra-private", "axum-extra PrivateCookieJar"),
    inside("dewar-memory", "dewar, memory"),
    inside("hand-memory", "by hand, memory"),
    inside("tower-sessions-memory", "tower-sessions, memory"),
    inside("axum-session-memory", "axum_session, memory"),
    threads("dewar-sqlite-normal", "dewar, SQLite, Normal"),
    threads("hand-sqlite-normal", "by hand, SQLite, WAL + NORMAL"),
    target(
        "tower-sessions-sqlite-wal",
        "tower-sessions, SQLite, WAL + NORMAL",
        "floor",
        TowerSessionsSqlite,
    ),
    threads("dewar-sqlite-full", "dewar, SQLite, Full"),
    threads("hand-sqlite-full", "by hand, SQLite, WAL + FULL"),
    target(
        "tower-sessions-sqlite",
        "tower-sessions, SQLite, its default",
        "floor",
        TowerSessionsSqlite,
    ),
    target("actix-floor", "actix-web without sessions", "actix-floor", Sites),
    Target {
        in_process: true,
        ..target("actix-session-cookie", "actix-session, cookie", "actix-floor", Sites)
    },
    target(
        "flask-sync-floor",
        "Flask without sessions, gunicorn sync",
        "flask-sync-floor",
        Gunicorn("sync"),
    ),
    target("flask-sync", "Flask, gunicorn sync", "flask-sync-floor", Gunicorn("sync")),
    target(
        "flask-gthread-floor",
        "Flask without sessions, gunicorn gthread",
        "flask-gthread-floor",
        Gunicorn("gthread"),
    ),
    target("flask-gthread", "Flask, gunicorn gthread", "flask-gthread-floor", Gunicorn("gthread")),
    target("starlette-floor", "Starlette without sessions, uvicorn", "starlette-floor", Uvicorn),
    target("starlette", "Starlette, uvicorn", "starlette-floor", Uvicorn),
];

impl Target {
    /// Whether it stands for a framework without sessions.
    pub(crate) fn is_floor(&self) -> bool {
        self.name == self.floor
    }
}

/// The target with this name.
pub(crate) fn find(name: &str) -> Option<Target> {
    TARGETS.into_iter().find(|target| target.name == name)
}

/// The names of all, a line each.
pub(crate) fn names() -> String {
    let names = TARGETS.iter().filter(|target| !target.is_floor()).map(|target| target.name);
    names.collect::<Vec<_>>().join("\n")
}

/// Those that are named, in the order of the tables; all if nobody is.
pub(crate) fn wanted(names: &[String]) -> Result<Vec<Target>, String> {
    if let Some(name) = names.iter().find(|name| find(name).is_none()) {
        return Err(format!(
            "{name}: nobody of this name is measured; these are:\n{}",
            self::names()
        ));
    }
    let is_wanted = |target: &Target| {
        !target.is_floor() && (names.is_empty() || names.iter().any(|name| name == target.name))
    };
    Ok(TARGETS.into_iter().filter(is_wanted).collect())
}
