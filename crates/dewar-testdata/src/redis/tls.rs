//! The certificates of servers that speak TLS.

use std::{fs, path::PathBuf};

/// Where they lie.
pub fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src/redis/tls")
}

/// The authority that signed the server's certificate, as PEM.
///
/// # Panics
/// If the file is missing.
pub fn authority() -> Vec<u8> {
    fs::read(folder().join("ca.pem")).expect("the repository has it")
}
