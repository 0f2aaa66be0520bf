//! A Redis server to throw away: on a free port of the loopback interface, in a folder of its own.

use std::{
    io,
    net::{TcpListener, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::Duration,
};

/// It ends with this value, at once, and whenever this process does.
pub(crate) struct Redis {
    shell: Child,
    port: u16,
}

/// Waits for the end of its standard input, which comes however the meter ends, and kills.
const UNTIL_END: &str = r#"redis-server "$@" & cat >/dev/null; kill -KILL $!; wait"#;

impl Redis {
    pub(crate) fn start(folder: &Path) -> io::Result<Self> {
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let shell = Command::new("sh")
            .args(["-c", UNTIL_END, "sh", "--port", &port.to_string(), "--bind", "127.0.0.1"])
            .args(["--save", "", "--appendonly", "no", "--dir"])
            .arg(folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        let redis = Self { shell, port };
        for _ in 0..100 {
            if TcpStream::connect(("127.0.0.1", port)).is_ok() {
                return Ok(redis);
            }
            thread::sleep(Duration::from_millis(50));
        }
        Err(io::Error::other("redis-server does not listen: is it installed?"))
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        drop(self.shell.stdin.take());
        let _ = self.shell.wait();
    }
}
