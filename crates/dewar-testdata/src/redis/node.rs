//! One server.

use std::{
    fs,
    io::{self, ErrorKind},
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{self, Child, Command, Stdio},
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use super::{Reply, reply, wait_until};
use crate::{tls, tool};

/// A Redis server. It ends when this is dropped.
///
/// ```no_run
/// use dewar_testdata::redis::Node;
///
/// let Some(node) = Node::start(&[]) else { return };
/// assert_eq!(node.ask(&["PING"]).text(), "PONG");
/// println!("redis://127.0.0.1:{}", node.port());
/// ```
#[derive(Debug)]
pub struct Node {
    program: PathBuf,
    folder: PathBuf,
    port: u16,
    options: Vec<String>,
    password: Option<String>,
    running: Mutex<Option<Child>>,
}

impl Node {
    /// Starts one that keeps nothing on the disk, with more options, as `["--appendonly", "yes"]`.
    /// `None`, said on the standard error, if there is no program for it.
    ///
    /// # Panics
    /// If it does not start, or is missing where nothing may be skipped.
    pub fn start(options: &[&str]) -> Option<Self> {
        let program = tool::find_redis_server()?;
        let options: Vec<_> = options.iter().map(|&option| option.to_owned()).collect();
        Some(Self::start_with(program, free_port(), &options, None))
    }

    /// The same, and it speaks TLS on a second port; gives that, too.
    ///
    /// # Panics
    /// As [`start`](Self::start).
    pub fn start_with_tls() -> Option<(Self, u16)> {
        let port = free_port();
        let folder = tls::folder();
        let file = |name: &str| folder.join(name).display().to_string();
        let (port_text, cert, key, ca) =
            (port.to_string(), file("server.pem"), file("server.key"), file("ca.pem"));
        let node = Self::start(&[
            "--tls-port",
            &port_text,
            "--tls-cert-file",
            &cert,
            "--tls-key-file",
            &key,
            "--tls-ca-cert-file",
            &ca,
            "--tls-auth-clients",
            "no",
        ])?;
        Some((node, port))
    }

    /// `config`: the file that the server reads and writes.
    pub(super) fn start_with(
        program: PathBuf,
        port: u16,
        options: &[String],
        config: Option<&str>,
    ) -> Self {
        let folder = new_folder();
        let mut all = Vec::new();
        if let Some(config) = config {
            let path = folder.join("node.conf");
            fs::write(&path, config).expect("the folder is ours");
            all.push(path.display().to_string());
        }
        let fixed = ["--bind", "127.0.0.1", "--save", "", "--daemonize", "no"];
        all.extend(["--port".to_owned(), port.to_string()]);
        all.extend(fixed.iter().map(|&option| option.to_owned()));
        all.extend(["--dir".to_owned(), folder.display().to_string()]);
        all.extend_from_slice(options);
        let password = options
            .iter()
            .position(|option| option == "--requirepass")
            .and_then(|at| options.get(at + 1).cloned());
        let node =
            Self { program, folder, port, options: all, password, running: Mutex::default() };
        node.restart();
        node
    }

    /// Where it listens.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The server's process; `None` while it is stopped.
    pub fn process(&self) -> Option<u32> {
        self.running().as_ref().map(Child::id)
    }

    /// The folder of its files.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Starts it again, if it does not run.
    ///
    /// # Panics
    /// If it does not start.
    pub fn restart(&self) {
        let mut running = self.running();
        if running.is_some() {
            return;
        }
        let log = fs::File::options().append(true).create(true).open(self.folder.join("log"));
        let log = log.expect("the folder is ours");
        // Whoever starts it may be killed, and then drops nothing.
        let child = Command::new("setpriv")
            .args(["--pdeathsig", "KILL", "--"])
            .arg(&self.program)
            .args(&self.options)
            .stdin(Stdio::null())
            .stdout(log)
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|e| panic!("{}: {e}", self.program.display()));
        let child = running.insert(child);
        wait_until("the server answers", || {
            if let Ok(Some(status)) = child.try_wait() {
                let log = fs::read_to_string(self.folder.join("log")).unwrap_or_default();
                panic!("{} ended with {status}: {log}", self.program.display());
            }
            self.try_ask(&[b"PING"]).is_ok_and(|reply| !reply.text().starts_with("LOADING"))
        });
    }

    /// Ends it, as an operator does.
    pub fn stop(&self) {
        self.signal("TERM");
        self.reap();
    }

    /// Ends it at once.
    pub fn kill(&self) {
        self.signal("KILL");
        self.reap();
    }

    /// Lets it answer nobody: it is alive, and as good as cut off.
    pub fn pause(&self) {
        self.signal("STOP");
    }

    /// Lets it go on.
    pub fn resume(&self) {
        self.signal("CONT");
    }

    /// Ends what its replicas hold of it, and lets it write all the same, until it is started again.
    /// With its replicas [paused](Self::pause) it is as a master whose network has parted.
    ///
    /// # Panics
    /// If it does not answer.
    pub fn cut_off(&self) {
        self.ask(&["CONFIG", "SET", "min-replicas-to-write", "0"]);
        self.ask(&["CLIENT", "KILL", "TYPE", "replica"]);
    }

    fn signal(&self, signal: &str) {
        if let Some(child) = self.running().as_ref() {
            let kill = format!("kill -{signal} {}", child.id());
            let status = Command::new("sh").args(["-c", &kill]).status();
            assert!(status.is_ok_and(|status| status.success()), "{kill}");
        }
    }

    fn reap(&self) {
        if let Some(mut child) = self.running().take() {
            let _ = child.wait();
        }
    }

    fn running(&self) -> MutexGuard<'_, Option<Child>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether it was started and not stopped.
    pub fn runs(&self) -> bool {
        self.running().is_some()
    }

    /// Asks it, on a connection of its own.
    ///
    /// # Panics
    /// If it does not answer.
    #[track_caller]
    pub fn ask(&self, words: &[&str]) -> Reply {
        let words: Vec<_> = words.iter().map(|word| word.as_bytes()).collect();
        self.ask_bytes(&words)
    }

    /// The same for words that are no text.
    ///
    /// # Panics
    /// If it does not answer.
    #[track_caller]
    pub fn ask_bytes(&self, words: &[&[u8]]) -> Reply {
        self.try_ask(words).unwrap_or_else(|e| panic!("{:?} of {}: {e}", words.first(), self.port))
    }

    /// The same, if it answers.
    ///
    /// # Errors
    /// If it does not run, or is paused.
    pub fn try_ask(&self, words: &[&[u8]]) -> io::Result<Reply> {
        let address = ([127, 0, 0, 1], self.port).into();
        let stream = TcpStream::connect_timeout(&address, Duration::from_secs(2))?;
        stream.set_read_timeout(Some(Duration::from_secs(2)))?;
        if let Some(password) = &self.password {
            reply::ask(&stream, &[b"AUTH", password.as_bytes()])?;
        }
        reply::ask(&stream, words)
    }

    /// A field of what `INFO` says; empty if there is none.
    pub fn info(&self, name: &str) -> String {
        let Ok(info) = self.try_ask(&[b"INFO", b"everything"]) else { return String::new() };
        let info = info.text();
        let mut lines = info.lines().filter_map(|line| line.split_once(':'));
        lines
            .find(|(field, _)| *field == name)
            .map(|(_, value)| value.to_owned())
            .unwrap_or_default()
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.kill();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// A port where nobody listens. They lie below those that the system gives to whoever connects.
pub(super) fn free_port() -> u16 {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    loop {
        let number = NEXT.fetch_add(1, Ordering::Relaxed) + process::id() * 61;
        let port = 16_000 + (number % 16_000) as u16;
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

fn new_folder() -> PathBuf {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    loop {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("dewar-redis-{}-{number}", process::id());
        let path = std::env::temp_dir().join(name);
        match fs::create_dir(&path) {
            Ok(()) => return path,
            // Left by a process that was killed and had the same number.
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            Err(error) => panic!("{}: {error}", path.display()),
        }
    }
}
