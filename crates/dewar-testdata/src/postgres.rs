//! A Postgres server that lives as long as a test.

use std::{
    env, fs,
    net::{Ipv4Addr, TcpListener, TcpStream},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    process::{self, Child, Command, Stdio},
    sync::{
        OnceLock,
        atomic::{AtomicU32, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use crate::{tls, tool};

/// How long the server may take to start; it shares its machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// How a server is stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Stop {
    /// `SIGINT`: it ends its connections, and writes everything down.
    Fast,
    /// `SIGQUIT`: it ends at once, and recovers when it starts.
    Immediate,
    /// `SIGKILL`, of the server and of every process it began.
    Kill,
}

/// A running server on a free loopback port, in a temporary folder. It ends when this is dropped, and
/// when the test's process is killed.
///
/// ```no_run
/// use dewar_testdata::postgres::Postgres;
///
/// let Some(server) = Postgres::start() else { return };
/// println!("{}", server.url());
/// ```
#[derive(Debug)]
pub struct Postgres {
    folder: PathBuf,
    port: u16,
    fsync: bool,
    settings: Vec<String>,
    server: Option<Child>,
}

impl Postgres {
    /// Starts one that does not wait for the disk: a crash of the machine would lose its data, a crash
    /// of its processes does not. `None`, said on the standard error, if Postgres is not installed:
    /// see [`tool::installed`].
    ///
    /// # Panics
    /// If it does not start, or is missing where nothing may be skipped.
    pub fn start() -> Option<Self> {
        let mut postgres = Self::prepare(false)?;
        postgres.start_again();
        Some(postgres)
    }

    /// Starts one that waits for the disk.
    ///
    /// # Panics
    /// As [`start`](Self::start).
    pub fn start_durable() -> Option<Self> {
        let mut postgres = Self::prepare(true)?;
        postgres.start_again();
        Some(postgres)
    }

    /// Starts one like [`start`](Self::start)'s that speaks TLS with the certificate of this name,
    /// `server` or `other-server`, and trusts the clients of [`tls`]'s other authority. `rules` go
    /// before those of `pg_hba.conf`, which let everybody in.
    ///
    /// # Panics
    /// As [`start`](Self::start).
    pub fn start_with_tls(certificate: &str, rules: &str) -> Option<Self> {
        let mut postgres = Self::prepare(false)?;
        let data = postgres.folder.join("data");
        let key = postgres.folder.join("server.key");
        run(Command::new("install")
            .args(["-m", "600"])
            .args([tls::folder().join(format!("{certificate}.key")), key.clone()]));
        if is_root() {
            run(Command::new("chown").arg("postgres:").arg(&key));
        }
        let pem = [tls::file(&format!("{certificate}.pem")), tls::file("other-ca.pem")];
        for (name, pem) in ["server.pem", "clients.pem"].iter().zip(pem) {
            fs::write(postgres.folder.join(name), pem).expect("the folder is ours");
        }
        let hba = data.join("pg_hba.conf");
        let others = fs::read_to_string(&hba).expect("initdb made it");
        fs::write(&hba, format!("{rules}\n{others}")).expect("the folder is ours");
        for (setting, name) in [
            ("ssl_cert_file", "server.pem"),
            ("ssl_key_file", "server.key"),
            ("ssl_ca_file", "clients.pem"),
        ] {
            postgres.set(&format!("{setting}={}", postgres.folder.join(name).display()));
        }
        postgres.set("ssl=on");
        postgres.start_again();
        Some(postgres)
    }

    fn prepare(fsync: bool) -> Option<Self> {
        let template = template()?;
        let folder = new_folder();
        run(Command::new("cp").arg("-a").arg(template.join("data")).arg(folder.join("data")));
        Some(Self { folder, port: free_port(), fsync, settings: Vec::new(), server: None })
    }

    /// A setting, as `name=value`, from the next start on.
    pub fn set(&mut self, setting: &str) {
        self.settings.push(setting.to_owned());
    }

    /// The address of its database, as its superuser.
    pub fn url(&self) -> String {
        self.url_at(self.port)
    }

    /// The same by another port, as that of a [`Proxy`](crate::proxy::Proxy).
    pub fn url_at(&self, port: u16) -> String {
        format!("postgres://postgres@127.0.0.1:{port}/postgres")
    }

    /// The address by its UNIX socket.
    pub fn socket_url(&self) -> String {
        let folder = self.folder.join("data").display().to_string().replace('/', "%2F");
        format!("postgres://postgres@{folder}:{}/postgres", self.port)
    }

    /// Its port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The server's process, the parent of all its others; `None` while it is stopped.
    pub fn process(&self) -> Option<u32> {
        self.server.as_ref().map(Child::id)
    }

    /// What the server said.
    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.join("log")).unwrap_or_default()
    }

    /// Stops the server and waits until all its processes have ended.
    ///
    /// # Panics
    /// If it does not end.
    pub fn stop(&mut self, how: Stop) {
        let Some(mut server) = self.server.take() else { return };
        // The server is not ended before those of its processes that write.
        let group = processes_of(server.id());
        match how {
            Stop::Fast => signal("INT", &[server.id()]),
            Stop::Immediate => signal("QUIT", &[server.id()]),
            Stop::Kill => signal("KILL", &group),
        }
        let _ = server.wait();
        let deadline = Instant::now() + PATIENCE;
        while group.iter().any(|&id| is_alive(id)) {
            assert!(Instant::now() < deadline, "Postgres does not end");
            thread::sleep(Duration::from_millis(2));
        }
    }

    /// Starts the stopped server with the same data, on the same port.
    ///
    /// # Panics
    /// If it does not start.
    pub fn start_again(&mut self) {
        let data = self.folder.join("data");
        let _ = fs::remove_file(data.join("postmaster.pid"));
        let log = fs::File::options().append(true).create(true).open(self.folder.join("log"));
        let log = log.expect("the folder is ours");
        let fsync = if self.fsync { "on" } else { "off" };
        let mut command = as_postgres(&programs().expect("it was found").join("postgres"));
        command.arg("-D").arg(&data).args(["-h", "127.0.0.1", "-p", &self.port.to_string()]);
        command.arg("-k").arg(&data);
        for setting in [
            &format!("fsync={fsync}"),
            "max_connections=60",
            "shared_buffers=32MB",
            "max_wal_size=256MB",
            "checkpoint_timeout=10min",
            "autovacuum_naptime=5s",
            // A crash shall end in a recovery that the test sees.
            "restart_after_crash=off",
        ] {
            command.args(["-c", setting]);
        }
        // Of two that name the same, the last one counts.
        for setting in &self.settings {
            command.args(["-c", setting]);
        }
        command.stdin(Stdio::null()).stdout(log.try_clone().expect("a file")).stderr(log);
        self.server = Some(command.spawn().expect("postgres was found"));
        self.wait_until_ready();
    }

    fn wait_until_ready(&mut self) {
        let deadline = Instant::now() + PATIENCE;
        let status = self.folder.join("data/postmaster.pid");
        loop {
            // The last line says so as soon as connections are taken.
            let is_ready = fs::read_to_string(&status)
                .is_ok_and(|text| text.lines().nth(7).is_some_and(|line| line.trim() == "ready"));
            if is_ready && TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).is_ok() {
                return;
            }
            let ended = self.server.as_mut().map(|server| server.try_wait().ok().flatten());
            assert!(!matches!(ended, Some(Some(_))), "Postgres ended: {}", self.log());
            assert!(Instant::now() < deadline, "Postgres does not start: {}", self.log());
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// Stops all its processes where they are, until [`go_on`](Self::go_on).
    pub fn pause(&self) {
        self.signal_all("STOP");
    }

    /// Lets a paused server go on.
    pub fn go_on(&self) {
        self.signal_all("CONT");
    }

    fn signal_all(&self, name: &str) {
        if let Some(server) = &self.server {
            signal(name, &processes_of(server.id()));
        }
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        // One that is paused could not end.
        self.go_on();
        if thread::panicking() {
            eprintln!("{}", last_lines(&self.log(), 20));
        }
        // Killed, it would leave shared memory behind.
        self.stop(Stop::Immediate);
        let _ = fs::remove_dir_all(&self.folder);
    }
}

fn last_lines(text: &str, count: usize) -> String {
    let lines: Vec<_> = text.lines().collect();
    lines[lines.len().saturating_sub(count)..].join("\n")
}

/// Where the programs are; looked up once.
fn programs() -> Option<&'static Path> {
    static PROGRAMS: OnceLock<Option<PathBuf>> = OnceLock::new();
    let find = || {
        let mut folders: Vec<PathBuf> =
            env::split_paths(&env::var_os("PATH").unwrap_or_default()).collect();
        let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
        folders.extend(versions.map(|version| version.path().join("bin")));
        tool::installed(tool::POSTGRES_BIN, &["postgres", "initdb"], folders)
    };
    PROGRAMS.get_or_init(find).as_deref()
}

