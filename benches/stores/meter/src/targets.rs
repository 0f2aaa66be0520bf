//! Who is measured.

/// One application.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Target {
    pub(crate) name: &'static str,
    /// As a reader knows it.
    pub(crate) label: &'static str,
    /// The file of its program.
    pub(crate) program: &'static str,
    pub(crate) store: Store,
    /// How it is set.
    pub(crate) settings: &'static str,
}

/// Where its sessions are.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Store {
    /// It has none: what the others stand upon.
    None,
    Redis,
    Postgres,
    Sqlite,
}

impl Store {
    /// Those that are compared.
    pub(crate) const ALL: [Self; 3] = [Self::Redis, Self::Postgres, Self::Sqlite];

    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Redis => "Redis",
            Self::Postgres => "Postgres",
            Self::Sqlite => "SQLite",
        }
    }
}

impl Target {
    /// Whether it serves the pages without sessions.
    pub(crate) fn is_floor(self) -> bool {
        self.store == Store::None
    }

    /// Whether it is one of those that dewar is measured beside.
    pub(crate) fn is_peer(self) -> bool {
        self.program != DEWAR && !self.is_floor()
    }
}

const DEWAR: &str = "stores-dewar";
const TOWER: &str = "stores-tower-sessions";
const ACTIX: &str = "stores-actix-session";

const fn target(
    name: &'static str,
    label: &'static str,
    program: &'static str,
    store: Store,
    settings: &'static str,
) -> Target {
    Target { name, label, program, store, settings }
}

/// All, in the order of the tables.
pub(crate) const ALL: [Target; 9] = [
    target("axum-floor", "axum, no sessions", DEWAR, Store::None, "defaults"),
    target("actix-floor", "actix-web, no sessions", ACTIX, Store::None, "one worker"),
    target("dewar-redis", "dewar", DEWAR, Store::Redis, "defaults: one connection"),
    target(
        "tower-sessions-redis",
        "tower-sessions",
        TOWER,
        Store::Redis,
        "an idle timeout of two hours, the pool of six connections that its documents show",
    ),
    target(
        "actix-session-redis",
        "actix-session",
        ACTIX,
        Store::Redis,
        "defaults, `RedisSessionStore`",
    ),
    target("dewar-postgres", "dewar", DEWAR, Store::Postgres, "defaults: two connections"),
    target(
        "tower-sessions-postgres",
        "tower-sessions",
        TOWER,
        Store::Postgres,
        "an idle timeout of two hours, sqlx's pool of at most ten connections",
    ),
    target("dewar-sqlite", "dewar", DEWAR, Store::Sqlite, "`Durability::Normal`"),
    target(
        "tower-sessions-sqlite",
        "tower-sessions",
        TOWER,
        Store::Sqlite,
        "an idle timeout of two hours, a write-ahead log with `synchronous = NORMAL`",
    ),
];

/// Those of these names; all if there are none.
///
/// # Errors
/// If a name is nobody's.
pub(crate) fn named(names: &[String]) -> Result<Vec<Target>, String> {
    if let Some(name) = names.iter().find(|name| ALL.iter().all(|known| known.name != **name)) {
        return Err(format!("{name}: nobody of this name is measured: --list shows who is"));
    }
    let asked = |target: &&Target| names.is_empty() || names.iter().any(|n| n == target.name);
    Ok(ALL.iter().filter(asked).copied().collect())
}
