//! What a sync costs in the folder where the databases lie.

use std::{
    fs::{self, File},
    io::{self, Seek, SeekFrom, Write},
    path::Path,
    time::{Duration, Instant},
};

/// As much as a page of SQLite.
const BYTES: [u8; 4096] = [7; 4096];

/// Microseconds of a write and its sync, many times over.
pub(super) fn sync_us(folder: &Path) -> io::Result<Vec<f64>> {
    fs::create_dir_all(folder)?;
    let path = folder.join("sync-cost");
    let mut file = File::create(&path)?;
    let mut seen = Vec::new();
    let start = Instant::now();
    while seen.len() < 1000 && start.elapsed() < Duration::from_secs(3) {
        let begun = Instant::now();
        file.seek(SeekFrom::Start(0))?;
        file.write_all(&BYTES)?;
        file.sync_data()?;
        seen.push(begun.elapsed().as_nanos() as f64 / 1000.0);
    }
    fs::remove_file(path)?;
    Ok(seen)
}
