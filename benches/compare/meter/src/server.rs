//! A server of one target: a process that is started, found, and ended.

use std::{
    fs::{self, File},
    io::{self, BufRead, BufReader},
    net::SocketAddr,
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, ChildStdin, Command, Stdio},
    sync::mpsc,
    thread,
    time::Duration,
};

use crate::{
    process,
    targets::{Program, Target},
};

/// Python needs a second; nobody needs twenty.
const PATIENCE: Duration = Duration::from_secs(20);

/// Where things lie.
#[derive(Debug)]
pub(crate) struct Places {
    /// `benches/compare`.
    pub(crate) here: PathBuf,
    /// Where the programs were built.
    pub(crate) programs: PathBuf,
    /// Where servers keep their files, on a real disk.
    pub(crate) data: PathBuf,
}

/// A running server. It ends when this is dropped.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    child: Child,
    /// Its end is the end of the server, even if this process is killed.
    stdin: Option<ChildStdin>,
    log: PathBuf,
}

impl Server {
    /// Starts the server of a target. `environment` is added to its own.
    pub(crate) fn start(
        places: &Places,
        target: Target,
        environment: &[(&str, &Path)],
    ) -> io::Result<Self> {
        let folder = places.data.join(target.name);
        if folder.exists() {
            fs::remove_dir_all(&folder)?;
        }
        fs::create_dir_all(&folder)?;
        let log = folder.join("log");
        let mut command = command(places, target, &folder);
        // A group of its own: all that it starts can be ended with it.
        command.process_group(0);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(File::create(&log)?);
        // What it says last shall be why it ended.
        command.env("RUST_BACKTRACE", "0");
        for (name, value) in environment {
            command.env(name, value);
        }
        if target.is_floor() {
            command.env("COMPARE_FLOOR", "1");
        }
        let mut child = command.spawn().map_err(|error| {
            // Its name alone: where it would lie on this machine is nobody's business.
            let program = Path::new(command.get_program()).file_name().unwrap_or_default();
            io::Error::new(
                error.kind(),
                format!("{} could not be started: {error}", program.display()),
            )
        })?;
        let stdin = child.stdin.take();
        let announced = announced(&mut child);
        let mut server = Self { address: ([127, 0, 0, 1], 0).into(), child, stdin, log };
        // One that did not begin is dropped here, and so ended.
        server.address = announced.ok_or_else(|| {
            io::Error::other(format!("it did not begin: {}", last_words(&server.log)))
        })?;
        Ok(server)
    }

    /// Its processes, as they are now.
    pub(crate) fn processes(&self) -> Vec<u32> {
        process::tree(self.child.id())
    }

    /// What it said last, if it is no more.
    pub(crate) fn died(&mut self) -> Option<String> {
        let status = self.child.try_wait().ok().flatten()?;
        Some(format!("its server ended, {status}: {}", last_words(&self.log)))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.stdin.take());
        for _ in 0..250 {
            if self.child.try_wait().is_ok_and(|status| status.is_some()) {
                break;
            }
            thread::sleep(Duration::from_millis(20));
        }
        let _ = self.child.kill();
        // Whoever is still there of the whole group: a worker may outlive its master. A group keeps
        // its number as long as it has a member, and a number just freed is not given anew so soon.
        let group = format!("-{}", self.child.id());
        let _ = Command::new("kill").args(["-KILL", "--", &group]).stderr(Stdio::null()).status();
        let _ = self.child.wait();
    }
}

fn command(places: &Places, target: Target, folder: &Path) -> Command {
    let python = places.here.join("python");
    let venv = places.here.join("target/venv/bin");
    match target.program {
        Program::Sites => program(&places.programs.join("serve"), &[target.name], folder),
        Program::TowerSessionsSqlite => {
            let path = places.programs.join("compare-tower-sessions-sqlite");
            program(&path, &[target.name], folder)
        }
        Program::Gunicorn(worker) => {
            let mut command = Command::new(venv.join("gunicorn"));
            command.args(["--config", "gunicorn.conf.py", "--worker-class", worker]);
            command
                .args(["--log-level", "warning", "--no-control-socket", "flask_app:app"])
                .current_dir(python);
            command
        }
        Program::Uvicorn => {
            let mut command = Command::new(venv.join("python"));
            command.arg("starlette_app.py").current_dir(python);
            command
        }
    }
}

fn program(path: &Path, args: &[&str], folder: &Path) -> Command {
    let mut command = Command::new(path);
    command.args(args).arg(folder);
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

/// The last line that says something.
fn last_words(log: &Path) -> String {
    let text = fs::read(log).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let last =
        text.lines().rev().find(|line| !line.trim().is_empty() && !line.starts_with("note: "));
    last.unwrap_or("it said nothing").trim().to_owned()
}
