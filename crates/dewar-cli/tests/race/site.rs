//! Where the races are run: the real program in one or three processes, or a build that loses.

use std::{fs, path::PathBuf};

use super::naive;
use crate::demo::Demo;

/// A running application.
pub(crate) struct Site {
    ports: Vec<u16>,
    /// They end with the site.
    _demos: Vec<Demo>,
    /// After them.
    _folder: Option<Folder>,
}

/// A folder that goes with whoever has it.
struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

impl Site {
    /// One process that keeps its sessions in memory.
    pub(crate) fn memory() -> Self {
        Self::of(vec![Demo::start(&["race", "--store", "memory:"])])
    }

    /// One process with an SQLite file.
    pub(crate) fn sqlite() -> Self {
        Self::processes(1)
    }

    /// Three processes that share one SQLite file and one key.
    pub(crate) fn three() -> Self {
        Self::processes(3)
    }

    fn processes(number: usize) -> Self {
        let key = dewar::random_bytes(32).expect("random bytes");
        let key: String = key.iter().map(|byte| format!("{byte:02x}")).collect();
        let start = |store: &str| {
            let args = ["race", "--secret-key-env", "RACE_KEY", "--store", store];
            Demo::start_with(&args, &[("RACE_KEY", &key)])
        };
        let folder = Folder(std::env::temp_dir().join(format!("dewar-race-{}", &key[..16])));
        let store = format!("sqlite:{}", folder.0.join("race.db").display());
        let demos = (0..number).map(|_| start(&store)).collect();
        Self { _folder: Some(folder), ..Self::of(demos) }
    }

    /// The application that loses, behind as many ports.
    pub(crate) fn sabotaged(processes: usize) -> Self {
        Self { ports: naive::serve(processes), _demos: Vec::new(), _folder: None }
    }

    fn of(demos: Vec<Demo>) -> Self {
        let ports = demos.iter().map(|demo| demo.port).collect();
        Self { ports, _demos: demos, _folder: None }
    }

    /// The port of the `i`-th process, counted round.
    pub(crate) fn port(&self, i: usize) -> u16 {
        self.ports[i % self.ports.len()]
    }

    pub(crate) fn ports(&self) -> impl Iterator<Item = u16> + '_ {
        self.ports.iter().copied()
    }
}
