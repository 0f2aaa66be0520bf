//! Where the races are run: this program in one or more processes, or an application that is named.

use std::{
    env, fs,
    io::{BufRead, BufReader},
    path::PathBuf,
    process::{Child, ChildStderr, Command, Stdio},
    thread::{self, JoinHandle},
};

use anyhow::{Context, bail, ensure};
use dewar_stores::url::StoreUrl;

use crate::{args::Demo, failure::Failed, store};

/// The variable with the key of the processes.
const KEY: &str = "DEWAR_RACE_KEY";

/// A running application.
pub(super) struct Site {
    ports: Vec<u16>,
    /// They end with the site.
    _processes: Vec<Process>,
    /// After them.
    _folder: Option<Folder>,
}

/// A process that ends with whoever has it; and by itself if that one is killed, when its standard
/// input ends.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A folder that goes with whoever has it.
struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

impl Site {
    /// Starts what the arguments ask for.
    pub(super) fn start(args: &Demo) -> anyhow::Result<Self> {
        if !args.against.is_empty() {
            let ports = args.against.clone();
            return Ok(Self { ports, _processes: Vec::new(), _folder: None });
        }
        let number = args.processes.unwrap_or(1);
        let key = dewar::random_bytes(32).context("the system has no random bytes")?;
        let key: String = key.iter().map(|byte| format!("{byte:02x}")).collect();
        let mut made = None;
        let (url, folder) = match &args.store {
            Some(url) => {
                let read = store::read("--store", url)?;
                made = store::missing_folder(&read);
                let is_shared = read.is_shared();
                ensure!(
                    is_shared || number == 1,
                    "--store memory: is the memory of one process, and --processes {number} need one \
                     store: name another, or --processes 1"
                );
                (url.clone(), None)
            }
            None => {
                let folder = env::temp_dir().join(format!("dewar-race-{}", &key[..16]));
                let url =
                    StoreUrl::Sqlite(dewar_stores::url::SqliteUrl::new(folder.join("race.db")));
                (url.to_string(), Some(Folder(folder)))
            }
        };
        let (mut ports, mut processes) = (Vec::new(), Vec::new());
        for _ in 0..number {
            let (process, port) = process(&url, &key)?;
            processes.push(process);
            ports.push(port);
        }
        store::tell_made(made.as_deref());
        Ok(Self { ports, _processes: processes, _folder: folder })
    }

    /// The port of the `i`-th process, counted round.
    pub(super) fn port(&self, i: usize) -> u16 {
        self.ports[i % self.ports.len()]
    }

    pub(super) fn ports(&self) -> impl Iterator<Item = u16> + '_ {
        self.ports.iter().copied()
    }
}

/// Starts one; gives it and its port once it listens.
fn process(url: &str, key: &str) -> anyhow::Result<(Process, u16)> {
    let program = env::current_exe().context("the program does not find itself")?;
    let child = Command::new(program)
        .args(["demo", "race", "--port", "0", "--until-stdin-ends"])
        .args(["--secret-key-env", KEY, "--store", url])
        .env(KEY, key)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .context("cannot start a process of the race")?;
    let mut process = Process(child);
    let (Some(out), Some(err)) = (process.0.stdout.take(), process.0.stderr.take()) else {
        bail!("a process of the race has no output")
    };
    let said = read_on(err);
    let mut port = None;
    for line in BufReader::new(out).lines() {
        let line = line.context("cannot read what a process of the race says")?;
        if let Some((_, rest)) = line.split_once("http://127.0.0.1:") {
            let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
            port = port.or_else(|| digits.parse().ok());
        }
        if line.contains("Press CTRL+C") {
            break;
        }
    }
    match port {
        Some(port) => Ok((process, port)),
        None => {
            let said = said.join().unwrap_or_default();
            let said = said.strip_prefix("dewar: ").unwrap_or(&said).to_owned();
            // As it would have ended itself.
            match process.0.wait().ok().and_then(|status| status.code()) {
                Some(1) => Err(Failed(said).into()),
                _ => bail!("{said}"),
            }
        }
    }
}

/// Reads its log, or it would stop at a full pipe; gives the last line.
fn read_on(err: ChildStderr) -> JoinHandle<String> {
    thread::spawn(move || {
        let lines = BufReader::new(err).lines().map_while(Result::ok);
        lines.last().unwrap_or_default()
    })
}
