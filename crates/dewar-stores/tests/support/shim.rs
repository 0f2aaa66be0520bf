//! The preloaded library, and what it leaves.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
};

use super::Folder;

/// Builds the library once per test process.
fn library() -> &'static Path {
    static LIBRARY: OnceLock<PathBuf> = OnceLock::new();
    LIBRARY.get_or_init(|| {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("fsync_snapshot.so");
        // Other test processes build it too, and load it whenever they like.
        let built = path.with_extension(std::process::id().to_string());
        let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/shim/fsync_snapshot.c");
        let status = Command::new("cc")
            .args(["-shared", "-fPIC", "-O2", "-Wall", "-Werror", "-o"])
            .args([built.as_os_str(), source.as_ref(), "-ldl".as_ref(), "-lpthread".as_ref()])
            .status()
            .expect("a C compiler, which SQLite needs too");
        assert!(status.success());
        fs::rename(built, &path).unwrap();
        path
    })
}

/// A folder whose disk can lose its power.
pub struct Disk {
    pub live: Folder,
    image: Folder,
}

/// What a child can do to its own disk.
pub struct Faults(PathBuf);

impl Faults {
    /// Those of the library that this process was started with.
    pub fn of_this_process() -> Self {
        Self(std::env::var_os("DEWAR_SHIM_IMAGE").unwrap().into())
    }

    /// Begins a fault: "full", "broken" or "slow".
    pub fn set(&self, name: &str) {
        fs::write(self.0.join(name), "").unwrap();
    }

    pub fn clear(&self, name: &str) {
        fs::remove_file(self.0.join(name)).unwrap();
    }
}

/// What a disk shows after the power is back. A file that was written but not synced may be there
/// or not, and a disk writes in any order.
#[derive(Clone, Copy, Debug)]
pub struct Surviving {
    pub database_as_synced: bool,
    pub log_as_synced: bool,
}

impl Surviving {
    pub const ALL: [Self; 4] = [
        Self { database_as_synced: true, log_as_synced: true },
        Self { database_as_synced: true, log_as_synced: false },
        Self { database_as_synced: false, log_as_synced: true },
        Self { database_as_synced: false, log_as_synced: false },
    ];
}

impl Disk {
    pub fn new() -> Self {
        let (live, image) = (Folder::new(), Folder::new());
        fs::create_dir(image.join("files")).unwrap();
        Self { live, image }
    }

    pub fn preload(&self, command: &mut Command, delay_us: u32) {
        command
            .env("LD_PRELOAD", library())
            .env("DEWAR_SHIM_FOLDER", self.live.path())
            .env("DEWAR_SHIM_IMAGE", self.image.path())
            .env("DEWAR_SHIM_DELAY_US", delay_us.to_string());
    }

    pub fn syncs(&self) -> usize {
        fs::read(self.image.join("syncs")).map_or(0, |bytes| bytes.len())
    }

    pub fn synced_database_bytes(&self) -> usize {
        fs::read(self.image.join("files").join("sessions.db")).map_or(0, |bytes| bytes.len())
    }

    /// The folder after a power cut.
    pub fn after_power_cut(&self, surviving: Surviving) -> Folder {
        let after = Folder::new();
        let names = fs::read_to_string(self.image.join("names")).unwrap_or_default();
        for name in ["sessions.db", "sessions.db-wal", "sessions.db-journal"] {
            let as_synced = match name {
                "sessions.db" => surviving.database_as_synced,
                _ => surviving.log_as_synced,
            };
            let from =
                if as_synced { self.image.join("files") } else { self.live.path().to_owned() };
            match fs::read(from.join(name)) {
                Ok(bytes) if !as_synced || names.lines().any(|n| n == name) => {
                    fs::write(after.join(name), bytes).unwrap();
                }
                _ => {}
            }
        }
        after
    }
}