/// An empty cluster of this process, copied for each server. It is made once, in a folder that the
/// first server's process leaves behind for the others of the same build.
fn template() -> Option<&'static Path> {
    static TEMPLATE: OnceLock<Option<PathBuf>> = OnceLock::new();
    let make = || {
        let programs = programs()?;
        let version = Command::new(programs.join("postgres")).arg("--version").output();
        let version = version.expect("postgres was found").stdout;
        let name: String = String::from_utf8_lossy(&version)
            .chars()
            .filter(|c| c.is_ascii_alphanumeric() || *c == '.')
            .collect();
        let ready = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
            .join("../../target")
            .join(format!("dewar-template-1-{name}"));
        let ready = match env::var_os("CARGO_TARGET_DIR") {
            Some(target) => PathBuf::from(target).join(format!("dewar-template-1-{name}")),
            None => ready,
        };
        if ready.join("data/PG_VERSION").exists() {
            return Some(ready);
        }
        let folder = new_folder();
        let mut initdb = as_postgres(&programs.join("initdb"));
        initdb.arg("-D").arg(folder.join("data"));
        // No password: whoever may connect to the loopback may read a test's sessions.
        initdb.args(["-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"]);
        // Small, because each server copies it.
        initdb.arg("--wal-segsize=1");
        run(&mut initdb);
        fs::create_dir_all(ready.parent().expect("it has one")).expect("the folder of the build");
        // Two processes may have made one each: the first is kept.
        let beside = ready.with_extension(process::id().to_string());
        run(Command::new("cp").arg("-a").arg(&folder).arg(&beside));
        let _ = fs::remove_dir_all(&folder);
        if fs::rename(&beside, &ready).is_err() {
            let _ = fs::remove_dir_all(&beside);
        }
        Some(ready)
    };
    TEMPLATE.get_or_init(make).as_deref()
}

