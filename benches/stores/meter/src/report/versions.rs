//! Which versions ran: read from the lock files that the programs were built with.

use std::{fs, io, path::Path};

/// A lock file of cargo, and whose versions are read from it.
const CARGO: [(&str, &[&str]); 2] = [
    ("Cargo.lock", &["dewar", "axum", "actix-web", "actix-session"]),
    (
        "peers/tower-sessions-stores/Cargo.lock",
        &[
            "tower-sessions",
            "tower-sessions-redis-store",
            "tower-sessions-sqlx-store",
            "fred",
            "sqlx",
        ],
    ),
];

/// `name version` of everybody, separated by commas.
pub(super) fn read(here: &Path) -> io::Result<String> {
    let mut found = Vec::new();
    for (file, packages) in CARGO {
        let lock = fs::read_to_string(here.join(file))?;
        for name in packages {
            found.push(format!("{name} {}", in_cargo(&lock, name).unwrap_or("unknown")));
        }
    }
    Ok(found.join(", "))
}

fn in_cargo<'a>(lock: &'a str, name: &str) -> Option<&'a str> {
    let mut lines = lock.lines();
    lines.find(|line| line.strip_prefix("name = ").is_some_and(|n| n.trim_matches('"') == name))?;
    Some(lines.next()?.strip_prefix("version = ")?.trim_matches('"'))
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_version_is_found() {
        let here = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let versions = super::read(here).unwrap();
        assert!(!versions.contains("unknown"), "{versions}");
    }
}
