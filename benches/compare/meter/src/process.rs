//! What the system tells of a server's processes: time on a processor, and memory.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs, io,
    path::Path,
};

/// A process and its descendants, as they are now.
pub(crate) fn tree(root: u32) -> Vec<u32> {
    let mut parents = Vec::new();
    for pid in numbers("/proc") {
        if let Some(parent) = parent(pid) {
            parents.push((pid, parent));
        }
    }
    let mut found = BTreeSet::from([root]);
    // Processes come in any order; a descendant is found once its parent was.
    loop {
        let before = found.len();
        for (pid, parent) in &parents {
            if found.contains(parent) {
                found.insert(*pid);
            }
        }
        if found.len() == before {
            return found.into_iter().collect();
        }
    }
}

/// Nanoseconds on a processor, of each thread of these processes.
///
/// # Errors
/// If the kernel does not count them.
pub(crate) fn on_cpu_ns(pids: &[u32]) -> io::Result<BTreeMap<(u32, u32), u64>> {
    let mut threads = BTreeMap::new();
    for pid in pids {
        for thread in numbers(format!("/proc/{pid}/task")) {
            let file = format!("/proc/{pid}/task/{thread}/schedstat");
            // A thread may end between the list and the look.
            let Ok(text) = fs::read_to_string(&file) else { continue };
            let ns = text.split(' ').next().and_then(|ns| ns.parse().ok());
            let ns = ns.ok_or_else(|| io::Error::other(format!("{file} holds {text:?}")))?;
            threads.insert((*pid, thread), ns);
        }
    }
    if threads.is_empty() {
        return Err(io::Error::other("no thread of the server tells its time in schedstat"));
    }
    Ok(threads)
}

/// How much more the threads of the second look have run than those of the first.
pub(crate) fn ran_ns(before: &BTreeMap<(u32, u32), u64>, after: &BTreeMap<(u32, u32), u64>) -> u64 {
    after.iter().map(|(thread, ns)| ns - before.get(thread).unwrap_or(&0)).sum()
}

/// The most memory that these processes ever had resident, in MiB, added up.
pub(crate) fn peak_mib(pids: &[u32]) -> f64 {
    let peak_kib = |pid: &u32| {
        let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
        line.split_whitespace().next()?.parse::<f64>().ok()
    };
    pids.iter().filter_map(peak_kib).sum::<f64>() / 1024.0
}

/// The entries of a folder whose names are numbers.
fn numbers(folder: impl AsRef<Path>) -> Vec<u32> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect()
}

/// The fourth field of `stat`; the second, a name in brackets, may hold anything.
fn parent(pid: u32) -> Option<u32> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit_once(") ")?.1.split(' ').nth(1)?.parse().ok()
}
