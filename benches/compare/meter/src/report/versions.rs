//! Which versions were compared: read from the lock files that the programs were built with.

use std::{fs, io, path::Path};

/// A lock file, and whose versions are read from it; the name, and how a reader knows it.
const LOCKS: [(&str, &[(&str, &str)]); 2] = [
    (
        "Cargo.lock",
        &[
            ("dewar", "dewar"),
            ("axum", "axum"),
            ("tower-sessions", "tower-sessions"),
            ("axum_session", "axum_session"),
            ("axum-extra", "axum-extra"),
            ("actix-web", "actix-web"),
            ("actix-session", "actix-session"),
            ("rusqlite", "rusqlite"),
        ],
    ),
    (
        "peers/tower-sessions-sqlite/Cargo.lock",
        &[
            ("tower-sessions", "tower-sessions with SQLite"),
            ("tower-sessions-sqlx-store", "tower-sessions-sqlx-store"),
            ("sqlx", "sqlx"),
        ],
    ),
];

const PYTHON: [(&str, &str); 4] = [
    ("flask", "Flask"),
    ("gunicorn", "gunicorn"),
    ("starlette", "Starlette"),
    ("uvicorn", "uvicorn"),
];

/// `name version` of everybody, separated by commas.
pub(super) fn read(here: &Path) -> io::Result<String> {
    let mut found = Vec::new();
    for (file, packages) in LOCKS {
        let lock = fs::read_to_string(here.join(file))?;
        for (name, label) in packages {
            found.push(format!("{label} {}", in_lock(&lock, name).unwrap_or("unknown")));
        }
    }
    let requirements = fs::read_to_string(here.join("python/requirements.txt"))?;
    for (name, label) in PYTHON {
        found
            .push(format!("{label} {}", in_requirements(&requirements, name).unwrap_or("unknown")));
    }
    Ok(found.join(", "))
}

fn in_lock<'a>(lock: &'a str, name: &str) -> Option<&'a str> {
    let mut lines = lock.lines();
    lines.find(|line| line.strip_prefix("name = ").is_some_and(|n| n.trim_matches('"') == name))?;
    Some(lines.next()?.strip_prefix("version = ")?.trim_matches('"'))
}

fn in_requirements<'a>(requirements: &'a str, name: &str) -> Option<&'a str> {
    let mut lines = requirements.lines();
    let version = lines.find_map(|line| line.strip_prefix(name)?.strip_prefix("=="))?;
    version.split(' ').next()
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_version_is_that_of_the_very_package() {
        let lock = "[[package]]\nname = \"axum-extra\"\nversion = \"0.12.6\"\n\n[[package]]\nname = \"axum\"\nversion = \"0.8.9\"\n";
        assert_eq!(super::in_lock(lock, "axum"), Some("0.8.9"));
        assert_eq!(super::in_lock(lock, "tower"), None);
        let requirements = "flask==3.1.3 \\\n    --hash=sha256:00\n";
        assert_eq!(super::in_requirements(requirements, "flask"), Some("3.1.3"));
    }
}
