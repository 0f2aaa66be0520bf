//! A server of one application: a process that is started, found, and ended.

use std::{
    fs::{self, File},
    io::{self, BufRead, BufReader},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use crate::targets::{Program, Target};

/// How long one may take until it listens, and to end.
const PATIENCE: Duration = Duration::from_secs(30);

/// Where the programs lie.
#[derive(Clone, Debug)]
pub(crate) struct Places {
    /// `benches/races`.
    pub(crate) here: PathBuf,
    /// Those in Rust.
    pub(crate) programs: PathBuf,
}

/// A running one; it ends with this value.
pub(crate) struct Server {
    child: Child,
    pub(crate) address: SocketAddr,
}

impl Server {
    /// Starts it. What it complains of is kept in `folder`.
    pub(crate) fn start(
        places: &Places,
        target: &Target,
        store: &str,
        folder: &Path,
    ) -> io::Result<Self> {
        let log = folder.join("log");
        let mut child = command(places, target, store)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(File::create(&log)?)
            .spawn()?;
        match announced(&mut child) {
            Some(address) => Ok(Self { child, address }),
            None => {
                end(&mut child);
                Err(io::Error::other(format!("it does not listen: {}", last_words(&log))))
            }
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        end(&mut self.child);
    }
}

fn command(places: &Places, target: &Target, store: &str) -> Command {
    let mut command = match target.program {
        Program::Rust(name) => Command::new(places.programs.join(name)),
        Program::Node => {
            let mut command = Command::new("node");
            command.arg("app.js").current_dir(places.here.join("node"));
            command
        }
        Program::Gunicorn => {
            let mut command = Command::new(places.here.join("target/venv/bin/gunicorn"));
            command.args(["--config", "gunicorn.conf.py", "--log-level", "warning"]);
            command.args(["--no-control-socket", "races_app:app"]);
            command.env("STORE", store).current_dir(places.here.join("python"));
            return command;
        }
    };
    command.args(["--store", store]);
    command
}

/// Reads on standard output where it listens.
fn announced(child: &mut Child) -> Option<SocketAddr> {
    let stdout = child.stdout.take()?;
    let (send, receive) = mpsc::channel();
    // A thread of its own, for a pipe cannot be waited for with a limit; it goes with the pipe.
    thread::spawn(move || {
        for line in BufReader::new(stdout).lines().map_while(Result::ok) {
            if let Some(address) = line.strip_prefix("listening ") {
                let _ = send.send(address.trim().parse().ok());
            }
        }
    });
    receive.recv_timeout(PATIENCE).ok().flatten()
}

/// It ends with its standard input; one that does not is killed.
fn end(child: &mut Child) {
    drop(child.stdin.take());
    let begun = Instant::now();
    while begun.elapsed() < PATIENCE {
        if !matches!(child.try_wait(), Ok(None)) {
            return;
        }
        thread::sleep(Duration::from_millis(20));
    }
    let _ = child.kill();
    let _ = child.wait();
}

/// The last line that says something.
fn last_words(log: &Path) -> String {
    let text = fs::read(log).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let last =
        text.lines().rev().find(|line| !line.trim().is_empty() && !line.starts_with("note: "));
    last.unwrap_or("it said nothing").trim().to_owned()
}
