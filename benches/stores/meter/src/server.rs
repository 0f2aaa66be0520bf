//! A server of one application: a process that is started, found, and ended.

use std::{
    fs::{self, File},
    io::{self, BufRead, BufReader},
    net::SocketAddr,
    path::Path,
    process::{Child, Command, Stdio},
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use crate::{process, targets::Target};

/// How long one may take until it listens, and to end.
const PATIENCE: Duration = Duration::from_secs(20);

/// A running one; it ends with this value, and when this process does.
pub(crate) struct Server {
    child: Child,
    pub(crate) address: SocketAddr,
}

impl Server {
    /// Starts it. What it complains of is kept in `folder`.
    pub(crate) fn start(
        programs: &Path,
        target: Target,
        store: &str,
        folder: &Path,
    ) -> io::Result<Self> {
        let log = folder.join(target.name).join("log");
        let mut child = Command::new(programs.join(target.program))
            .args(["--store", store])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(File::create(&log)?)
            .spawn()
            .map_err(|error| {
                io::Error::new(error.kind(), format!("{} is not there: {error}", target.program))
            })?;
        match announced(&mut child) {
            Some(address) => Ok(Self { child, address }),
            None => {
                end(&mut child);
                Err(io::Error::other(format!("it does not listen: {}", last_words(&log))))
            }
        }
    }

    /// Its processes, as they are now.
    pub(crate) fn processes(&self) -> Vec<u32> {
        process::tree(self.child.id())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        end(&mut self.child);
    }
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
