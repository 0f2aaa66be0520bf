//! Who runs the races.

/// One application.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Target {
    pub(crate) name: &'static str,
    /// As a reader knows it.
    pub(crate) label: &'static str,
    pub(crate) program: Program,
    pub(crate) store: Store,
    /// How it is set, where that is a choice.
    pub(crate) settings: &'static str,
}

/// What serves it.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Program {
    /// One of ours, by its file.
    Rust(&'static str),
    /// Flask, one worker with threads.
    Gunicorn,
    /// express.
    Node,
}

/// Where its sessions are.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Store {
    Cookie,
    Memory,
    Sqlite,
    Redis,
}

const DEWAR: Program = Program::Rust("races-dewar");
const TOWER: Program = Program::Rust("races-tower-sessions");
const TOWER_STORES: Program = Program::Rust("races-tower-sessions-stores");

const fn target(
    name: &'static str,
    label: &'static str,
    program: Program,
    store: Store,
    settings: &'static str,
) -> Target {
    Target { name, label, program, store, settings }
}

/// All, in the order of the tables.
pub(crate) const ALL: [Target; 14] = [
    target("dewar-memory", "dewar, memory", DEWAR, Store::Memory, "defaults"),
    target("dewar-sqlite", "dewar, SQLite", DEWAR, Store::Sqlite, "defaults"),
    target("dewar-redis", "dewar, Redis", DEWAR, Store::Redis, "defaults"),
    target(
        "tower-sessions-memory",
        "tower-sessions, memory",
        TOWER,
        Store::Memory,
        "an idle timeout of two hours",
    ),
    target(
        "tower-sessions-sqlite",
        "tower-sessions, SQLite",
        TOWER_STORES,
        Store::Sqlite,
        "the same; a write-ahead log",
    ),
    target(
        "tower-sessions-redis",
        "tower-sessions, Redis",
        TOWER_STORES,
        Store::Redis,
        "the same; the pool of six connections that its documents show",
    ),
    target(
        "axum-session-redis",
        "axum_session, Redis",
        Program::Rust("races-axum-session"),
        Store::Redis,
        "defaults; it keeps sessions in its memory as well, and there is one process",
    ),
    target(
        "actix-session-redis",
        "actix-session, Redis",
        Program::Rust("races-actix-session"),
        Store::Redis,
        "defaults, `RedisSessionStore`",
    ),
    target(
        "flask-session-redis",
        "Flask-Session, Redis",
        Program::Gunicorn,
        Store::Redis,
        "defaults; `regenerate` as its documents show",
    ),
    target(
        "flask-session-sqlalchemy",
        "Flask-Session, SQLAlchemy",
        Program::Gunicorn,
        Store::Sqlite,
        "defaults, in SQLite, with a connection for each thread",
    ),
    target(
        "express-session-memory",
        "express-session, memory",
        Program::Node,
        Store::Memory,
        "`resave: false`, `saveUninitialized: false`; `regenerate`, and the contents copied by hand",
    ),
    target(
        "express-session-redis",
        "express-session, Redis",
        Program::Node,
        Store::Redis,
        "the same with connect-redis; a client that listens to `error`",
    ),
    target("dewar-cookie", "dewar, signed cookie", DEWAR, Store::Cookie, "defaults"),
    target("flask-cookie", "Flask, its cookie", Program::Gunicorn, Store::Cookie, "defaults"),
];

/// Those of these names; all if there are none.
///
/// # Errors
/// If a name is nobody's.
pub(crate) fn named(names: &[String]) -> Result<Vec<Target>, String> {
    if let Some(name) = names.iter().find(|name| ALL.iter().all(|known| known.name != **name)) {
        return Err(format!("{name}: nobody of this name runs: --list shows who does"));
    }
    let asked = |target: &&Target| names.is_empty() || names.iter().any(|n| n == target.name);
    Ok(ALL.iter().filter(asked).copied().collect())
}
