//! Which versions ran: read from the lock files that the programs were built with.

use std::{fs, io, path::Path};

/// A lock file of cargo, and whose versions are read from it.
const CARGO: [(&str, &[&str]); 2] = [
    (
        "Cargo.lock",
        &[
            "dewar",
            "axum",
            "tower-sessions",
            "axum_session",
            "axum_session_redispool",
            "actix-web",
            "actix-session",
        ],
    ),
    (
        "peers/tower-sessions-stores/Cargo.lock",
        &["tower-sessions", "tower-sessions-redis-store", "tower-sessions-sqlx-store"],
    ),
];

/// The package, and how a reader knows it.
const PYTHON: [(&str, &str); 6] = [
    ("flask", "Flask"),
    ("flask-session", "Flask-Session"),
    ("flask-sqlalchemy", "Flask-SQLAlchemy"),
    ("sqlalchemy", "SQLAlchemy"),
    ("redis", "redis-py"),
    ("gunicorn", "gunicorn"),
];

const NODE: [(&str, &str); 4] = [
    ("express", "express"),
    ("express-session", "express-session"),
    ("connect-redis", "connect-redis"),
    ("redis", "node-redis"),
];

/// `name version` of everybody, separated by commas.
pub(super) fn read(here: &Path) -> io::Result<String> {
    let mut found = Vec::new();
    for (file, packages) in CARGO {
        let lock = fs::read_to_string(here.join(file))?;
        let stores = if file.starts_with("peers") { " with stores" } else { "" };
        for name in packages {
            let stores = if *name == "tower-sessions" { stores } else { "" };
            found.push(format!("{name}{stores} {}", in_cargo(&lock, name).unwrap_or("unknown")));
        }
    }
    let lock = fs::read_to_string(here.join("python/requirements.txt"))?;
    for (name, label) in PYTHON {
        found.push(format!("{label} {}", in_requirements(&lock, name).unwrap_or("unknown")));
    }
    let lock = fs::read_to_string(here.join("node/package-lock.json"))?;
    let lock: serde_json::Value = serde_json::from_str(&lock)?;
    for (name, label) in NODE {
        let version = lock["packages"][format!("node_modules/{name}")]["version"].as_str();
        found.push(format!("{label} {}", version.unwrap_or("unknown")));
    }
    Ok(found.join(", "))
}

fn in_cargo<'a>(lock: &'a str, name: &str) -> Option<&'a str> {
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
        let lock = "[[package]]\nname = \"axum_session_redispool\"\nversion = \"0.13.0\"\n\n[[package]]\nname = \"axum_session\"\nversion = \"0.22.1\"\n";
        assert_eq!(super::in_cargo(lock, "axum_session"), Some("0.22.1"));
        assert_eq!(super::in_cargo(lock, "tower"), None);
        let requirements = "flask==3.1.3 \\\n    --hash=sha256:00\nflask-session==0.8.0 \\\n";
        assert_eq!(super::in_requirements(requirements, "flask"), Some("3.1.3"));
        assert_eq!(super::in_requirements(requirements, "flask-session"), Some("0.8.0"));
    }

    #[test]
    fn every_version_is_found() {
        let here = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let versions = super::read(here).unwrap();
        assert!(!versions.contains("unknown"), "{versions}");
    }
}
