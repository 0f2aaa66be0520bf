//! Certificates of servers that speak TLS, and of those who come to them.

use std::{fs, path::PathBuf};

/// Where they lie; its README says what each of them is.
pub fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src/tls")
}

/// What is in one of these files.
///
/// # Panics
/// If the file is missing.
pub fn file(name: &str) -> Vec<u8> {
    fs::read(folder().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// The authority that signed the server's certificate, as PEM.
///
/// # Panics
/// If the file is missing.
pub fn authority() -> Vec<u8> {
    file("ca.pem")
}
