//! A network that misbehaves on demand: a TCP proxy on the loopback.

use std::{
    io::{self, Read, Write},
    net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

/// What the proxy does with what comes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// It hands everything on.
    #[default]
    Pass,
    /// It hands questions on, and swallows the answers.
    SwallowAnswers,
    /// It hands the next question on, and cuts its connection instead of handing the answer on; then
    /// it passes everything again.
    CutAtAnswer,
    /// It hands nothing on, and loses nothing: all goes on with the next mode.
    Stall,
    /// It takes no connection, and cuts those there are.
    Refuse,
}

/// A proxy before one address, on a free port. Dropping it cuts everything.
///
/// ```no_run
/// use dewar_testdata::proxy::{Mode, Proxy};
///
/// let proxy = Proxy::before(([127, 0, 0, 1], 5432).into());
/// println!("connect to port {}", proxy.port());
/// proxy.set(Mode::SwallowAnswers);
/// proxy.cut();
/// ```
#[derive(Debug)]
pub struct Proxy {
    port: u16,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    to: SocketAddr,
    mode: Mutex<Mode>,
    changed: Condvar,
    open: Mutex<Vec<TcpStream>>,
    swallowed: AtomicUsize,
    ended: AtomicBool,
}

impl Proxy {
    /// Starts one before this address.
    ///
    /// # Panics
    /// If no port is free.
    pub fn before(to: SocketAddr) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port is free");
        let port = listener.local_addr().expect("it is bound").port();
        let shared = Arc::new(Shared {
            to,
            mode: Mutex::default(),
            changed: Condvar::new(),
            open: Mutex::default(),
            swallowed: AtomicUsize::new(0),
            ended: AtomicBool::new(false),
        });
        let accepting = Arc::clone(&shared);
        thread::spawn(move || accept(&accepting, &listener));
        Self { port, shared }
    }

    /// Its port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// From now on it does this.
    pub fn set(&self, mode: Mode) {
        *lock(&self.shared.mode) = mode;
        self.shared.changed.notify_all();
        if mode == Mode::Refuse {
            self.cut();
        }
    }

    /// Cuts every connection there is.
    pub fn cut(&self) {
        for stream in lock(&self.shared.open).drain(..) {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }

    /// How often answers were swallowed, or cut off.
    pub fn swallowed(&self) -> usize {
        self.shared.swallowed.load(Ordering::SeqCst)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.shared.ended.store(true, Ordering::SeqCst);
        self.set(Mode::Refuse);
        // Its thread waits for a connection: here is one.
        let _ = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port));
    }
}

fn accept(shared: &Arc<Shared>, listener: &TcpListener) {
    for client in listener.incoming() {
        if shared.ended.load(Ordering::SeqCst) {
            return;
        }
        let Ok(client) = client else { continue };
        if *lock(&shared.mode) == Mode::Refuse {
            continue;
        }
        if let Ok(server) = TcpStream::connect(shared.to) {
            // A connection that cannot be set up is cut.
            let _ = begin(shared, client, server);
        }
    }
}

fn begin(shared: &Arc<Shared>, client: TcpStream, server: TcpStream) -> io::Result<()> {
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    let mut open = lock(&shared.open);
    open.push(client.try_clone()?);
    open.push(server.try_clone()?);
    drop(open);
    for (from, to, side) in [
        (client.try_clone()?, server.try_clone()?, Side::Questions),
        (server, client, Side::Answers),
    ] {
        let shared = Arc::clone(shared);
        thread::spawn(move || {
            let (mut from, mut to) = (from, to);
            let _ = hand_on(&shared, &mut from, &mut to, side);
            let _ = from.shutdown(Shutdown::Both);
            let _ = to.shutdown(Shutdown::Both);
        });
    }
    Ok(())
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Questions,
    Answers,
}

/// Until one side ends, or the mode says so.
fn hand_on(
    shared: &Shared,
    from: &mut TcpStream,
    to: &mut TcpStream,
    side: Side,
) -> io::Result<()> {
    let mut bytes = [0; 16 << 10];
    loop {
        let length = from.read(&mut bytes)?;
        if length == 0 {
            return Ok(());
        }
        let mut mode = shared.not_stalled();
        match (*mode, side) {
            (Mode::Refuse, _) => return Ok(()),
            (Mode::SwallowAnswers, Side::Answers) => {
                shared.swallowed.fetch_add(1, Ordering::SeqCst);
                continue;
            }
            (Mode::CutAtAnswer, Side::Answers) => {
                shared.swallowed.fetch_add(1, Ordering::SeqCst);
                *mode = Mode::Pass;
                return Ok(());
            }
            _ => {}
        }
        drop(mode);
        to.write_all(&bytes[..length])?;
    }
}

impl Shared {
    /// The mode, as soon as it is another one than `Stall`.
    fn not_stalled(&self) -> MutexGuard<'_, Mode> {
        let mut mode = lock(&self.mode);
        while *mode == Mode::Stall && !self.ended.load(Ordering::SeqCst) {
            let woken = self.changed.wait_timeout(mode, Duration::from_secs(1));
            mode = woken.unwrap_or_else(PoisonError::into_inner).0;
        }
        mode
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
