//! The test program runs itself as a process that may be killed.

use std::{
    env,
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

const ROLE: &str = "DEWAR_STORES_CHILD";

/// What the parent told this process, if it is a child.
pub fn role() -> Option<String> {
    env::var(ROLE).ok()
}

/// This program again, only the test `name`, which finds its [`role`].
pub fn command(name: &str, role: &str) -> Command {
    let mut command = Command::new(env::current_exe().unwrap());
    command.args(["--exact", name, "--nocapture"]).env(ROLE, role).stdout(Stdio::null());
    command
}

/// Waits until `ready`, and fails if the child ends or nothing happens for long.
pub fn wait_until(child: &mut Child, mut ready: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !ready() {
        assert_eq!(child.try_wait().unwrap(), None, "the child ended");
        assert!(Instant::now() < deadline, "the child does nothing");
        thread::sleep(Duration::from_millis(2));
    }
}

/// Kills with SIGKILL.
pub fn kill(mut child: Child) {
    child.kill().unwrap();
    child.wait().unwrap();
}

/// An open path, as text for a role.
pub fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}
