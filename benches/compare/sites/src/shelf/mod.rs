//! Stores that keep sessions in the memory of their process, filled without any request.

mod by_dewar;
mod by_hand;
mod by_tower_sessions;

use std::{error::Error, fs, io};

/// What each session holds: 200 bytes.
pub const SESSION: &str = r#"{"cart":["a1b2","c3d4","e5f6","g7h8"],"csrf":"9f86d081884c7d659a2feaa0c55ad015","email":"ada@example.org","locale":"en-GB","next":"/orders/2026/11","theme":"dark","user":"ada","user_id":10,"visits":1}"#;

/// A store, and the clock that its sessions go by.
pub trait Shelf {
    /// Begins one more session, in this generation. Those of the generations before are expired.
    ///
    /// # Errors
    /// If the store refuses it.
    fn keep(&mut self, generation: u32) -> Result<(), Box<dyn Error>>;
}

/// An empty store of this kind, with room for so many live sessions.
///
/// # Errors
/// If there is none of this name.
pub fn shelf(name: &str, room: usize) -> Result<Box<dyn Shelf>, Box<dyn Error>> {
    Ok(match name {
        "dewar-memory" => Box::new(by_dewar::shelf(room)?),
        "hand-memory" => Box::new(by_hand::shelf()),
        "tower-sessions-memory" => Box::new(by_tower_sessions::shelf()?),
        _ => {
            return Err(format!("{name}: no store of this name; sites/src/shelf lists them").into());
        }
    })
}

/// How much memory of this process is resident.
///
/// # Errors
/// If the system does not tell.
pub fn resident_bytes() -> io::Result<f64> {
    let status = fs::read_to_string("/proc/self/status")?;
    let kib = status.lines().find_map(|line| {
        line.strip_prefix("VmRSS:")?.split_whitespace().next()?.parse::<u32>().ok()
    });
    kib.map(|kib| f64::from(kib) * 1024.0)
        .ok_or_else(|| io::Error::other("/proc/self/status has no VmRSS"))
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_session_is_200_bytes_of_json() {
        assert_eq!(super::SESSION.len(), 200);
        serde_json::from_str::<serde_json::Value>(super::SESSION).unwrap();
    }
}