/// Runs it to its end.
fn run(command: &mut Command) {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {said}");
}

/// The program as a user who may run it (Postgres refuses root), ended with this process.
fn as_postgres(program: &Path) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL"]);
    if is_root() {
        command.args(["--reuid", "postgres", "--regid", "postgres", "--clear-groups"]);
    }
    command.arg("--").arg(program).current_dir("/");
    command
}

fn is_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0)
}

fn new_folder() -> PathBuf {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    loop {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        // Short: the name of a UNIX socket has 107 bytes at most.
        let path = env::temp_dir().join(format!("dewar-pg-{}-{number}", process::id()));
        if fs::create_dir(&path).is_ok() {
            if is_root() {
                run(Command::new("chown").arg("postgres:").arg(&path));
            }
            return path;
        }
    }
}

fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port is free");
    listener.local_addr().expect("it is bound").port()
}

/// The process and its children; a server's have none of their own.
fn processes_of(id: u32) -> Vec<u32> {
    let children = fs::read_to_string(format!("/proc/{id}/task/{id}/children"));
    let children = children.unwrap_or_default();
    let children = children.split_whitespace().filter_map(|id| id.parse().ok());
    std::iter::once(id).chain(children).collect()
}

fn signal(name: &str, ids: &[u32]) {
    let ids = ids.iter().map(u32::to_string);
    // Some may have ended by now.
    let _ = Command::new("kill").arg(format!("-{name}")).args(ids).stderr(Stdio::null()).status();
}

/// Not a zombie either: one waits for its parent, and does nothing any more.
fn is_alive(id: u32) -> bool {
    let status = fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
    let state = status.rsplit(')').next().and_then(|rest| rest.trim().chars().next());
    !matches!(state, None | Some('Z' | 'X'))
}
